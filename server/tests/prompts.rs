//! Every prompt that the shipped templates make, as it would be sent.
//!
//! `tests/fixtures/prompts.txt` is committed: a change of a template is looked at like code, for it makes other
//! pictures of the same request. `LIMN_UPDATE_GOLDENS=1 cargo test -p limn-server --test prompts` writes it anew.

#![cfg(test)]

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use limn_planner::{Catalog, CatalogProblem, Planner};
use limn_proto::{
    plan::{ImageType, Step},
    v1::{
        Anchor, Continuity, ImageGenerationPlan, ImageRequest, PlanRequest, View, ViewSetRequest,
        plan_request::Work,
    },
};
use limn_server::catalog::{Availability, SelectionOverrides, load};

const CATEGORIES: [&str; 5] = ["", "Footwear", "apparel", "furniture", "jewellery"];

fn configured(toml: &str) -> Result<Catalog, Vec<CatalogProblem>> {
    let enabled = Availability {
        enabled: true,
        reason: String::new(),
    };
    let available: BTreeMap<String, Availability> = ["openai", "sketch", "stability"]
        .map(|id| (id.to_owned(), enabled.clone()))
        .into();
    let table = toml.parse().expect("the configuration of a test is TOML");
    let layers = [("limn.toml".to_owned(), table)];
    load(&layers, &available, SelectionOverrides::default()).map(|loaded| loaded.catalog)
}

fn shipped() -> Catalog {
    configured("").unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn planned(catalog: &Catalog, work: Work) -> ImageGenerationPlan {
    let request = PlanRequest {
        parent: "clients/demo".into(),
        work: Some(work),
        ..PlanRequest::default()
    };
    let plan = Planner::new(catalog).plan(&request);
    plan.unwrap_or_else(|error| panic!("{error:#?}"))
}

fn steps(catalog: &Catalog, work: Work) -> Vec<Step> {
    planned(catalog, work).spec.unwrap().steps
}

/// A set of every view of the catalog.
fn every_view(category: &str, keywords: &[&str], provider: &str) -> Work {
    let keywords = keywords.iter().map(|word| (*word).to_owned());
    Work::ViewSet(ViewSetRequest {
        base: Some(ImageRequest {
            prompt: "Pink tennis shoes with white laces".into(),
            provider: provider.into(),
            ..ImageRequest::default()
        }),
        views: vec![View {
            view: "sole".into(),
            prompt: "the sole from below".into(),
            ..View::default()
        }],
        count: 9,
        keywords: keywords.collect(),
        category: category.into(),
    })
}

fn write_step(text: &mut String, step: &Step) {
    let render = &step.targets[0];
    let size = format!("{} x {}", render.width_px, render.height_px);
    writeln!(text, "{}, {size}, {:?}", step.step_id, render.style()).unwrap();
    for line in render.prompt.lines() {
        writeln!(text, "{}", format!("    {line}").trim_end()).unwrap();
    }
    if !render.negative_prompt.is_empty() {
        writeln!(text, "  without\n    {}", render.negative_prompt).unwrap();
    }
}

fn every_prompt() -> String {
    let catalog = shipped();
    let mut text = String::new();
    for category in CATEGORIES {
        writeln!(text, "## Views, category \"{category}\"\n").unwrap();
        for step in steps(&catalog, every_view(category, &[], "stability")) {
            write_step(&mut text, &step);
        }
        text.push('\n');
    }
    writeln!(text, "## Views with keywords, everything in the prompt\n").unwrap();
    for step in steps(&catalog, every_view("footwear", &["matte", "pastel"], "openai")) {
        write_step(&mut text, &step);
    }
    for provider in ["stability", "openai", "sketch"] {
        writeln!(text, "\n## Image types at {provider}\n").unwrap();
        for image_type in [
            ImageType::CharacterPortrait,
            ImageType::Scene,
            ImageType::Item,
            ImageType::BattleMap,
            ImageType::Product,
            ImageType::Illustration,
        ] {
            let image = ImageRequest {
                prompt: "the ruined lighthouse".into(),
                provider: provider.into(),
                image_type: image_type.into(),
                enrich: true,
                step_id: format!("type-{}", i32::from(image_type)),
                continuity: Some(Continuity {
                    anchors: vec![Anchor {
                        name: "Mira".into(),
                        description: "a tall woman with a red scarf".into(),
                    }],
                    previous_turn_hint: "Mira rowed out at dawn.".into(),
                }),
                ..ImageRequest::default()
            };
            for step in steps(&catalog, Work::Image(image)) {
                write_step(&mut text, &step);
            }
        }
    }
    text
}

#[expect(
    clippy::disallowed_methods,
    reason = "the switch of a person who updates the file"
)]
fn updating() -> bool {
    std::env::var_os("LIMN_UPDATE_GOLDENS").is_some_and(|value| value == "1")
}

#[test]
fn the_shipped_templates_make_the_prompts_of_the_golden() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/prompts.txt");
    let now = every_prompt();
    if updating() {
        fs::write(&path, &now).unwrap();
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    assert!(before == now, "LIMN_UPDATE_GOLDENS=1 accepts this:\n{now}");
}

#[test]
fn every_shipped_view_and_class_can_be_drawn_by_whoever_is_enabled() {
    let catalog = shipped();
    assert!((4..=16).contains(&catalog.views().order.len()));
    for provider in ["openai", "sketch", "stability"] {
        assert_eq!(steps(&catalog, every_view("", &[], provider)).len(), 9);
    }
}

#[test]
fn an_operator_adds_views_and_changes_words() {
    let catalog = configured(
        r#"
        [views]
        order = ["sole", "front", "side"]
        default_count = 2
        [views.templates.sole]
        prompt = "{description}, from below"
        [image_types.item]
        prompt = "One {prompt}"
        [continuity]
        anchor = "<{name}> {description}"
        "#,
    )
    .unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_ne!(catalog.digest(), shipped().digest());
    let set = ViewSetRequest {
        base: Some(ImageRequest {
            prompt: "Shoes".into(),
            ..ImageRequest::default()
        }),
        count: 1,
        ..ViewSetRequest::default()
    };
    let steps = steps(&catalog, Work::ViewSet(set));
    assert_eq!(steps[0].targets[0].prompt, "Shoes, from below");
}

#[test]
fn everything_that_is_wrong_with_templates_is_told_at_once() {
    let problems = configured(
        r#"
        [views]
        order = ["front", "inside"]
        [views.templates.front]
        prompt = "from the front"
        colour = "red"
        [image_types.item]
        style = "cubist"
        aspect_ratio = "wide"
        [image_types.poster]
        prompt = "{prompt}"
        "#,
    )
    .unwrap_err();
    // What each part says comes before what they say of each other.
    let paths: Vec<&str> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "views.templates.front.colour",
            "image_types.item.style",
            "image_types.item.aspect_ratio",
            "image_types.poster",
        ]
    );
    assert!(
        problems
            .iter()
            .all(|problem| problem.message.ends_with("(limn.toml)"))
    );
    let between = configured("[views]\norder = [\"front\"]\ndefault_count = 2").unwrap_err();
    assert!(
        between
            .iter()
            .any(|problem| problem.path == "views.default_count")
    );
    assert_eq!(between.len(), 1, "{between:#?}");
}
