//! `ImageLibraryService`: finished images.

use std::{sync::Arc, time::Duration};

use futures::{Stream, stream};
use limn_executor::{
    blob::{BlobError, BlobKey, BlobStore},
    clock::UnixMicros,
    deletion::SweepOrder,
    detection::DetectError,
    ids::ImageId,
    records::{ImageDeletion, ImageFilter, ImageRecord},
    references::ImportError,
    snapshot,
};
use limn_proto::{
    name::Collection,
    plan::{ImageType, Reference},
    reason::Reason,
    v1::{
        self, DeleteImageRequest, DeleteImageResponse, DetectImageRequest, DetectImageResponse,
        GetImageRequest, GetImageResponse, ImageVerdict, ImportReferenceRequest, ImportReferenceResponse,
        IssueImageUrlsRequest, IssueImageUrlsResponse, ListImagesRequest, ListImagesResponse,
        ReadImageRequest, ReadImageResponse, ReviewImagesRequest, ReviewImagesResponse, SignedUrl,
        SweepOrphansRequest, SweepOrphansResponse, UpdateImageRequest, UpdateImageResponse,
        image_library_service_server::ImageLibraryService,
    },
};
use sha2::{Digest as _, Sha256};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Context,
    call::{Answers, Call},
    request::{Fields, client_of, same_client},
};
use crate::{
    paging::{Place, Query, page_and_one},
    refusal::Refusal,
};

mod review;
mod update;

/// Largest chunk of `ReadImage`.
const CHUNK_BYTES: u64 = 65_536;
/// Most names in one request for addresses.
const MAX_NAMES: usize = 100;
/// How long addresses work when nobody says.
const DEFAULT_TTL: Duration = Duration::from_secs(3600);
/// The longest that addresses may work.
const MAX_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Age of what a sweep looks at when nobody says.
const DEFAULT_MIN_AGE: Duration = Duration::from_secs(24 * 3600);
/// The youngest that a sweep looks at: a picture is stored and recorded long before.
const MIN_AGE: Duration = Duration::from_secs(3600);
/// The longest age that may be asked for.
const MAX_AGE: Duration = Duration::from_secs(366 * 24 * 3600);

/// Most characters of the one who decides.
const MAX_ACTOR_CHARS: usize = 256;
/// Most characters of a reason.
const MAX_REASON_CHARS: usize = 1024;

/// `ImageLibraryService`.
#[derive(Clone, Debug)]
pub(crate) struct ImageLibraryServer(pub(crate) Arc<Context>);

impl ImageLibraryServer {
    async fn record(&self, name: &str, client: &str, id: ImageId) -> Result<ImageRecord, Refusal> {
        let record = self.0.executor.records().image(client, id).await?;
        record.ok_or_else(|| Refusal::not_found(Collection::Images, name))
    }

