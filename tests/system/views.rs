//! A view set from the request to the pictures: one failure keeps the rest, and only what is missing is paid again.

use std::collections::BTreeSet;

use limn_fakes::Case;
use limn_proto::{
    plan::{Reference, RunPolicy},
    v1::{
        Anchor, Continuity, ExecutionState, ImageRequest, PlanRequest, StepState, View, ViewSetRequest,
        execution_event::Event, plan_request::Work,
    },
};

use crate::support::{PARENT, World, image, nanos, order, quick_retries, sketch, violations};

const SHOES: &str = "Pink tennis shoes with white laces";

/// A set of four views at the counting provider, one after the other.
fn shoes() -> PlanRequest {
    let base = ImageRequest {
        prompt: SHOES.to_owned(),
        provider: "openai".to_owned(),
        width_px: 1024,
        height_px: 1024,
        continuity: Some(Continuity {
            anchors: vec![Anchor {
                name: "Logo".to_owned(),
                description: "a white fox on the heel".to_owned(),
            }],
            ..Continuity::default()
        }),
        ..ImageRequest::default()
    };
    PlanRequest {
        parent: PARENT.to_owned(),
        work: Some(Work::ViewSet(ViewSetRequest {
            base: Some(base),
            count: 4,
            category: "footwear".to_owned(),
            ..ViewSetRequest::default()
        })),
        policy: Some(RunPolicy {
            max_concurrency: 1,
            ..quick_retries()
        }),
        ..PlanRequest::default()
    }
}

#[tokio::test]
async fn one_view_that_fails_keeps_the_others_and_is_paid_alone_afterwards() {
    let world = World::new().await;
    let server = world.serve().await;
    let plan = server.plan(shoes()).await;
    let spec = plan.spec.as_ref().unwrap();
    let seeds: BTreeSet<u32> = spec.steps.iter().map(|step| step.targets[0].seed).collect();
    assert_eq!(seeds.len(), 1);
    for step in &spec.steps {
        assert!(
            step.targets[0]
                .prompt
                .starts_with("Logo: a white fox on the heel\n\nPink")
        );
        assert_eq!(step.anchors, ["Logo"]);
    }

    world.openai.next(Case::Success);
    world.openai.next(Case::BadRequest);
    let run = server.execute(order(&plan)).await;
    let states = |run: &crate::support::Progress| -> Vec<(String, StepState)> {
        let steps = run.last().steps.iter();
        steps.map(|step| (step.step_id.clone(), step.state())).collect()
    };
    let named = |view: &str, state| (view.to_owned(), state);
    assert_eq!(run.last().state(), ExecutionState::Failed);
    let mut ended = states(&run);
    let failed = ended
        .iter()
        .position(|(_, state)| *state == StepState::Failed)
        .unwrap();
    ended.remove(failed);
    assert_eq!(ended.len(), 3);
    assert!(
        ended.iter().all(|(_, state)| *state == StepState::Completed),
        "{ended:?}"
    );
    assert_eq!((world.openai.calls(), world.openai.charged()), (4, 3));
    let completed = run.deltas().into_iter().filter(|event| {
        matches!(&event.event, Some(Event::StepChanged(step)) if step.state() == StepState::Completed)
    });
    assert_eq!(completed.count(), 3, "every view is told of as it is done");

    // The same order again draws the one that is missing.
    let again = server.execute(order(&plan)).await;
    assert_eq!(again.last().state(), ExecutionState::Completed);
    assert_eq!(
        states(&again),
        [
            named("front", StepState::Completed),
            named("side", StepState::Completed),
            named("back", StepState::Completed),
            named("top", StepState::Completed),
        ]
    );
    assert_eq!((world.openai.calls(), world.openai.charged()), (5, 4));
    let paid = |run: &crate::support::Progress| nanos(run.last().cost.as_ref().unwrap().total.as_ref());
    assert_eq!(paid(&again) * 3, paid(&run));
    let front = server.image(&again.last().steps[0].image).await;
    assert_eq!(front.original_prompt, SHOES);
    server.stop().await;
}

#[tokio::test]
async fn what_was_drawn_in_one_turn_is_drawn_from_in_the_next_one() {
    let world = World::new().await;
    let server = world.serve().await;
    let first = server.plan(sketch("a red fox in fresh snow")).await;
    let first = server.execute(order(&first)).await;
    let fox = server.image(&first.step().image).await;

    let next = ImageRequest {
        prompt: "the same fox asleep".to_owned(),
        provider: "openai".to_owned(),
        references: vec![Reference {
            sha256: fox.stored_sha256.clone(),
            media_type: fox.media_type.clone(),
        }],
        ..ImageRequest::default()
    };
    let plan = server.plan(image(next)).await;
    let run = server.execute(order(&plan)).await;
    assert_eq!(run.last().state(), ExecutionState::Completed);
    let sent = world.openai.requests();
    let bytes = server.read_image(&fox.name).await;
    assert!(sent[0].files.iter().any(|(_, content)| *content == bytes));
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_set_is_refused_with_every_field() {
    let world = World::new().await;
    let server = world.serve().await;
    let mut request = shoes();
    let Some(Work::ViewSet(set)) = &mut request.work else {
        unreachable!("the request is for a view set");
    };
    set.views = vec![View {
        view: "inside".to_owned(),
        ..View::default()
    }];
    set.base.get_or_insert_default().step_id = "mine".to_owned();
    let refused = server.planner().plan(request).await.unwrap_err();
    let fields: Vec<String> = violations(&refused).into_iter().map(|(field, _)| field).collect();
    assert_eq!(fields, ["view_set.views[0].view", "view_set.base.step_id"]);
    server.stop().await;
}
