//! The S3 store against a real server process. `tests/run` installs the server; without it these tests say that they
//! were skipped.
//!
//! The server computes every signature again with the client library of AWS for Python, and honours the conditions of
//! puts, so both are checked here and not only believed. Nothing here speaks to Amazon or R2 themselves.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_executor::{
    blob::{
        BlobError, BlobKey, BlobMetadata, BlobStore,
        s3::{S3Settings, S3Store},
    },
    clock::{Clock, SystemClock, UnixMicros},
    conformance,
};
use limn_fakes::storage::S3Server;
use serde_json::Value;

const MIB: usize = 1024 * 1024;

fn settings(server: &S3Server) -> S3Settings {
    S3Settings {
        bucket: "images".to_owned(),
        prefix: String::new(),
        endpoint: Some(server.endpoint()),
        region: S3Server::REGION.to_owned(),
        path_style: true,
        access_key_id: S3Server::ACCESS_KEY_ID.to_owned(),
        secret_access_key: S3Server::SECRET_ACCESS_KEY.into(),
        session_token: None,
        public_base_url: None,
        multipart_above_bytes: S3Settings::MULTIPART_ABOVE_BYTES,
        part_bytes: S3Settings::PART_BYTES,
    }
}

fn store(settings: S3Settings) -> S3Store {
    S3Store::new(settings, Arc::new(SystemClock))
}

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

fn png() -> BlobMetadata {
    BlobMetadata::new("image/png").of_plan("plan:1:abc")
}

fn header<'r>(request: &'r Value, name: &str) -> Option<&'r str> {
    request["headers"][name].as_str()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    conformance::blobs::conforms(Arc::new(store(settings(&server))))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_s3_store_conforms_below_a_prefix_and_beside_what_others_keep() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let above = store(settings(&server));
    above
        .put(&key("limn-of-others"), &png(), Bytes::from_static(b"x"))
        .await
        .unwrap();
    let below = store(S3Settings {
        prefix: "limn/prod".to_owned(),
        ..settings(&server)
    });
    conformance::blobs::conforms(Arc::new(below)).await.unwrap();
    assert_eq!(above.list("").await.unwrap(), [key("limn-of-others")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn large_objects_conform_in_parts() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    // Everything that is not empty goes up in parts.
    let in_parts = store(S3Settings {
        multipart_above_bytes: 0,
        ..settings(&server)
    });
    conformance::blobs::conforms(Arc::new(in_parts)).await.unwrap();
}

#[tokio::test]
async fn what_a_reader_without_limn_is_told_is_in_the_headers() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(S3Settings {
        public_base_url: Some("https://images.example.org".to_owned()),
        ..settings(&server)
    });
    let key = key("clients/alice/images/one.png");
    store
        .put(&key, &png(), Bytes::from_static(b"pixels"))
        .await
        .unwrap();
    let requests = server.requests();
    let [put] = &requests[..] else {
        unreachable!("one request stores an object: {requests:?}")
    };
    assert_eq!(put["path"], "/images/clients/alice/images/one.png");
    assert_eq!(header(put, "if-none-match"), Some("*"));
    assert_eq!(header(put, "content-type"), Some("image/png"));
    assert_eq!(
        header(put, "cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(header(put, "x-amz-meta-plan-digest"), Some("plan:1:abc"));
    assert!(header(put, "x-amz-meta-sha256").is_some());
    // R2 and others refuse what they do not know.
    let headers = put["headers"].as_object().unwrap();
    assert!(
        headers
            .keys()
            .all(|name| !name.contains("checksum") && !name.contains("trailer")),
        "{headers:?}"
    );
    assert_eq!(
        store.public_url(&key).unwrap(),
        "https://images.example.org/clients/alice/images/one.png"
    );
}

#[tokio::test]
async fn parts_are_of_one_size_and_become_one_object() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(S3Settings {
        multipart_above_bytes: 6 * MIB,
        part_bytes: 5 * MIB,
        ..settings(&server)
    });
    let key = key("clients/alice/images/large.png");
    let bytes: Bytes = (0..12 * MIB)
        .map(|index| u8::try_from(index % 251).unwrap())
        .collect();
    store.put(&key, &png(), bytes.clone()).await.unwrap();
    let requests = server.requests();
    let parts = requests
        .iter()
        .filter(|request| request["query"].as_str().unwrap().contains("partNumber"));
    let sizes: Vec<_> = parts
        .filter_map(|part| header(part, "content-length")?.parse::<usize>().ok())
        .collect();
    assert_eq!(sizes, [5 * MIB, 5 * MIB, 2 * MIB]);
    assert_eq!(store.get(&key).await.unwrap(), bytes);
    assert_eq!(
        store.head(&key).await.unwrap().unwrap().plan_digest.as_deref(),
        Some("plan:1:abc")
    );
    // Again, as after a lost answer: nothing goes up a second time.
    server.requests();
    store.put(&key, &png(), bytes.clone()).await.unwrap();
    let again = server.requests();
    assert!(
        again.iter().all(|request| request["method"] == "HEAD"),
        "{again:?}"
    );
    let other = store.put(&key, &png(), bytes.slice(1..)).await;
    assert!(matches!(other, Err(BlobError::Conflict(_))), "{other:?}");
}

#[tokio::test]
async fn an_upload_that_fails_half_way_leaves_nothing_and_one_that_was_killed_is_swept() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(S3Settings {
        multipart_above_bytes: 6 * MIB,
        part_bytes: 5 * MIB,
        ..settings(&server)
    });
    let key = key("clients/alice/images/large.png");
    let bytes = Bytes::from(vec![7; 11 * MIB]);
    let later = SystemClock.now().plus(Duration::from_secs(3600));

    server.fail("PUT", "partNumber=2", 403, "AccessDenied", 1);
    let failed = store.put(&key, &png(), bytes.clone()).await;
    assert!(matches!(failed, Err(BlobError::Unavailable { .. })), "{failed:?}");
    assert_eq!(store.head(&key).await.unwrap(), None);
    assert_eq!(
        store.sweep_unfinished(later, true).await.unwrap(),
        0,
        "it was aborted"
    );

    // As if the process had been killed: nobody aborts.
    server.fail("PUT", "partNumber=2", 403, "AccessDenied", 1);
    server.fail("DELETE", "uploadId", 403, "AccessDenied", 1);
    store.put(&key, &png(), bytes.clone()).await.unwrap_err();
    assert_eq!(store.list("").await.unwrap(), []);
    assert_eq!(
        store.sweep_unfinished(UnixMicros(0), false).await.unwrap(),
        0,
        "it is young"
    );
    assert_eq!(store.sweep_unfinished(later, true).await.unwrap(), 1);
    assert_eq!(store.sweep_unfinished(later, false).await.unwrap(), 1);
    assert_eq!(store.sweep_unfinished(later, true).await.unwrap(), 0);
    store.put(&key, &png(), bytes).await.unwrap();
}

