//! What the tests share: a catalog and short ways to ask for a plan.

mod catalog;

use std::collections::BTreeMap;

use limn_planner::{PlanError, Planner};
use limn_proto::{
    plan::{PlanSpec, RenderSpec},
    reason::Reason,
    v1::{
        Anchor, BatchRequest, Continuity, ImageGenerationPlan, ImageRequest, PlanNotes, PlanRequest, View,
        ViewSetRequest, plan_request::Work,
    },
};

pub(crate) use catalog::{catalog, parts};

/// An image with this prompt and nothing else.
pub(crate) fn image(prompt: &str) -> ImageRequest {
    ImageRequest {
        prompt: prompt.into(),
        ..ImageRequest::default()
    }
}

/// An image at this provider.
pub(crate) fn image_at(provider: &str) -> ImageRequest {
    ImageRequest {
        provider: provider.into(),
        ..image("a lighthouse")
    }
}

/// A request of the client "demo" for one image.
pub(crate) fn single(image: ImageRequest) -> PlanRequest {
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(Work::Image(image)),
        ..PlanRequest::default()
    }
}

/// A request of the client "demo" for several images.
pub(crate) fn batch(images: Vec<ImageRequest>) -> PlanRequest {
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(Work::Batch(BatchRequest {
            images,
            continuity: None,
        })),
        ..PlanRequest::default()
    }
}

/// A request of the client "demo" for a view set with this base and nothing else.
pub(crate) fn view_set(base: ImageRequest) -> ViewSetRequest {
    ViewSetRequest {
        base: Some(base),
        ..ViewSetRequest::default()
    }
}

/// A request of the client "demo" for this view set.
pub(crate) fn of_set(set: ViewSetRequest) -> PlanRequest {
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(Work::ViewSet(set)),
        ..PlanRequest::default()
    }
}

/// A view in words of its own; without a prompt it is the catalog's.
pub(crate) fn view(word: &str, prompt: &str) -> View {
    View {
        view: word.into(),
        prompt: prompt.into(),
        ..View::default()
    }
}

/// Continuity with these anchors, by name and description, and this hint.
pub(crate) fn continuity(anchors: &[(&str, &str)], hint: &str) -> Option<Continuity> {
    let anchor = |(name, description): &(&str, &str)| Anchor {
        name: (*name).into(),
        description: (*description).into(),
    };
    Some(Continuity {
        anchors: anchors.iter().map(anchor).collect(),
        previous_turn_hint: hint.into(),
    })
}

/// A map from pairs.
pub(crate) fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).into(), (*value).into()))
        .collect()
}

/// Names as a list of text.
pub(crate) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).into()).collect()
}

/// The plan or the refusal, with the fixture catalog.
pub(crate) fn plan(request: &PlanRequest) -> Result<ImageGenerationPlan, PlanError> {
    Planner::new(&catalog()).plan(request)
}

/// The content and the notes of a plan that must be possible.
pub(crate) fn planned(request: &PlanRequest) -> (PlanSpec, PlanNotes) {
    let plan = plan(request).unwrap_or_else(|error| panic!("refused: {error:#?}"));
    (plan.spec.unwrap(), plan.notes.unwrap())
}

/// The only step's primary target.
pub(crate) fn primary(request: &PlanRequest) -> RenderSpec {
    let (spec, _) = planned(request);
    spec.steps[0].targets[0].clone()
}

/// The refusal of a request that must not be possible.
pub(crate) fn refused(request: &PlanRequest) -> PlanError {
    plan(request).expect_err("the request should be refused")
}

/// Fields and reasons of a refusal, in order.
pub(crate) fn violations(error: &PlanError) -> Vec<(&str, Reason)> {
    error
        .violations
        .iter()
        .map(|violation| (violation.field.as_str(), violation.reason))
        .collect()
}

/// Every fidelity note as "target field outcome: detail".
pub(crate) fn fidelity(notes: &PlanNotes) -> Vec<String> {
    let notes = notes.fidelity.iter();
    let outcome = |note: &limn_proto::v1::FidelityNote| {
        note.outcome()
            .as_str_name()
            .trim_start_matches("FIDELITY_OUTCOME_")
            .to_lowercase()
    };
    notes
        .map(|note| {
            format!(
                "{} {} {}: {}",
                note.target,
                note.field,
                outcome(note),
                note.detail
            )
        })
        .collect()
}
