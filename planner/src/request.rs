//! From the message to checked values.
//!
//! Every wrong field is reported, and counts from there on as if it had not been given: one mistake
//! is one violation. After this door nothing is checked a second time.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};

use limn_proto::{
    name::parse_client_name,
    plan::{DocumentBinding, Label, PlanKind, RunPolicy},
    reason::Reason,
    v1::{BatchRequest, ImageRequest, PlanRequest, plan_request},
};

mod continuity;
mod document;
mod door;
mod enrich;
mod image;
mod policy;
mod views;

pub(crate) use image::{Field, ImageWish, SizeWish, reference_problem};

use crate::{
    catalog::Catalog,
    error::Problems,
    limits::{MAX_SESSION_BYTES, MAX_STEPS},
};
use continuity::ContinuityWish;
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

/// What the images of one request share.
struct Context<'c> {
    catalog: &'c Catalog,
    disable_fallback: bool,
}

/// Checks everything that does not depend on who draws. Of the catalog it needs the templates.
pub(crate) fn parse(request: &PlanRequest, catalog: &Catalog, problems: &mut Problems) -> Work {
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
    let policy = policy::parse(request.policy.as_ref(), catalog.currency(), &mut door);
    let context = Context {
        catalog,
        disable_fallback: policy.disable_fallback,
    };
    let mut document = None;
    let (kind, images) = match &request.work {
        Some(plan_request::Work::Image(image)) => {
            let wish = context.whole_image(image, "image".into(), 0, None, problems);
            (PlanKind::Single, alloc::vec![wish])
        }
        Some(plan_request::Work::Batch(batch)) => (PlanKind::Batch, context.batch(batch, problems)),
        Some(plan_request::Work::ViewSet(set)) => {
            let images = views::parse(set, request.variation, &context, problems);
            (PlanKind::ViewSet, images)
        }
        Some(plan_request::Work::Document(message)) => {
            let illustrated = document::parse(message, &context, problems);
            document = illustrated.binding;
            (PlanKind::Document, illustrated.images)
        }
        None => {
            let description = "is missing; give an image, a batch, a view set or a document";
            problems.add(Reason::InvalidRequest, "work", description);
            (PlanKind::Single, Vec::new())
        }
    };
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

impl Context<'_> {
    /// The images of a batch. One that is too long is refused and not looked into.
    fn batch(&self, batch: &BatchRequest, problems: &mut Problems) -> Vec<ImageWish> {
        let count = batch.images.len();
        if count > MAX_STEPS {
            let description = format!("has {count} images; a plan has at most {MAX_STEPS} steps");
            problems.add(Reason::TooManySteps, "batch.images", description);
            problems.note("max", format!("{MAX_STEPS}"));
            return Vec::new();
        }
        if count == 0 {
            let description = "is empty; ask for at least one image";
            problems.add(Reason::InvalidRequest, "batch.images", description);
        }
        let shared = continuity::parse(
            batch.continuity.as_ref(),
            "batch.continuity".into(),
            self.catalog.continuity(),
            problems,
        );
        let images = batch.images.iter().enumerate();
        images
            .map(|(index, image)| {
                let path = format!("batch.images[{index}]");
                self.whole_image(image, path, index, Some(&shared), problems)
            })
            .collect()
    }

    /// One image, enriched if it asks for that.
    fn whole_image(
        &self,
        message: &ImageRequest,
        path: String,
        index: usize,
        shared: Option<&ContinuityWish>,
        problems: &mut Problems,
    ) -> ImageWish {
        let mut wish = self.image(message, path, index, shared, problems);
        if message.enrich {
            enrich::apply(&mut wish, self.catalog, problems);
        }
        wish
    }

    /// One image with its continuity, as it is written. `index` counts from 0.
    fn image(
        &self,
        message: &ImageRequest,
        path: String,
        index: usize,
        shared: Option<&ContinuityWish>,
        problems: &mut Problems,
    ) -> ImageWish {
        let own_path = format!("{path}.continuity");
        let mut wish = image::parse(message, path, index, self.disable_fallback, problems);
        let templates = self.catalog.continuity();
        let own = continuity::parse(message.continuity.as_ref(), own_path.clone(), templates, problems);
        wish.continuity = match shared {
            Some(shared) => {
                if own.anchors.is_empty() && !shared.anchors.is_empty() {
                    wish.stands_at(image::Field::Anchors.name(), "batch.continuity.anchors".into());
                }
                own.below(shared, own_path, problems)
            }
            None => own,
        };
        if wish.continuity != ContinuityWish::default() {
            wish.keep_original();
        }
        wish
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
