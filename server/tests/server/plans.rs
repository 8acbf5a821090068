//! `PlanStoreService`: saving, getting, paging, deleting.

use limn_proto::v1::{
    DeletePlanRequest, GetPlanRequest, ImageGenerationPlan, ListPlansRequest, SavePlanRequest,
    plan_store_service_client::PlanStoreServiceClient, planner_service_client::PlannerServiceClient,
};
use tonic::Code;

use crate::support::{InProcess, one_picture, refused};

async fn plan(server: &InProcess, client: &str, prompt: &str) -> ImageGenerationPlan {
    let mut planner = PlannerServiceClient::new(server.channel.clone());
    let answer = planner.plan(one_picture(client, prompt)).await.unwrap();
    answer.into_inner().plan.unwrap()
}

fn save(client: &str, plan: ImageGenerationPlan) -> SavePlanRequest {
    SavePlanRequest {
        parent: format!("clients/{client}"),
        plan: Some(plan),
    }
}

#[tokio::test]
async fn a_plan_is_stored_once_under_its_digest_and_without_notes() {
    let server = InProcess::start(&[]).await;
    let mut store = PlanStoreServiceClient::new(server.channel.clone());
    let plan = plan(&server, "alice", "a red fox").await;
    let first = store.save_plan(save("alice", plan.clone())).await.unwrap();
    let first = first.into_inner().stored_plan.unwrap();
    let again = store.save_plan(save("alice", plan.clone())).await.unwrap();
    assert_eq!(again.into_inner().stored_plan.as_ref(), Some(&first));

    let hex = plan.digest.strip_prefix("sha256:").unwrap();
    assert_eq!(first.name, format!("clients/alice/plans/{hex}"));
    let stored = first.plan.clone().unwrap();
    assert_eq!(
        (stored.spec, stored.digest, stored.notes),
        (plan.spec, plan.digest, None)
    );

    let name = first.name.clone();
    let got = store
        .get_plan(GetPlanRequest { name: name.clone() })
        .await
        .unwrap();
    assert_eq!(got.into_inner().stored_plan, Some(first));
    store
        .delete_plan(DeletePlanRequest { name: name.clone() })
        .await
        .unwrap();
    let gone = refused(store.get_plan(GetPlanRequest { name: name.clone() }).await);
    assert_eq!(
        (gone.code, gone.reason.as_str()),
        (Code::NotFound, "PLAN_NOT_FOUND")
    );
    let gone = refused(store.delete_plan(DeletePlanRequest { name }).await);
    assert_eq!(gone.reason, "PLAN_NOT_FOUND");
    server.stop().await;
}

#[tokio::test]
async fn a_plan_of_another_client_or_with_another_digest_is_not_stored() {
    let server = InProcess::start(&[]).await;
    let mut store = PlanStoreServiceClient::new(server.channel.clone());
    let plan = plan(&server, "alice", "a red fox").await;
    let other = refused(store.save_plan(save("bob", plan.clone())).await);
    assert_eq!(
        (other.code, other.reason.as_str()),
        (Code::PermissionDenied, "CLIENT_MISMATCH")
    );

    let mut changed = plan;
    changed.spec.as_mut().unwrap().variation = 9;
    let changed = refused(store.save_plan(save("alice", changed)).await);
    assert_eq!(changed.reason, "PLAN_DIGEST_MISMATCH");
    let empty = refused(store.save_plan(SavePlanRequest::default()).await);
    assert_eq!(empty.fields, ["parent", "plan"]);
    server.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let server = InProcess::start(&[]).await;
    let mut store = PlanStoreServiceClient::new(server.channel.clone());
    let mut saved = Vec::new();
    for number in 0..5 {
        let plan = plan(&server, "alice", &format!("fox {number}")).await;
        saved.push(plan.digest.clone());
        store.save_plan(save("alice", plan)).await.unwrap();
    }
    let other = plan(&server, "bob", "a blue fox").await;
    store.save_plan(save("bob", other)).await.unwrap();

    let mut request = ListPlansRequest {
        parent: "clients/alice".to_owned(),
        page_size: 2,
        ..ListPlansRequest::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = store.list_plans(request.clone()).await.unwrap().into_inner();
        assert!(page.plans.len() <= 2);
        listed.extend(page.plans.into_iter().map(|stored| stored.plan.unwrap().digest));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed.len(), 5);
    listed.sort();
    saved.sort();
    assert_eq!(listed, saved);
    server.stop().await;
}

#[tokio::test]
async fn a_page_token_belongs_to_its_query() {
    let server = InProcess::start(&[]).await;
    let mut store = PlanStoreServiceClient::new(server.channel.clone());
    for prompt in ["one fox", "two foxes"] {
        let plan = plan(&server, "alice", prompt).await;
        store.save_plan(save("alice", plan)).await.unwrap();
    }
    let request = ListPlansRequest {
        parent: "clients/alice".to_owned(),
        page_size: 1,
        ..ListPlansRequest::default()
    };
    let page = store.list_plans(request.clone()).await.unwrap().into_inner();
    let next = ListPlansRequest {
        page_token: page.next_page_token,
        ..request
    };
    // Another page size is the same list.
    let larger = ListPlansRequest {
        page_size: 200,
        ..next.clone()
    };
    assert_eq!(
        store.list_plans(larger).await.unwrap().into_inner().plans.len(),
        1
    );
    let changed = [
        ListPlansRequest {
            parent: "clients/bob".to_owned(),
            ..next.clone()
        },
        ListPlansRequest {
            session_id: "s".to_owned(),
            ..next.clone()
        },
        ListPlansRequest {
            page_token: "forged".to_owned(),
            ..next.clone()
        },
    ];
    for request in changed {
        let refused = refused(store.list_plans(request).await);
        assert_eq!(
            (refused.reason.as_str(), refused.fields),
            ("BAD_PAGE_TOKEN", vec!["page_token".to_owned()])
        );
    }
    let wrong = ListPlansRequest {
        parent: "alice".to_owned(),
        page_size: -1,
        kind: 99,
        ..next
    };
    assert_eq!(
        refused(store.list_plans(wrong).await).fields,
        ["parent", "page_size", "kind"]
    );
    server.stop().await;
}