    async fn get(&self, request: GetImageRequest) -> Result<GetImageResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.image("name", &request.name);
        let (client, id) = fields.finish(name)?;
        let record = self.record(&request.name, client, id).await?;
        Ok(GetImageResponse {
            image: Some(snapshot::image(&record)),
        })
    }

    async fn list(&self, request: ListImagesRequest) -> Result<ListImagesResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let filter = read_filter(&mut fields, request.filter.as_ref());
        let (client, size) = fields.finish(client.zip(size))?;
        if let Some(execution) = request.filter.as_ref().map(|filter| &filter.execution)
            && !execution.is_empty()
        {
            same_client("filter.execution", client, client_of(execution))?;
        }
        let query = Query::new(
            "ListImages",
            &ListImagesRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let place = self.0.pages.read(&query, &request.page_token)?;

        let page = page_and_one(size, place);
        let records = self.0.executor.records().images(client, &filter, &page).await?;
        let place = |record: &ImageRecord| Place {
            created_at: record.created_at,
            id: record.id.to_string(),
        };
        let encode = |record: &ImageRecord| Ok(snapshot::image(record));
        let (images, next_page_token) = self.0.pages.fill(&query, size, &records, encode, place)?;
        Ok(ListImagesResponse {
            images,
            next_page_token,
        })
    }

    async fn read(
        &self,
        request: ReadImageRequest,
    ) -> Result<impl Stream<Item = Result<ReadImageResponse, Refusal>> + Send + use<>, Refusal> {
        let mut fields = Fields::default();
        let name = fields.image("name", &request.name);
        let offset = u64::try_from(request.offset).ok();
        if offset.is_none() {
            fields.wrong("offset", "must not be negative");
        }
        let ((client, id), offset) = fields.finish(name.zip(offset))?;
        let record = self.record(&request.name, client, id).await?;
        let size = u64::try_from(record.size_bytes).unwrap_or_default();
        if offset > size {
            let what = format!("is past the end of the image, which has {size} bytes");
            return Err(Refusal::field(Reason::CursorOutOfRange, "offset", what).with("sizeBytes", size));
        }
        let key = key_of(&record.storage_key)?;
        let blobs = Arc::clone(self.0.executor.blobs());
        Ok(chunks(blobs, key, offset, size, record.stored_sha256))
    }

    async fn import(&self, request: ImportReferenceRequest) -> Result<ImportReferenceResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let client = fields.finish(client)?;
        let imported = self.0.executor.import_reference(client, request.content).await;
        let imported = imported.map_err(|error| match error {
            ImportError::Unusable(why) => Refusal::field(
                Reason::InvalidRequest,
                "content",
                format!("is no picture to draw from: {why}"),
            ),
            ImportError::Store(error) => Refusal::from(error),
        })?;
        Ok(ImportReferenceResponse {
            reference: Some(Reference {
                sha256: imported.reference.sha256,
                media_type: imported.reference.format.media_type().to_owned(),
            }),
            width_px: imported.width_px,
            height_px: imported.height_px,
            size_bytes: i64::try_from(imported.size_bytes).unwrap_or(i64::MAX),
        })
    }

    async fn detect(&self, request: DetectImageRequest) -> Result<DetectImageResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let client = fields.finish(client)?;
        let detected = self.0.executor.detect(client, request.content).await;
        let detected = detected.map_err(|error| match error {
            DetectError::Unusable(why) => Refusal::field(
                Reason::InvalidRequest,
                "content",
                format!("is no picture that can be looked for: {why}"),
            ),
            DetectError::Records(error) => Refusal::from(error),
        })?;
        Ok(DetectImageResponse {
            matches: detected.iter().map(snapshot::detected).collect(),
        })
    }

    async fn delete(&self, request: DeleteImageRequest) -> Result<DeleteImageResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.image("name", &request.name);
        let actor = fields.words("actor", &request.actor, MAX_ACTOR_CHARS);
        let reason = fields.words("reason", &request.reason, MAX_REASON_CHARS);
        let (((client, image), actor), reason) = fields.finish(name.zip(actor).zip(reason))?;
        let deletion = ImageDeletion {
            client: client.to_owned(),
            image,
            actor: actor.to_owned(),
            reason: reason.to_owned(),
            audit_id: Uuid::now_v7(),
            now: self.0.clock.now(),
        };
        match self.0.executor.delete_image(&deletion).await? {
            true => Ok(DeleteImageResponse {}),
            false => Err(Refusal::not_found(Collection::Images, &request.name)),
        }
    }

    async fn sweep(&self, request: SweepOrphansRequest) -> Result<SweepOrphansResponse, Refusal> {
        let mut fields = Fields::default();
        let older_than = match &request.min_age {
            None => Some(DEFAULT_MIN_AGE),
            Some(age) => u64::try_from(age.seconds).ok().map(Duration::from_secs),
        };
        let older_than = older_than.filter(|age| (MIN_AGE..=MAX_AGE).contains(age));
        if older_than.is_none() {
            fields.wrong("min_age", "must be 1 hour to 366 days");
        }
        let order = SweepOrder {
            older_than: fields.finish(older_than)?,
            dry_run: request.dry_run,
        };
        let found = self.0.executor.sweep(order).await?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Ok(SweepOrphansResponse {
            objects: number(found.objects),
            object_bytes: number(found.object_bytes),
            staged_answers: number(found.staged),
            records: number(found.records),
            images: found.images,
            missing_thumbnails: number(found.missing_copies),
            deletions: number(found.deletions),
            unfinished_uploads: number(found.unfinished),
        })
    }

    async fn issue(&self, request: IssueImageUrlsRequest) -> Result<IssueImageUrlsResponse, Refusal> {
        let (names, ttl) = read_names(&request)?;
        let expires_at = UnixMicros(self.0.clock.now().plus(ttl).seconds() * 1_000_000);
        let mut urls = Vec::new();
        for (name, client, id) in names {
            let record = self.record(name, client, id).await?;
            let thumbnails = record.thumbnails.iter().map(|thumbnail| &thumbnail.storage_key);
            let thumbnails = thumbnails.filter(|_| request.include_thumbnails);
            for storage_key in [&record.storage_key].into_iter().chain(thumbnails) {
                let key = key_of(storage_key)?;
                let url = self.0.executor.blobs().signed_url(&key, expires_at).await?;
                let url = url.ok_or_else(|| {
                    Refusal::new(
                        Reason::StoreUnavailable,
                        "no address of the server is known: it does not listen",
                    )
                })?;
                urls.push(SignedUrl {
                    name: name.to_owned(),
                    storage_key: storage_key.clone(),
                    url,
                    expire_time: Some(snapshot::timestamp(expires_at)),
                });
            }
        }
        Ok(IssueImageUrlsResponse { urls })
    }
}

