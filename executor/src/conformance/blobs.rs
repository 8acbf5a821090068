//! What every [`BlobStore`] must do.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use limn_proto::digest::sha256_hex;

use crate::{
    blob::{BlobError, BlobKey, BlobMetadata, BlobStore, get_verified},
    clock::UnixMicros,
};

/// Runs the whole suite on an empty store and leaves it empty.
pub async fn conforms(store: Arc<dyn BlobStore>) -> Result<(), BlobError> {
    stored_bytes_come_back(&*store).await?;
    ranges_are_cut_at_the_end(&*store).await?;
    a_repeated_put_succeeds_and_another_conflicts(&*store).await?;
    one_of_many_concurrent_puts_wins(&store).await?;
    concurrent_puts_of_the_same_bytes_all_succeed(&store).await?;
    listing_is_by_prefix_and_in_order(&*store).await?;
    absence_is_told(&*store).await?;
    what_is_told_is_true(&*store).await?;
    pages_hold_everything_once(&*store).await?;
    deletion_frees_the_key(&*store).await?;
    links_name_the_blob(&*store).await?;
    store.check().await?;
    store.sweep_unfinished(UnixMicros(0), true).await?;
    for key in store.list("").await? {
        store.delete(&key).await?;
    }
    assert_eq!(store.list("").await?, [], "everything was deleted");
    Ok(())
}

async fn stored_bytes_come_back(store: &dyn BlobStore) -> Result<(), BlobError> {
    for (name, bytes) in [
        ("suite/bytes", pattern(100_000)),
        ("suite/empty", Bytes::new()),
        ("suite/.hidden", pattern(1)),
        ("top-level", pattern(10)),
    ] {
        let key = key(name);
        store
            .put(
                &key,
                &BlobMetadata::new("application/octet-stream"),
                bytes.clone(),
            )
            .await?;
        assert_eq!(store.get(&key).await?, bytes, "{name} came back changed");
        let size_bytes = u64::try_from(bytes.len()).ok();
        assert_eq!(store.size_bytes(&key).await?, size_bytes, "size of {name}");
    }
    Ok(())
}

async fn ranges_are_cut_at_the_end(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("suite/ranges");
    let bytes = pattern(1000);
    store
        .put(
            &key,
            &BlobMetadata::new("application/octet-stream"),
            bytes.clone(),
        )
        .await?;
    for (offset, length, expected) in [
        (0, 1000, 0..1000),
        (0, u64::MAX, 0..1000),
        (10, 20, 10..30),
        (990, 20, 990..1000),
        (1000, 20, 0..0),
        (2000, 20, 0..0),
        (5, 0, 0..0),
    ] {
        let range = store.get_range(&key, offset, length).await?;
        assert_eq!(range, bytes.slice(expected), "{length} bytes from {offset}");
    }
    Ok(())
}

