//! From the message to checked values.
//!
//! Every wrong field is reported, and counts from there on as if it had not been given: one mistake
//! is one violation. After this door nothing is checked a second time.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use limn_proto::{
    name::parse_client_name,
    plan::{DocumentBinding, Label, PlanKind, RunPolicy},
    reason::Reason,
    v1::{ImageRequest, PlanRequest, plan_request},
};

mod document;
mod door;
mod image;
mod policy;

pub(crate) use image::{Field, ImageWish, SizeWish, reference_problem};

use crate::{
    error::Problems,
    limits::{MAX_SESSION_BYTES, MAX_STEPS},
};
use door::Door;

/// A checked request.
#[derive(Debug)]
pub(crate) struct Work {
    /// Id of the client.
    pub client: String,
    /// Grouping key; may be empty.
    pub session_id: String,
    /// What was asked for.
    pub kind: PlanKind,
    /// Images in request order.
    pub images: Vec<ImageWish>,
    /// The policy with every default written out.
    pub policy: RunPolicy,
    /// Labels for every image, in order of the key.
    pub labels: Vec<Label>,
    /// Separator for derived seeds.
    pub variation: u32,
    /// Unix seconds; 0: no limit.
    pub not_after_unix: i64,
    /// The document that the prompts stand in.
    pub document: Option<DocumentBinding>,
}

/// Checks everything that can be checked without the catalog.
pub(crate) fn parse(request: &PlanRequest, currency: &str, problems: &mut Problems) -> Work {
    let mut door = Door::new(problems, String::new());
    let client = parse_client_name(&request.parent).unwrap_or_default();
    if client.is_empty() {
        door.refuse(
            "parent",
            "must be clients/{client}, where client is a lowercase letter and then up to 62 lowercase letters, \
             digits or hyphens",
        );
    }
    let session_id = door.text("session_id", &request.session_id, MAX_SESSION_BYTES);
    let labels = door.labels("labels", &request.labels);
    let not_after_unix = not_after(request, &mut door);
    let policy = policy::parse(request.policy.as_ref(), currency, &mut door);
    let (kind, messages) = images(request, problems);
    let mut images: Vec<ImageWish> = Vec::with_capacity(messages.len());
    for (index, message) in messages.iter().enumerate() {
        let path = match kind {
            PlanKind::Batch => format!("batch.images[{index}]"),
            _ => "image".into(),
        };
        images.push(image::parse(
            message,
            path,
            index,
            policy.disable_fallback,
            problems,
        ));
    }
    let mut document = None;
    if let Some(plan_request::Work::Document(message)) = &request.work {
        let illustrated = document::parse(message, policy.disable_fallback, problems);
        images = illustrated.images;
        document = illustrated.binding;
    }
    check_step_ids(&images, problems);
    Work {
        client: client.into(),
        session_id,
        kind,
        images,
        policy,
        labels,
        variation: request.variation,
        not_after_unix,
        document,
    }
}

/// The images of the request. A batch that is too long is refused and not looked into.
fn images<'r>(request: &'r PlanRequest, problems: &mut Problems) -> (PlanKind, &'r [ImageRequest]) {
    match &request.work {
        Some(plan_request::Work::Image(image)) => (PlanKind::Single, core::slice::from_ref(image)),
        Some(plan_request::Work::Batch(batch)) if batch.images.len() > MAX_STEPS => {
            let description = format!(
                "has {} images; a plan has at most {MAX_STEPS} steps",
                batch.images.len()
            );
            problems.add(Reason::TooManySteps, "batch.images", description);
            problems.note("max", format!("{MAX_STEPS}"));
            (PlanKind::Batch, &[])
        }
        Some(plan_request::Work::Batch(batch)) => {
            if batch.images.is_empty() {
                problems.add(
                    Reason::InvalidRequest,
                    "batch.images",
                    "is empty; ask for at least one image",
                );
            }
            (PlanKind::Batch, &batch.images)
        }
        Some(plan_request::Work::Document(_)) => (PlanKind::Document, &[]),
        None => {
            problems.add(
                Reason::InvalidRequest,
                "work",
                "is missing; give an image, a batch or a document",
            );
            (PlanKind::Single, &[])
        }
    }
}

fn not_after(request: &PlanRequest, door: &mut Door<'_>) -> i64 {
    let Some(time) = &request.not_after_time else {
        return 0;
    };
    if time.seconds <= 0 || !(0..1_000_000_000).contains(&time.nanos) {
        door.refuse(
            "not_after_time",
            "must be a time after 1970-01-01T00:00:00Z, with 0 to 999999999 nanos",
        );
        return 0;
    }
    time.seconds
}

fn check_step_ids(images: &[ImageWish], problems: &mut Problems) {
    let mut seen = BTreeSet::new();
    for image in images {
        if !seen.insert(image.step_id.as_str()) {
            let description = format!(
                "\"{}\" names two images; images without an id are image-1, image-2, ...",
                image.step_id
            );
            problems.add(Reason::InvalidRequest, image.path_of("step_id"), description);
        }
    }
}
