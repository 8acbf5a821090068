//! The cases that every provider goes through.

use std::time::Duration;

use limn_executor::{
    provider::{Billing, CallError, CapabilityClass, Lookup, Submission},
    providers::{Access, KINDS, RefusalBilling},
    records::CostSource,
};
use limn_fakes::{Case, Fake, Gate};
use limn_proto::reason::Reason;

use crate::{
    bench::{self, Bench, Variant},
    drive::{Ended, Order, draw, follow, read, submit},
    record::{self, Records},
    rules,
};

/// Larger than the bound that adapters are set up with.
const OVERSIZE_BYTES: usize = (1 << 20) + (1 << 16);

#[test]
fn every_kind_has_a_bench() {
    let benches: Vec<&str> = bench::ALL.iter().map(|bench| bench.kind).collect();
    for kind in KINDS.iter().filter(|kind| kind.access != Access::Open) {
        assert!(
            benches.contains(&kind.id),
            "{} has no bench in bench::ALL",
            kind.id
        );
    }
    for bench in bench::ALL {
        assert!(!bench.variants.is_empty(), "{} has no variant", bench.kind);
    }
}

fn cases(fake: &Fake) -> Vec<(String, Case)> {
    let mut cases: Vec<(String, Case)> = [
        ("success", Case::Success),
        ("rate limited", Case::RateLimited),
        ("quota", Case::Quota),
        ("bad key", Case::BadKey),
        ("retired model", Case::RetiredModel),
        ("bad request", Case::BadRequest),
        ("server error", Case::ServerError),
        ("no picture", Case::NoPicture),
        ("malformed", Case::Malformed),
        ("truncated", Case::Truncated),
        ("oversized", Case::Oversized(OVERSIZE_BYTES)),
        ("bomb", Case::Bomb),
        ("gateway page", Case::GatewayPage(502)),
        ("disconnected", Case::Disconnect),
    ]
    .into_iter()
    .map(|(name, case)| (name.to_owned(), case))
    .collect();
    if fake.has_jobs() {
        cases.push(("job failed".to_owned(), Case::JobFailed));
        cases.push(("job hangs".to_owned(), Case::JobHangs));
    }
    for way in fake.refusals() {
        cases.push((format!("refused, {way}"), Case::Refusal(way)));
    }
    cases
}

fn order(kind: &str, variant: &Variant) -> Order {
    let mut render = (variant.render)();
    kind.clone_into(&mut render.provider);
    Order {
        render,
        references: (variant.references)(),
        timeout: Duration::from_secs(60),
    }
}

async fn for_each_variant<F: Future<Output = ()>>(check: impl Fn(&'static Bench, &'static Variant) -> F) {
    for bench in bench::ALL {
        for variant in bench.variants {
            check(bench, variant).await;
        }
    }
}

#[tokio::test]
async fn every_case_comes_to_what_it_must() {
    for_each_variant(|bench, variant| async {
        let order = order(bench.kind, variant);
        let mut records = Records::default();
        let known = Fake::start(variant.fake).await;
        for (name, case) in cases(&known) {
            let fake = Fake::start(variant.fake).await;
            let provider = variant.provider(bench.kind, &fake);
            fake.next(case.clone());
            let ended = draw(&*provider, &order).await;
            let told = format!("{} {}, {name}", bench.kind, variant.name);
            rules::check(&told, &case, &fake, &order, &ended);
            records.add(&name, record::of(&fake, &ended));
        }
        records.check(bench.kind, variant.name);
    })
    .await;
}

/// Where the catalog knows that refused content is not billed, nothing is held for it, whichever way it is refused. It
/// knows nothing of work that was drawn before the refusal.
#[tokio::test]
async fn content_that_is_refused_is_billed_as_the_catalog_says() {
    for_each_variant(|bench, variant| async {
        let order = order(bench.kind, variant);
        for way in Fake::start(variant.fake).await.refusals() {
            let told = format!("{} {}, refused, {way}", bench.kind, variant.name);
            let mut billed = Vec::new();
            for refusals in [RefusalBilling::No, RefusalBilling::Unknown] {
                let fake = Fake::start(variant.fake).await;
                let mut setup = variant.setup(bench.kind, &fake);
                setup.traits.refusals = refusals;
                fake.next(Case::Refusal(way));
                if let Ended::Rejected(rejection) = draw(&*Variant::build(setup), &order).await
                    && rejection.reason == Reason::ContentBlocked
                {
                    billed.push(rejection.billing);
                }
            }
            match billed.as_slice() {
                // Refused by a success, which is paid, or for another reason.
                [] => {}
                both if variant.late_refusals.contains(way) => {
                    assert_eq!(both, [Billing::Unknown; 2], "{told}");
                }
                [with_catalog, _] => assert_eq!(*with_catalog, Billing::No, "{told}"),
                one => panic!("{told}: the catalog changes what is proven: {one:?}"),
            }
        }
    })
    .await;
}

