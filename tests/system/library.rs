//! Finished images: records, lists, bytes and addresses.

use limn_proto::{
    plan::{ImageType, Importance, SeedMode},
    v1::{
        CostSource, GetImageRequest, ImageFilter, ImageRequest, ImageState, IssueImageUrlsRequest,
        ListImagesRequest, ReadImageRequest,
    },
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tonic::Code;

use crate::support::{PARENT, TestServer, World, batch, image, nanos, order, reason, sketch};

#[tokio::test(flavor = "multi_thread")]
async fn the_record_tells_everything_about_a_picture() {
    let world = World::new().await;
    let server = world.serve().await;
    let mut request = image(ImageRequest {
        prompt: "a red fox in fresh snow".to_owned(),
        original_prompt: "fox".to_owned(),
        provider: "openai".to_owned(),
        width_px: 1536,
        height_px: 1024,
        media_type: "image/webp".to_owned(),
        image_type: ImageType::Scene.into(),
        alt_text: "a fox".to_owned(),
        caption: "In the snow".to_owned(),
        post_id: "post-9".to_owned(),
        prompt_id: "prompt-3".to_owned(),
        section_title: "Winter".to_owned(),
        position: 2,
        importance: Importance::Primary.into(),
        ..ImageRequest::default()
    });
    request.session_id = "session-1".to_owned();
    request.labels.insert("season".to_owned(), "winter".to_owned());
    let plan = server.plan(request).await;

    let run = server.execute(order(&plan)).await;
    let record = server.image(&run.step().image).await;

    assert_eq!(record.state(), ImageState::Completed);
    assert_eq!(record.execution, run.last().name);
    assert_eq!(record.plan_digest, plan.digest);
    assert_eq!(
        record.render_digest,
        plan.notes.clone().unwrap().renders[0].render_digest
    );
    assert_eq!((record.width_px, record.height_px), (1536, 1024));
    assert_eq!(record.media_type, "image/webp");
    assert_eq!(record.storage_key, format!("{}.webp", record.name));
    assert_eq!(
        (record.post_id.as_str(), record.prompt_id.as_str()),
        ("post-9", "prompt-3")
    );
    assert_eq!(record.original_prompt, "fox");
    assert_eq!(record.prompt, "a red fox in fresh snow");
    assert_eq!(
        (record.alt_text.as_str(), record.caption.as_str()),
        ("a fox", "In the snow")
    );
    assert_eq!((record.section_title.as_str(), record.position), ("Winter", 2));
    assert_eq!(record.importance(), Importance::Primary);
    assert_eq!(record.image_type(), ImageType::Scene);
    assert_eq!(record.session_id, "session-1");
    assert_eq!(record.labels.get("season").map(String::as_str), Some("winter"));
    assert_eq!(
        (record.provider.as_str(), record.model.as_str()),
        ("openai", "gpt-image-2")
    );
    assert_eq!(record.seed_mode(), SeedMode::Unsupported);
    assert!(nanos(record.generation_cost.as_ref()) > 0 && !record.cost_estimated);
    assert_eq!(record.cost_source(), CostSource::Usage);
    let attempt = &run.step().attempts[0];
    assert!(attempt.usage["image_output_token"] > 0, "{:?}", attempt.usage);
    assert!(!record.provider_request_id.is_empty());
    assert!(record.create_time.is_some() && record.update_time.is_some());
    assert_ne!(record.stored_sha256, record.rendered_sha256, "it is signed");
    let [thumbnail] = record.thumbnails.as_slice() else {
        panic!("{:?}", record.thumbnails)
    };
    assert_eq!(
        (
            thumbnail.width_px,
            thumbnail.height_px,
            thumbnail.media_type.as_str()
        ),
        (300, 300, "image/jpeg")
    );

    let bytes = server.read_image(&record.name).await;
    assert_eq!(bytes.len() as i64, record.size_bytes);
    assert_eq!(limn_proto::digest::sha256_hex(&bytes), record.stored_sha256);
    let request = ReadImageRequest {
        name: record.name.clone(),
        offset: 100,
    };
    let mut chunks = server.library().read_image(request).await.unwrap().into_inner();
    assert_eq!(
        chunks.message().await.unwrap().unwrap().data,
        bytes[100..bytes.len().min(100 + 65_536)]
    );
    let request = ReadImageRequest {
        name: record.name.clone(),
        offset: record.size_bytes + 1,
    };
    let refused = match server.library().read_image(request).await {
        Ok(stream) => stream.into_inner().message().await.unwrap_err(),
        Err(status) => status,
    };
    assert_eq!(refused.code(), Code::OutOfRange);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged_and_tokens_cannot_be_forged() {
    let world = World::new().await;
    let server = world.serve().await;
    let images = (0..5)
        .map(|number| ImageRequest {
            prompt: format!("fox number {number}"),
            width_px: 32,
            height_px: 32,
            post_id: format!("post-{}", number % 2),
            ..ImageRequest::default()
        })
        .collect();
    server.execute(order(&server.plan(batch(images)).await)).await;
    server.execute(order(&server.plan(sketch("a wolf")).await)).await;

    let mut request = ListImagesRequest {
        parent: PARENT.to_owned(),
        page_size: 2,
        filter: Some(ImageFilter {
            post_id: "post-0".to_owned(),
            ..ImageFilter::default()
        }),
        ..ListImagesRequest::default()
    };
    let first = server
        .library()
        .list_images(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first.images.len(), 2);
    request.page_token.clone_from(&first.next_page_token);
    let second = server
        .library()
        .list_images(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(second.images.len(), 1);
    assert_eq!(second.next_page_token, "");

    let mut changed = request.clone();
    changed.filter = None;
    let mut forged = request;
    forged.page_token.replace_range(
        0..1,
        if forged.page_token.starts_with('A') {
            "B"
        } else {
            "A"
        },
    );
    for bad in [changed, forged] {
        let refused = server.library().list_images(bad).await.unwrap_err();
        assert_eq!(reason(&refused), "BAD_PAGE_TOKEN");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_other_clients_are_refused_before_existence() {
    let world = World::new().await;
    let server = world.serve().await;
    let missing = "clients/tester/images/0192f0c1-2345-7abc-8def-0123456789ab";
    let request = GetImageRequest {
        name: missing.to_owned(),
    };
    let refused = server.library().get_image(request).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::NotFound, "IMAGE_NOT_FOUND")
    );
    let request = GetImageRequest {
        name: "images/1".to_owned(),
    };
    let refused = server.library().get_image(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_addresses_work_and_every_other_is_refused() {
    let world = World::new().await;
    let server = world.serve().await;
    let run = server
        .execute(order(&server.plan(sketch("a red fox")).await))
        .await;
    let name = run.step().image.clone();
    let request = IssueImageUrlsRequest {
        names: vec![name.clone()],
        include_thumbnails: true,
        ..Default::default()
    };
    let urls = server
        .library()
        .issue_image_urls(request)
        .await
        .unwrap()
        .into_inner()
        .urls;
    assert_eq!(urls.len(), 2);

    let base = format!("http://{}", server.address);
    let path = urls[0]
        .url
        .strip_prefix(&base)
        .unwrap_or_else(|| panic!("{} is not at {base}", urls[0].url));
    let (status, body) = get(&server, path).await;
    assert_eq!(status, 200);
    assert_eq!(body, server.read_image(&name).await);
    assert_eq!(
        get(&server, urls[1].url.strip_prefix(&base).unwrap()).await.0,
        200
    );

    let (key, query) = path.split_once('?').unwrap();
    let other_key = urls[1]
        .url
        .strip_prefix(&base)
        .unwrap()
        .split_once('?')
        .unwrap()
        .0;
    for (path, expected) in [
        (key.to_owned(), 403),
        (format!("{key}?{}", query.replace("expires=1", "expires=2")), 403),
        (format!("{key}?expires=1&signature=abcd"), 403),
        (format!("{other_key}?{query}"), 403),
        (format!("/blobs/../limn.db?{query}"), 404),
        (format!("/blobs/clients/..%2f..%2flimn.db?{query}"), 404),
        (format!("/blobs/%2e%2e/limn.db?{query}"), 404),
        ("/nothing-here".to_owned(), 404),
    ] {
        assert_eq!(get(&server, &path).await.0, expected, "{path}");
    }
    server.stop().await;
}

/// A plain HTTP/1.1 request, byte for byte, so that no client library tidies the path.
async fn get(server: &TestServer, path: &str) -> (u16, Vec<u8>) {
    let mut stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let head_end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(answer[..head_end].to_vec()).unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, answer[head_end + 4..].to_vec())
}
