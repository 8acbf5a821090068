//! Pictures that are not good enough for their plan: kept, paid, and followed by a re-roll while the plan and the money
//! allow it.

use std::{sync::Arc, time::Duration};

use limn_executor::{
    clock::{Clock as _, SystemClock},
    executor::{Order, Settings, SubmitError},
    ids::{IdSource as _, ImageId, TimeOrderedIds},
    plan::Plan,
    provider::{Billing, CapabilityClass},
    providers::Limits,
    records::{
        AttemptState, Balance, BudgetKey, BudgetUpdate, ExecutionMode, ExecutionRecord, ExecutionState,
        ImageFilter, ImageRecord, Page, StepState,
    },
};
use limn_proto::{
    plan::{Money, PlanSpec, QualityGate, SeedMode, UnknownPolicy},
    reason::Reason,
};

use crate::{
    scripted::{Act, FirstPixel, Scripted},
    support::{CEILING_NANOS, PRICE_NANOS, Process, plan, spec},
};

/// A plan of one picture that takes 60 %.
fn gated(providers: &[&str], max_rerolls: u32, accept_best: bool) -> PlanSpec {
    let mut spec = spec(1, providers);
    spec.policy.as_mut().unwrap().quality_gate = Some(QualityGate {
        min_score_bp: 6_000,
        max_rerolls,
        accept_best,
    });
    spec
}

fn strict(max_rerolls: u32) -> Plan {
    plan(&gated(&["first"], max_rerolls, false))
}

fn lenient(max_rerolls: u32) -> Plan {
    plan(&gated(&["first"], max_rerolls, true))
}

fn with_scorer(settings: Settings) -> Settings {
    Settings {
        scorer: Some(Arc::new(FirstPixel)),
        ..settings
    }
}

/// A provider, and a process that scores its pictures.
struct World {
    provider: Arc<Scripted>,
    process: Process,
    folder: tempfile::TempDir,
}

impl World {
    fn new(class: CapabilityClass, acts: impl IntoIterator<Item = Act>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("first", class);
        provider.script(acts);
        let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], with_scorer);
        Self {
            provider,
            process,
            folder,
        }
    }

    /// One call in a minute, so that the step waits between two drawings.
    fn slow(acts: impl IntoIterator<Item = Act>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("first", CapabilityClass::D);
        provider.script(acts);
        let limits = Limits {
            max_concurrency: None,
            calls_per_minute: Some(1),
        };
        let process = Process::start_limited(
            folder.path(),
            &[Arc::clone(&provider)],
            &[("first", limits)],
            |settings| {
                with_scorer(Settings {
                    // A call that is late on a busy machine would have used up the turn.
                    send_margin: Duration::from_secs(5),
                    ..settings
                })
            },
        );
        Self {
            provider,
            process,
            folder,
        }
    }

    fn scoring(scores_bp: &[u32]) -> Self {
        Self::new(
            CapabilityClass::D,
            scores_bp.iter().map(|score| Act::DrawOf(*score)),
        )
    }

    fn run(&self, plan: &Plan) -> ExecutionRecord {
        self.process.run(plan, &Order::default())
    }

    /// Orders, and returns once the first picture was rejected and the step waits for its next turn.
    fn until_between(&self, plan: &Plan) -> ExecutionRecord {
        let executor = &self.process.executor;
        let submitted = self
            .process
            .block_on(executor.submit(plan, &Order::default()))
            .unwrap();
        self.process
            .until(submitted.execution.id, |now| now.steps[0].wait.is_some())
    }

    /// The process dies, and another one takes over.
    fn crash(self) -> Self {
        self.process.crash();
        let process = Process::start_with(self.folder.path(), &[Arc::clone(&self.provider)], with_scorer);
        Self { process, ..self }
    }

    /// Images of an execution, oldest first.
    fn images(&self, execution: &ExecutionRecord) -> Vec<ImageRecord> {
        let filter = ImageFilter {
            execution: Some(execution.id),
            ..ImageFilter::default()
        };
        let page = Page {
            limit: 100,
            after: None,
        };
        let records = self.process.executor.records();
        let images = self.process.block_on(records.images("tester", &filter, &page));
        let mut images = images.unwrap();
        images.reverse();
        images
    }

    /// So many pictures were paid, and nothing is open.
    fn paid(&self, pictures: i64) {
        let expected = Balance {
            spent_nanos: PRICE_NANOS * pictures,
            ..Balance::default()
        };
        assert_eq!(self.process.balance(), expected);
        let verified = self
            .process
            .block_on(self.process.executor.records().verify(None));
        assert_eq!(verified.unwrap().differences, []);
    }
}