async fn a_repeated_put_succeeds_and_another_conflicts(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("suite/twice");
    let first = pattern(500);
    store
        .put(&key, &BlobMetadata::new("image/png"), first.clone())
        .await?;
    store
        .put(&key, &BlobMetadata::new("image/png"), first.clone())
        .await?;
    for other in [pattern(499), pattern(501), Bytes::from(vec![1; 500])] {
        let refused = store.put(&key, &BlobMetadata::new("image/png"), other).await;
        assert!(matches!(refused, Err(BlobError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.get(&key).await?, first, "a refused put changed the blob");
    store.delete(&key).await?;
    store
        .put(&key, &BlobMetadata::new("image/png"), pattern(7))
        .await?;
    assert_eq!(store.get(&key).await?, pattern(7), "a deleted key is free again");
    Ok(())
}

async fn one_of_many_concurrent_puts_wins(store: &Arc<dyn BlobStore>) -> Result<(), BlobError> {
    let key = key("suite/race/winner");
    let puts = (0..16u8).map(|writer| {
        let (store, key) = (Arc::clone(store), key.clone());
        async move {
            let bytes = Bytes::from(vec![writer; 4096]);
            store.put(&key, &BlobMetadata::new("image/png"), bytes).await
        }
    });
    let results = join_all(puts).await;
    let won: Vec<usize> = (0..16).filter(|writer| results[*writer].is_ok()).collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let stored = store.get(&key).await?;
    let winner = u8::try_from(won[0]).unwrap_or(u8::MAX);
    assert!(
        stored.len() == 4096 && stored.iter().all(|byte| *byte == winner),
        "the winner's bytes are stored"
    );
    Ok(())
}

async fn concurrent_puts_of_the_same_bytes_all_succeed(store: &Arc<dyn BlobStore>) -> Result<(), BlobError> {
    let key = key("suite/race/same");
    let puts = (0..16).map(|_| {
        let (store, key) = (Arc::clone(store), key.clone());
        async move {
            store
                .put(&key, &BlobMetadata::new("image/png"), pattern(4096))
                .await
        }
    });
    for result in join_all(puts).await {
        result?;
    }
    assert_eq!(store.get(&key).await?, pattern(4096), "the bytes of all");
    Ok(())
}

async fn listing_is_by_prefix_and_in_order(store: &dyn BlobStore) -> Result<(), BlobError> {
    let names = [
        "list/a",
        "list/a-b",
        "list/a/b",
        "list/b",
        "list/b2/c/d",
        "listing",
    ];
    for name in names.iter().rev().filter(|name| **name != "list/a/b") {
        store
            .put(&key(name), &BlobMetadata::new("image/png"), pattern(3))
            .await?;
    }
    let listed = async |prefix: &str| -> Result<Vec<String>, BlobError> {
        let keys = store.list(prefix).await?;
        Ok(keys.iter().map(ToString::to_string).collect())
    };
    assert_eq!(
        listed("list").await?,
        ["list/a", "list/a-b", "list/b", "list/b2/c/d", "listing"]
    );
    assert_eq!(listed("list/a").await?, ["list/a", "list/a-b"]);
    assert_eq!(listed("list/b2/").await?, ["list/b2/c/d"]);
    for prefix in ["list/none", "none/at/all", "../", "/", "list/../", "list//"] {
        assert_eq!(listed(prefix).await?, Vec::<String>::new(), "{prefix}");
    }
    Ok(())
}

async fn absence_is_told(store: &dyn BlobStore) -> Result<(), BlobError> {
    for name in ["absent", "absent/deep/key", "suite/bytes/below", "suite"] {
        let key = key(name);
        let got = store.get(&key).await;
        assert!(matches!(got, Err(BlobError::NotFound(_))), "{name}: {got:?}");
        let range = store.get_range(&key, 0, 1).await;
        assert!(matches!(range, Err(BlobError::NotFound(_))), "{name}: {range:?}");
        assert_eq!(store.size_bytes(&key).await?, None, "{name}");
        store.delete(&key).await?;
    }
    Ok(())
}

/// Whatever a store keeps beside the bytes, it tells as it was put.
async fn what_is_told_is_true(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("clients/a/images/told.png");
    let bytes = Bytes::from_static(PNG);
    let metadata = BlobMetadata::new("image/png").of_plan("plan:1:abc");
    store.put(&key, &metadata, bytes.clone()).await?;
    // A repetition, as after a lost answer, changes nothing of it.
    let other = BlobMetadata::new("image/png").of_plan("plan:1:def");
    store.put(&key, &other, bytes.clone()).await?;
    let sha256 = sha256_hex(&bytes);
    let info = store.head(&key).await?;
    assert!(info.is_some(), "a stored blob is known");
    if let Some(info) = info {
        assert_eq!(info.size_bytes, PNG.len() as u64);
        assert!(info.stored_at > UnixMicros(1_500_000_000_000_000), "{info:?}");
        let told =
            |field: &Option<String>, expected: &str| field.as_ref().is_none_or(|text| text == expected);
        assert!(told(&info.media_type, "image/png"), "{info:?}");
        assert!(told(&info.plan_digest, "plan:1:abc"), "{info:?}");
        assert!(told(&info.sha256, &sha256), "{info:?}");
    }
    assert_eq!(get_verified(store, &key, &sha256).await?, bytes);
    let damaged = get_verified(store, &key, &sha256_hex(b"other")).await;
    assert!(matches!(damaged, Err(BlobError::Damaged(_))), "{damaged:?}");
    Ok(())
}

async fn pages_hold_everything_once(store: &dyn BlobStore) -> Result<(), BlobError> {
    let names = ["p/1", "p/2/a", "p/2/b", "p/2-b", "p/2.b", "p/3/x/y", "p/4", "p5"];
    for (size, name) in (1..).zip(names) {
        let metadata = BlobMetadata::new("image/png");
        store.put(&key(name), &metadata, pattern(size)).await?;
    }
    for limit in [1, 2, 3, 7, 1000] {
        let mut found = Vec::new();
        let mut from = None;
        loop {
            let page = store.list_page("p/", from.as_deref(), limit).await?;
            assert!(page.blobs.len() <= usize::try_from(limit).unwrap_or(usize::MAX));
            found.extend(page.blobs);
            match page.next {
                Some(next) => from = Some(next),
                None => break,
            }
        }
        found.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let listed: Vec<_> = found
            .iter()
            .map(|blob| (blob.key.to_string(), blob.size_bytes))
            .collect();
        let mut expected: Vec<_> = (1_u64..)
            .zip(names)
            .map(|(size, name)| (name.to_owned(), size))
            .collect();
        expected.retain(|(name, _)| name.starts_with("p/"));
        expected.sort_unstable();
        assert_eq!(listed, expected, "pages of {limit}");
    }
    Ok(())
}

async fn deletion_frees_the_key(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("suite/deleted");
    store
        .put(&key, &BlobMetadata::new("image/png"), pattern(9))
        .await?;
    store.delete(&key).await?;
    store.delete(&key).await?;
    let got = store.get(&key).await;
    assert!(matches!(got, Err(BlobError::NotFound(_))), "{got:?}");
    assert_eq!(store.head(&key).await?, None);
    assert_eq!(store.list(key.as_str()).await?, []);
    store
        .put(&key, &BlobMetadata::new("image/png"), pattern(8))
        .await?;
    assert_eq!(store.get(&key).await?, pattern(8));
    Ok(())
}

async fn links_name_the_blob(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("suite/bytes");
    let links = [
        store.public_url(&key),
        store.signed_url(&key, UnixMicros(i64::MAX / 4)).await?,
    ];
    for link in links.into_iter().flatten() {
        // A link may write the slash in another way.
        assert!(link.contains("suite") && link.contains("bytes"), "{link}");
    }
    Ok(())
}

/// A picture of one pixel: some stores look at what is called one.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\
    \x00\x00\x00\nIDATx\x9cc\x00\x01\x00\x00\x05\x00\x01\r\n-\xb4\x00\x00\x00\x00IEND\xaeB`\x82";

/// A key of the suite. All are well formed; a wrong one would show as an absent `malformed`.
fn key(name: &str) -> BlobKey {
    BlobKey::parse(name).unwrap_or_else(|| BlobKey::staged(crate::ids::AttemptId(uuid::Uuid::nil())))
}

/// Bytes that differ along the way, so that a shifted range shows.
fn pattern(length: usize) -> Bytes {
    (0..length)
        .map(|index| u8::try_from(index % 251).unwrap_or(0))
        .collect()
}