#[tonic::async_trait]
impl ImageLibraryService for ImageLibraryServer {
    type ReadImageStream = Answers<ReadImageResponse>;

    async fn get_image(
        &self,
        request: Request<GetImageRequest>,
    ) -> Result<Response<GetImageResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ImageLibraryService/GetImage", client_of(&request.name));
        call.unary(self.get(request)).await
    }

    async fn list_images(
        &self,
        request: Request<ListImagesRequest>,
    ) -> Result<Response<ListImagesResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.ImageLibraryService/ListImages",
            client_of(&request.parent),
        );
        call.unary(self.list(request)).await
    }

    async fn read_image(
        &self,
        request: Request<ReadImageRequest>,
    ) -> Result<Response<Self::ReadImageStream>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ImageLibraryService/ReadImage", client_of(&request.name));
        call.streaming(self.read(request)).await
    }

    async fn review_images(
        &self,
        request: Request<ReviewImagesRequest>,
    ) -> Result<Response<ReviewImagesResponse>, Status> {
        let request = request.into_inner();
        let parent = client_of(&request.parent).to_owned();
        let call = Call::begin("limn.v1.ImageLibraryService/ReviewImages", &parent);
        call.unary(self.review(request)).await
    }

    async fn update_image(
        &self,
        request: Request<UpdateImageRequest>,
    ) -> Result<Response<UpdateImageResponse>, Status> {
        let request = request.into_inner();
        let name = request.image.as_ref().map_or("", |image| &image.name);
        let client = client_of(name).to_owned();
        let call = Call::begin("limn.v1.ImageLibraryService/UpdateImage", &client);
        call.unary(self.update(request)).await
    }

    async fn delete_image(
        &self,
        request: Request<DeleteImageRequest>,
    ) -> Result<Response<DeleteImageResponse>, Status> {
        let request = request.into_inner();
        let client = client_of(&request.name).to_owned();
        let call = Call::begin("limn.v1.ImageLibraryService/DeleteImage", &client);
        call.unary(self.delete(request)).await
    }

    async fn sweep_orphans(
        &self,
        request: Request<SweepOrphansRequest>,
    ) -> Result<Response<SweepOrphansResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ImageLibraryService/SweepOrphans", "");
        call.unary(self.sweep(request)).await
    }

    async fn import_reference(
        &self,
        request: Request<ImportReferenceRequest>,
    ) -> Result<Response<ImportReferenceResponse>, Status> {
        let request = request.into_inner();
        let parent = client_of(&request.parent).to_owned();
        let call = Call::begin("limn.v1.ImageLibraryService/ImportReference", &parent);
        call.unary(self.import(request)).await
    }

    async fn detect_image(
        &self,
        request: Request<DetectImageRequest>,
    ) -> Result<Response<DetectImageResponse>, Status> {
        let request = request.into_inner();
        let parent = client_of(&request.parent).to_owned();
        let call = Call::begin("limn.v1.ImageLibraryService/DetectImage", &parent);
        call.unary(self.detect(request)).await
    }

    async fn issue_image_urls(
        &self,
        request: Request<IssueImageUrlsRequest>,
    ) -> Result<Response<IssueImageUrlsResponse>, Status> {
        let request = request.into_inner();
        let first = request.names.first().map_or("", |name| client_of(name));
        let call = Call::begin("limn.v1.ImageLibraryService/IssueImageUrls", first);
        call.unary(self.issue(request)).await
    }
}