fn nth(execution: &ExecutionRecord, reroll: u32) -> ImageId {
    ImageId::of_reroll(execution.id, "image-1", reroll)
}

fn scores(images: &[ImageRecord]) -> Vec<(Option<u32>, bool)> {
    images
        .iter()
        .map(|image| (image.quality_score_bp, image.rejected))
        .collect()
}

#[test]
fn a_picture_that_is_too_bad_is_kept_and_drawn_again_with_the_next_seed() {
    let world = World::scoring(&[2_000, 5_999, 6_000]);
    let record = world.run(&strict(3));
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(world.provider.calls(), 3);
    assert_eq!(*world.provider.seeds.lock().unwrap(), [7, 8, 9]);
    let step = &record.steps[0];
    assert_eq!(
        (step.image, step.reused, step.below_threshold),
        (Some(nth(&record, 2)), false, false)
    );
    let attempts: Vec<_> = step
        .attempts
        .iter()
        .map(|attempt| (attempt.state, attempt.reroll, attempt.quality_score_bp))
        .collect();
    assert_eq!(
        attempts,
        [
            (AttemptState::Committed, 0, Some(2_000)),
            (AttemptState::Committed, 1, Some(5_999)),
            (AttemptState::Committed, 2, Some(6_000)),
        ]
    );
    let failure = step.attempts[1].failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::QualityBelowThreshold);
    assert!(failure.message.contains("59.99 %"), "{}", failure.message);
    let name = format!("clients/tester/images/{}", nth(&record, 1));
    assert_eq!(failure.metadata["image"], name);
    assert_eq!(step.attempts[2].failure, None);

    let images = world.images(&record);
    assert_eq!(
        scores(&images),
        [(Some(2_000), true), (Some(5_999), true), (Some(6_000), false)]
    );
    let seeds: Vec<_> = images.iter().map(|image| (image.id, image.seed)).collect();
    assert_eq!(
        seeds,
        [(nth(&record, 0), 7), (nth(&record, 1), 8), (nth(&record, 2), 9)]
    );
    for image in &images {
        assert_eq!(image.cost_nanos, Some(PRICE_NANOS));
        assert_ne!(image.render_digest, "");
    }
    assert_eq!(
        world.process.blobs("clients").len(),
        6,
        "each with its small copy"
    );
    world.paid(3);
}

#[test]
fn a_picture_that_is_good_enough_is_drawn_once() {
    let world = World::scoring(&[6_000]);
    let record = world.run(&strict(5));
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(
        record.steps[0].image,
        Some(ImageId::of_step(record.id, "image-1"))
    );
    world.paid(1);
}

#[test]
fn the_best_of_all_is_taken_where_the_plan_says_so_and_of_two_the_first() {
    let world = World::scoring(&[3_000, 5_000, 5_000]);
    let record = world.run(&lenient(2));
    assert_eq!(record.state, ExecutionState::Completed);
    let step = &record.steps[0];
    assert_eq!(
        (step.image, step.reused, step.below_threshold),
        (Some(nth(&record, 1)), false, true)
    );
    assert_eq!(
        scores(&world.images(&record)),
        [(Some(3_000), true), (Some(5_000), false), (Some(5_000), true)]
    );
    assert_eq!(world.provider.calls(), 3);
    world.paid(3);
}

