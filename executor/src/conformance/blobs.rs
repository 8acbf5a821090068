//! What every [`BlobStore`] must do.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use crate::{
    blob::{BlobError, BlobKey, BlobStore},
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
    links_name_the_blob(&*store);
    store.check().await?;
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
        store.put(&key, "application/octet-stream", bytes.clone()).await?;
        assert_eq!(store.get(&key).await?, bytes, "{name} came back changed");
        let size_bytes = u64::try_from(bytes.len()).ok();
        assert_eq!(store.size_bytes(&key).await?, size_bytes, "size of {name}");
    }
    Ok(())
}

async fn ranges_are_cut_at_the_end(store: &dyn BlobStore) -> Result<(), BlobError> {
    let key = key("suite/ranges");
    let bytes = pattern(1000);
    store.put(&key, "application/octet-stream", bytes.clone()).await?;
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
    store.put(&key, "image/png", first.clone()).await?;
    store.put(&key, "image/png", first.clone()).await?;
    for other in [pattern(499), pattern(501), Bytes::from(vec![1; 500])] {
        let refused = store.put(&key, "image/png", other).await;
        assert!(matches!(refused, Err(BlobError::Conflict(_))), "{refused:?}");
    }
    assert_eq!(store.get(&key).await?, first, "a refused put changed the blob");
    store.delete(&key).await?;
    store.put(&key, "image/png", pattern(7)).await?;
    assert_eq!(store.get(&key).await?, pattern(7), "a deleted key is free again");
    Ok(())
}

async fn one_of_many_concurrent_puts_wins(store: &Arc<dyn BlobStore>) -> Result<(), BlobError> {
    let key = key("suite/race/winner");
    let puts = (0..16u8).map(|writer| {
        let (store, key) = (Arc::clone(store), key.clone());
        async move {
            let bytes = Bytes::from(vec![writer; 4096]);
            store.put(&key, "image/png", bytes).await
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
        async move { store.put(&key, "image/png", pattern(4096)).await }
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
        store.put(&key(name), "image/png", pattern(3)).await?;
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

fn links_name_the_blob(store: &dyn BlobStore) {
    let key = key("suite/bytes");
    let links = [
        store.public_url(&key),
        store.signed_url(&key, UnixMicros(60_000_000)),
    ];
    for link in links.into_iter().flatten() {
        assert!(link.contains(key.as_str()), "{link}");
    }
}

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
