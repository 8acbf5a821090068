//! What is found out about a picture and made of it: score, placeholder and copies, recorded and gone with it.

use std::sync::Arc;

use bytes::Bytes;
use limn_executor::{
    artifact::{Limits, Optimised, inspect_any},
    blob::BlobKey,
    clock::UnixMicros,
    executor::{Order, Settings},
    provider::CapabilityClass,
    quality::{MAX_BP, Part, SCORER},
    records::{CopyPurpose, ExecutionRecord, ImageDeletion, ImageRecord},
    score::PixelScorer,
    snapshot,
};
use uuid::Uuid;

use crate::{
    scripted::Scripted,
    support::{Process, plan, spec},
};

fn images(process: &Process, ended: &ExecutionRecord) -> Vec<ImageRecord> {
    let records = process.executor.records();
    let ids = ended.steps.iter().map(|step| step.image.unwrap());
    ids.map(|id| process.block_on(records.image("tester", id)).unwrap().unwrap())
        .collect()
}

#[test]
fn a_blank_picture_and_its_twin_are_recorded_with_their_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("easel", CapabilityClass::D);
    let process = Process::start_with(folder.path(), &[provider], |settings| Settings {
        scorer: Some(Arc::new(PixelScorer)),
        ..settings
    });
    let ended = process.run(&plan(&spec(2, &["easel"])), &Order::default());

    let images = images(&process, &ended);
    let [first, second] = &images[..] else {
        unreachable!()
    };
    for (image, distinctness) in [(first, MAX_BP), (second, 0)] {
        let shown = snapshot::image(image);
        let quality = shown.quality.unwrap();
        assert_eq!(quality.scorer, SCORER);
        assert_eq!(quality.worst_part, Part::Content.as_str());
        assert_eq!(quality.parts_bp[Part::Content.as_str()], 0);
        assert_eq!(quality.parts_bp[Part::Distinctness.as_str()], distinctness);
        assert_eq!(shown.quality_score_bp, Some(quality.score_bp));
        assert!(!shown.thumbhash.is_empty());
        assert_eq!(shown.optimised, None, "none is asked for");
    }
    let execution = snapshot::execution(&ended);
    for (step, image) in execution.steps.iter().zip(&images) {
        assert_eq!(step.attempts[0].quality_score_bp, image.quality_score_bp);
    }
    let records = process.executor.records();
    let usage = process
        .block_on(records.usage("tester", "USD", UnixMicros(0)))
        .unwrap();
    let scores = images.iter().map(|image| image.quality_score_bp.unwrap());
    assert_eq!(
        (usage[0].scored, usage[0].quality_bp),
        (2, scores.map(i64::from).sum())
    );
}

#[test]
fn copies_are_recorded_kept_and_deleted_with_their_picture() {
    for wanted in [Optimised::Png, Optimised::Webp, Optimised::Jpeg] {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("easel", CapabilityClass::D);
        let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], |settings| Settings {
            optimised: wanted,
            ..settings
        });
        let ended = process.run(&plan(&spec(1, &["easel"])), &Order::default());
        let image = images(&process, &ended).remove(0);

        let purposes: Vec<_> = image.thumbnails.iter().map(|copy| copy.purpose).collect();
        assert_eq!(purposes, [CopyPurpose::Thumbnail, CopyPurpose::Optimised]);
        let shown = snapshot::image(&image);
        assert_eq!(shown.thumbnails.len(), 1);
        let copy = shown.optimised.unwrap();
        assert_eq!(copy.media_type, wanted.format().unwrap().media_type());
        assert_eq!((copy.width_px, copy.height_px), (24, 16));
        let key = BlobKey::parse(&copy.storage_key).unwrap();
        let bytes: Bytes = process.block_on(process.executor.blobs().get(&key)).unwrap();
        assert_eq!(i64::try_from(bytes.len()).unwrap(), copy.size_bytes);
        let decoded = inspect_any(&bytes, &Limits::default()).unwrap();
        assert_eq!((decoded.width_px, decoded.height_px), (24, 16));

        assert_eq!(process.blobs("clients/tester/images/").len(), 3);
        let deletion = ImageDeletion {
            client: "tester".to_owned(),
            image: image.id,
            actor: "ada".to_owned(),
            reason: "asked for".to_owned(),
            audit_id: Uuid::now_v7(),
            now: image.created_at,
        };
        assert!(
            process
                .block_on(process.executor.delete_image(&deletion))
                .unwrap()
        );
        assert_eq!(process.blobs("clients/tester/images/"), Vec::<String>::new());
    }
}
