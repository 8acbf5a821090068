//! Pictures that are signed before they are stored: a crash between the object and its record, and what is there then.

use std::{fs, path::Path, sync::Arc};

use bytes::Bytes;
use limn_executor::{
    artifact::{Optimised, encode},
    blob::BlobKey,
    executor::{Order, Settings},
    ids::ImageId,
    plan::ImageFormat,
    provenance::{Identity, Marker, Signer},
    provider::CapabilityClass,
    records::{CopyPurpose, ExecutionRecord, ExecutionState, RecordStore as _, sqlite::SqliteRecords},
};
use limn_proto::digest::sha256_hex;

use crate::{
    scripted::{Act, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

fn signer(folder: &Path) -> Arc<Signer> {
    let (identity, _) = Identity::development(&folder.join("development.pem")).unwrap();
    Arc::new(Signer::new(&identity, None, false).unwrap())
}

fn signing(folder: &Path) -> impl FnOnce(Settings) -> Settings {
    let marker: Arc<dyn Marker> = signer(folder);
    move |settings| Settings {
        marker: Some(marker),
        ..settings
    }
}

/// Draws one picture with a process that signs.
fn draw(folder: &Path) -> (ExecutionRecord, Arc<Scripted>) {
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Draw]);
    let process = Process::start_with(folder, &[Arc::clone(&provider)], signing(folder));
    let ended = process.run(&plan(&spec(1, &["first"])), &Order::default());
    assert_eq!(ended.state, ExecutionState::Completed);
    process.block_on(process.executor.shutdown());
    process.crash();
    (ended, provider)
}

fn file_of(folder: &Path, execution: &ExecutionRecord) -> std::path::PathBuf {
    let image = ImageId::of_step(execution.id, "image-1");
    folder
        .join("blobs")
        .join(BlobKey::image("tester", image, ImageFormat::Png).as_str())
}

#[test]
fn a_stored_picture_is_signed_and_its_record_has_both_digests() {
    let folder = tempfile::tempdir().unwrap();
    let (ended, _) = draw(folder.path());
    let stored = Bytes::from(fs::read(file_of(folder.path(), &ended)).unwrap());
    let process = Process::start(folder.path(), &[Scripted::new("first", CapabilityClass::D)]);
    let image = ImageId::of_step(ended.id, "image-1");
    let record = process
        .block_on(process.executor.records().image("tester", image))
        .unwrap()
        .unwrap();
    assert_eq!(record.stored_sha256, sha256_hex(&stored));
    assert_ne!(record.rendered_sha256, record.stored_sha256);
    assert_eq!(usize::try_from(record.size_bytes).unwrap(), stored.len());
    let credentials = signer(folder.path()).read(&stored, ImageFormat::Png);
    let claim = credentials.claim.unwrap();
    assert_eq!(claim.rendered_sha256, record.rendered_sha256);
    assert_eq!(claim.plan_digest, ended.plan_digest);
    assert_eq!(claim.digital_source_type, "trainedAlgorithmicMedia");
    assert!(record.assessment.fingerprint.is_some());
}

#[test]
fn a_copy_of_the_whole_picture_is_signed_and_a_small_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Draw]);
    let process = Process::start_with(folder.path(), &[provider], |settings| Settings {
        optimised: Optimised::Webp,
        ..signing(folder.path())(settings)
    });
    let ended = process.run(&plan(&spec(1, &["first"])), &Order::default());
    let image = ImageId::of_step(ended.id, "image-1");
    let record = process
        .block_on(process.executor.records().image("tester", image))
        .unwrap()
        .unwrap();
    let signer = signer(folder.path());
    let claims = record.thumbnails.iter().map(|copy| {
        let key = BlobKey::parse(&copy.storage_key).unwrap();
        let bytes = process.block_on(process.executor.blobs().get(&key)).unwrap();
        assert_eq!(i64::try_from(bytes.len()).unwrap(), copy.size_bytes);
        (
            copy.purpose,
            signer
                .read(&bytes, copy.format)
                .claim
                .map(|claim| claim.rendered_sha256),
        )
    });
    assert_eq!(
        claims.collect::<Vec<_>>(),
        [
            (CopyPurpose::Thumbnail, None),
            (CopyPurpose::Optimised, Some(record.rendered_sha256.clone())),
        ]
    );
}