#[tokio::test]
async fn a_store_without_conditions_for_parts_gets_the_object_whole() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(S3Settings {
        multipart_above_bytes: 6 * MIB,
        part_bytes: 5 * MIB,
        ..settings(&server)
    });
    let key = key("clients/alice/images/large.png");
    let bytes = Bytes::from(vec![7; 7 * MIB]);
    server.fail("POST", "uploadId", 501, "NotImplemented", 3);
    store.put(&key, &png(), bytes.clone()).await.unwrap();
    let requests = server.requests();
    let last = requests
        .iter()
        .rfind(|request| request["method"] == "PUT")
        .unwrap();
    assert_eq!(header(last, "if-none-match"), Some("*"));
    assert_eq!(store.get(&key).await.unwrap(), bytes);
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again_and_what_is_refused_is_told_without_the_secret() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let good = store(settings(&server));
    server.fail("PUT", "", 503, "SlowDown", 2);
    good.put(&key("clients/a/images/x.png"), &png(), Bytes::from_static(b"x"))
        .await
        .unwrap();

    let wrong = store(S3Settings {
        secret_access_key: "another-secret".into(),
        ..settings(&server)
    });
    let refused = wrong.check().await.unwrap_err();
    let told = format!("{refused} {refused:?} {wrong:?}");
    assert!(told.contains("403 SignatureDoesNotMatch"), "{told}");
    assert!(!told.contains("another-secret"), "{told}");

    let nowhere = store(S3Settings {
        bucket: "no-such-bucket".to_owned(),
        ..settings(&server)
    });
    let refused = nowhere.check().await.unwrap_err().to_string();
    assert!(refused.contains("NoSuchBucket"), "{refused}");
}

#[tokio::test]
async fn damaged_bytes_are_not_given_out() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(settings(&server));
    let key = key("clients/alice/images/one.png");
    store
        .put(&key, &png(), Bytes::from_static(b"pixels"))
        .await
        .unwrap();
    server.damage("images", key.as_str());
    let got = store.get(&key).await;
    assert!(matches!(got, Err(BlobError::Damaged(_))), "{got:?}");
}

#[tokio::test]
async fn a_presigned_address_works_for_everybody_and_then_expires() {
    let Some(server) = S3Server::start(&["images"]) else {
        return;
    };
    let store = store(settings(&server));
    let key = key("clients/alice/images/one.png");
    store
        .put(&key, &png(), Bytes::from_static(b"pixels"))
        .await
        .unwrap();
    let expires_at = UnixMicros((SystemClock.now().seconds() + 2) * 1_000_000);
    let url = store.signed_url(&key, expires_at).await.unwrap().unwrap();
    assert!(!url.contains(S3Server::SECRET_ACCESS_KEY));
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.unwrap(), "pixels");
    let other = url.replace("one.png", "two.png");
    assert_eq!(reqwest::get(&other).await.unwrap().status(), 403);

    let wait = Duration::from_micros(u64::try_from(expires_at.0 - SystemClock.now().0).unwrap_or(0));
    SystemClock.sleep(wait).await;
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("Request has expired"));
    let over = store.signed_url(&key, UnixMicros(0)).await;
    assert!(over.is_err() || reqwest::get(over.unwrap().unwrap()).await.unwrap().status() == 403);
}
