//! An answer in events: unfinished pictures, then the finished one.

use limn_proto::reason::Reason;
use serde_json::{Map, Value};

use super::{
    KEPT_HEADERS, REQUEST_ID,
    errors::{ErrorBody, Verdict, classify},
};
use crate::{
    provider::{Answer, Billing, CallError, Preview, PreviewSink},
    providers::http::{Api, Ending, EventStream, Refusal, ServerEvent, decode},
};

/// What an event is, by the end of its type: generations and edits differ in its beginning only.
#[derive(Debug)]
enum Kind {
    Partial,
    Completed,
    Error,
    Other,
}

/// Follows a stream to its finished picture. The answer is as it would be without a stream.
///
/// A stream that ends before that proves nothing: the picture may have been drawn, and is paid for then.
pub(super) async fn follow(
    api: &Api,
    mut events: EventStream,
    prompt: &str,
    previews: Option<&dyn PreviewSink>,
) -> Result<Answer, CallError> {
    loop {
        let event = match events.next().await {
            Ok(event) => event,
            Err(ending) => return ended(api, events, ending),
        };
        let parsed: Value = serde_json::from_slice(&event.data).unwrap_or_default();
        match kind(&event, &parsed) {
            Kind::Partial => show(&parsed, previews),
            Kind::Completed => return completed(api, events, parsed),
            Kind::Error => return Err(failed(api, events, &event, prompt)),
            // Events that came later than this adapter.
            Kind::Other => {}
        }
    }
}

fn kind(event: &ServerEvent, parsed: &Value) -> Kind {
    let name = parsed["type"].as_str().unwrap_or(&event.name);
    if name.ends_with(".partial_image") {
        Kind::Partial
    } else if name.ends_with(".completed") {
        Kind::Completed
    } else if name == "error" || event.name == "error" || parsed["error"].is_object() {
        Kind::Error
    } else {
        Kind::Other
    }
}

/// A preview that cannot be read is none; the drawing goes on.
fn show(parsed: &Value, previews: Option<&dyn PreviewSink>) {
    let Some(previews) = previews.filter(|previews| previews.is_watched()) else {
        return;
    };
    let index = parsed["partial_image_index"].as_u64();
    let picture = parsed["b64_json"]
        .as_str()
        .and_then(|encoded| decode(encoded).ok());
    if let Some(bytes) = picture {
        previews.show(Preview {
            index: index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0),
            bytes,
        });
    }
}

/// Writes the event as an answer without a stream.
fn completed(api: &Api, events: EventStream, parsed: Value) -> Result<Answer, CallError> {
    let mut event = match parsed {
        Value::Object(event) => event,
        _ => Map::new(),
    };
    let mut image = Map::new();
    for name in ["b64_json", "revised_prompt"] {
        if let Some(value) = event.remove(name) {
            image.insert(name.to_owned(), value);
        }
    }
    event.remove("type");
    if let Some(created) = event.remove("created_at") {
        event.insert("created".to_owned(), created);
    }
    event.insert("data".to_owned(), vec![Value::Object(image)].into());
    let received = events.into_received(Value::Object(event).to_string().into(), Ending::Whole);
    let answer = api.answer(received, KEPT_HEADERS, REQUEST_ID)?;
    Ok(Answer {
        media_type: "application/json".to_owned(),
        ..answer
    })
}

/// An error in a stream came after the work had begun. Only that the content was refused is believed; who pays for it is
/// known only where nothing can have been drawn.
fn failed(api: &Api, events: EventStream, event: &ServerEvent, prompt: &str) -> CallError {
    let error = ErrorBody::parse(&event.data).or_else(|| ErrorBody::parse_bare(&event.data));
    let received = events.into_received(event.data.clone(), Ending::Whole);
    if let Some(error) = &error
        && let Verdict::Refused(Reason::ContentBlocked, _) = classify(400, Some(error))
    {
        let billing = match error.moderation_stage.as_str() {
            "input" => Billing::No,
            _ => Billing::Unknown,
        };
        let mut refusal = Refusal::new(Reason::ContentBlocked, billing, error.words());
        refusal.facts = error.facts();
        return api.rejected(&received, REQUEST_ID, prompt, refusal);
    }
    let words = error.as_ref().map_or("", ErrorBody::words);
    let words = api.redaction(prompt).apply(words);
    received.into_unknown(
        format!("the stream ended with an error before the picture was finished: {words}"),
        REQUEST_ID,
    )
}

/// The stream is over, and no picture was finished in it.
fn ended(api: &Api, mut events: EventStream, ending: Ending) -> Result<Answer, CallError> {
    let evidence = events.evidence();
    let cause = match &ending {
        // More than a picture may have: it was drawn, and is paid for.
        Ending::Oversize => {
            return api.answer(events.into_received(evidence, ending), KEPT_HEADERS, REQUEST_ID);
        }
        Ending::Whole => "it ended".to_owned(),
        Ending::Broken(cause) => format!("it broke off: {cause}"),
    };
    let received = events.into_received(evidence, ending);
    Err(received.into_unknown(format!("the stream has no finished picture: {cause}"), REQUEST_ID))
}
