//! A bucket of S3 or of a store that speaks like it.

use std::{collections::BTreeMap, sync::Arc};

use limn_executor::{
    blob::{
        BlobStore,
        partition::PartitionedStore,
        s3::{S3Settings, S3Store},
    },
    clock::SystemClock,
};

use super::Store;
use crate::config::{S3, Storage};

/// The bucket, and those of clients.
pub(super) fn open(storage: &Storage, s3: &S3) -> Store {
    let store = |bucket: &str, public_base_url: &Option<String>| {
        let settings = S3Settings {
            bucket: bucket.to_owned(),
            prefix: s3.prefix.clone(),
            endpoint: s3.endpoint.clone(),
            region: s3.region.clone(),
            path_style: s3.path_style,
            access_key_id: s3.access_key_id.clone(),
            secret_access_key: s3.secret_access_key.clone(),
            session_token: s3.session_token.clone(),
            public_base_url: public_base_url.clone(),
            multipart_above_bytes: S3Settings::MULTIPART_ABOVE_BYTES,
            part_bytes: S3Settings::PART_BYTES,
        };
        S3Store::new(settings, Arc::new(SystemClock))
    };
    let main = store(&s3.bucket, &storage.public_base_url);
    let identity = Some(main.identity());
    let main: Arc<dyn BlobStore> = Arc::new(main);
    if s3.clients.is_empty() {
        return Store {
            store: main,
            identity,
        };
    }
    let own = s3.clients.iter().map(|(client, own)| {
        let own_store: Arc<dyn BlobStore> = Arc::new(store(&own.bucket, &own.public_base_url));
        (client.clone(), own_store)
    });
    let of_clients: BTreeMap<_, _> = own.collect();
    Store {
        store: Arc::new(PartitionedStore::new(main, of_clients)),
        identity,
    }
}
