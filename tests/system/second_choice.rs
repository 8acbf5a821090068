//! OpenAI first and Stability AI as its fallback, with the adapters of both and through the public API: what is proven
//! unpaid is drawn elsewhere, and what may be paid is sent nowhere again.

use limn_fakes::{Case, Fake};
use limn_proto::v1::{
    AttemptState, ExecutionState, GetBudgetRequest, PlanRequest, StepState, VerifyLedgerRequest,
    account_service_client::AccountServiceClient, plan_request::Work,
};

use crate::support::{PARENT, Progress, TestServer, World, nanos, order, paid};

/// What a picture costs at Stability, as its catalog says: three cents.
const STABILITY_NANOS: i64 = 30_000_000;

/// A world with a second provider.
struct Two {
    world: World,
    stability: Fake,
    server: TestServer,
}

impl Two {
    async fn new() -> Self {
        let stability = Fake::start("stability").await;
        let world = World::new()
            .await
            .with("providers.stability.api_key", Fake::KEY)
            .with("providers.stability.base_url", &stability.base_url());
        let server = world.serve().await;
        Self {
            world,
            stability,
            server,
        }
    }

    /// A picture of a size that both draw; each of these is called this often for it.
    async fn draw(&self, case: Case, prompt: &str) -> (Progress, (u64, u64)) {
        let before = (self.world.openai.calls(), self.stability.calls());
        self.world.openai.always(case);
        let plan = self.server.plan(request(prompt)).await;
        let providers: Vec<&str> = plan.spec.as_ref().unwrap().steps[0]
            .targets
            .iter()
            .map(|target| target.provider.as_str())
            .collect();
        assert_eq!(providers, ["openai", "stability"]);
        let run = self.server.execute(order(&plan)).await;
        let calls = (
            self.world.openai.calls() - before.0,
            self.stability.calls() - before.1,
        );
        (run, calls)
    }
}

impl Two {
    /// What the client has spent, and what is held, by books that are right.
    async fn spent(&self) -> (i64, i64) {
        let mut accounts = AccountServiceClient::new(self.server.channel.clone());
        let verify = VerifyLedgerRequest {
            parent: PARENT.to_owned(),
        };
        let verified = accounts.verify_ledger(verify).await.unwrap().into_inner();
        assert_eq!(verified.differences, []);
        let get = GetBudgetRequest {
            name: format!("{PARENT}/budgets/client"),
            ..GetBudgetRequest::default()
        };
        let budget = accounts
            .get_budget(get)
            .await
            .unwrap()
            .into_inner()
            .budget
            .unwrap();
        assert_eq!(nanos(budget.reserved.as_ref()), 0);
        (nanos(budget.spent.as_ref()), nanos(budget.unknown_held.as_ref()))
    }
}

