//! `AccountService`: budgets, usage, the audit log, and the look through the books.

use limn_proto::{
    plan::Money,
    v1::{
        Budget, BudgetPeriod, ExecutePlanRequest, ExecutionOrder, GetBudgetRequest, GetUsageRequest,
        ListAuditEventsRequest, ListBudgetsRequest, UpdateBudgetRequest, VerifyLedgerRequest,
        account_service_client::AccountServiceClient, execution_order::Source,
        executor_service_client::ExecutorServiceClient, planner_service_client::PlannerServiceClient,
    },
};
use pbjson_types::FieldMask;
use tonic::{Code, transport::Channel};

use crate::support::{InProcess, one_picture, refused};

type Accounts = AccountServiceClient<Channel>;

const CLIENT: &str = "clients/alice/budgets/client";

fn change(name: &str, paths: &[&str]) -> UpdateBudgetRequest {
    UpdateBudgetRequest {
        budget: Some(Budget {
            name: name.to_owned(),
            limit: Some(Money {
                currency_code: "USD".to_owned(),
                nanos: 5_000_000_000,
            }),
            period: BudgetPeriod::Month.into(),
            ..Budget::default()
        }),
        update_mask: Some(FieldMask {
            paths: paths.iter().map(|path| (*path).to_owned()).collect(),
        }),
        actor: "ada".to_owned(),
        reason: "a new quarter".to_owned(),
    }
}

async fn update(accounts: &mut Accounts, request: UpdateBudgetRequest) -> Budget {
    let answer = accounts.update_budget(request).await.unwrap();
    answer.into_inner().budget.unwrap()
}

fn get(name: &str) -> GetBudgetRequest {
    GetBudgetRequest {
        name: name.to_owned(),
        currency: String::new(),
    }
}

