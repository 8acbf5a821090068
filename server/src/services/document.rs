//! `DocumentService`: finished images in the place of their prompts.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use limn_document::{AssembleError, Binding, Filling, Form, Picture, Place, Source, assemble};
use limn_executor::{
    blob::BlobKey,
    clock::UnixMicros,
    ids::ImageId,
    records::{ExecutionRecord, ImageFilter, ImageRecord, Page, StepRecord, ThumbnailRecord},
    snapshot,
};
use limn_planner::{MAX_DOCUMENT_BYTES, canonical};
use limn_proto::{
    digest::digest_hex,
    name::{Collection, resource_name},
    plan::{DocumentBinding, DocumentSlot, MarkerForm, PlanSpec, SlotPlace, Step},
    reason::Reason,
    v1::{
        AssembleDocumentRequest, AssembleDocumentResponse, LinkStyle, PlacedImage, UnfilledSlot,
        document_service_server::DocumentService,
    },
};
use pbjson_types::Duration as WireDuration;
use tonic::{Request, Response, Status};

use super::{
    Context,
    call::Call,
    image_library::key_of,
    request::{Fields, client_of},
};
use crate::refusal::Refusal;

/// How long signed addresses work when nobody says.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);
/// The longest that they may work.
const MAX_TTL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Longest path before the names of files in bytes.
const MAX_PREFIX_BYTES: usize = 1_024;
/// Images that are read from the records at once: as many as an execution has, re-rolls included.
const IMAGES_PER_PAGE: u32 = 1_000;
/// Digits of the content's SHA-256 in the name of a file.
const SHORT_DIGEST: usize = 12;

/// `DocumentService`.
#[derive(Clone, Debug)]
pub(crate) struct DocumentServer(pub(crate) Arc<Context>);

/// What is written as the address of an image.
enum Links {
    StorageKey,
    Public,
    Signed(UnixMicros),
    File(String),
}

impl DocumentServer {
    async fn assemble(&self, request: AssembleDocumentRequest) -> Result<AssembleDocumentResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.execution("execution", &request.execution);
        let links = self.read_links(&request, &mut fields);
        if request.content.is_empty() || request.content.len() > MAX_DOCUMENT_BYTES {
            let length = request.content.len();
            fields.wrong(
                "content",
                format!("must have 1 to {MAX_DOCUMENT_BYTES} bytes, not {length}"),
            );
        }
        let ((client, id), links) = fields.finish(name.zip(links))?;
        let records = self.0.executor.records();
        let Some(execution) = records.execution(client, id).await? else {
            return Err(self.0.missing_execution(client, id, &request.execution).await);
        };
        let spec = self.plan_of(&execution).await?;
        let Some(document) = &spec.document else {
            let what = "is of a plan without a document; plan the document first";
            return Err(Refusal::field(Reason::InvalidRequest, "execution", what));
        };