/// The same for content that is refused inside a success: it is free where the catalog says that refusals are, unless the
/// answer tells its cost.
#[tokio::test]
async fn content_that_is_refused_inside_a_success_is_billed_as_the_catalog_says() {
    let mut kinds = Vec::new();
    for bench in bench::ALL {
        for variant in bench.variants {
            let order = order(bench.kind, variant);
            for way in Fake::start(variant.fake).await.refusals() {
                for refusals in [RefusalBilling::No, RefusalBilling::Yes, RefusalBilling::Unknown] {
                    let fake = Fake::start(variant.fake).await;
                    let mut setup = variant.setup(bench.kind, &fake);
                    setup.traits.refusals = refusals;
                    fake.next(Case::Refusal(way));
                    let Ended::Unusable(error) = draw(&*Variant::build(setup), &order).await else {
                        continue;
                    };
                    assert_eq!(
                        (error.reason, error.bill.is_unbilled),
                        (Reason::ContentBlocked, refusals == RefusalBilling::No),
                        "{} {}, refused, {way}, {refusals:?}",
                        bench.kind,
                        variant.name
                    );
                    if refusals == RefusalBilling::No {
                        kinds.push(bench.kind);
                    }
                }
            }
        }
    }
    kinds.dedup();
    assert_eq!(
        kinds,
        ["google", "openrouter", "stability", "vertex"],
        "whose fakes refuse like this"
    );
}

