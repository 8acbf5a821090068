//! Documents over gRPC: extract, plan, execute, assemble.

use std::time::Duration;

use limn_fakes::Case;
use limn_proto::{
    plan::PlanKind,
    v1::{
        AssembleDocumentRequest, AssembleDocumentResponse, DocumentRequest, ExtractPromptsRequest,
        ImageFilter, ImageRequest, LinkStyle, ListImagesRequest, PlanRequest,
        document_service_client::DocumentServiceClient, plan_request::Work,
    },
};
use tonic::Status;

use crate::support::{PARENT, TestServer, World, order, paid, quick_retries, reason, violations};

const PAGE: &str = "<h1>Harbour</h1>\r\n<p>[IMAGE: a red tower | size=1:1]</p>\r\n<figure data-image-prompt=\"a blue \
                    tower\"><figcaption>Blue</figcaption></figure>\r\n<pre>[IMAGE: code]</pre>\r\n<!-- image: a gull -->";

fn of_page() -> PlanRequest {
    PlanRequest {
        parent: PARENT.to_owned(),
        work: Some(Work::Document(DocumentRequest {
            content: PAGE.into(),
            media_type: "text/html".to_owned(),
            defaults: Some(ImageRequest {
                provider: "openai".to_owned(),
                ..ImageRequest::default()
            }),
            marker_forms: Vec::new(),
            post_id: "post-1".to_owned(),
        })),
        policy: Some(limn_proto::plan::RunPolicy {
            max_concurrency: 1,
            ..quick_retries()
        }),
        ..PlanRequest::default()
    }
}

async fn assemble(
    server: &TestServer,
    execution: &str,
    change: impl FnOnce(&mut AssembleDocumentRequest),
) -> Result<AssembleDocumentResponse, Status> {
    let mut request = AssembleDocumentRequest {
        execution: execution.to_owned(),
        content: PAGE.into(),
        ..AssembleDocumentRequest::default()
    };
    change(&mut request);
    let mut documents = DocumentServiceClient::new(server.channel.clone());
    Ok(documents.assemble_document(request).await?.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_gets_its_pictures_and_a_failed_one_leaves_its_marker() {
    let world = World::new().await;
    let server = world.serve().await;
    let extract = ExtractPromptsRequest {
        content: PAGE.into(),
        media_type: "text/html".to_owned(),
        marker_forms: Vec::new(),
    };
    let found = server
        .planner()
        .extract_prompts(extract)
        .await
        .unwrap()
        .into_inner();
    let prompts: Vec<&str> = found
        .prompts
        .iter()
        .map(|prompt| prompt.prompt.as_str())
        .collect();
    assert_eq!(prompts, ["a red tower", "a blue tower", "a gull"]);

    let plan = server.plan(of_page()).await;
    let spec = plan.spec.as_ref().unwrap();
    assert_eq!(
        (spec.kind(), spec.document.clone()),
        (PlanKind::Document, found.document)
    );
    let refusal = world.openai.refusals()[0];
    world.openai.next(Case::Refusal(refusal));
    let failed = server.execute(order(&plan)).await.last().clone();
    let answer = assemble(&server, &failed.name, |_| {}).await.unwrap();
    let text = String::from_utf8(answer.content.to_vec()).unwrap();
    assert!(text.starts_with(
        "<h1>Harbour</h1>\r\n<p>[IMAGE: a red tower | size=1:1]</p>\r\n<figure><img src=\"clients/"
    ));
    assert!(
        text.contains("alt=\"A blue tower\"")
            && text.contains("<figcaption>Blue</figcaption></figure>\r\n<pre>[IMAGE: code]")
    );
    let [unfilled] = answer.unfilled.as_slice() else {
        panic!("{:?}", answer.unfilled)
    };
    assert_eq!((unfilled.step_id.as_str(), unfilled.line), ("image-1", 2));
    assert_eq!(
        (unfilled.reason.as_str(), unfilled.prompt.as_str()),
        ("CONTENT_BLOCKED", "a red tower")
    );
    assert_eq!(world.openai.charged(), 2);

    // The same plan again pays for the missing picture alone.
    let run = server.execute(order(&plan)).await.last().clone();
    let whole = assemble(&server, &run.name, |_| {}).await.unwrap();
    assert_eq!((whole.images.len(), whole.unfilled.len()), (3, 0));
    assert_eq!(world.openai.charged(), 3);
    let list = ListImagesRequest {
        parent: PARENT.to_owned(),
        filter: Some(ImageFilter {
            post_id: "post-1".to_owned(),
            execution: run.name.clone(),
            ..ImageFilter::default()
        }),
        ..ListImagesRequest::default()
    };
    let mut images = server
        .library()
        .list_images(list)
        .await
        .unwrap()
        .into_inner()
        .images;
    images.sort_by_key(|image| image.position);
    let sections: Vec<&str> = images.iter().map(|image| image.section_title.as_str()).collect();
    assert_eq!(sections, ["Harbour"; 3]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_written_as_they_are_asked_for() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(of_page()).await;
    let run = server.execute(order(&plan)).await.last().clone();
    let address = async |change: fn(&mut AssembleDocumentRequest)| {
        let answer = assemble(&server, &run.name, change).await.unwrap();
        let text = String::from_utf8(answer.content.to_vec()).unwrap();
        let address = answer.images[0].address.clone();
        assert!(
            text.contains(&format!("src=\"{}\"", address.replace('&', "&amp;"))),
            "{address}: {text}"
        );
        address
    };
    let file = address(|request| {
        request.link_style = LinkStyle::File.into();
        request.path_prefix = "pictures/".to_owned();
    })
    .await;
    assert!(
        file.starts_with("pictures/image-1-") && file.ends_with(".png"),
        "{file}"
    );
    let signed = address(|request| {
        request.link_style = LinkStyle::SignedUrl.into();
        request.url_ttl = Some(Duration::from_secs(60).into());
    })
    .await;
    assert!(signed.starts_with("http://"), "{signed}");
    let with_copies = assemble(&server, &run.name, |request| request.include_thumbnails = true)
        .await
        .unwrap();
    let text = String::from_utf8(with_copies.content.to_vec()).unwrap();
    assert!(
        text.contains("srcset=\"clients/") && text.contains(" 300w, "),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_document_another_plan_and_wrong_links_are_refused() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(of_page()).await;
    let run = server.execute(order(&plan)).await.last().clone();
    let changed = assemble(&server, &run.name, |request| {
        request.content = PAGE.replace("Harbour", "Port").into();
    });
    assert_eq!(reason(&changed.await.unwrap_err()), "DOCUMENT_CHANGED");
    let wrong = assemble(&server, &run.name, |request| {
        request.link_style = 77;
        request.content = Default::default();
    });
    let fields: Vec<String> = violations(&wrong.await.unwrap_err())
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["link_style", "content"]);
    let public = assemble(&server, &run.name, |request| {
        request.link_style = LinkStyle::PublicUrl.into()
    });
    assert_eq!(violations(&public.await.unwrap_err())[0].0, "link_style");
    let other = server.plan(paid("a tower")).await;
    let other = server.execute(order(&other)).await.last().clone();
    let refused = assemble(&server, &other.name, |_| {}).await.unwrap_err();
    assert_eq!(violations(&refused)[0].0, "execution");
    server.stop().await;
}