/// A process that finds an answer staged and received, and under the key of its picture what a process before it left
/// there; returns the execution, what is stored then, and what that process had left.
fn recovered(leave: impl FnOnce(Bytes) -> Bytes) -> (ExecutionRecord, Bytes, Bytes, Arc<Scripted>) {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::Draw]);
    let plan = plan(&spec(1, &["first"]));
    // The store of this process cannot be written where pictures go: it dies between answer and picture.
    let images = folder.path().join("blobs/clients/tester");
    fs::create_dir_all(&images).unwrap();
    fs::write(images.join("images"), "in the way").unwrap();
    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], signing(folder.path()));
    let execution = process.block_on(async {
        let submitted = process.executor.submit(&plan, &Order::default()).await.unwrap();
        submitted.execution.id
    });
    process.until(execution, |record| {
        let attempt = record.steps[0].attempts.first();
        attempt.is_some_and(|attempt| attempt.received_at.is_some())
    });
    process.crash();
    fs::remove_file(images.join("images")).unwrap();

    // What the process before would have stored, had it died a moment later.
    let records = tokio::runtime::Runtime::new().unwrap();
    let record = records.block_on(async {
        let records = SqliteRecords::open(&folder.path().join("limn.db")).await.unwrap();
        let record = records.execution("tester", execution).await.unwrap().unwrap();
        records.close().await;
        record
    });
    let staged = folder
        .path()
        .join("blobs/staging")
        .join(record.steps[0].attempts[0].id.to_string());
    let rendered = Bytes::from(fs::read(staged).unwrap());
    let image = ImageId::of_step(execution, "image-1");
    let facts = limn_executor::provenance::Facts {
        source_type: limn_executor::provenance::SourceType::TrainedAlgorithmicMedia,
        provider: "first".to_owned(),
        model: "model-1".to_owned(),
        model_version: String::new(),
        plan_digest: plan.digest.clone(),
        execution: format!("clients/tester/executions/{execution}"),
        image: format!("clients/tester/images/{image}"),
        rendered_sha256: sha256_hex(&rendered),
        generated_at: limn_executor::clock::UnixMicros(1_000_000),
        prompt: String::new(),
    };
    let signed = signer(folder.path())
        .mark(&rendered, ImageFormat::Png, &facts)
        .unwrap();
    let left = leave(signed);
    let file = file_of(folder.path(), &record);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, &left).unwrap();

    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], signing(folder.path()));
    let ended = process.block_on(process.rest(record));
    if let Some(image) = process
        .block_on(process.executor.records().image("tester", image))
        .unwrap()
    {
        assert_eq!(
            image.stored_sha256,
            sha256_hex(&left),
            "the record is that of what is stored"
        );
        assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
    }
    process.block_on(process.executor.shutdown());
    process.crash();
    let stored = Bytes::from(fs::read(file).unwrap());
    (ended, stored, left, provider)
}

#[test]
fn an_object_that_another_signature_was_put_into_before_the_crash_is_taken_as_it_is() {
    let (ended, stored, left, provider) = recovered(|signed| signed);
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!(stored, left);
    assert_eq!(provider.calls(), 1, "nothing is paid twice");
}

#[test]
fn an_object_of_a_version_that_did_not_sign_is_taken_as_it_is() {
    let (ended, stored, left, provider) = recovered(|signed| {
        let picture = image::load_from_memory(&signed).unwrap();
        Bytes::from(encode(&picture, ImageFormat::Png, 100).unwrap())
    });
    assert_eq!(ended.state, ExecutionState::Completed);
    assert_eq!((stored, provider.calls()), (left, 1));
}