/// What an answer is known to tell is read from it: the seed, the version of the model, and the cost.
#[tokio::test]
async fn every_answer_tells_what_its_dialect_tells() {
    for_each_variant(|bench, variant| async {
        let told = format!("{} {}", bench.kind, variant.name);
        let order = order(bench.kind, variant);
        let fake = Fake::start(variant.fake).await;
        let provider = variant.provider(bench.kind, &fake);
        let Ended::Drawn(_, rendered) = draw(&*provider, &order).await else {
            panic!("{told}: no picture");
        };
        let seed = variant.tells.seed.then(|| u64::from(order.render.seed));
        assert_eq!(rendered.seed, seed, "{told}");
        assert_eq!(rendered.model_version, variant.tells.model_version, "{told}");
        let cost = match (rendered.bill.cost_nanos, rendered.bill.usage.is_empty()) {
            (Some(_), _) => CostSource::Reported,
            (None, false) => CostSource::Usage,
            (None, true) => CostSource::Estimated,
        };
        assert_eq!(cost, variant.tells.cost, "{told}");
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unknown_or_pending() {
    for_each_variant(|bench, variant| async {
        let gate = Gate::closed();
        let fake = Fake::start(variant.fake).await;
        let provider = variant.provider(bench.kind, &fake);
        fake.next(Case::after(&gate, Case::Success));
        let order = Order {
            timeout: Duration::from_millis(300),
            ..order(bench.kind, variant)
        };
        let ended = draw(&*provider, &order).await;
        assert!(
            matches!(ended, Ended::Unknown(_) | Ended::Pending),
            "{}: {ended:?}",
            bench.kind
        );
        assert_eq!(fake.calls(), 1);
        gate.open();
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_was_sent_nothing() {
    for_each_variant(|bench, variant| async {
        let fake = Fake::start(variant.fake).await;
        let provider = variant.provider(bench.kind, &fake);
        drop(fake);
        let ended = draw(&*provider, &order(bench.kind, variant)).await;
        assert!(matches!(ended, Ended::Unsent(_)), "{}: {ended:?}", bench.kind);
    })
    .await;
}

#[tokio::test]
async fn a_job_outlives_the_process_that_handed_it_in() {
    for_each_variant(|bench, variant| async {
        let fake = Fake::start(variant.fake).await;
        if !fake.has_jobs() {
            return;
        }
        let order = order(bench.kind, variant);
        let submitted = submit(&*variant.provider(bench.kind, &fake), &order.call()).await;
        let Ok(Submission::Accepted { job_id }) = submitted else {
            panic!("{}: {submitted:?}", bench.kind);
        };
        let another = variant.provider(bench.kind, &fake);
        rules::drawn(&follow(&*another, &order, &job_id).await, &order);
        assert_eq!((fake.calls(), fake.charged()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_found_where_it_can_be() {
    for_each_variant(|bench, variant| async {
        let fake = Fake::start(variant.fake).await;
        let order = order(bench.kind, variant);
        let provider = variant.provider(bench.kind, &fake);
        let before = provider.lookup(&order.call()).await.unwrap();
        if !matches!(variant.class, CapabilityClass::B) {
            // Whoever can be asked all the same is asked; nobody else pretends.
            assert!(
                !matches!(before, Lookup::Received(_)),
                "{}: {before:?}",
                bench.kind
            );
            return;
        }
        assert_eq!(before, Lookup::Absent, "{}", bench.kind);
        fake.next(Case::Success);
        // The answer is lost with the process.
        let _lost = submit(&*provider, &order.call()).await;
        let ended = match provider.lookup(&order.call()).await.unwrap() {
            Lookup::Received(answer) => read(&*provider, &order, answer),
            Lookup::Pending { job_id } => follow(&*provider, &order, &job_id).await,
            other => panic!("{}: {other:?}", bench.kind),
        };
        rules::drawn(&ended, &order);
        assert_eq!(fake.calls(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_says_so() {
    for_each_variant(|bench, variant| async {
        let fake = Fake::start(variant.fake).await;
        if !fake.can_cancel() {
            return;
        }
        fake.next(Case::JobHangs);
        let order = order(bench.kind, variant);
        let provider = variant.provider(bench.kind, &fake);
        let Ok(Submission::Accepted { job_id }) = submit(&*provider, &order.call()).await else {
            panic!("{} accepts nothing", bench.kind);
        };
        provider.cancel(&order.call(), &job_id).await.unwrap();
        provider.cancel(&order.call(), &job_id).await.unwrap();
        let ended = follow(&*provider, &order, &job_id).await;
        let Ended::Rejected(rejection) = &ended else {
            panic!("{}: {ended:?}", bench.kind);
        };
        assert_eq!(rejection.reason, Reason::CancelledByClient, "{}", bench.kind);
        assert_eq!(fake.calls(), 1);
    })
    .await;
}

#[tokio::test]
async fn no_message_shows_the_key_or_the_prompt() {
    for_each_variant(|bench, variant| async {
        let order = order(bench.kind, variant);
        let known = Fake::start(variant.fake).await;
        for (name, case) in cases(&known) {
            let fake = Fake::start(variant.fake).await;
            fake.next(case);
            let provider = variant.provider(bench.kind, &fake);
            let shown = match draw(&*provider, &order).await {
                Ended::Drawn(answer, _) => format!("{:?} {:?}", answer.headers, answer.request_id),
                Ended::Unusable(error) => format!("{error} {error:?}"),
                Ended::Rejected(rejection) => {
                    let error = CallError::Rejected(rejection);
                    format!("{error} {error:?}")
                }
                Ended::Unknown(message) | Ended::Unsent(message) => message,
                Ended::Pending => String::new(),
            };
            for secret in [Fake::KEY, order.render.prompt.as_str()] {
                assert!(!shown.contains(secret), "{} {name}: {shown}", bench.kind);
            }
            let debug = format!("{provider:?}");
            assert!(!debug.contains(Fake::KEY), "{debug}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_check_costs_nothing_and_says_what_is_wrong() {
    for_each_variant(|bench, variant| async {
        let fake = Fake::start(variant.fake).await;
        let provider = variant.provider(bench.kind, &fake);
        provider.check().await.unwrap();
        assert_eq!((fake.calls(), fake.charged()), (0, 0), "{}", bench.kind);
        drop(fake);
        let unreachable = provider.check().await.unwrap_err();
        assert!(unreachable.contains("127.0.0.1"), "{unreachable}");
    })
    .await;
}
