//! Plans as things: converted, stored, replayed by name, checked against the present.

use limn_proto::v1::{
    CheckPlanRequest, ConvertPlanRequest, DeletePlanRequest, ExecutionState, ExplainPlanRequest,
    GetCapabilitiesRequest, GetPlanRequest, ListPlansRequest, ListProvidersRequest, PlanFormat,
    SavePlanRequest, catalog_service_client::CatalogServiceClient, convert_plan_request::Source as Form,
    convert_plan_response::Result as Converted, execution_order::Source,
};

use crate::support::{PARENT, World, order, paid, reason, sketch};

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_survives_every_conversion() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("ein roter Fuchs im Schnee: 狐")).await;

    let convert = async |source: Form, format: PlanFormat| {
        let request = ConvertPlanRequest {
            source: Some(source),
            format: format.into(),
        };
        server.planner().convert_plan(request).await.unwrap().into_inner()
    };
    let canonical = convert(Form::Plan(plan.clone()), PlanFormat::Canonical).await;
    let Some(Converted::CanonicalBytes(bytes)) = canonical.result else {
        panic!("no bytes")
    };
    assert_eq!(canonical.digest, plan.digest);
    assert_eq!(limn_proto::digest::digest_of(&bytes), plan.digest);
    let json = convert(Form::CanonicalBytes(bytes), PlanFormat::Json).await;
    let Some(Converted::Json(json)) = json.result else {
        panic!("no json")
    };
    let back = convert(Form::Json(json), PlanFormat::Message).await;
    let Some(Converted::Plan(back)) = back.result else {
        panic!("no message")
    };
    assert_eq!(back.spec, plan.spec);
    assert_eq!(back.digest, plan.digest);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_plan_is_replayed_by_name() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(sketch("a red fox")).await;
    let save = SavePlanRequest {
        parent: PARENT.to_owned(),
        plan: Some(plan.clone()),
    };
    let stored = server
        .plan_store()
        .save_plan(save.clone())
        .await
        .unwrap()
        .into_inner()
        .stored_plan
        .unwrap();
    let again = server
        .plan_store()
        .save_plan(save)
        .await
        .unwrap()
        .into_inner()
        .stored_plan
        .unwrap();
    assert_eq!(stored, again);

    let mut by_name = order(&plan);
    by_name.source = Some(Source::PlanName(stored.name.clone()));
    let run = server.execute(by_name).await;
    assert_eq!(run.last().state(), ExecutionState::Completed);
    assert_eq!(run.last().plan_digest, plan.digest);

    let get = GetPlanRequest {
        name: stored.name.clone(),
    };
    let read = server
        .plan_store()
        .get_plan(get)
        .await
        .unwrap()
        .into_inner()
        .stored_plan
        .unwrap();
    assert_eq!(read.plan.unwrap().spec, plan.spec);
    assert!(read.last_execute_time.is_some());
    let list = ListPlansRequest {
        parent: PARENT.to_owned(),
        ..Default::default()
    };
    assert_eq!(
        server
            .plan_store()
            .list_plans(list)
            .await
            .unwrap()
            .into_inner()
            .plans
            .len(),
        1
    );

    let delete = DeletePlanRequest {
        name: stored.name.clone(),
    };
    server.plan_store().delete_plan(delete).await.unwrap();
    let get = GetPlanRequest {
        name: stored.name.clone(),
    };
    let gone = server.plan_store().get_plan(get).await.unwrap_err();
    assert_eq!(reason(&gone), "PLAN_NOT_FOUND");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_risen_price_makes_a_plan_stale_unless_it_is_accepted() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox")).await;
    server.stop().await;

    let prices = world.folder().join("prices.toml");
    std::fs::write(
        &prices,
        "[providers.openai.models.gpt-image-2.pricing]\nimage_output_per_million = \"45\"\n",
    )
    .unwrap();
    let world = world.with("catalog.files", &prices.to_string_lossy());
    let server = world.serve().await;
    let check = CheckPlanRequest {
        plan: Some(plan.clone()),
        as_of_time: None,
    };
    let checked = server.planner().check_plan(check).await.unwrap().into_inner();
    assert!(checked.digest_matches && !checked.executable);
    assert!(checked.drifts.iter().any(|drift| drift.blocking));

    let request = limn_proto::v1::StartExecutionRequest {
        order: Some(order(&plan)),
    };
    let refused = server.executor().start_execution(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PLAN_STALE");
    let mut accepting = order(&plan);
    accepting.accept_price_drift = true;
    assert_eq!(
        server.execute(accepting).await.last().state(),
        ExecutionState::Completed
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_explains_itself_and_the_catalog_shows_what_there_is() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(paid("a red fox")).await;
    let explain = ExplainPlanRequest {
        plan: Some(plan.clone()),
    };
    let text = server
        .planner()
        .explain_plan(explain)
        .await
        .unwrap()
        .into_inner()
        .text;
    for fact in [plan.digest.as_str(), "gpt-image-2", "1024", "a red fox"] {
        assert!(text.contains(fact), "{fact} is not in:\n{text}");
    }

    let mut catalog = CatalogServiceClient::new(server.channel.clone());
    let capabilities = catalog
        .get_capabilities(GetCapabilitiesRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(capabilities.default_provider, "sketch");
    assert_eq!(capabilities.max_steps, 500);
    let providers = catalog
        .list_providers(ListProvidersRequest::default())
        .await
        .unwrap()
        .into_inner()
        .providers;
    let enabled = providers.iter().filter(|provider| provider.enabled);
    let enabled: Vec<&str> = enabled.map(|provider| provider.provider.as_str()).collect();
    assert_eq!(enabled, ["openai", "sketch"]);
    for provider in providers.iter().filter(|provider| !provider.enabled) {
        assert!(!provider.disabled_reason.is_empty(), "{}", provider.provider);
    }
    server.stop().await;
}
