//! Sessions and reviews over gRPC.

use limn_proto::v1::{
    self, GetExecutionRequest, GetSessionRequest, ImageRequest, ImageVerdict, ListSessionsRequest,
    PlanRequest, ReviewImagesRequest, Session, SessionStage, UpdateImageRequest, execution_event::Event,
    session_service_client::SessionServiceClient,
};
use pbjson_types::FieldMask;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{PARENT, TestServer, World, batch, nanos, order, paid, reason, sketch};

fn sessions(server: &TestServer) -> SessionServiceClient<Channel> {
    SessionServiceClient::new(server.channel.clone())
}

async fn session(server: &TestServer, id: &str) -> Session {
    let request = GetSessionRequest {
        name: format!("{PARENT}/sessions/{id}"),
    };
    let answer = sessions(server).get_session(request).await.unwrap();
    answer.into_inner().session.unwrap()
}

fn of_session(id: &str, request: PlanRequest) -> PlanRequest {
    PlanRequest {
        session_id: id.to_owned(),
        ..request
    }
}

async fn review(
    server: &TestServer,
    names: &[&str],
    verdict: ImageVerdict,
) -> Result<Vec<v1::Image>, Status> {
    let request = ReviewImagesRequest {
        parent: PARENT.to_owned(),
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        verdict: verdict.into(),
        reviewer: "ada".to_owned(),
        note: String::new(),
    };
    let answer = server.library().review_images(request).await?;
    Ok(answer.into_inner().images)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_followed_from_its_plan_to_the_last_verdict() {
    let world = World::new().await;
    let server = world.serve().await;
    let unknown = GetSessionRequest {
        name: format!("{PARENT}/sessions/spring/2026"),
    };
    let refused = sessions(&server).get_session(unknown).await.unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::NotFound, "SESSION_NOT_FOUND")
    );

    let gate = world.hold();
    let plan = server.plan(of_session("spring/2026", paid("a tower"))).await;
    let name = server.start(order(&plan)).await;
    world.openai.wait_for_calls(1).await;
    let busy = session(&server, "spring/2026").await;
    assert_eq!(
        (busy.stage(), busy.open_execution_count),
        (SessionStage::Generating, 1)
    );
    assert!(nanos(busy.costs[0].reserved.as_ref()) > 0, "{:?}", busy.costs);
    let request = GetExecutionRequest { name: name.clone() };
    let running = server
        .executor()
        .get_execution(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(running.execution.unwrap().progress_percent, 0);
    gate.open();
    let run = server.watch(&name, None).await;
    assert_eq!(run.last().progress_percent, 100);
    let steps_of = |event: &v1::ExecutionEvent| match &event.event {
        Some(Event::Snapshot(execution)) => Some(execution.progress_percent),
        _ => None,
    };
    let percents: Vec<u32> = run.events.iter().filter_map(steps_of).collect();
    assert!(percents.is_sorted(), "{percents:?}");

    let drawn = session(&server, "spring/2026").await;
    assert_eq!((drawn.stage(), drawn.unreviewed_count), (SessionStage::Review, 1));
    let cost = &drawn.costs[0];
    assert!(nanos(cost.spent.as_ref()) > 0 && nanos(cost.reserved.as_ref()) == 0);
    let image = &run.step().image;
    review(&server, &[image], ImageVerdict::Approved).await.unwrap();
    let done = session(&server, "spring/2026").await;
    assert_eq!((done.stage(), done.approved_count), (SessionStage::Done, 1));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_newest_activity_first_and_paged() {
    let world = World::new().await;
    let server = world.serve().await;
    for id in ["one", "two", "three"] {
        let plan = server.plan(of_session(id, sketch(id))).await;
        server.execute(order(&plan)).await;
    }
    let mut request = ListSessionsRequest {
        parent: PARENT.to_owned(),
        page_size: 2,
        page_token: String::new(),
    };
    let mut found = Vec::new();
    loop {
        let page = sessions(&server)
            .list_sessions(request.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(page.sessions.len() <= 2);
        for listed in page.sessions {
            assert_eq!(listed, session(&server, &listed.session_id).await);
            assert!(listed.costs.is_empty(), "the local renderer is free");
            found.push(listed.session_id);
        }
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, ["three", "two", "one"]);
    request.parent = "clients/other".to_owned();
    let refused = sessions(&server).list_sessions(request).await.unwrap_err();
    assert_eq!(reason(&refused), "BAD_PAGE_TOKEN", "a token belongs to its list");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_names_every_image_that_is_not_there_and_changes_nothing() {
    let world = World::new().await;
    let server = world.serve().await;
    let images = ["a fox", "a wolf"].map(|prompt| ImageRequest {
        prompt: prompt.to_owned(),
        width_px: 32,
        height_px: 32,
        ..ImageRequest::default()
    });
    let run = server
        .execute(order(&server.plan(batch(images.to_vec())).await))
        .await;
    let names: Vec<&str> = run.last().steps.iter().map(|step| step.image.as_str()).collect();
    let nowhere = format!("{PARENT}/images/00000000-0000-0000-0000-000000000000");
    let foreign = names[1].replace(PARENT, "clients/other");
    for (asked, missing) in [
        (vec![names[0], nowhere.as_str()], vec!["names[1]"]),
        (
            vec![foreign.as_str(), names[0], nowhere.as_str()],
            vec!["names[0]", "names[2]"],
        ),
    ] {
        let refused = review(&server, &asked, ImageVerdict::Approved).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::NotFound, "IMAGE_NOT_FOUND")
        );
        let failure = refused.get_details_precondition_failure().unwrap();
        let fields: Vec<&str> = failure
            .violations
            .iter()
            .map(|missing| missing.subject.as_str())
            .collect();
        assert_eq!(fields, missing);
        assert_eq!(server.image(names[0]).await.review, None);
    }
    for (asked, verdict) in [
        (vec![], ImageVerdict::Approved),
        (vec![names[0], names[0]], ImageVerdict::Approved),
        (vec![names[0]], ImageVerdict::Unspecified),
    ] {
        let refused = review(&server, &asked, verdict).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{asked:?}");
    }
    let done = review(&server, &[names[1], names[0]], ImageVerdict::Rejected)
        .await
        .unwrap();
    let order: Vec<&str> = done.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(order, [names[1], names[0]]);
    for image in &done {
        let review = image.review.clone().unwrap();
        assert_eq!(
            (review.verdict(), review.reviewer.as_str()),
            (ImageVerdict::Rejected, "ada")
        );
        assert!(!image.rejected, "the quality gate said nothing");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_person_wrote_can_be_corrected() {
    let world = World::new().await;
    let server = world.serve().await;
    let run = server.execute(order(&server.plan(sketch("a fox")).await)).await;
    let before = server.image(&run.step().image).await;
    let update = |paths: &[&str], image: v1::Image| UpdateImageRequest {
        image: Some(image),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        actor: "ada".to_owned(),
        reason: String::new(),
    };
    let wanted = v1::Image {
        caption: "In the snow".to_owned(),
        provider: "somebody else".to_owned(),
        ..before.clone()
    };
    for paths in [&["provider"][..], &["generation_cost"], &[]] {
        let refused = server
            .library()
            .update_image(update(paths, wanted.clone()))
            .await
            .unwrap_err();
        assert_eq!(reason(&refused), "BAD_UPDATE_MASK", "{paths:?}");
    }
    let answer = server
        .library()
        .update_image(update(&["caption"], wanted.clone()))
        .await
        .unwrap();
    let after = answer.into_inner().image.unwrap();
    assert_eq!(
        (after.caption.as_str(), &after.provider),
        ("In the snow", &before.provider)
    );
    assert_eq!(after, server.image(&before.name).await);
    // The answer was lost: the same again, with the tag of then, is no conflict.
    let again = server
        .library()
        .update_image(update(&["caption"], wanted.clone()))
        .await
        .unwrap();
    assert_eq!(again.into_inner().image.unwrap(), after);
    let late = v1::Image {
        caption: "At dusk".to_owned(),
        ..wanted
    };
    let refused = server
        .library()
        .update_image(update(&["caption"], late))
        .await
        .unwrap_err();
    assert_eq!(
        (refused.code(), reason(&refused).as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    server.stop().await;
}
