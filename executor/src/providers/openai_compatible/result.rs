//! An answer with the address of the picture instead of the picture.

use limn_proto::reason::Reason;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    provider::{Answer, Bill, InterpretError, Rendered},
    providers::{http::Downloaded, openai::wire::without_image},
};

/// Header of an answer that was fetched, with what else is known about it.
const RESULT: &str = "limn-result";

/// Where the picture is. As a job id it is all that is needed to fetch it, in this process or another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Located {
    /// Whole address.
    pub(super) url: String,
    /// The prompt as the server rewrote it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    revised_prompt: String,
    /// The server's own id of the call.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) request_id: String,
}

/// What was at the address.
#[derive(Debug)]
pub(super) enum Fetched {
    /// The picture.
    Picture(Downloaded),
    /// A picture that is not usable: why.
    Unusable(String),
    /// Nothing, and nothing will be: why.
    Nothing(String),
}

/// What else is known about a picture that was fetched.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Details {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    revised_prompt: String,
    /// Why the picture is not usable; empty: it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    unusable: String,
    /// Why there is none; empty: there is one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    missing: String,
}

impl Located {
    /// The address in an answer without a picture of its own. A relative one is meant from the address of the server.
    pub(super) fn find(answer: &Answer, base_url: &Url) -> Option<Self> {
        let body: Value = serde_json::from_slice(&answer.body).ok()?;
        let image = &body["data"][0];
        if image["b64_json"].as_str().is_some_and(|text| !text.is_empty()) {
            return None;
        }
        let given = image["url"].as_str().filter(|text| !text.is_empty())?;
        Some(Self {
            // What cannot be put together is refused when it is fetched, in words.
            url: absolute(given, base_url).unwrap_or_else(|| given.to_owned()),
            revised_prompt: image["revised_prompt"].as_str().unwrap_or_default().to_owned(),
            request_id: answer.request_id.clone(),
        })
    }

    pub(super) fn to_job_id(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_job_id(job_id: &str) -> Option<Self> {
        serde_json::from_str(job_id).ok()
    }

    /// What was fetched, as an answer.
    pub(super) fn into_answer(self, fetched: Fetched) -> Answer {
        let mut answer = Answer {
            request_id: self.request_id,
            ..Answer::default()
        };
        let mut details = Details {
            revised_prompt: self.revised_prompt,
            ..Details::default()
        };
        match fetched {
            Fetched::Picture(picture) => {
                answer.media_type = picture.media_type;
                answer.body = picture.body;
            }
            Fetched::Unusable(why) => details.unusable = why,
            Fetched::Nothing(why) => details.missing = why,
        }
        let details = serde_json::to_string(&details).unwrap_or_default();
        answer.headers.insert(RESULT.to_owned(), details);
        answer
    }
}

fn absolute(given: &str, base_url: &Url) -> Option<String> {
    let mut folder = base_url.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", folder.path()));
    }
    folder.join(given).ok().map(String::from)
}

/// What an answer contains that was fetched from an address. Nothing: it was not.
pub(super) fn of(answer: &Answer) -> Option<Result<Rendered, InterpretError>> {
    let details: Details = serde_json::from_str(answer.headers.get(RESULT)?).unwrap_or_default();
    if !details.missing.is_empty() {
        return Some(Err(without_image(&details.missing, Bill::default())));
    }
    if !details.unusable.is_empty() {
        return Some(Err(InterpretError {
            reason: Reason::ImageInvalid,
            message: details.unusable,
            bill: Bill::default(),
        }));
    }
    Some(Ok(Rendered {
        image: answer.body.clone(),
        revised_prompt: details.revised_prompt,
        ..Rendered::default()
    }))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn base_url() -> Url {
        Url::parse("http://10.0.0.7:8080/v1").unwrap()
    }

    fn answer(body: &Value) -> Answer {
        Answer {
            body: Bytes::from(body.to_string()),
            ..Answer::default()
        }
    }

    #[test]
    fn addresses_are_meant_from_the_server() {
        for (given, expected) in [
            (
                "/generated-images/b64.png",
                "http://10.0.0.7:8080/generated-images/b64.png",
            ),
            ("images/7/content", "http://10.0.0.7:8080/v1/images/7/content"),
            ("https://store.example/a.png", "https://store.example/a.png"),
            ("//store.example/a.png", "http://store.example/a.png"),
            ("file:///etc/passwd", "file:///etc/passwd"),
        ] {
            let answer = answer(&json!({"data": [{"url": given, "b64_json": null}]}));
            let located = Located::find(&answer, &base_url()).unwrap();
            assert_eq!(located.url, expected);
            assert_eq!(Located::from_job_id(&located.to_job_id()), Some(located));
        }
    }

    #[test]
    fn a_picture_goes_before_an_address() {
        for body in [
            json!({"data": [{"url": "/a.png", "b64_json": "aGk="}]}),
            json!({"data": [{"url": ""}]}),
            json!({"data": []}),
            json!(null),
        ] {
            assert_eq!(Located::find(&answer(&body), &base_url()), None);
        }
    }

    #[test]
    fn what_became_of_a_picture_is_told() {
        let located = Located {
            url: "http://localhost/a.png".to_owned(),
            revised_prompt: "a fox".to_owned(),
            request_id: "r1".to_owned(),
        };
        let picture = Downloaded {
            media_type: "image/png".to_owned(),
            body: Bytes::from_static(b"p"),
        };
        let answer = located.clone().into_answer(Fetched::Picture(picture));
        assert_eq!((&*answer.media_type, &*answer.request_id), ("image/png", "r1"));
        let rendered = of(&answer).unwrap().unwrap();
        assert_eq!(
            (&*rendered.image, &*rendered.revised_prompt),
            (&b"p"[..], "a fox")
        );
        for (fetched, reason) in [
            (Fetched::Nothing("gone".to_owned()), Reason::NoImage),
            (Fetched::Unusable("too large".to_owned()), Reason::ImageInvalid),
        ] {
            let error = of(&located.clone().into_answer(fetched)).unwrap().unwrap_err();
            assert_eq!(error.reason, reason);
        }
        assert!(of(&Answer::default()).is_none());
    }
}