#[test]
fn a_step_without_a_good_picture_fails_with_what_it_kept_and_goes_to_no_fallback() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    first.script([Act::DrawOf(3_000), Act::DrawOf(4_550)]);
    let second = Scripted::new("second", CapabilityClass::D);
    second.script([Act::DrawOf(9_000)]);
    let providers = [Arc::clone(&first), Arc::clone(&second)];
    let process = Process::start_with(folder.path(), &providers, with_scorer);
    let record = process.run(&plan(&gated(&["first", "second"], 1, false)), &Order::default());
    assert_eq!(record.state, ExecutionState::Failed);
    let failure = record.steps[0].failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::QualityBelowThreshold);
    assert!(!failure.retryable);
    for part in ["best of 2", "45.5 %", "60 %", "accept_best"] {
        assert!(failure.message.contains(part), "{part}: {}", failure.message);
    }
    let kept = [nth(&record, 0), nth(&record, 1)].map(|id| format!("clients/tester/images/{id}"));
    let facts = ["images", "bestScoreBp", "minScoreBp", "rerolls"].map(|fact| &failure.metadata[fact]);
    assert_eq!(facts, [&kept.join(","), "4550", "6000", "1"]);
    assert!(!failure.metadata.contains_key("stoppedBy"));
    assert_eq!((first.calls(), second.calls()), (2, 0));
    assert_eq!(process.balance().spent_nanos, 2 * PRICE_NANOS);
}

#[test]
fn what_was_paid_once_is_judged_again_and_never_paid_again() {
    let world = World::scoring(&[3_000, 4_000, 7_000]);
    let first = world.run(&strict(1));
    assert_eq!(first.state, ExecutionState::Failed);
    assert_eq!(world.provider.calls(), 2);
    // The same order, and what was left of it: the same pictures, for nothing.
    for mode in [ExecutionMode::Reuse, ExecutionMode::Resume] {
        let order = Order {
            mode,
            ..Order::default()
        };
        let again = world.process.run(&strict(1), &order);
        assert_eq!(again.state, ExecutionState::Failed);
        let (now, then) = (&again.steps[0].failure, &first.steps[0].failure);
        assert_eq!(now, then, "it names the same pictures");
        assert!(again.steps[0].attempts.is_empty());
    }
    // A plan that takes the best of them pays nothing either.
    let best = world.run(&lenient(1));
    assert_eq!(best.state, ExecutionState::Completed);
    let step = &best.steps[0];
    assert_eq!(
        (step.image, step.reused, step.below_threshold),
        (Some(nth(&best, 1)), true, true)
    );
    let images = world.images(&best);
    assert_eq!(scores(&images), [(Some(4_000), false)]);
    assert_eq!(images[0].cost_nanos, Some(0));
    assert_eq!(world.provider.calls(), 2);
    // One that allows another re-roll pays for that alone.
    let more = world.run(&strict(2));
    assert_eq!(more.state, ExecutionState::Completed);
    assert_eq!(more.steps[0].attempts.len(), 1);
    assert_eq!(more.steps[0].image, Some(nth(&more, 2)));
    assert_eq!(*world.provider.seeds.lock().unwrap(), [7, 8, 9]);
    // And a plan without a threshold takes what there is.
    let any = world.run(&plan(&spec(1, &["first"])));
    assert_eq!(any.state, ExecutionState::Completed);
    assert_eq!(scores(&world.images(&any)), [(Some(3_000), false)]);
    assert_eq!(
        scores(&world.images(&first)),
        [(Some(3_000), true), (Some(4_000), true)]
    );
    world.paid(3);
}

#[test]
fn pictures_of_a_process_that_did_not_score_are_scored_when_they_are_used() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    provider.script([Act::DrawOf(2_000), Act::DrawOf(8_000)]);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let before = process.run(&plan(&spec(1, &["first"])), &Order::default());
    assert_eq!(before.state, ExecutionState::Completed);
    process.crash();

    let process = Process::start_with(folder.path(), &[Arc::clone(&provider)], with_scorer);
    let world = World {
        provider,
        process,
        folder,
    };
    let record = world.run(&strict(1));
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(*world.provider.seeds.lock().unwrap(), [7, 8]);
    assert_eq!(scores(&world.images(&before)), [(None, false)]);
    world.paid(2);
}

