//! View sets: which views, what is asked for each of them, one seed for all.

use limn_proto::{
    digest::render_digest,
    plan::{ImageType, PlanKind, PlanSpec, QualityGate, RunPolicy, SeedMode, Step},
    reason::Reason,
    reroll,
    v1::{ImageRequest, PlanRequest, View, ViewSetRequest, plan_request::Work},
};
use proptest::{collection::vec, prelude::*, sample::subsequence};

use crate::support::{
    fidelity, image, image_at, names, of_set, parts, plan, planned, refused, single, view, view_set,
    violations,
};

const SHOES: &str = "Pink tennis shoes";

fn words(spec: &PlanSpec) -> Vec<&str> {
    spec.steps.iter().map(|step| step.view.as_str()).collect()
}

fn prompt(step: &Step) -> &str {
    &step.targets[0].prompt
}

fn shoes_at(provider: &str) -> ImageRequest {
    ImageRequest {
        prompt: SHOES.into(),
        ..image_at(provider)
    }
}

#[test]
fn a_set_is_the_first_views_of_the_catalog_with_one_seed() {
    let (spec, notes) = planned(&of_set(view_set(image(SHOES))));
    assert_eq!(spec.kind(), PlanKind::ViewSet);
    assert_eq!(words(&spec), ["front", "side", "back", "top"]);
    for step in &spec.steps {
        assert_eq!(step.step_id, step.view);
        assert_eq!(step.original_prompt, SHOES);
        assert_eq!(step.image_type(), ImageType::Product);
        assert_eq!(prompt(step), format!("{SHOES}, {} view.", step.view));
        assert_eq!(step.targets[0].seed, spec.steps[0].targets[0].seed);
        assert_eq!(step.targets[0].seed_mode(), SeedMode::Derived);
    }
    let digests: std::collections::BTreeSet<_> = notes.renders.iter().map(|it| &it.render_digest).collect();
    assert_eq!(digests.len(), 4, "one seed, and still four pictures");
    assert!(!spec.policy.unwrap().stop_on_first_error);
}

#[test]
fn keywords_and_category_stand_where_the_templates_say() {
    let (spec, _) = planned(&of_set(ViewSetRequest {
        keywords: names(&["matte", "studio light"]),
        category: " Footwear".into(),
        count: 5,
        ..view_set(image(SHOES))
    }));
    assert_eq!(
        prompt(&spec.steps[0]),
        "Pink tennis shoes, a Footwear, front view. matte, studio light."
    );
    assert_eq!(
        prompt(&spec.steps[4]),
        "Pink tennis shoes, stitching of the Footwear.",
        "the words for a category go before the others"
    );
}

#[test]
fn views_of_ones_own_go_first_and_the_catalog_fills_up() {
    let (spec, _) = planned(&of_set(ViewSetRequest {
        views: vec![
            view("sole", "the sole from below [wet]"),
            view("top", ""),
            view("side", "{description} in profile[, {category}]"),
        ],
        count: 5,
        ..view_set(image(SHOES))
    }));
    assert_eq!(words(&spec), ["sole", "top", "side", "front", "back"]);
    assert_eq!(
        prompt(&spec.steps[0]),
        "Pink tennis shoes, the sole from below [wet].",
        "words without the description are no template"
    );
    assert_eq!(prompt(&spec.steps[2]), "Pink tennis shoes in profile");
    let (alone, _) = planned(&of_set(ViewSetRequest {
        views: vec![view("sole", "the sole")],
        ..view_set(image(SHOES))
    }));
    assert_eq!(words(&alone), ["sole"]);
}

#[test]
fn a_view_that_is_asked_for_later_has_the_seed_of_the_first_ones() {
    let four = planned(&of_set(view_set(image(SHOES)))).0;
    let six = planned(&of_set(ViewSetRequest {
        count: 6,
        ..view_set(image(SHOES))
    }))
    .0;
    for (before, after) in four.steps.iter().zip(&six.steps) {
        assert_eq!(
            render_digest(&before.targets[0]),
            render_digest(&after.targets[0])
        );
    }
    assert_eq!(six.steps[5].targets[0].seed, four.steps[0].targets[0].seed);
    let varied = planned(&PlanRequest {
        variation: 1,
        ..of_set(view_set(image(SHOES)))
    })
    .0;
    assert_ne!(varied.steps[0].targets[0].seed, four.steps[0].targets[0].seed);
}

