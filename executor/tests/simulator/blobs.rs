//! A blob store in memory, shared by all processes; every call waits for its turn at the scheduler.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use limn_executor::{
    blob::{BlobEntry, BlobError, BlobInfo, BlobKey, BlobMetadata, BlobPage, BlobStore},
    clock::UnixMicros,
};
use tokio::sync::oneshot;

use crate::desk::{Applied, BlobCall, Desk, Fault, Work};

/// What is stored, whoever stored it.
#[derive(Debug, Default)]
pub(crate) struct Shelf(Mutex<BTreeMap<String, Bytes>>);

impl Shelf {
    pub(crate) fn holds(&self, key: &str) -> bool {
        self.0.lock().unwrap().contains_key(key)
    }
}

/// The blob store of one process.
pub(crate) struct Blobs {
    process: u32,
    desk: Arc<Desk>,
    shelf: Arc<Shelf>,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blobs")
    }
}

type Result<T> = std::result::Result<T, BlobError>;

impl Blobs {
    pub(crate) fn new(process: u32, desk: Arc<Desk>, shelf: Arc<Shelf>) -> Self {
        Self { process, desk, shelf }
    }

    async fn call<T, F>(&self, what: &str, key: &BlobKey, run: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut BTreeMap<String, Bytes>, &BlobKey) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let shelf = Arc::clone(&self.shelf);
        let owned = key.clone();
        let run = move |fault: Fault| {
            let done = match fault {
                Fault::Before => Err(away(&owned)),
                Fault::Nothing | Fault::After => run(&mut shelf.0.lock().unwrap(), &owned),
            };
            let is_ok = done.is_ok();
            let told = if fault == Fault::After {
                done.and(Err(away(&owned)))
            } else {
                done
            };
            let brief = match &told {
                Ok(_) => "ok".to_owned(),
                Err(error) if is_ok => format!("ok, but told: {error}"),
                Err(error) => error.to_string(),
            };
            Applied {
                brief,
                is_ok,
                is_mistake: false,
                facts: Vec::new(),
                decodes: true,
                deliver: Box::new(move || drop(answer.send(told))),
            }
        };
        let label = format!("blob.{what} {}", shown(key));
        self.desk
            .arrive(self.process, label, Work::Blob(BlobCall { run: Box::new(run) }));
        answered.await.unwrap_or_else(|_| Err(away(key)))
    }
}

/// The last part of a key tells enough.
fn shown(key: &BlobKey) -> String {
    let text = key.as_str();
    let attempt = text.strip_prefix("staging/").and_then(|id| id.get(..36));
    match attempt.and_then(limn_executor::ids::AttemptId::parse) {
        Some(attempt) => format!(
            "staging/{}{}",
            crate::market::shown(attempt),
            &text["staging/".len() + 36..]
        ),
        None => text.rsplit('/').next().unwrap_or(text).to_owned(),
    }
}

fn away(key: &BlobKey) -> BlobError {
    BlobError::Unavailable {
        key: key.clone(),
        source: "the simulated store is away".into(),
    }
}

#[async_trait]
impl BlobStore for Blobs {
    async fn put(&self, key: &BlobKey, _metadata: &BlobMetadata, bytes: Bytes) -> Result<()> {
        self.call("put", key, move |shelf, key| match shelf.get(key.as_str()) {
            Some(there) if *there != bytes => Err(BlobError::Conflict(key.clone())),
            Some(_) => Ok(()),
            None => {
                shelf.insert(key.to_string(), bytes);
                Ok(())
            }
        })
        .await
    }

    async fn get(&self, key: &BlobKey) -> Result<Bytes> {
        self.call("get", key, |shelf, key| {
            let found = shelf.get(key.as_str()).cloned();
            found.ok_or_else(|| BlobError::NotFound(key.clone()))
        })
        .await
    }

    async fn get_range(&self, key: &BlobKey, offset: u64, length: u64) -> Result<Bytes> {
        let whole = self.get(key).await?;
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(whole.len());
        Ok(whole.slice(place(offset)..place(offset.saturating_add(length))))
    }

    async fn head(&self, key: &BlobKey) -> Result<Option<BlobInfo>> {
        self.call("head", key, |shelf, key| {
            Ok(shelf.get(key.as_str()).map(|bytes| BlobInfo {
                size_bytes: bytes.len() as u64,
                stored_at: UnixMicros(0),
                media_type: None,
                plan_digest: None,
                sha256: None,
            }))
        })
        .await
    }

    async fn delete(&self, key: &BlobKey) -> Result<()> {
        self.call("delete", key, |shelf, key| {
            shelf.remove(key.as_str());
            Ok(())
        })
        .await
    }

    async fn list_page(&self, prefix: &str, _from: Option<&str>, _limit: u32) -> Result<BlobPage> {
        let shelf = self.shelf.0.lock().unwrap();
        let found = shelf.iter().filter(|(key, _)| key.starts_with(prefix));
        let entry = |(key, bytes): (&String, &Bytes)| {
            Some(BlobEntry {
                key: BlobKey::parse(key)?,
                size_bytes: bytes.len() as u64,
                stored_at: UnixMicros(0),
            })
        };
        Ok(BlobPage {
            blobs: found.filter_map(entry).collect(),
            next: None,
        })
    }

    fn public_url(&self, _key: &BlobKey) -> Option<String> {
        None
    }

    async fn signed_url(&self, _key: &BlobKey, _expires_at: UnixMicros) -> Result<Option<String>> {
        Ok(None)
    }

    async fn check(&self) -> Result<()> {
        Ok(())
    }
}