#[test]
fn rerolls_stop_at_the_limit_of_the_plan() {
    for accept_best in [false, true] {
        let world = World::scoring(&[5_000, 3_000, 9_000]);
        let mut spec = gated(&["first"], 5, accept_best);
        // Enough for the second picture, but not for the third.
        spec.policy.as_mut().unwrap().max_cost = Some(Money {
            currency_code: "USD".to_owned(),
            nanos: PRICE_NANOS + CEILING_NANOS,
        });
        let record = world.run(&plan(&spec));
        assert_eq!(world.provider.calls(), 2);
        world.paid(2);
        let step = &record.steps[0];
        if accept_best {
            assert_eq!((step.image, step.below_threshold), (Some(nth(&record, 0)), true));
            continue;
        }
        let failure = step.failure.as_ref().unwrap();
        assert_eq!(failure.reason, Reason::QualityBelowThreshold);
        assert_eq!(failure.metadata["stoppedBy"], "COST_LIMIT_REACHED");
        assert!(failure.message.contains("max_cost"), "{}", failure.message);
    }
}

#[test]
fn rerolls_stop_at_the_budget() {
    for accept_best in [false, true] {
        let world = World::scoring(&[3_000, 5_000, 9_000]);
        let records = world.process.executor.records();
        let update = BudgetUpdate {
            key: BudgetKey {
                scope: "clients/tester/budgets/client".to_owned(),
                currency: "USD".to_owned(),
            },
            client: "tester".to_owned(),
            limit_nanos: Some(Some(PRICE_NANOS + CEILING_NANOS)),
            period: None,
            expected_version: None,
            actor: "ada".to_owned(),
            reason: "a test".to_owned(),
            audit_id: TimeOrderedIds.next(),
            now: SystemClock.now(),
        };
        world.process.block_on(records.update_budget(&update)).unwrap();
        let record = world.run(&plan(&gated(&["first"], 5, accept_best)));
        assert_eq!(world.provider.calls(), 2);
        world.paid(2);
        let step = &record.steps[0];
        if accept_best {
            assert_eq!((step.image, step.below_threshold), (Some(nth(&record, 1)), true));
            continue;
        }
        let failure = step.failure.as_ref().unwrap();
        assert_eq!(failure.reason, Reason::QualityBelowThreshold);
        assert_eq!(failure.metadata["stoppedBy"], "BUDGET_EXCEEDED");
    }
}

