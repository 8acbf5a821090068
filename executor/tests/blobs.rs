//! The folder store and signed links.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::{fs, sync::Arc};

use bytes::Bytes;
use limn_executor::{
    blob::{
        BlobError, BlobKey, BlobMetadata, BlobStore,
        cloudinary::{CloudinarySettings, CloudinaryStore},
        folder::FolderStore,
        link::{LinkError, LinkSigner},
        memory::MemoryStore,
        vercel_blob::{VercelBlobSettings, VercelBlobStore},
    },
    clock::{Clock as _, SystemClock, UnixMicros},
    conformance,
};
use limn_fakes::storage::{CloudinaryFake, VercelBlobFake};

fn key(text: &str) -> BlobKey {
    BlobKey::parse(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_folder_store_conforms() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Arc::new(LinkSigner::new([7; 32]).with_base_url("http://localhost:1"));
    let store = FolderStore::open(folder.path(), Some(signer)).unwrap();
    conformance::blobs::conforms(Arc::new(store)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_conforms() {
    let signer = Arc::new(LinkSigner::new([7; 32]).with_base_url("http://localhost:1"));
    let store = MemoryStore::new(Arc::new(SystemClock), Some(signer));
    conformance::blobs::conforms(Arc::new(store)).await.unwrap();
}

#[tokio::test]
async fn blobs_outlive_the_store_and_leftovers_of_a_power_cut_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path(), None).unwrap();
    let kept = key("clients/a/images/kept.png");
    store
        .put(
            &kept,
            &BlobMetadata::new("image/png"),
            Bytes::from_static(b"kept"),
        )
        .await
        .unwrap();
    let leftover = folder.path().join("~unfinished/half-written");
    fs::write(&leftover, b"ke").unwrap();
    assert_eq!(
        store.list("clients/").await.unwrap(),
        std::slice::from_ref(&kept),
        "a leftover is no blob"
    );

    let reopened = FolderStore::open(folder.path(), None).unwrap();
    assert!(!leftover.exists());
    assert_eq!(reopened.get(&kept).await.unwrap(), "kept");
}

#[tokio::test]
async fn a_folder_has_one_identity_for_all_who_work_with_it() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (one, other) = (
        FolderStore::open(folder.path(), None).unwrap(),
        FolderStore::open(folder.path(), None).unwrap(),
    );
    let identity = one.identity().unwrap();
    assert_eq!(other.identity().unwrap(), identity);
    assert_eq!(one.list("").await.unwrap(), [], "it is no blob");
    let stranger = FolderStore::open(elsewhere.path(), None).unwrap();
    assert_ne!(stranger.identity().unwrap(), identity);
}

#[tokio::test]
async fn puts_leave_nothing_but_the_blob() {
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path(), None).unwrap();
    let place = key("a/b");
    store
        .put(&place, &BlobMetadata::new("image/png"), Bytes::from_static(b"1"))
        .await
        .unwrap();
    store
        .put(&place, &BlobMetadata::new("image/png"), Bytes::from_static(b"1"))
        .await
        .unwrap();
    store
        .put(&place, &BlobMetadata::new("image/png"), Bytes::from_static(b"2"))
        .await
        .unwrap_err();
    let names: Vec<_> = fs::read_dir(folder.path().join("a"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["b"]);
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_do_not_lead_out_of_the_folder() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), b"secret").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = FolderStore::open(folder.path(), None).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.path().join("folder")).unwrap();
    std::os::unix::fs::symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();

    store.get(&key("folder/secret")).await.unwrap_err();
    store.get(&key("file")).await.unwrap_err();
    store.delete(&key("folder/secret")).await.unwrap_err();
    let put = store
        .put(
            &key("folder/new"),
            &BlobMetadata::new("image/png"),
            Bytes::from_static(b"x"),
        )
        .await;
    assert!(matches!(put, Err(BlobError::Unavailable { .. })), "{put:?}");
    let put = store
        .put(
            &key("folder/deep/new"),
            &BlobMetadata::new("image/png"),
            Bytes::from_static(b"x"),
        )
        .await;
    assert!(matches!(put, Err(BlobError::Unavailable { .. })), "{put:?}");
    assert_eq!(store.list("").await.unwrap(), []);
    assert_eq!(store.list("folder/").await.unwrap(), []);
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn keys_that_would_leave_the_folder_are_no_keys() {
    for text in [
        "", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a\\b", "a b", "~a", "ä", "a\0",
    ] {
        assert_eq!(BlobKey::parse(text), None, "{text:?}");
    }
    assert_eq!(BlobKey::parse(&"a".repeat(513)), None);
}