/// The bytes from `offset` to `size`; one empty chunk when there are none. A whole read compares their hash with the one
/// of the record before the last chunk goes out.
fn chunks(
    blobs: Arc<dyn BlobStore>,
    key: BlobKey,
    offset: u64,
    size: u64,
    stored_sha256: String,
) -> impl Stream<Item = Result<ReadImageResponse, Refusal>> + Send {
    let start = (Some(offset), Sha256::new());
    stream::try_unfold(start, move |(next, mut hash)| {
        let (blobs, key, stored_sha256) = (Arc::clone(&blobs), key.clone(), stored_sha256.clone());
        async move {
            let Some(at) = next else { return Ok(None) };
            let data = blobs.get_range(&key, at, CHUNK_BYTES.min(size - at)).await?;
            let end = at + data.len() as u64;
            if data.is_empty() && at < size {
                return Err(Refusal::internal(format!("{key} ends at byte {at} of {size}")));
            }
            hash.update(&data);
            if offset == 0 && end >= size && hex(&hash.clone().finalize()) != stored_sha256 {
                return Err(BlobError::Damaged(key).into());
            }
            let next = (end < size).then_some(end);
            Ok(Some((ReadImageResponse { data }, (next, hash))))
        }
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A key that we stored ourselves.
pub(super) fn key_of(storage_key: &str) -> Result<BlobKey, Refusal> {
    BlobKey::parse(storage_key)
        .ok_or_else(|| Refusal::internal(format!("an image is recorded under the key {storage_key:?}")))
}

type Named<'a> = (&'a str, &'a str, ImageId);

fn read_names(request: &IssueImageUrlsRequest) -> Result<(Vec<Named<'_>>, Duration), Refusal> {
    let mut fields = Fields::default();
    if request.names.is_empty() || request.names.len() > MAX_NAMES {
        let what = format!("must be 1 to {MAX_NAMES} names, not {}", request.names.len());
        fields.wrong("names", what);
    }
    let ttl = match &request.ttl {
        None => DEFAULT_TTL,
        Some(ttl) => {
            let given = u64::try_from(ttl.seconds)
                .ok()
                .zip(u32::try_from(ttl.nanos).ok())
                .filter(|(_, nanos)| *nanos < 1_000_000_000)
                .map(|(seconds, nanos)| Duration::new(seconds, nanos));
            given
                .filter(|ttl| (Duration::from_secs(1)..=MAX_TTL).contains(ttl))
                .unwrap_or_else(|| {
                    fields.wrong("ttl", "must be 1 second to 7 days");
                    DEFAULT_TTL
                })
        }
    };
    let mut names = Vec::new();
    for (index, name) in request.names.iter().enumerate().take(MAX_NAMES) {
        if let Some((client, id)) = fields.image(&format!("names[{index}]"), name) {
            names.push((name.as_str(), client, id));
        }
    }
    let names = fields.finish(Some(names))?;
    if let Some((_, first, _)) = names.first() {
        for (index, (_, client, _)) in names.iter().enumerate() {
            same_client(&format!("names[{index}]"), first, client)?;
        }
    }
    Ok((names, ttl))
}

fn read_filter(fields: &mut Fields, filter: Option<&v1::ImageFilter>) -> ImageFilter {
    let Some(filter) = filter else {
        return ImageFilter::default();
    };
    let mut image_types = Vec::new();
    for (index, number) in filter.image_types.iter().enumerate() {
        image_types.extend(fields.known::<ImageType>(&format!("filter.image_types[{index}]"), *number));
    }
    let verdict = fields.known::<ImageVerdict>("filter.verdict", filter.verdict);
    let execution = if filter.execution.is_empty() {
        None
    } else {
        fields.execution("filter.execution", &filter.execution)
    };
    for (key, value) in &filter.labels {
        if key.is_empty() || key.len() > 63 || value.len() > 256 {
            fields.wrong(
                "filter.labels",
                "have keys of 1 to 63 bytes and values of at most 256 bytes",
            );
        }
    }
    ImageFilter {
        session_id: fields.text("filter.session_id", &filter.session_id),
        image_types,
        provider: fields.text("filter.provider", &filter.provider),
        plan_digest: fields.digest("filter.plan_digest", &filter.plan_digest),
        execution: execution.map(|(_, id)| id),
        post_id: fields.text("filter.post_id", &filter.post_id),
        labels: filter
            .labels
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect(),
        review: verdict.and_then(review::filter),
        created_from: fields.time("filter.created_after_time", filter.created_after_time.as_ref()),
        created_before: fields.time("filter.created_before_time", filter.created_before_time.as_ref()),
    }
}