#[test]
fn a_crash_between_two_drawings_pays_for_none_of_them_twice() {
    let world = World::slow([Act::DrawOf(2_000), Act::DrawOf(8_000)]);
    let between = world.until_between(&strict(2));
    assert_eq!(between.steps[0].state, StepState::Processing);
    assert_eq!(between.steps[0].attempts.len(), 1);
    assert_eq!(between.steps[0].attempts[0].state, AttemptState::Committed);
    let world = world.crash();
    let record = world.process.until(between.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(*world.provider.seeds.lock().unwrap(), [7, 8]);
    assert_eq!(record.steps[0].image, Some(nth(&record, 1)));
    world.paid(2);
}

#[test]
fn a_crash_in_a_reroll_goes_on_with_its_call_and_keeps_what_came_before() {
    let world = World::new(
        CapabilityClass::A,
        [
            Act::DrawOf(5_000),
            Act::Hold,
            // Sent again, and drawn once for both.
            Act::DrawOf(4_000),
        ],
    );
    let executor = &world.process.executor;
    let submitted = world.process.block_on(async {
        let submitted = executor.submit(&lenient(1), &Order::default()).await.unwrap();
        world.provider.reached.acquire().await.unwrap().forget();
        submitted
    });
    let world = world.crash();
    let record = world
        .process
        .until(submitted.execution.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    let step = &record.steps[0];
    assert_eq!(step.attempts.len(), 2);
    assert_eq!((step.image, step.below_threshold), (Some(nth(&record, 0)), true));
    assert_eq!(*world.provider.seeds.lock().unwrap(), [7, 8, 8]);
    world.paid(2);
}

#[test]
fn a_cancel_between_two_drawings_keeps_what_was_paid() {
    let world = World::slow([Act::DrawOf(2_000)]);
    let between = world.until_between(&lenient(2));
    let cancel = world.process.executor.cancel("tester", between.id);
    world.process.block_on(cancel).unwrap();
    let record = world.process.until(between.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Cancelled);
    assert_eq!(record.steps[0].state, StepState::Cancelled);
    assert_eq!(scores(&world.images(&record)), [(Some(2_000), true)]);
    assert_eq!(world.provider.calls(), 1);
    world.paid(1);
}

#[test]
fn two_plans_that_draw_the_same_share_every_drawing() {
    let world = World::scoring(&[2_000, 3_000, 9_000]);
    let one = gated(&["first"], 2, false);
    let mut other = one.clone();
    other.session_id = "other".to_owned();
    let executor = &world.process.executor;
    let (one, other) = world.process.block_on(async {
        let one = executor.submit(&plan(&one), &Order::default()).await.unwrap();
        let other = executor.submit(&plan(&other), &Order::default()).await.unwrap();
        assert_ne!(one.execution.id, other.execution.id);
        let (one, other) = (
            world.process.rest(one.execution),
            world.process.rest(other.execution),
        );
        (one.await, other.await)
    });
    assert_eq!(world.provider.calls(), 3);
    world.paid(3);
    let mut drawn = 0;
    for record in [&one, &other] {
        assert_eq!(record.state, ExecutionState::Completed);
        let step = &record.steps[0];
        assert_eq!((step.image, step.below_threshold), (Some(nth(record, 2)), false));
        drawn += step.attempts.len();
    }
    assert_eq!(drawn, 3);
}

#[test]
fn tries_are_counted_for_each_drawing() {
    let acts = [
        Act::Unsent,
        Act::Unsent,
        Act::DrawOf(2_000),
        Act::Unsent,
        Act::Unsent,
        Act::DrawOf(8_000),
    ];
    let world = World::new(CapabilityClass::D, acts);
    let record = world.run(&strict(1));
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.steps[0].attempts.len(), 6);
    world.paid(2);
}

#[test]
fn a_provider_that_fails_at_a_reroll_is_followed_by_its_fallback() {
    let folder = tempfile::tempdir().unwrap();
    let first = Scripted::new("first", CapabilityClass::D);
    first.script([Act::DrawOf(2_000), Act::Unsent, Act::Unsent, Act::Unsent]);
    let second = Scripted::new("second", CapabilityClass::D);
    second.script([Act::DrawOf(3_000), Act::DrawOf(7_000)]);
    let providers = [Arc::clone(&first), Arc::clone(&second)];
    let process = Process::start_with(folder.path(), &providers, with_scorer);
    let gated = plan(&gated(&["first", "second"], 2, false));
    let record = process.run(&gated, &Order::default());
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!((first.calls(), second.calls()), (4, 2));
    assert_eq!(*second.seeds.lock().unwrap(), [8, 9]);
    assert_eq!(process.balance().spent_nanos, 3 * PRICE_NANOS);
    let again = process.run(&gated, &Order::default());
    assert!(again.steps[0].reused && again.steps[0].attempts.is_empty());
    assert_eq!((first.calls(), second.calls()), (4, 2));
}

#[test]
fn a_reroll_that_is_refused_leaves_what_was_drawn_before() {
    let acts = || {
        [
            Act::DrawOf(2_000),
            Act::Reject(Reason::ContentBlocked, Billing::No),
        ]
    };
    let world = World::new(CapabilityClass::D, acts());
    let record = world.run(&strict(3));
    let failure = record.steps[0].failure.as_ref().unwrap();
    assert_eq!(failure.reason, Reason::QualityBelowThreshold);
    assert_eq!(failure.metadata["stoppedBy"], "CONTENT_BLOCKED");
    world.paid(1);

    let world = World::new(CapabilityClass::D, acts());
    let record = world.run(&lenient(3));
    assert_eq!(record.state, ExecutionState::Completed);
    assert_eq!(record.steps[0].image, Some(nth(&record, 0)));
    world.paid(1);

    // Without a picture it is what it is.
    let world = World::new(CapabilityClass::D, acts().into_iter().skip(1));
    let record = world.run(&lenient(3));
    assert_eq!(
        record.steps[0].failure.as_ref().unwrap().reason,
        Reason::ContentBlocked
    );
}

#[test]
fn an_unknown_reroll_holds_its_step_and_given_up_leaves_the_best() {
    let world = World::new(CapabilityClass::D, [Act::DrawOf(2_000), Act::Lose]);
    let record = world.run(&lenient(3));
    assert_eq!(record.state, ExecutionState::NeedsDecision);
    assert_eq!(world.process.balance().unknown_held_nanos, CEILING_NANOS);

    let world = World::new(CapabilityClass::D, [Act::DrawOf(2_000), Act::Lose]);
    let mut spec = gated(&["first"], 3, true);
    spec.policy.as_mut().unwrap().on_unknown = UnknownPolicy::WriteOffAndFail.into();
    world.process.crash();
    let process = Process::start_with(world.folder.path(), &[Arc::clone(&world.provider)], |settings| {
        with_scorer(Settings {
            unknown_grace: Duration::from_millis(40),
            ..settings
        })
    });
    let first = process.run(&plan(&spec), &Order::default());
    let record = process.until(first.id, |now| now.state.is_terminal());
    assert_eq!(record.state, ExecutionState::Completed);
    let step = &record.steps[0];
    assert_eq!((step.image, step.below_threshold), (Some(nth(&record, 0)), true));
    assert_eq!(world.provider.calls(), 2);
    assert_eq!(process.balance().spent_nanos, PRICE_NANOS + CEILING_NANOS);
}

#[test]
fn an_answer_to_a_reroll_that_comes_after_the_end_is_kept_under_its_own_name() {
    let world = World::new(CapabilityClass::C, [Act::DrawOf(2_000), Act::Lose]);
    let parked = world.run(&strict(3));
    assert_eq!(parked.state, ExecutionState::NeedsDecision);
    world.provider.say([crate::scripted::Word::Done]);
    world.process.crash();
    let process = Process::start_with(world.folder.path(), &[Arc::clone(&world.provider)], |settings| {
        with_scorer(Settings {
            reconcile: Duration::from_millis(30),
            ..settings
        })
    });
    let world = World { process, ..world };
    world
        .process
        .block_on(world.process.executor.cancel("tester", parked.id))
        .unwrap();
    let record = world.process.until(parked.id, |now| {
        now.state.is_terminal() && now.steps[0].attempts[1].state == AttemptState::Committed
    });
    let images = world.images(&record);
    let drawn: Vec<_> = images
        .iter()
        .map(|image| (image.id, image.seed, image.rejected))
        .collect();
    assert_eq!(drawn, [(nth(&record, 0), 7, true), (nth(&record, 1), 8, true)]);
    assert_eq!(world.provider.calls(), 2);
    world.paid(2);
}

#[test]
fn a_given_seed_is_drawn_once() {
    let world = World::scoring(&[2_000]);
    let mut spec = gated(&["first"], 3, false);
    spec.steps[0].targets[0].seed_mode = SeedMode::Given.into();
    let record = world.run(&plan(&spec));
    assert_eq!(record.state, ExecutionState::Failed);
    assert_eq!(world.provider.calls(), 1);
    world.paid(1);
}

#[test]
fn a_plan_with_a_gate_is_not_drawn_where_nobody_scores() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("first", CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let refused = process.block_on(process.executor.submit(&strict(2), &Order::default()));
    assert!(
        matches!(refused, Err(SubmitError::QualityNotScored)),
        "{refused:?}"
    );
    process.crash();

    let world = World::slow([Act::DrawOf(2_000)]);
    let between = world.until_between(&strict(2));
    world.process.crash();
    // Whoever takes over cannot judge what it would pay for.
    let process = Process::start(world.folder.path(), &[Arc::clone(&world.provider)]);
    let parked = process.until(between.id, |now| now.state == ExecutionState::NeedsDecision);
    assert_eq!(parked.failure.as_ref().unwrap().reason, Reason::QualityNotScored);
    assert!(parked.next_check_at.is_some());
    assert_eq!(world.provider.calls(), 1);
}
