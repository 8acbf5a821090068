//! Who draws an image, who stands in, and why.

use limn_planner::{Catalog, CatalogParts, Planner};
use limn_proto::{
    plan::{RunPolicy, Style},
    reason::Reason,
    v1::{ChoiceReason, ImageRequest, PlanRequest},
};

use crate::support::{image, image_at, names, parts, planned, refused, single, violations};

/// The chosen provider, the rule, and who was passed over.
fn chosen(request: &PlanRequest) -> (String, ChoiceReason, Vec<String>) {
    let (spec, notes) = planned(request);
    let choice = &notes.choices[0];
    assert_eq!(choice.provider, spec.steps[0].targets[0].provider);
    assert_eq!(choice.model, spec.steps[0].targets[0].model);
    assert!(!choice.explanation.is_empty());
    let passed = choice
        .passed_over
        .iter()
        .map(|passed| format!("{} {}", passed.provider, passed.reason));
    (choice.provider.clone(), choice.reason(), passed.collect())
}

/// Providers of the targets, the primary first.
fn targets(request: &PlanRequest) -> Vec<String> {
    let (spec, _) = planned(request);
    spec.steps[0]
        .targets
        .iter()
        .map(|target| target.provider.clone())
        .collect()
}

fn of_client(client: &str, image: ImageRequest) -> PlanRequest {
    PlanRequest {
        parent: format!("clients/{client}"),
        ..single(image)
    }
}

fn styled(style: Style) -> ImageRequest {
    ImageRequest {
        style: style.into(),
        ..image("a lighthouse")
    }
}

fn with_catalog(change: impl FnOnce(&mut CatalogParts)) -> Catalog {
    let mut parts = parts();
    change(&mut parts);
    Catalog::new(parts).unwrap()
}

#[test]
fn the_rules_are_asked_in_their_order() {
    let default = chosen(&single(image("x")));
    assert_eq!(default, ("sketch".into(), ChoiceReason::Default, vec![]));
    let by_style = chosen(&single(styled(Style::Editorial)));
    assert_eq!(by_style, ("inkwell".into(), ChoiceReason::StyleRule, vec![]));
    let other_style = chosen(&single(styled(Style::LineArt)));
    assert_eq!(other_style, ("sketch".into(), ChoiceReason::Default, vec![]));
    let by_client = chosen(&of_client("gallery", styled(Style::Cinematic)));
    assert_eq!(
        by_client,
        ("aurora".into(), ChoiceReason::ClientPreference, vec![])
    );
    let preferred = ImageRequest {
        preferred_provider: "mega".into(),
        ..image("x")
    };
    assert_eq!(
        chosen(&of_client("gallery", preferred.clone())).0,
        "mega",
        "the request goes before the catalog"
    );
    let explicit = ImageRequest {
        provider: "twin".into(),
        ..preferred
    };
    assert_eq!(
        chosen(&of_client("gallery", explicit)),
        ("twin".into(), ChoiceReason::Explicit, vec![])
    );
}

#[test]
fn a_preference_that_cannot_draw_is_passed_over_with_a_note() {
    let off = chosen(&of_client("night", styled(Style::Cinematic)));
    let passed = vec!["dark is switched off: no key is configured".into()];
    assert_eq!(off, ("inkwell".into(), ChoiceReason::StyleRule, passed));

    let unpriced = chosen(&single(ImageRequest {
        preferred_provider: "vague".into(),
        ..image("x")
    }));
    assert_eq!(unpriced.0, "sketch");
    assert_eq!(unpriced.2, ["vague has no known price for vague-1"]);

    let unfit = ImageRequest {
        preferred_provider: "mega".into(),
        ..styled(Style::Cinematic)
    };
    let (provider, reason, passed) = chosen(&single(unfit));
    assert_eq!((provider.as_str(), reason), ("inkwell", ChoiceReason::StyleRule));
    assert!(
        passed[0].starts_with("mega cannot draw it with pixels-1: style cinematic is not offered"),
        "{passed:?}"
    );
}

