//! What an answer says besides its picture: kept, and shown to whoever reads the image or the execution.

use std::{collections::BTreeMap, sync::Arc};

use limn_executor::{
    executor::Order,
    provider::{Bill, CapabilityClass, Rendered},
    records::{AttemptState, CostSource, ExecutionRecord, ExecutionState, ImageRecord},
    snapshot,
};
use limn_proto::{reason::Reason, v1};

use crate::{
    scripted::{Act, Scripted},
    support::{PRICE_NANOS, Process, plan, spec},
};

fn bill(cost_nanos: Option<i64>, usage: &[(&str, i64)]) -> Bill {
    let usage = usage
        .iter()
        .map(|(unit, quantity)| ((*unit).to_owned(), *quantity));
    Bill {
        cost_nanos,
        usage: usage.collect(),
        is_unbilled: false,
    }
}

fn says(bill: Bill) -> Rendered {
    Rendered {
        revised_prompt: "a tall lighthouse".to_owned(),
        seed: Some(9_223_372_036_854_775_808),
        model_version: "model-1.3 [31e35c80fc]".to_owned(),
        bill,
        ..Rendered::default()
    }
}

/// The only image of an execution.
fn image(process: &Process, ended: &ExecutionRecord) -> ImageRecord {
    let records = process.executor.records();
    let image = process.block_on(records.image("tester", ended.steps[0].image.unwrap()));
    image.unwrap().unwrap()
}

#[test]
fn what_an_answer_says_is_kept_and_shown() {
    // The plan has a price for an image, and none for a second.
    for (bill, cost_nanos, source, shown_source) in [
        (
            bill(Some(7), &[("image", 3)]),
            7,
            CostSource::Reported,
            v1::CostSource::Reported,
        ),
        (
            bill(None, &[("image", 3)]),
            3 * PRICE_NANOS,
            CostSource::Usage,
            v1::CostSource::Usage,
        ),
        (
            bill(None, &[("second", 4)]),
            PRICE_NANOS,
            CostSource::Estimated,
            v1::CostSource::Estimated,
        ),
        (
            bill(None, &[]),
            PRICE_NANOS,
            CostSource::Estimated,
            v1::CostSource::Estimated,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let provider = Scripted::new("easel", CapabilityClass::D);
        let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
        let usage = bill.usage.clone();
        *provider.says.lock().unwrap() = says(bill);
        let ended = process.run(&plan(&spec(1, &["easel"])), &Order::default());

        let attempt = &ended.steps[0].attempts[0];
        assert_eq!(
            (attempt.cost_nanos, attempt.cost_source, &attempt.usage),
            (Some(cost_nanos), Some(source), &usage)
        );
        let image = image(&process, &ended);
        assert_eq!(
            (image.cost_nanos, image.cost_source),
            (Some(cost_nanos), Some(source))
        );
        for (seed, version) in [
            (attempt.effective_seed, &attempt.model_version),
            (image.effective_seed, &image.model_version),
        ] {
            assert_eq!(seed, Some(9_223_372_036_854_775_808));
            assert_eq!(version, "model-1.3 [31e35c80fc]");
        }

        let shown = snapshot::image(&image);
        assert_eq!((shown.seed, shown.effective_seed), (7, image.effective_seed));
        assert_eq!(shown.model_version, image.model_version);
        assert_eq!(shown.revised_prompt, "a tall lighthouse");
        assert_eq!(shown.cost_source(), shown_source);
        assert_eq!(shown.cost_estimated, source == CostSource::Estimated);
        let execution = snapshot::execution(&ended);
        let shown = &execution.steps[0].attempts[0];
        assert_eq!(
            (&shown.usage, shown.effective_seed, shown.cost_source()),
            (&usage, image.effective_seed, shown_source)
        );
        let line = &execution.cost.as_ref().unwrap().lines[0];
        assert_eq!(
            (line.source(), line.estimated),
            (shown_source, source == CostSource::Estimated)
        );
        process.crash();
    }
}

#[test]
fn what_was_paid_in_vain_says_what_was_used() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("easel", CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    *provider.says.lock().unwrap() = says(bill(None, &[("image", 2)]));
    provider.script([Act::NoImage]);
    let ended = process.run(&plan(&spec(1, &["easel"])), &Order::default());

    let attempt = &ended.steps[0].attempts[0];
    assert_eq!(attempt.state, AttemptState::FailedPaid);
    assert_eq!(
        (attempt.cost_nanos, attempt.cost_source, &attempt.usage),
        (
            Some(2 * PRICE_NANOS),
            Some(CostSource::Usage),
            &BTreeMap::from([("image".to_owned(), 2)])
        )
    );
    process.crash();
}

/// The reservation is given back, and the step fails as it does for a refusal at the door.
#[test]
fn content_that_is_refused_inside_a_success_costs_nothing_where_the_catalog_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("easel", CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    let unbilled = Bill {
        is_unbilled: true,
        ..bill(None, &[("image", 2)])
    };
    *provider.says.lock().unwrap() = says(unbilled);
    provider.script([Act::Filtered]);
    let ended = process.run(&plan(&spec(1, &["easel"])), &Order::default());

    assert_eq!((ended.state, provider.calls()), (ExecutionState::Failed, 1));
    let step = &ended.steps[0];
    assert_eq!(step.failure.as_ref().unwrap().reason, Reason::ContentBlocked);
    let attempt = &step.attempts[0];
    assert_eq!(
        (attempt.state, attempt.cost_nanos, attempt.cost_source),
        (AttemptState::FailedPaid, Some(0), Some(CostSource::Estimated))
    );
    assert_eq!(process.balance().committed_nanos(), Some(0));
    process.crash();
}

#[test]
fn a_picture_that_existed_says_how_it_was_drawn_and_has_no_cost() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Scripted::new("easel", CapabilityClass::D);
    let process = Process::start(folder.path(), &[Arc::clone(&provider)]);
    *provider.says.lock().unwrap() = says(bill(Some(PRICE_NANOS), &[]));
    let plan = plan(&spec(1, &["easel"]));
    process.run(&plan, &Order::default());
    let again = process.run(&plan, &Order::default());

    assert!(again.steps[0].reused);
    let image = image(&process, &again);
    assert_eq!((image.cost_nanos, image.cost_source), (Some(0), None));
    assert_eq!(image.effective_seed, Some(9_223_372_036_854_775_808));
    assert_eq!(image.model_version, "model-1.3 [31e35c80fc]");
    process.crash();
}