/// The expiry and the signature of a link.
fn parts(link: &str) -> (i64, String) {
    let (_, query) = link.split_once("?expires=").unwrap();
    let (expires, signature) = query.split_once("&signature=").unwrap();
    (expires.parse().unwrap(), signature.to_owned())
}

const EXPIRY: UnixMicros = UnixMicros(1_800_000_000_999_999);
const BEFORE: UnixMicros = UnixMicros(1_799_999_999_999_999);

#[test]
fn a_link_opens_its_blob_until_it_expires() {
    let signer = LinkSigner::new([7; 32]).with_base_url("https://images.test/limn/");
    let key = key("clients/a/images/1.png");
    let link = signer.sign(&key, EXPIRY).unwrap();
    assert_eq!(
        link,
        "https://images.test/limn/blobs/clients/a/images/1.png?expires=1800000000\
         &signature=mK5-mFbyZXN8AfR63vi8zpOwUiaL0Mb6Jt5u-3xp0lA"
    );
    let (expires, signature) = parts(&link);
    assert_eq!(signer.verify(&key, expires, &signature, BEFORE), Ok(()));
    assert_eq!(
        signer.verify(&key, expires, &signature, EXPIRY),
        Err(LinkError::Expired)
    );
}

#[test]
fn no_changed_link_opens_anything() {
    let signer = LinkSigner::new([7; 32]).with_base_url("http://localhost");
    let signed_key = key("clients/a/images/1.png");
    let (expires, signature) = parts(&signer.sign(&signed_key, EXPIRY).unwrap());
    let refused = Err(LinkError::BadSignature);
    assert_eq!(
        signer.verify(&key("clients/a/images/2.png"), expires, &signature, BEFORE),
        refused
    );
    assert_eq!(
        signer.verify(&signed_key, expires + 1, &signature, BEFORE),
        refused
    );
    for position in 0..signature.len() {
        let mut changed = signature.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(signer.verify(&signed_key, expires, &changed, BEFORE), refused);
    }
    for wrong in ["", "A", &signature[1..], &format!("{signature}A"), "+/+/"] {
        assert_eq!(
            signer.verify(&signed_key, expires, wrong, BEFORE),
            refused,
            "{wrong}"
        );
    }
    let other = LinkSigner::new([8; 32]);
    assert_eq!(other.verify(&signed_key, expires, &signature, BEFORE), refused);
}