#[test]
fn a_model_alone_finds_its_provider_and_notes_the_others() {
    let (provider, reason, passed) = chosen(&single(ImageRequest {
        model: "pixels-1".into(),
        ..image("x")
    }));
    assert_eq!((provider.as_str(), reason), ("mega", ChoiceReason::Explicit));
    assert_eq!(
        passed,
        ["twin offers the model too; the first in order of the ids is taken"]
    );
}

#[test]
fn a_default_that_cannot_draw_refuses_with_its_own_problems() {
    let request = single(ImageRequest {
        negative_prompt: "fog".into(),
        ..image("x")
    });
    assert_eq!(
        violations(&refused(&request)),
        [("image.negative_prompt", Reason::UnsupportedParameter)]
    );
}

#[test]
fn when_nobody_is_left_the_answer_says_what_each_one_lacked() {
    let catalog = with_catalog(|parts| {
        parts.providers[0].enabled = false;
        parts.providers[0].disabled_reason = "switched off for the test".into();
    });
    let request = single(ImageRequest {
        preferred_provider: "vague".into(),
        ..image("x")
    });
    let error = Planner::new(&catalog).plan(&request).unwrap_err();
    assert_eq!(error.reason, Reason::NoEligibleProvider);
    let lacks: Vec<&str> = error
        .violations
        .iter()
        .map(|violation| violation.description.as_str())
        .collect();
    assert_eq!(
        lacks,
        [
            "vague has no known price for vague-1",
            "sketch is switched off: switched off for the test"
        ]
    );
}

#[test]
fn fallbacks_come_from_the_request_the_client_or_the_catalog() {
    assert_eq!(
        targets(&single(styled(Style::Cinematic))),
        ["inkwell", "aurora"],
        "the list of the catalog"
    );
    assert_eq!(
        targets(&of_client("gallery", image("x"))),
        ["aurora", "mega"],
        "the list of the client"
    );
    assert_eq!(
        targets(&single(image_at("inkwell"))),
        ["inkwell"],
        "none beside an explicit provider"
    );
    let requested = ImageRequest {
        fallback_providers: names(&["inkwell", "twin", "twin", "sketch"]),
        ..image_at("inkwell")
    };
    assert_eq!(
        targets(&single(requested)),
        ["inkwell", "twin", "sketch"],
        "without the primary and duplicates"
    );
    let off = PlanRequest {
        policy: Some(RunPolicy {
            disable_fallback: true,
            ..RunPolicy::default()
        }),
        ..single(styled(Style::Cinematic))
    };
    assert_eq!(targets(&off), ["inkwell"], "the policy turns them off");
}

#[test]
fn free_and_paid_never_stand_in_for_each_other_by_themselves() {
    // The list of the catalog names aurora and inkwell, which cost, and sketch, which does not.
    assert_eq!(targets(&single(image("x"))), ["sketch"]);
    assert_eq!(targets(&single(styled(Style::Cinematic))), ["inkwell", "aurora"]);
}

#[test]
fn a_fallback_that_cannot_draw_is_dropped_with_a_warning() {
    let request = single(ImageRequest {
        fallback_providers: names(&["dark", "mega"]),
        quality: 3,
        ..image_at("inkwell")
    });
    let (spec, notes) = planned(&request);
    assert_eq!(spec.steps[0].targets.len(), 1);
    let dropped = notes
        .warnings
        .iter()
        .filter(|warning| warning.code == "FALLBACK_DROPPED");
    let messages: Vec<&str> = dropped.map(|warning| warning.message.as_str()).collect();
    assert_eq!(messages.len(), 2);
    assert_eq!(
        messages[0],
        "dark cannot stand in: it is switched off: no key is configured"
    );
    assert!(
        messages[1].contains("quality high is not offered"),
        "{messages:?}"
    );
}