/// Draws one free picture for alice.
async fn draw(channel: &Channel, prompt: &str) {
    let mut planner = PlannerServiceClient::new(channel.clone());
    let plan = planner.plan(one_picture("alice", prompt)).await.unwrap();
    let order = ExecutionOrder {
        parent: "clients/alice".to_owned(),
        source: plan.into_inner().plan.map(Source::Plan),
        ..ExecutionOrder::default()
    };
    let request = ExecutePlanRequest {
        order: Some(order),
        ..ExecutePlanRequest::default()
    };
    let mut executor = ExecutorServiceClient::new(channel.clone());
    let mut events = executor.execute_plan(request).await.unwrap().into_inner();
    while events.message().await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_budget_is_made_changed_and_found_again() {
    let server = InProcess::start(&[]).await;
    let mut accounts = AccountServiceClient::new(server.channel.clone());
    let missing = refused(accounts.get_budget(get(CLIENT)).await);
    assert_eq!(
        (missing.code, missing.reason.as_str()),
        (Code::NotFound, "BUDGET_NOT_FOUND")
    );
    assert_eq!(missing.metadata["currency"], "USD");

    let made = update(&mut accounts, change(CLIENT, &["limit"])).await;
    assert_eq!(made.period(), BudgetPeriod::Never);
    assert_eq!(
        (made.reset_time.as_ref(), made.period_start_time.as_ref()),
        (None, None)
    );
    assert_eq!(made.available, made.limit);
    assert_eq!(made.available.as_ref().unwrap().nanos, 5_000_000_000);
    assert!(made.update_time.is_some());

    let changed = update(&mut accounts, change(CLIENT, &["period"])).await;
    assert_eq!(changed.period(), BudgetPeriod::Month);
    assert_eq!(changed.limit, made.limit);
    assert_ne!(changed.etag, made.etag);
    assert!(changed.period_start_time.is_some() && changed.reset_time.is_some());
    let got = accounts
        .get_budget(get(CLIENT))
        .await
        .unwrap()
        .into_inner()
        .budget;
    assert_eq!(got, Some(changed));
    server.stop().await;
}

#[tokio::test]
async fn a_change_that_is_late_or_unclear_changes_nothing() {
    let server = InProcess::start(&[]).await;
    let mut accounts = AccountServiceClient::new(server.channel.clone());
    let first = update(&mut accounts, change(CLIENT, &["limit"])).await;
    let second = update(&mut accounts, change(CLIENT, &["period"])).await;

    let mut late = change(CLIENT, &["limit"]);
    late.budget.as_mut().unwrap().etag = first.etag;
    let late = refused(accounts.update_budget(late).await);
    assert_eq!(
        (late.code, late.reason.as_str()),
        (Code::Aborted, "ETAG_MISMATCH")
    );
    assert_eq!(late.metadata["etag"], second.etag);

    let unclear = refused(accounts.update_budget(change(CLIENT, &["spent"])).await);
    assert_eq!(
        (unclear.code, unclear.reason.as_str()),
        (Code::InvalidArgument, "BAD_UPDATE_MASK")
    );
    let wrong = UpdateBudgetRequest {
        actor: String::new(),
        ..change("clients/alice/budgets/galaxy", &[])
    };
    let wrong = refused(accounts.update_budget(wrong).await);
    assert_eq!(wrong.reason, "INVALID_REQUEST");
    assert_eq!(wrong.fields, ["actor", "update_mask", "budget.name"]);

    let mut timely = change(CLIENT, &["limit"]);
    let budget = timely.budget.as_mut().unwrap();
    (budget.etag, budget.limit) = (second.etag, None);
    let unlimited = update(&mut accounts, timely).await;
    assert_eq!((unlimited.limit, unlimited.available), (None, None));
    server.stop().await;
}

#[tokio::test]
async fn budgets_and_the_audit_log_are_read_page_by_page() {
    let server = InProcess::start(&[]).await;
    let mut accounts = AccountServiceClient::new(server.channel.clone());
    let sessions = [
        "clients/alice/budgets/session-a b/c",
        CLIENT,
        "clients/alice/budgets/session-a",
    ];
    for name in sessions {
        update(&mut accounts, change(name, &["limit"])).await;
    }
    update(&mut accounts, change("clients/bob/budgets/client", &["limit"])).await;

    let mut request = ListBudgetsRequest {
        parent: "clients/alice".to_owned(),
        page_size: 2,
        page_token: String::new(),
    };
    let mut names = Vec::new();
    loop {
        let page = accounts.list_budgets(request.clone()).await.unwrap().into_inner();
        names.extend(page.budgets.into_iter().map(|budget| budget.name));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [sessions[1], sessions[2], sessions[0]]);

    let mut request = ListAuditEventsRequest {
        parent: "clients/alice".to_owned(),
        page_size: 2,
        page_token: String::new(),
        action: "budget.update".to_owned(),
    };
    let page = accounts
        .list_audit_events(request.clone())
        .await
        .unwrap()
        .into_inner();
    let newest = &page.audit_events[0];
    assert_eq!(
        (newest.actor.as_str(), newest.subject.as_str()),
        ("ada", sessions[2])
    );
    assert_eq!(newest.details["limitNanos"], "5000000000");
    assert!(newest.name.starts_with("clients/alice/auditEvents/"));
    request.page_token = page.next_page_token;
    let rest = accounts
        .list_audit_events(request.clone())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(rest.audit_events.len(), 1);
    assert_eq!(rest.next_page_token, "");
    request.action = String::new();
    let moved = refused(accounts.list_audit_events(request).await);
    assert_eq!(moved.reason, "BAD_PAGE_TOKEN");
    server.stop().await;
}

#[tokio::test]
async fn usage_counts_what_was_called_and_the_books_are_right() {
    let server = InProcess::start(&[]).await;
    let mut accounts = AccountServiceClient::new(server.channel.clone());
    for prompt in ["a red fox", "a red fox", "a blue fox"] {
        draw(&server.channel, prompt).await;
    }
    let request = GetUsageRequest {
        parent: "clients/alice".to_owned(),
        ..GetUsageRequest::default()
    };
    let usage = accounts.get_usage(request.clone()).await.unwrap().into_inner();
    let total = usage.total.unwrap();
    assert_eq!((total.images, total.attempts, total.failures), (2, 2, 0));
    assert_eq!((total.provider.as_str(), total.cost.unwrap().nanos), ("", 0));
    assert_eq!(usage.lines.len(), 1);
    assert_eq!(usage.lines[0].provider, "sketch");
    let (start, end) = (usage.start_time.unwrap(), usage.end_time.unwrap());
    assert_eq!(start.seconds % 86_400, 0);
    assert_eq!((end.seconds - start.seconds) / 86_400, 29, "30 days with today");
    let too_long = refused(accounts.get_usage(GetUsageRequest { days: 367, ..request }).await);
    assert_eq!(too_long.fields, ["days"]);

    for (parent, executions) in [("clients/alice", 3), ("clients/-", 3), ("clients/bob", 0)] {
        let request = VerifyLedgerRequest {
            parent: parent.to_owned(),
        };
        let verified = accounts.verify_ledger(request).await.unwrap().into_inner();
        assert_eq!(verified.differences, [], "{parent}");
        assert_eq!(verified.executions, executions, "{parent}");
    }
    let nobody = refused(accounts.verify_ledger(VerifyLedgerRequest::default()).await);
    assert_eq!(nobody.fields, ["parent"]);
    server.stop().await;
}
