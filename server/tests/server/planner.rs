//! `PlannerService`: planning, checking, converting, explaining.

use bytes::Bytes;
use limn_proto::v1::{
    CheckPlanRequest, ConvertPlanRequest, ConvertPlanResponse, ExplainPlanRequest, ImageGenerationPlan,
    PlanFormat, PlanRequest, convert_plan_request::Source, convert_plan_response::Result as Converted,
    planner_service_client::PlannerServiceClient,
};
use pbjson_types::Timestamp;
use tonic::{Code, Status, transport::Channel};

use crate::support::{InProcess, one_picture, refused};

async fn plan(planner: &mut PlannerServiceClient<Channel>, prompt: &str) -> ImageGenerationPlan {
    let answer = planner.plan(one_picture("alice", prompt)).await.unwrap();
    answer.into_inner().plan.unwrap()
}

async fn convert(
    planner: &mut PlannerServiceClient<Channel>,
    source: Source,
    format: PlanFormat,
) -> Result<ConvertPlanResponse, Status> {
    let request = ConvertPlanRequest {
        source: Some(source),
        format: format.into(),
    };
    Ok(planner.convert_plan(request).await?.into_inner())
}

#[tokio::test]
async fn the_same_request_gives_the_same_plan_and_the_plan_is_fit_to_run() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let first = plan(&mut planner, "a red fox").await;
    assert_eq!(plan(&mut planner, "a red fox").await, first);
    assert_eq!(
        first.spec.as_ref().unwrap().steps[0].targets[0].provider,
        "sketch"
    );

    let request = CheckPlanRequest {
        plan: Some(first.clone()),
        as_of_time: None,
    };
    let answer = planner.check_plan(request).await.unwrap().into_inner();
    assert!(answer.executable && answer.digest_matches, "{answer:?}");
    assert_eq!(answer.computed_digest, first.digest);

    let request = ExplainPlanRequest { plan: Some(first) };
    let answer = planner.explain_plan(request).await.unwrap().into_inner();
    assert!(answer.text.contains("a red fox"), "{}", answer.text);
    server.stop().await;
}

#[tokio::test]
async fn every_wrong_field_of_a_request_is_named_at_once() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let mut request = one_picture("Alice", "");
    request.session_id = "x".repeat(200);
    let refused = refused(planner.plan(request).await);
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::InvalidArgument, "INVALID_REQUEST")
    );
    assert_eq!(refused.fields.len(), 3, "{:?}", refused.fields);
    assert_eq!(refused.metadata["phase"], "plan");
    assert_eq!(refused.metadata["violationCount"], "3");
    server.stop().await;
}

#[tokio::test]
async fn a_provider_without_a_key_is_refused_with_what_to_do_and_one_with_a_key_is_not_the_default() {
    let mut request = one_picture("alice", "a red fox");
    if let Some(limn_proto::v1::plan_request::Work::Image(image)) = &mut request.work {
        image.provider = "openai".to_owned();
    }
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let status = planner.plan(request.clone()).await.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("OPENAI_API_KEY"),
        "{}",
        status.message()
    );
    server.stop().await;

    let server = InProcess::start(&[("providers.openai.api_key", "sk-test")]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    planner.plan(request).await.unwrap();
    let default = plan(&mut planner, "a red fox").await;
    assert_eq!(default.spec.unwrap().steps[0].targets[0].provider, "sketch");
    server.stop().await;
}

#[tokio::test]
async fn a_plan_survives_every_conversion() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let plan = plan(&mut planner, "Füchse — \u{1F98A} \"and\" \\ more").await;

    let json = convert(&mut planner, Source::Plan(plan.clone()), PlanFormat::Json)
        .await
        .unwrap();
    assert_eq!(json.digest, plan.digest);
    let Some(Converted::Json(text)) = json.result else {
        panic!("no JSON")
    };
    let back = convert(&mut planner, Source::Json(text), PlanFormat::Message)
        .await
        .unwrap();
    assert_eq!(back.result, Some(Converted::Plan(plan.clone())));

    let bytes = convert(&mut planner, Source::Plan(plan.clone()), PlanFormat::Canonical)
        .await
        .unwrap();
    let Some(Converted::CanonicalBytes(bytes)) = bytes.result else {
        panic!("no bytes")
    };
    assert_eq!(limn_proto::digest::digest_of(&bytes), plan.digest);
    let back = convert(&mut planner, Source::CanonicalBytes(bytes), PlanFormat::Message)
        .await
        .unwrap();
    let Some(Converted::Plan(back)) = back.result else {
        panic!("no plan")
    };
    assert_eq!((back.spec, back.digest), (plan.spec, plan.digest));
    server.stop().await;
}

