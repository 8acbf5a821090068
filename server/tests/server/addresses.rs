//! Signed addresses as `ImageLibraryService` issues them.

use std::time::Duration;

use limn_executor::clock::{Clock as _, SystemClock};
use limn_proto::v1::{IssueImageUrlsRequest, image_library_service_client::ImageLibraryServiceClient};

use crate::{
    executions::one_image,
    support::{Server, refused},
};

#[tokio::test]
async fn addresses_expire_and_cover_thumbnails_when_asked() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let (_, image) = one_image(&channel, "a red fox").await;
    let mut library = ImageLibraryServiceClient::new(channel);
    let request = IssueImageUrlsRequest {
        names: vec![image.name.clone()],
        ttl: Some(Duration::from_secs(90).into()),
        include_thumbnails: true,
    };
    let now = SystemClock.now().seconds();
    let urls = library
        .issue_image_urls(request.clone())
        .await
        .unwrap()
        .into_inner()
        .urls;
    assert_eq!(urls.len(), 1 + image.thumbnails.len());
    assert_eq!(urls[0].storage_key, image.storage_key);
    let expires = urls[0].expire_time.unwrap().seconds;
    assert!((now + 90..=now + 95).contains(&expires));
    let base = format!(
        "http://{}/blobs/{}?expires={expires}&",
        server.address, image.storage_key
    );
    assert!(urls[0].url.starts_with(&base), "{}", urls[0].url);

    let wrong = IssueImageUrlsRequest {
        names: vec!["images/1".to_owned()],
        ttl: Some(Duration::from_millis(999).into()),
        ..request.clone()
    };
    assert_eq!(
        refused(library.issue_image_urls(wrong).await).fields,
        ["ttl", "names[0]"]
    );
    let mixed = IssueImageUrlsRequest {
        names: vec![image.name.clone(), image.name.replace("alice", "bob")],
        ..request.clone()
    };
    assert_eq!(
        refused(library.issue_image_urls(mixed).await).reason,
        "CLIENT_MISMATCH"
    );
    let none = IssueImageUrlsRequest {
        names: Vec::new(),
        ..request
    };
    assert_eq!(refused(library.issue_image_urls(none).await).fields, ["names"]);
    server.stop().await;
}