        let images = self.images_of(&execution).await?;
        let mut answer = AssembleDocumentResponse::default();
        let mut fillings = Vec::with_capacity(spec.steps.len());
        for (step, status) in spec.steps.iter().zip(&execution.steps) {
            let slot = step
                .slot
                .as_ref()
                .ok_or_else(|| Refusal::internal("a step without a slot"))?;
            match status.image.and_then(|image| images.get(&image)) {
                Some(image) => {
                    let picture = self.picture(image, &links, request.include_thumbnails).await?;
                    answer.images.push(PlacedImage {
                        step_id: step.step_id.clone(),
                        image: resource_name(client, Collection::Images, &image.id.to_string()),
                        address: picture.address.clone(),
                    });
                    fillings.push(filling(slot, picture)?);
                }
                None => answer.unfilled.push(unfilled(step, slot, status)),
            }
        }
        let assembled = assemble(&request.content, &binding(document), &fillings).map_err(refused)?;
        answer.content = assembled.into();
        Ok(answer)
    }

    async fn plan_of(&self, execution: &ExecutionRecord) -> Result<PlanSpec, Refusal> {
        let hex = digest_hex(&execution.plan_digest)
            .ok_or_else(|| Refusal::internal(format!("{:?} is no digest", execution.plan_digest)))?;
        let plan = self.0.executor.records().plan(&execution.client, hex).await?;
        let plan = plan.ok_or_else(|| {
            Refusal::not_found(
                Collection::Plans,
                &resource_name(&execution.client, Collection::Plans, hex),
            )
        })?;
        canonical::from_bytes(&plan.canonical_bytes).map_err(Refusal::internal)
    }

    /// The images of the steps. Those that another execution recorded are read one by one.
    async fn images_of(
        &self,
        execution: &ExecutionRecord,
    ) -> Result<BTreeMap<ImageId, ImageRecord>, Refusal> {
        let records = self.0.executor.records();
        let filter = ImageFilter {
            execution: Some(execution.id),
            ..ImageFilter::default()
        };
        let page = Page {
            limit: IMAGES_PER_PAGE,
            after: None,
        };
        let images = records.images(&execution.client, &filter, &page).await?;
        let mut images: BTreeMap<ImageId, ImageRecord> =
            images.into_iter().map(|image| (image.id, image)).collect();
        for id in execution.steps.iter().filter_map(|step| step.image) {
            if !images.contains_key(&id)
                && let Some(image) = records.image(&execution.client, id).await?
            {
                images.insert(id, image);
            }
        }
        Ok(images)
    }

    async fn picture(
        &self,
        image: &ImageRecord,
        links: &Links,
        with_copies: bool,
    ) -> Result<Picture, Refusal> {
        let address = match links {
            Links::File(prefix) => format!("{prefix}{}", file_name(image)),
            _ => self.address(&image.storage_key, &image.public_url, links).await?,
        };
        let mut sources = Vec::new();
        if with_copies {
            let mut copies: Vec<&ThumbnailRecord> = image
                .thumbnails
                .iter()
                .filter(|copy| is_smaller(copy, image))
                .collect();
            copies.sort_by_key(|copy| copy.width_px);
            copies.dedup_by_key(|copy| copy.width_px);
            for copy in copies {
                sources.push(Source {
                    address: self.address(&copy.storage_key, &copy.public_url, links).await?,
                    width_px: copy.width_px,
                });
            }
        }
        Ok(Picture {
            address,
            alt: image.description.alt_text.clone(),
            caption: image.description.caption.clone(),
            width_px: image.width_px,
            height_px: image.height_px,
            sources,
        })
    }

    async fn address(&self, storage_key: &str, public_url: &str, links: &Links) -> Result<String, Refusal> {
        match links {
            Links::StorageKey | Links::File(_) => Ok(storage_key.to_owned()),
            Links::Public if public_url.is_empty() => Err(Refusal::field(
                Reason::InvalidRequest,
                "link_style",
                format!(
                    "asks for public addresses, but {storage_key} has none: the store was private when it was stored; \
                     choose another style"
                ),
            )),
            Links::Public => Ok(public_url.to_owned()),
            Links::Signed(expires_at) => {
                let key: BlobKey = key_of(storage_key)?;
                let url = self.0.executor.blobs().signed_url(&key, *expires_at).await?;
                url.ok_or_else(|| {
                    Refusal::new(
                        Reason::StoreUnavailable,
                        "no address of the server is known: it does not listen",
                    )
                })
            }
        }
    }

    fn read_links(&self, request: &AssembleDocumentRequest, fields: &mut Fields) -> Option<Links> {
        let style = fields.known::<LinkStyle>("link_style", request.link_style)?;
        if style != LinkStyle::SignedUrl && request.url_ttl.is_some() {
            fields.wrong("url_ttl", "needs LINK_STYLE_SIGNED_URL");
        }
        if style != LinkStyle::File && !request.path_prefix.is_empty() {
            fields.wrong("path_prefix", "needs LINK_STYLE_FILE");
        }
        match style {
            LinkStyle::Unspecified | LinkStyle::StorageKey => Some(Links::StorageKey),
            LinkStyle::PublicUrl => Some(Links::Public),
            LinkStyle::SignedUrl => {
                let ttl = time_to_live(request.url_ttl.as_ref(), fields);
                let expires_at = self.0.clock.now().plus(ttl).seconds() * 1_000_000;
                Some(Links::Signed(UnixMicros(expires_at)))
            }
            LinkStyle::File => {
                let prefix = &request.path_prefix;
                if prefix.len() > MAX_PREFIX_BYTES || prefix.chars().any(char::is_control) {
                    let what =
                        format!("must have at most {MAX_PREFIX_BYTES} bytes and no control characters");
                    fields.wrong("path_prefix", what);
                }
                if request.include_thumbnails {
                    fields.wrong("include_thumbnails", "is not offered with LINK_STYLE_FILE");
                }
                Some(Links::File(prefix.clone()))
            }
        }
    }
}