fn request(prompt: &str) -> PlanRequest {
    let mut request = paid(prompt);
    let Some(Work::Image(image)) = &mut request.work else {
        unreachable!("a request for one picture")
    };
    (image.width_px, image.height_px) = (1536, 1536);
    image.fallback_providers = vec!["stability".to_owned()];
    request
        .policy
        .as_mut()
        .unwrap()
        .retry
        .as_mut()
        .unwrap()
        .max_attempts = 2;
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_proven_unpaid_is_drawn_by_the_fallback_and_paid_there_once() {
    let two = Two::new().await;
    two.world.openai.set_wait(std::time::Duration::from_millis(3));
    let cases = [
        (Case::Quota, "PROVIDER_ACCOUNT", 1),
        (Case::BadKey, "PROVIDER_ACCOUNT", 1),
        (Case::BadRequest, "PROVIDER_REJECTED", 1),
        (Case::RetiredModel, "PROVIDER_REJECTED", 1),
        (Case::RateLimited, "PROVIDER_RATE_LIMITED", 2),
        (Case::ServerError, "PROVIDER_UNAVAILABLE", 2),
    ];
    let mut drawn = 0;
    for (case, reason, calls) in cases {
        let told = format!("{case:?}");
        let (run, called) = two.draw(case, &told).await;
        drawn += 1;
        assert_eq!(called, (calls, 1), "{told}");
        assert_eq!(run.last().state(), ExecutionState::Completed, "{told}");
        assert_eq!(run.step().state(), StepState::Completed, "{told}");

        let (last, refused) = run.step().attempts.split_last().unwrap();
        assert_eq!(refused.len() as u64, calls, "{told}");
        for attempt in refused {
            assert_eq!(attempt.provider, "openai", "{told}");
            assert_eq!(attempt.state(), AttemptState::Rejected, "{told}");
            assert_eq!(attempt.failure.as_ref().unwrap().reason, reason, "{told}");
            assert_eq!(attempt.cost.as_ref().map_or(0, |cost| cost.nanos), 0, "{told}");
        }
        assert_eq!(last.provider, "stability", "{told}");
        assert_eq!(last.state(), AttemptState::Committed, "{told}");
        assert_eq!(nanos(last.cost.as_ref()), STABILITY_NANOS, "{told}");

        let cost = run.last().cost.as_ref().unwrap();
        assert_eq!(nanos(cost.total.as_ref()), STABILITY_NANOS, "{told}");
        assert_eq!(nanos(cost.reserved.as_ref()), 0, "{told}");
        assert_eq!(nanos(cost.unknown_held.as_ref()), 0, "{told}");
        assert!(cost.r#final, "{told}");
        let [line] = cost.lines.as_slice() else {
            panic!("{told}: {:?}", cost.lines)
        };
        assert_eq!(u64::from(line.attempt), calls + 1, "{told}");
        let image = two.server.image(&run.step().image).await;
        assert_eq!((image.width_px, image.height_px), (1536, 1536), "{told}");
    }
    assert_eq!((two.world.openai.charged(), two.stability.charged()), (0, drawn));
    let spent = two.spent().await;
    assert_eq!(spent, (STABILITY_NANOS * i64::try_from(drawn).unwrap(), 0));
    two.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_paid_is_sent_nowhere_again_and_its_price_is_held() {
    let two = Two::new().await;
    let mut held = 0;
    for case in [Case::Disconnect, Case::Truncated, Case::GatewayPage(502)] {
        let told = format!("{case:?}");
        let (run, called) = two.draw(case, &told).await;
        assert_eq!(called, (1, 0), "{told}");
        assert_eq!(run.last().state(), ExecutionState::NeedsDecision, "{told}");
        assert_eq!(run.step().state(), StepState::NeedsDecision, "{told}");
        let [attempt] = run.step().attempts.as_slice() else {
            panic!("{told}: {:?}", run.step().attempts)
        };
        assert_eq!(attempt.provider, "openai", "{told}");
        assert_eq!(attempt.state(), AttemptState::Unknown, "{told}");
        let cost = run.last().cost.as_ref().unwrap();
        assert_eq!(nanos(cost.total.as_ref()), 0, "{told}");
        assert_eq!(nanos(cost.reserved.as_ref()), 0, "{told}");
        assert!(nanos(cost.unknown_held.as_ref()) > 0, "{told}");
        held += nanos(cost.unknown_held.as_ref());
    }
    assert_eq!(two.spent().await, (0, held));
    two.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_that_is_refused_is_offered_to_nobody_else() {
    let two = Two::new().await;
    for way in two.world.openai.refusals() {
        let (run, called) = two.draw(Case::Refusal(way), way).await;
        assert_eq!(called, (1, 0), "{way}");
        assert_eq!(run.last().state(), ExecutionState::Failed, "{way}");
        assert_eq!(
            run.step().failure.as_ref().unwrap().reason,
            "CONTENT_BLOCKED",
            "{way}"
        );
    }
    assert_eq!(two.stability.requests().len(), 0);
    two.server.stop().await;
}