#[test]
fn a_seed_that_was_given_is_kept_by_every_view_and_never_rerolled() {
    let gate = |base: ImageRequest| PlanRequest {
        policy: Some(RunPolicy {
            quality_gate: Some(QualityGate {
                min_score_bp: 5000,
                max_rerolls: 2,
                accept_best: false,
            }),
            ..RunPolicy::default()
        }),
        ..of_set(view_set(base))
    };
    let given = planned(&gate(ImageRequest {
        seed: Some(7),
        ..image(SHOES)
    }));
    for step in &given.0.steps {
        assert_eq!(
            (step.targets[0].seed, step.targets[0].seed_mode()),
            (7, SeedMode::Given)
        );
    }
    assert_eq!(given.0.policy.unwrap().quality_gate.unwrap().max_rerolls, 0);
    let kept = given
        .1
        .warnings
        .iter()
        .filter(|it| it.code == "REROLLS_NEED_A_FREE_SEED");
    assert_eq!(kept.count(), 4);

    let (derived, _) = planned(&gate(image(SHOES)));
    let policy = derived.policy.unwrap();
    let mut digests = std::collections::BTreeSet::new();
    for step in &derived.steps {
        assert_eq!(reroll::most(step, policy.quality_gate.as_ref()), 2);
        for number in 0..=2 {
            digests.insert(render_digest(&reroll::render(&step.targets[0], number)));
        }
    }
    assert_eq!(
        digests.len(),
        12,
        "no drawing of one view is a drawing of another"
    );
}

#[test]
fn what_a_view_keeps_out_is_added_to_what_the_base_keeps_out() {
    let base = ImageRequest {
        negative_prompt: "dirt".into(),
        ..shoes_at("aurora")
    };
    let own = View {
        negative_prompt: "logo".into(),
        ..view("front", "")
    };
    let (spec, _) = planned(&of_set(ViewSetRequest {
        views: vec![view("side", ""), own.clone(), view("lifestyle", "")],
        ..view_set(base)
    }));
    let negatives: Vec<_> = spec
        .steps
        .iter()
        .map(|it| it.targets[0].negative_prompt.as_str())
        .collect();
    assert_eq!(negatives, ["dirt, people", "dirt, logo", "dirt"]);
    let (merged, _) = planned(&of_set(ViewSetRequest {
        views: vec![own.clone()],
        ..view_set(shoes_at("inkwell"))
    }));
    assert_eq!(
        prompt(&merged.steps[0]),
        "Pink tennis shoes, front view.\n\nAvoid: logo."
    );
    // What only a template keeps out refuses nobody; what the request keeps out does.
    let (free, notes) = planned(&of_set(view_set(shoes_at("sketch"))));
    assert_eq!(free.steps[0].targets[0].negative_prompt, "");
    assert!(
        fidelity(&notes)[0].contains("negative_prompt refused: the model takes no negative prompt; that of"),
        "{:?}",
        fidelity(&notes)
    );
    let error = refused(&of_set(ViewSetRequest {
        views: vec![view("side", ""), own],
        ..view_set(shoes_at("sketch"))
    }));
    assert_eq!(
        violations(&error),
        [("view_set.views[1].negative_prompt", Reason::UnsupportedParameter)]
    );
}

#[test]
fn every_problem_of_a_set_is_named_once_and_where_it_stands() {
    let error = refused(&of_set(ViewSetRequest {
        base: Some(ImageRequest {
            prompt: " ".into(),
            step_id: "mine".into(),
            quality: 99,
            ..image(SHOES)
        }),
        views: vec![
            view("Front", "x"),
            view("nowhere", ""),
            view("side", "{description} {colour}"),
            view("top", ""),
            view("top", ""),
        ],
        count: 17,
        keywords: names(&["", "fine"]),
        category: "c".repeat(65),
    }));
    let fields: Vec<_> = error.violations.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "view_set.category",
            "view_set.keywords[0]",
            "view_set.views[0].view",
            "view_set.views[1].view",
            "view_set.views[2].prompt",
            "view_set.views[4].view",
            "view_set.count",
            "view_set.base.step_id",
            "view_set.base.prompt",
            "view_set.base.quality",
        ]
    );
    let unknown = ImageRequest {
        provider: "nobody".into(),
        ..image(SHOES)
    };
    assert_eq!(
        violations(&refused(&of_set(view_set(unknown)))),
        [("view_set.base.provider", Reason::UnknownProvider)]
    );
    assert_eq!(
        violations(&refused(&of_set(ViewSetRequest::default()))),
        [("view_set.base", Reason::InvalidRequest)]
    );
}