#[tonic::async_trait]
impl DocumentService for DocumentServer {
    async fn assemble_document(
        &self,
        request: Request<AssembleDocumentRequest>,
    ) -> Result<Response<AssembleDocumentResponse>, Status> {
        let request = request.into_inner();
        let client = client_of(&request.execution).to_owned();
        let call = Call::begin("limn.v1.DocumentService/AssembleDocument", &client);
        call.unary(self.assemble(request)).await
    }
}

fn time_to_live(ttl: Option<&WireDuration>, fields: &mut Fields) -> Duration {
    let Some(ttl) = ttl else {
        return DEFAULT_TTL;
    };
    let given = u64::try_from(ttl.seconds).ok().map(Duration::from_secs);
    given
        .filter(|ttl| (Duration::from_secs(1)..=MAX_TTL).contains(ttl))
        .unwrap_or_else(|| {
            fields.wrong("url_ttl", "must be 1 second to 7 days");
            DEFAULT_TTL
        })
}

/// A name that depends on the step and the content only, so that the same picture has the same name after a rerun.
fn file_name(image: &ImageRecord) -> String {
    let short: String = image.stored_sha256.chars().take(SHORT_DIGEST).collect();
    format!("{}-{short}.{}", image.step_id, image.format.extension())
}

/// True for a copy of the same shape with fewer pixels: a cut one is no smaller version of the picture.
fn is_smaller(copy: &ThumbnailRecord, image: &ImageRecord) -> bool {
    let [copy_width, copy_height] = [copy.width_px, copy.height_px].map(u64::from);
    let [width, height] = [image.width_px, image.height_px].map(u64::from);
    // Sides are rounded to whole pixels.
    let difference = (copy_width * height).abs_diff(copy_height * width);
    copy_width < width && difference <= width.max(height)
}

fn filling(slot: &DocumentSlot, picture: Picture) -> Result<Filling, Refusal> {
    let form = match slot.form() {
        MarkerForm::Bracket => Form::Bracket,
        MarkerForm::MarkdownImage => Form::MarkdownImage,
        MarkerForm::Comment => Form::Comment,
        MarkerForm::Figure => Form::Figure,
        MarkerForm::Img => Form::Img,
        MarkerForm::ImgAlt => Form::ImgAlt,
        MarkerForm::Unspecified => return Err(Refusal::internal("a slot without a form")),
    };
    let place = match slot.place() {
        SlotPlace::Markdown => Place::Markdown,
        SlotPlace::HtmlBlock => Place::HtmlBlock,
        SlotPlace::HtmlInline => Place::HtmlInline,
        SlotPlace::Unspecified => return Err(Refusal::internal("a slot without a place")),
    };
    let [start, end] =
        [slot.start_byte, slot.end_byte].map(|byte| usize::try_from(byte).unwrap_or(usize::MAX));
    Ok(Filling {
        range: start..end,
        form,
        place,
        picture,
    })
}

fn unfilled(step: &Step, slot: &DocumentSlot, status: &StepRecord) -> UnfilledSlot {
    let failure = status.failure.as_ref().map(snapshot::failure);
    let (reason, message) = match (failure, status.image) {
        (Some(failure), _) => (failure.reason, failure.message),
        (None, Some(_)) => (
            Reason::ImageNotFound.as_str().to_owned(),
            "its image was deleted".to_owned(),
        ),
        (None, None) => (String::new(), "its step has not ended".to_owned()),
    };
    UnfilledSlot {
        step_id: step.step_id.clone(),
        line: slot.line,
        prompt: step.original_prompt.clone(),
        reason,
        message,
    }
}

fn binding(document: &DocumentBinding) -> Binding {
    Binding {
        sha256: document.sha256.clone(),
        size_bytes: usize::try_from(document.size_bytes).unwrap_or_default(),
    }
}

fn refused(error: AssembleError) -> Refusal {
    match error {
        AssembleError::Changed { .. } => {
            Refusal::field(Reason::DocumentChanged, "content", error.to_string())
        }
        // The bytes are those that were planned, so their slots are there.
        AssembleError::Unreadable(_) | AssembleError::NoSlot { .. } => Refusal::internal(error),
    }
}
