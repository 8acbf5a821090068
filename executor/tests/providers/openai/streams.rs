//! Unfinished pictures, and what a stream proves.

use std::sync::Mutex;

use limn_executor::provider::{
    Answer, Billing, Call, CallError, ImageProvider, Preview, PreviewSink, Submission,
};
use limn_fakes::{Case, Gate};
use limn_proto::reason::Reason;
use serde_json::json;
use tokio::sync::Notify;

use super::{answered, edited, order, provider, references, start, streamed, submit, with_option};
use crate::drive::Order;

/// Keeps what it is shown.
#[derive(Debug, Default)]
struct Onlooker {
    previews: Mutex<Vec<Preview>>,
    seen: Notify,
    is_away: bool,
}

impl PreviewSink for Onlooker {
    fn is_watched(&self) -> bool {
        !self.is_away
    }

    fn show(&self, preview: Preview) {
        self.previews.lock().unwrap().push(preview);
        self.seen.notify_one();
    }
}

impl Onlooker {
    /// Index and size of every preview.
    fn seen(&self) -> Vec<(u32, u32, u32)> {
        let previews = self.previews.lock().unwrap();
        let seen = previews.iter().map(|preview| {
            let picture = image::load_from_memory(&preview.bytes).unwrap();
            (preview.index, picture.width(), picture.height())
        });
        seen.collect()
    }
}

async fn watched(provider: &dyn ImageProvider, order: &Order, onlooker: &Onlooker) -> Answer {
    let call = Call {
        previews: Some(onlooker),
        ..order.call()
    };
    match provider.submit(&call).await.unwrap() {
        Submission::Received(answer) => answer,
        accepted @ Submission::Accepted { .. } => panic!("{accepted:?}"),
    }
}

/// Events as a server sends them.
fn events(events: &[(&str, serde_json::Value)]) -> Case {
    let lines = events
        .iter()
        .map(|(name, data)| format!("event: {name}\ndata: {data}\n\n"));
    Case::Says {
        status: 200,
        media_type: "text/event-stream",
        body: lines.collect(),
        is_charged: true,
    }
}

#[tokio::test]
async fn previews_come_before_the_picture_is_finished() {
    let fake = start().await;
    let gate = Gate::closed();
    fake.next(Case::Halfway(gate.clone()));
    let (openai, order, onlooker) = (provider(&fake), order(streamed()), Onlooker::default());
    let (answer, ()) = tokio::join!(watched(&*openai, &order, &onlooker), async {
        onlooker.seen.notified().await;
        gate.open();
    });
    assert_eq!(onlooker.seen(), [(0, 8, 6), (1, 8, 6)]);
    let fields = &fake.requests()[0].fields;
    assert_eq!(
        (&fields["stream"], &fields["partial_images"]),
        (&json!(true), &json!(2))
    );
    assert_eq!(answer.request_id, "req_fake_1");
    assert_eq!((fake.calls(), fake.charged()), (1, 1));
}

#[tokio::test]
async fn the_answer_is_as_without_a_stream() {
    let whole_order = order(super::render());
    let (fake, whole) = answered(Case::Success, &whole_order).await;
    let whole = whole.unwrap();
    let (_, pieces) = answered(Case::Success, &order(streamed())).await;
    let pieces = pieces.unwrap();
    assert_eq!(pieces.media_type, whole.media_type);
    assert_eq!(pieces.request_id, whole.request_id);
    let openai = provider(&fake);
    let mut streamed = openai.interpret(&whole_order.render, &pieces).unwrap();
    let unstreamed = openai.interpret(&whole_order.render, &whole).unwrap();
    // Only the two unfinished pictures cost more.
    let tokens = streamed.bill.usage.get_mut("image_output_token").unwrap();
    *tokens -= 2 * 100;
    assert_eq!(streamed, unstreamed);
    let edit = Order {
        references: references(),
        ..order(with_option(edited(), "partial_images", "3"))
    };
    let onlooker = Onlooker::default();
    let answer = watched(&*openai, &edit, &onlooker).await;
    openai.interpret(&edit.render, &answer).unwrap();
    assert_eq!(onlooker.seen(), [(0, 8, 6), (1, 8, 6), (2, 8, 6)]);
}

#[tokio::test]
async fn nobody_needs_to_look_on() {
    let fake = start().await;
    let away = Onlooker {
        is_away: true,
        ..Onlooker::default()
    };
    watched(&*provider(&fake), &order(streamed()), &away).await;
    assert_eq!(away.seen(), []);
    submit(&*provider(&fake), &order(streamed())).await.unwrap();
}

#[tokio::test]
async fn a_server_that_knows_no_events_is_understood() {
    let whole = json!({"data": [{"b64_json": "aGk="}]});
    let order = order(streamed());
    let (fake, answer) = answered(Case::says(200, &whole), &order).await;
    let rendered = provider(&fake)
        .interpret(&order.render, &answer.unwrap())
        .unwrap();
    assert_eq!(rendered.image, "hi");
}

#[tokio::test]
async fn events_that_are_not_known_are_passed_over() {
    let case = events(&[
        (
            "image_generation.queued",
            json!({"type": "image_generation.queued"}),
        ),
        ("image_generation.partial_image", json!({"b64_json": 7})),
        ("image_generation.completed", json!({"b64_json": "aGk="})),
    ]);
    let order = order(streamed());
    let (fake, answer) = answered(case, &order).await;
    let rendered = provider(&fake)
        .interpret(&order.render, &answer.unwrap())
        .unwrap();
    assert_eq!(rendered.image, "hi");
}

#[tokio::test]
async fn a_stream_without_its_end_is_unknown_with_what_came() {
    let partial = || ("image_generation.partial_image", json!({"b64_json": "aGk="}));
    let failed = json!({"error": {"message": "The server had an error.", "type": "server_error"}});
    let bare = json!({"type": "error", "message": "The server had an error.", "code": "server_error"});
    for (case, words, evidence) in [
        (
            Case::Truncated,
            "broke off",
            "event: image_generation.partial_image",
        ),
        (
            events(&[partial()]),
            "it ended",
            "event: image_generation.partial_image",
        ),
        (events(&[]), "it ended", ""),
        (
            events(&[partial(), ("error", failed.clone())]),
            "The server had an error.",
            "{\"error\"",
        ),
        (events(&[("error", bare)]), "The server had an error.", "{"),
    ] {
        match answered(case, &order(streamed())).await.1 {
            Err(CallError::Unknown {
                message,
                http_status,
                request_id,
                partial_body,
            }) => {
                assert!(message.contains(words), "{message}");
                assert_eq!(http_status, Some(200));
                assert_eq!(request_id, "req_fake_1");
                assert!(partial_body.starts_with(evidence.as_bytes()), "{partial_body:?}");
                assert_eq!(partial_body.is_empty(), evidence.is_empty());
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_picture_that_is_blocked_in_the_stream_may_be_billed() {
    for (stage, billing) in [
        (json!("output"), Billing::Unknown),
        (json!(null), Billing::Unknown),
        (json!("input"), Billing::No),
    ] {
        let error = json!({"error": {
            "message": "Your request was rejected by the safety system.",
            "type": "image_generation_user_error",
            "code": "moderation_blocked",
            "moderation_details": {"moderation_stage": stage},
        }});
        match answered(events(&[("error", error)]), &order(streamed())).await.1 {
            Err(CallError::Rejected(rejection)) => {
                assert_eq!(rejection.reason, Reason::ContentBlocked);
                assert_eq!(rejection.billing, billing, "{stage}");
            }
            other => panic!("{other:?}"),
        }
    }
}