#[test]
fn a_catalog_without_views_takes_views_of_ones_own() {
    let mut parts = parts();
    parts.views = Default::default();
    let catalog = limn_planner::Catalog::new(parts).unwrap();
    let planner = limn_planner::Planner::new(&catalog);
    let error = planner.plan(&of_set(view_set(image(SHOES)))).unwrap_err();
    assert_eq!(violations(&error), [("view_set.views", Reason::InvalidRequest)]);
    let own = ViewSetRequest {
        views: vec![view("sole", "the sole")],
        ..view_set(image(SHOES))
    };
    let plan = planner.plan(&of_set(own)).unwrap();
    assert_eq!(
        prompt(&plan.spec.unwrap().steps[0]),
        "Pink tennis shoes: the sole"
    );
}

#[test]
fn a_set_that_several_models_draw_is_told_of() {
    let long = "detail ".repeat(400);
    let set = ViewSetRequest {
        views: vec![view("front", ""), view("sole", &long)],
        ..view_set(ImageRequest {
            preferred_provider: "aurora".into(),
            ..image(SHOES)
        })
    };
    let (spec, notes) = planned(&of_set(set));
    assert_ne!(spec.steps[0].targets[0].model, spec.steps[1].targets[0].model);
    assert!(
        notes
            .warnings
            .iter()
            .any(|it| it.code == "VIEWS_BY_SEVERAL_MODELS")
    );
}

#[test]
fn a_view_stands_in_view_sets_only() {
    let verify = |change: fn(&mut PlanSpec), request: &PlanRequest| {
        let mut spec = plan(request).unwrap().spec.unwrap();
        change(&mut spec);
        limn_planner::canonical::verify(&spec).map_err(|error| error.violations[0].field.clone())
    };
    let set = of_set(view_set(image(SHOES)));
    let refused = Err("steps[0].view".to_owned());
    assert_eq!(verify(|_| {}, &set), Ok(()));
    assert_eq!(verify(|spec| spec.steps[0].view.clear(), &set), refused);
    let alone = single(image(SHOES));
    assert_eq!(
        verify(|spec| spec.steps[0].view = "front".into(), &alone),
        refused
    );
}

fn some_set() -> impl Strategy<Value = (PlanRequest, String)> {
    let words = vec!["front", "side", "sole", "box", "top"];
    (
        subsequence(words, 0..=5),
        "[a-z\u{e9} {}\\[\\]]{0,12}",
        "[a-z\u{e9}{}\\[\\] ]{1,20}x",
        proptest::option::of(0..100_u32),
        any::<u32>(),
        vec("[a-z]{1,8}", 0..3),
    )
        .prop_map(|(words, own, description, seed, variation, keywords)| {
            let views = words.into_iter().map(|word| view(word, &format!("{own}{word}")));
            let base = ImageRequest {
                seed,
                ..image(&description)
            };
            let set = ViewSetRequest {
                views: views.collect(),
                keywords,
                ..view_set(base)
            };
            let request = PlanRequest {
                variation,
                work: Some(Work::ViewSet(set)),
                ..of_set(ViewSetRequest::default())
            };
            (request, description)
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_view_has_the_seed_of_the_set_and_the_description(set in some_set()) {
        let (request, description) = set;
        let (spec, _) = planned(&request);
        let seed = spec.steps[0].targets[0].seed;
        for step in &spec.steps {
            prop_assert!(step.targets.iter().all(|target| target.seed == seed));
            prop_assert!(step.targets.iter().all(|target| target.prompt.contains(description.trim())));
            prop_assert_eq!(&step.original_prompt, &description);
        }
    }
}