#[tokio::test]
async fn an_absent_digest_is_computed_and_a_wrong_one_refused() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let mut plan = plan(&mut planner, "a red fox").await;
    let digest = std::mem::take(&mut plan.digest);
    let answer = convert(&mut planner, Source::Plan(plan.clone()), PlanFormat::Message).await;
    assert_eq!(answer.unwrap().digest, digest);

    plan.digest.clone_from(&digest);
    plan.spec.as_mut().unwrap().session_id = "moved".to_owned();
    let refused = refused(convert(&mut planner, Source::Plan(plan), PlanFormat::Message).await);
    assert_eq!(refused.reason, "PLAN_DIGEST_MISMATCH");
    assert_eq!(refused.metadata["given"], digest);
    assert_ne!(refused.metadata["computed"], digest);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_canonical_is_refused() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let plan = plan(&mut planner, "a red fox").await;
    let bytes = limn_proto::digest::canonical_bytes(plan.spec.as_ref().unwrap());
    let mut padded = bytes.clone();
    // Field 10 (variation) with its default: decodes to the same plan.
    padded.extend([0x50, 0x00]);
    let cases = [
        Source::CanonicalBytes(Bytes::from(padded)),
        Source::CanonicalBytes(Bytes::from(bytes[..bytes.len() - 1].to_vec())),
        Source::CanonicalBytes(Bytes::from_static(b"no plan")),
    ];
    for source in cases {
        let refused = refused(convert(&mut planner, source, PlanFormat::Message).await);
        assert_eq!(refused.reason, "PLAN_NOT_CANONICAL");
    }

    let mut newer = plan;
    newer.spec.as_mut().unwrap().revision = 99;
    let refused = refused(convert(&mut planner, Source::Plan(newer), PlanFormat::Message).await);
    assert_eq!(
        (refused.code, refused.reason.as_str()),
        (Code::FailedPrecondition, "PLAN_REVISION_UNSUPPORTED")
    );
    server.stop().await;
}

#[tokio::test]
async fn json_is_read_strictly() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    for (text, reason) in [
        ("{\"digest\": \"\\ud800\"}", "MALFORMED_JSON"),
        ("{\"spec\": {}", "MALFORMED_JSON"),
        ("{\"spec\": {}, \"colour\": 1}", "INVALID_REQUEST"),
        ("{}", "INVALID_REQUEST"),
    ] {
        let refused =
            refused(convert(&mut planner, Source::Json(text.to_owned()), PlanFormat::Message).await);
        assert_eq!(refused.reason, reason, "{text}");
        assert_eq!(refused.metadata["phase"], "plan");
        if reason == "MALFORMED_JSON" {
            assert_eq!(refused.metadata["line"], "1");
            assert!(refused.metadata.contains_key("column"));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_request_without_content_names_what_is_missing() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let answer = planner.convert_plan(ConvertPlanRequest::default()).await;
    assert_eq!(refused(answer).fields, ["format", "source"]);
    let answer = planner
        .convert_plan(ConvertPlanRequest {
            source: Some(Source::Json(String::new())),
            format: 77,
        })
        .await;
    assert_eq!(refused(answer).fields, ["format"]);
    let answer = planner
        .check_plan(CheckPlanRequest {
            plan: None,
            as_of_time: Some(Timestamp {
                seconds: 0,
                nanos: -1,
            }),
        })
        .await;
    assert_eq!(refused(answer).fields, ["as_of_time", "plan"]);
    let answer = planner.explain_plan(ExplainPlanRequest::default()).await;
    assert_eq!(refused(answer).fields, ["plan"]);
    let answer = planner.plan(PlanRequest::default()).await;
    assert!(refused(answer).fields.contains(&"parent".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn an_expired_plan_is_seen_only_when_a_time_is_given() {
    let server = InProcess::start(&[]).await;
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let mut request = one_picture("alice", "a red fox");
    request.not_after_time = Some(Timestamp {
        seconds: 1000,
        nanos: 0,
    });
    let plan = planner.plan(request).await.unwrap().into_inner().plan;
    for (as_of, executable) in [(None, true), (Some(1000), true), (Some(1001), false)] {
        let request = CheckPlanRequest {
            plan: plan.clone(),
            as_of_time: as_of.map(|seconds| Timestamp { seconds, nanos: 0 }),
        };
        let answer = planner.check_plan(request).await.unwrap().into_inner();
        assert_eq!(answer.executable, executable, "{as_of:?}");
    }
    server.stop().await;
}