#[test]
fn a_signer_learns_its_address_late_and_never_shows_its_key() {
    let signer = LinkSigner::new([0x5a; 32]);
    let key = key("a");
    assert_eq!(signer.sign(&key, EXPIRY), None);
    signer.set_base_url("http://127.0.0.1:7070");
    assert!(
        signer
            .sign(&key, EXPIRY)
            .unwrap()
            .starts_with("http://127.0.0.1:7070/blobs/a?")
    );
    let shown = format!("{signer:?}");
    assert!(
        !shown.contains("90") && !shown.contains("5a") && !shown.contains("ZZ"),
        "{shown}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_stores_of_vercel_blob_conform() {
    for is_public in [true, false] {
        let fake = VercelBlobFake::start(is_public).await;
        let settings = VercelBlobSettings {
            token: VercelBlobFake::TOKEN.into(),
            is_public,
            api_url: fake.api_url(),
            blob_url: Some(fake.blob_url()),
        };
        let store = VercelBlobStore::new(settings, None).unwrap();
        assert!(!format!("{store:?}").contains("0123456789abcdef"));
        conformance::blobs::conforms(Arc::new(store)).await.unwrap();
    }
}

#[tokio::test]
async fn a_store_of_vercel_blob_that_is_public_has_addresses_for_everybody() {
    let fake = VercelBlobFake::start(true).await;
    let settings = |token: &str| VercelBlobSettings {
        token: token.into(),
        is_public: true,
        api_url: fake.api_url(),
        blob_url: Some(fake.blob_url()),
    };
    let store = VercelBlobStore::new(settings(VercelBlobFake::TOKEN), None).unwrap();
    let key = key("clients/a/images/one.png");
    let metadata = BlobMetadata::new("image/png");
    store
        .put(&key, &metadata, Bytes::from_static(b"pixels"))
        .await
        .unwrap();
    let answer = reqwest::get(store.public_url(&key).unwrap()).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.bytes().await.unwrap(), "pixels");

    let stranger = VercelBlobStore::new(settings("vercel_blob_rw_FakeStore_of-somebody-else"), None).unwrap();
    let refused = stranger.check().await.unwrap_err().to_string();
    assert!(refused.contains("403: Access denied"), "{refused}");
    assert!(!refused.contains("of-somebody-else"), "{refused}");
}

fn cloudinary(fake: &CloudinaryFake, is_public: bool, secret: &str) -> CloudinaryStore {
    let settings = CloudinarySettings {
        cloud_name: CloudinaryFake::CLOUD_NAME.to_owned(),
        api_key: CloudinaryFake::API_KEY.to_owned(),
        api_secret: secret.into(),
        is_public,
        api_url: fake.url(),
        delivery_url: fake.url(),
    };
    CloudinaryStore::new(settings, Arc::new(SystemClock)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_stores_of_cloudinary_conform() {
    for is_public in [true, false] {
        let fake = CloudinaryFake::start().await;
        let store = cloudinary(&fake, is_public, CloudinaryFake::API_SECRET);
        conformance::blobs::conforms(Arc::new(store)).await.unwrap();
    }
}

#[tokio::test]
async fn a_picture_at_cloudinary_has_a_lasting_and_an_expiring_address() {
    let fake = CloudinaryFake::start().await;
    let store = cloudinary(&fake, true, CloudinaryFake::API_SECRET);
    let key = key("clients/a/images/one.png");
    let picture = Bytes::from_static(b"\x89PNG\r\n\x1a\n and so on");
    store
        .put(&key, &BlobMetadata::new("image/png"), picture.clone())
        .await
        .unwrap();
    let public = store.public_url(&key).unwrap();
    assert_eq!(public, format!("{}/fake-cloud/image/upload/{key}", fake.url()));
    let in_a_minute = SystemClock.now().plus(std::time::Duration::from_secs(60));
    let signed = store.signed_url(&key, in_a_minute).await.unwrap().unwrap();
    for address in [public, signed.clone()] {
        assert_eq!(
            reqwest::get(address).await.unwrap().bytes().await.unwrap(),
            picture
        );
    }
    let over = store
        .signed_url(&key, UnixMicros(1_000_000))
        .await
        .unwrap()
        .unwrap();
    let longer = signed.replace("expires_at=", "expires_at=9");
    for address in [over, longer] {
        assert_eq!(reqwest::get(address).await.unwrap().status(), 401);
    }
    let stranger = cloudinary(&fake, true, "another-secret");
    let refused = format!("{:?}", stranger.check().await.unwrap_err());
    assert!(
        refused.contains("Invalid Signature") && !refused.contains("sign -"),
        "{refused}"
    );
    assert!(!refused.contains("another-secret"), "{refused}");
}
