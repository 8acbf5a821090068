//! Continuity: anchors are whole or the model is not used; the hint gives way.

use limn_proto::{
    reason::Reason,
    v1::{BatchRequest, Continuity, ImageRequest, PlanRequest, plan_request::Work},
};
use proptest::{collection::vec, prelude::*};

use crate::support::{
    batch, continuity, fidelity, image, image_at, names, of_set, planned, refused, single, view_set,
    violations,
};

/// Most characters of a prompt at `aurora`.
const LIMIT: usize = 2_000;

fn continued(provider: &str, anchors: &[(&str, &str)], hint: &str) -> ImageRequest {
    ImageRequest {
        continuity: continuity(anchors, hint),
        ..image_at(provider)
    }
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

#[test]
fn anchors_stand_before_the_prompt_and_the_hint_after_it() {
    let anchors = [("Mira", "a tall woman, red scarf"), ("the boat", "a blue dinghy")];
    let (spec, notes) = planned(&single(ImageRequest {
        negative_prompt: "fog".into(),
        ..continued("inkwell", &anchors, "Mira rowed out.")
    }));
    let step = &spec.steps[0];
    assert_eq!(
        step.targets[0].prompt,
        "Mira: a tall woman, red scarf\nthe boat: a blue dinghy\n\na lighthouse\n\nBefore: Mira rowed out.\n\nAvoid: fog."
    );
    assert_eq!(step.anchors, ["Mira", "the boat"]);
    assert_eq!(step.original_prompt, "a lighthouse");
    assert_eq!(
        fidelity(&notes)[1..],
        [
            "0 continuity.anchors mapped: stand whole before the prompt: Mira, the boat",
            "0 continuity.previous_turn_hint mapped: stands after the prompt",
        ]
    );
}

#[test]
fn an_image_without_continuity_is_as_it_was() {
    let plain = planned(&single(image_at("sketch"))).0;
    let empty = ImageRequest {
        continuity: Some(Continuity::default()),
        ..image_at("sketch")
    };
    assert_eq!(planned(&single(empty)).0, plain);
}

#[test]
fn the_hint_is_cut_at_a_sentence_and_the_cut_is_noted() {
    let prompt = "x".repeat(1_900);
    let hint = format!("The sea was calm. {}", "Waves came and went ".repeat(20));
    let wish = ImageRequest {
        prompt,
        ..continued("aurora", &[("Mira", "tall")], &hint)
    };
    let (spec, notes) = planned(&single(wish.clone()));
    let prompt = &spec.steps[0].targets[0].prompt;
    assert!(prompt.ends_with("\n\nBefore: The sea was calm."), "{prompt}");
    assert!(
        fidelity(&notes)[1].ends_with("stands after the prompt, cut to 17 of 417 characters"),
        "{:?}",
        fidelity(&notes)
    );

    // Without room for one sentence, words; without room for one word, nothing.
    let words = ImageRequest {
        prompt: "x".repeat(1_962),
        ..wish.clone()
    };
    let (spec, _) = planned(&single(words));
    let prompt = &spec.steps[0].targets[0].prompt;
    assert!(prompt.ends_with("\n\nBefore: The sea was"), "{prompt}");
    assert!(chars(prompt) <= LIMIT);
    let none = ImageRequest {
        prompt: "x".repeat(1_985),
        ..wish
    };
    let (spec, notes) = planned(&single(none));
    assert!(spec.steps[0].targets[0].prompt.ends_with("xx"));
    assert!(
        fidelity(&notes)[1].starts_with("0 continuity.previous_turn_hint refused: left out"),
        "{:?}",
        fidelity(&notes)
    );
}

#[test]
fn an_anchor_that_does_not_fit_refuses_the_primary_and_drops_a_fallback() {
    let long = "a".repeat(1_500);
    let wish = ImageRequest {
        prompt: "p".repeat(600),
        ..continued("aurora", &[("Mira", &long)], "")
    };
    let error = refused(&single(wish.clone()));
    assert_eq!(
        violations(&error),
        [("image.continuity.anchors", Reason::UnsupportedParameter)]
    );
    assert_eq!(
        error.violations[0].description,
        "need 1508 characters, and the prompt without them has 600; aurora-core takes at most 2000, and anchors \
         are never cut"
    );
    let (spec, notes) = planned(&single(ImageRequest {
        provider: "sketch".into(),
        fallback_providers: names(&["aurora"]),
        ..wish
    }));
    assert_eq!(spec.steps[0].targets.len(), 1);
    let dropped = notes
        .warnings
        .iter()
        .find(|it| it.code == "FALLBACK_DROPPED")
        .unwrap();
    assert!(
        dropped.message.contains("anchors are never cut"),
        "{}",
        dropped.message
    );
}

#[test]
fn exactly_at_the_limit_everything_fits() {
    // Anchor 6, gap 2, prompt, gap 2, frame of the hint 8, hint 5.
    let wish = |length: usize| ImageRequest {
        prompt: "p".repeat(length),
        ..continued("aurora", &[("A", "bcd")], "seen.")
    };
    let (spec, _) = planned(&single(wish(LIMIT - 23)));
    let prompt = &spec.steps[0].targets[0].prompt;
    assert_eq!(chars(prompt), LIMIT);
    assert!(prompt.ends_with("\n\nBefore: seen."));
    let (spec, _) = planned(&single(wish(LIMIT - 22)));
    assert!(spec.steps[0].targets[0].prompt.ends_with("pp"));
    let (spec, _) = planned(&single(wish(LIMIT - 8)));
    assert_eq!(chars(&spec.steps[0].targets[0].prompt), LIMIT);
    assert_eq!(
        violations(&refused(&single(wish(LIMIT - 7)))),
        [("image.continuity.anchors", Reason::UnsupportedParameter)]
    );
    assert_eq!(
        violations(&refused(&single(wish(LIMIT + 1)))),
        [("image.prompt", Reason::UnsupportedParameter)]
    );
}

fn continued_batch(shared: Option<Continuity>, images: Vec<ImageRequest>) -> PlanRequest {
    PlanRequest {
        work: Some(Work::Batch(BatchRequest {
            images,
            continuity: shared,
        })),
        ..batch(Vec::new())
    }
}

#[test]
fn what_a_batch_says_holds_for_all_and_an_image_adds() {
    let shared = continuity(&[("Mira", "tall")], "It rained.");
    let images = vec![image("one"), continued("sketch", &[("Bo", "small")], "Sun.")];
    let (spec, _) = planned(&continued_batch(shared.clone(), images));
    assert_eq!(
        spec.steps[0].targets[0].prompt,
        "Mira: tall\n\none\n\nBefore: It rained."
    );
    assert_eq!(
        spec.steps[1].targets[0].prompt,
        "Mira: tall\nBo: small\n\na lighthouse\n\nBefore: Sun."
    );
    assert_eq!(spec.steps[1].anchors, ["Mira", "Bo"]);

    let twice = vec![continued("sketch", &[("Mira", "other")], "")];
    assert_eq!(
        violations(&refused(&continued_batch(shared, twice))),
        [(
            "batch.images[0].continuity.anchors[0].name",
            Reason::InvalidRequest
        )]
    );
    let long = "a".repeat(1_990);
    let too_long = vec![image_at("aurora"), image_at("aurora")];
    assert_eq!(
        violations(&refused(&continued_batch(
            continuity(&[("Mira", &long)], ""),
            too_long
        ))),
        [("batch.continuity.anchors", Reason::UnsupportedParameter)]
    );
}

#[test]
fn a_view_set_keeps_the_anchors_of_its_base() {
    let (spec, _) = planned(&of_set(view_set(continued(
        "sketch",
        &[("Logo", "a white fox")],
        "",
    ))));
    for step in &spec.steps {
        assert!(
            step.targets[0]
                .prompt
                .starts_with("Logo: a white fox\n\na lighthouse, ")
        );
        assert_eq!(step.original_prompt, "a lighthouse");
    }
}

#[test]
fn every_problem_of_continuity_is_named() {
    let error = refused(&single(continued(
        "sketch",
        &[
            ("", "x"),
            ("a\nb", "x"),
            ("Mira", " "),
            ("Mira", "y"),
            ("nul", "\0"),
            (&"n".repeat(65), "x"),
        ],
        &"h".repeat(4_001),
    )));
    let fields: Vec<_> = error.violations.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "image.continuity.previous_turn_hint",
            "image.continuity.anchors[0].name",
            "image.continuity.anchors[1].name",
            "image.continuity.anchors[2].description",
            "image.continuity.anchors[3].name",
            "image.continuity.anchors[4].description",
            "image.continuity.anchors[5].name",
        ]
    );
    let many: Vec<_> = (0..17).map(|number| format!("anchor {number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    assert_eq!(
        violations(&refused(&single(continued("sketch", &many, "")))),
        [("image.continuity.anchors", Reason::InvalidRequest)]
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anchors_are_whole_in_every_prompt_that_is_planned(
        descriptions in vec("[a-z\u{e9}。. {}]{1,700}x", 0..4),
        prompt in "[a-z ]{1,900}x",
        hint in "[a-z。.! ]{0,900}",
        provider in prop::sample::select(vec!["", "sketch", "inkwell", "aurora", "mega"]),
        fallback in prop::sample::select(vec!["aurora", "mega", "inkwell"]),
    ) {
        let names: Vec<_> = (0..descriptions.len()).map(|number| format!("anchor {number}")).collect();
        let pairs: Vec<_> = names.iter().zip(&descriptions).map(|(a, b)| (a.as_str(), b.as_str())).collect();
        let wish = ImageRequest {
            provider: provider.into(),
            prompt: prompt.clone(),
            continuity: continuity(&pairs, &hint),
            fallback_providers: vec![fallback.into()],
            ..image("")
        };
        match crate::support::plan(&single(wish)) {
            Err(error) => {
                prop_assert!(error.violations.iter().all(|it| it.field == "image.continuity.anchors"), "{error:?}");
            }
            Ok(plan) => {
                let spec = plan.spec.unwrap();
                for target in &spec.steps[0].targets {
                    for (name, description) in &pairs {
                        let whole = format!("{name}: {description}");
                        prop_assert!(target.prompt.contains(&whole));
                    }
                    prop_assert!(target.prompt.contains(&prompt));
                    let limit = if target.provider == "aurora" { LIMIT } else { 32_000 };
                    prop_assert!(chars(&target.prompt) <= limit);
                }
                prop_assert_eq!(&spec.steps[0].anchors, &names);
            }
        }
    }
}
