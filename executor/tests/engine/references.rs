//! Pictures to draw from: they go along with the call, or nothing is reserved.

use limn_executor::{
    clock::UnixMicros,
    executor::Order,
    provider::CapabilityClass,
    records::{Balance, ExecutionRecord, ExecutionState, ImageDeletion, ImageFilter, Page},
    references::ImportError,
};
use limn_proto::{
    digest::sha256_hex,
    plan::{PlanSpec, Reference},
    reason::Reason,
};

use crate::{
    scripted::{Act, Scripted, picture},
    support::{PRICE_NANOS, Process, plan, spec},
};

/// A plan of one picture that is drawn from another one.
fn drawn_from(sha256: String) -> PlanSpec {
    let mut spec = spec(1, &["first"]);
    spec.steps[0].targets[0].references = vec![Reference {
        sha256,
        media_type: "image/png".to_owned(),
    }];
    spec
}

#[test]
fn a_call_gets_the_pictures_that_it_draws_from() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    let process = Process::start(folder.path(), std::slice::from_ref(&first));
    let content = picture(20, 10).body;
    let sha256 = sha256_hex(&content);
    for _ in 0..2 {
        let imported = process.block_on(process.executor.import_reference("tester", content.clone()));
        let imported = imported.unwrap();
        assert_eq!(imported.reference.sha256, sha256);
        assert_eq!((imported.width_px, imported.height_px), (20, 10));
    }

    let drawn = process.run(&plan(&drawn_from(sha256)), &Order::default());
    assert_eq!(drawn.state, ExecutionState::Completed);
    let seen = first.references.lock().unwrap().clone();
    assert_eq!(seen.len(), 1);
    assert_eq!((&seen[0].media_type[..], &seen[0].bytes), ("image/png", &content));
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS);
}

#[test]
fn without_its_picture_a_step_fails_before_anything_is_reserved() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    let process = Process::start(folder.path(), std::slice::from_ref(&first));
    let content = picture(20, 10).body;
    // Another client's picture is not this one's.
    process
        .block_on(process.executor.import_reference("somebody", content.clone()))
        .unwrap();
    let failed = process.run(&plan(&drawn_from(sha256_hex(&content))), &Order::default());
    assert_eq!(failed.state, ExecutionState::Failed);
    assert_eq!(
        failed.steps[0].failure.as_ref().unwrap().reason,
        Reason::ReferenceNotFound
    );
    assert!(failed.steps[0].attempts.is_empty());
    assert_eq!((first.calls(), process.balance()), (0, Balance::default()));
}

#[test]
fn what_the_client_drew_before_can_be_drawn_from_until_it_is_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    let process = Process::start(folder.path(), std::slice::from_ref(&first));
    process.run(&plan(&spec(1, &["first"])), &Order::default());
    let page = Page {
        limit: 10,
        after: None,
    };
    let all = ImageFilter::default();
    let records = process.executor.records();
    let images = || process.block_on(records.images("tester", &all, &page)).unwrap();
    let image = images().remove(0);

    // Nobody imported it, and it is found by what it is.
    let from = |seed: u32| {
        let mut spec = drawn_from(image.stored_sha256.clone());
        spec.steps[0].targets[0].seed = seed;
        plan(&spec)
    };
    let drawn = process.run(&from(11), &Order::default());
    assert_eq!(drawn.state, ExecutionState::Completed);
    let seen = first.references.lock().unwrap().clone();
    assert_eq!(sha256_hex(&seen[0].bytes), image.stored_sha256);

    // To another client it does not exist.
    let mut foreign = drawn_from(image.stored_sha256.clone());
    foreign.client = "somebody".to_owned();
    let failed = process.run(&plan(&foreign), &Order::default());
    let reason = |execution: &ExecutionRecord| execution.steps[0].failure.as_ref().unwrap().reason;
    assert_eq!(reason(&failed), Reason::ReferenceNotFound);

    // The second picture looks like the first, so both have the content that is asked for.
    for image in images() {
        let deletion = ImageDeletion {
            client: "tester".to_owned(),
            image: image.id,
            actor: "ada".to_owned(),
            reason: "a test".to_owned(),
            audit_id: uuid::Uuid::now_v7(),
            now: UnixMicros(image.created_at.0 + 1),
        };
        process
            .block_on(process.executor.delete_image(&deletion))
            .unwrap();
    }
    let failed = process.run(&from(12), &Order::default());
    assert_eq!(reason(&failed), Reason::ReferenceNotFound);
    assert_eq!(first.calls(), 2, "what cannot be sent whole is not sent");
}

#[test]
fn what_is_no_picture_is_not_taken_in() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    first.script([Act::Draw]);
    let process = Process::start(folder.path(), &[first]);
    for content in [&b""[..], b"<svg/>", b"\x89PNG\r\n\x1a\n"] {
        let refused = process.block_on(
            process
                .executor
                .import_reference("tester", content.to_vec().into()),
        );
        assert!(matches!(refused, Err(ImportError::Unusable(_))), "{refused:?}");
    }
    assert!(process.blobs("clients/").is_empty());
}
