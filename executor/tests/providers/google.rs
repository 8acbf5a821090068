//! The Gemini API.

use std::time::Duration;

use bytes::Bytes;
use limn_executor::{
    artifact,
    plan::{ImageFormat, Render},
    provider::{Answer, InterpretError, Reference, Rendered},
    records::CostSource,
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

pub(crate) const BENCH: Bench = Bench {
    kind: "google",
    variants: &[
        Variant {
            name: "classes",
            fake: "google",
            render: with_class,
            references: two_references,
            tells: Tells {
                model_version: "gemini-nano-banana-2.1",
                cost: CostSource::Usage,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "one-class",
            fake: "google",
            render: without_class,
            tells: Tells {
                model_version: "gemini-2.5-flash-image",
                cost: CostSource::Usage,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
    ],
};

/// Draws JPEG; a PNG is ordered.
fn with_class() -> Render {
    Render {
        model: "gemini-nano-banana-2.1".to_owned(),
        width_px: 1376,
        height_px: 768,
        size_token: "16:9/1K".to_owned(),
        seed_mode: SeedMode::Given,
        seed: 2_147_483_647,
        options: options(&[
            ("safety_threshold", "BLOCK_ONLY_HIGH"),
            ("temperature", "0.5"),
            ("thinking_level", "MINIMAL"),
        ]),
        ..bench::render()
    }
}

fn without_class() -> Render {
    Render {
        model: "gemini-2.5-flash-image".to_owned(),
        width_px: 832,
        height_px: 1248,
        size_token: "2:3".to_owned(),
        ..bench::render()
    }
}

fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn two_references() -> Vec<Reference> {
    let reference = |media_type: &str, bytes: &'static [u8]| Reference {
        media_type: media_type.to_owned(),
        bytes: Bytes::from_static(bytes),
    };
    vec![reference("image/png", b"a fox"), reference("image/jpeg", b"snow")]
}

async fn ordered(render: Render, case: Case) -> (Fake, Ended) {
    let fake = Fake::start("google").await;
    fake.next(case);
    let order = Order {
        render,
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    };
    let ended = draw(&*BENCH.variants[0].provider("google", &fake), &order).await;
    (fake, ended)
}

/// Reads an answer that no fake gives.
async fn read(body: &Value) -> Result<Rendered, InterpretError> {
    let fake = Fake::start("google").await;
    let answer = Answer {
        media_type: "application/json".to_owned(),
        body: Bytes::from(body.to_string()),
        ..Answer::default()
    };
    let provider = BENCH.variants[0].provider("google", &fake);
    provider.interpret(&without_class(), &answer)
}

fn parts(parts: &Value, finish_reason: &str) -> Value {
    json!({"candidates": [{"content": {"parts": parts}, "finishReason": finish_reason}]})
}

#[tokio::test]
async fn the_picture_comes_in_the_format_that_was_ordered() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
        let render = Render {
            format,
            ..with_class()
        };
        let Ended::Drawn(_, rendered) = ordered(render, Case::Success).await.1 else {
            panic!("{format:?} was not drawn");
        };
        let expected = artifact::Expected {
            format,
            width_px: 1376,
            height_px: 768,
        };
        artifact::inspect(&rendered.image, &expected, &artifact::Limits::default()).unwrap();
    }
}

#[tokio::test]
async fn the_revision_goes_before_the_alias() {
    let render = Render {
        model_revision: "gemini-nano-banana-2.1-001".to_owned(),
        ..with_class()
    };
    let (fake, _ended) = ordered(render, Case::Success).await;
    assert_eq!(
        fake.requests()[0].path,
        "/v1beta/models/gemini-nano-banana-2.1-001:generateContent"
    );
}

#[tokio::test]
async fn a_picture_is_found_wherever_it_stands_but_not_among_thoughts() {
    let picture = |data: &str| json!({"inlineData": {"data": data}});
    let thought = json!({"inlineData": {"data": "dGhvdWdodA=="}, "thought": true});
    let words = json!({"text": "here"});
    for (order, expected) in [
        (json!([words, thought, picture("Zm94")]), "fox"),
        (json!([picture("Zm94"), words]), "fox"),
        (json!([thought, picture("Zm94"), picture("c25vdw")]), "fox"),
    ] {
        // A model that ran out of tokens after it drew has drawn.
        let rendered = read(&parts(&order, "MAX_TOKENS")).await.unwrap();
        assert_eq!(rendered.image, expected, "{order}");
    }
    let two = json!({"candidates": [{"content": {}}, {"content": {"parts": [picture("Zm94")]}}]});
    assert_eq!(read(&two).await.unwrap().image, "fox");
    let only_thought = read(&parts(&json!([thought]), "STOP")).await.unwrap_err();
    assert_eq!(only_thought.reason, Reason::NoImage);
    let broken = read(&parts(&json!([picture("?")]), "STOP")).await.unwrap_err();
    assert_eq!(broken.reason, Reason::ImageInvalid);
}

#[tokio::test]
async fn an_answer_without_a_picture_says_why() {
    let words = json!([{"text": "I would rather talk."}]);
    for (body, reason, why) in [
        (parts(&words, "STOP"), Reason::NoImage, "in words"),
        (parts(&json!([]), "NO_IMAGE"), Reason::NoImage, "NO_IMAGE"),
        (parts(&json!([]), "IMAGE_OTHER"), Reason::NoImage, "IMAGE_OTHER"),
        (parts(&json!([]), "OTHER"), Reason::NoImage, "OTHER"),
        (parts(&words, "MAX_TOKENS"), Reason::NoImage, "MAX_TOKENS"),
        (parts(&words, "SAFETY"), Reason::ContentBlocked, "SAFETY"),
        (json!({}), Reason::NoImage, "no picture"),
        (json!([]), Reason::NoImage, "no picture"),
        (
            json!({"promptFeedback": {"blockReason": "BLOCK_REASON_UNSPECIFIED"}}),
            Reason::NoImage,
            "no picture",
        ),
        (
            json!({"promptFeedback": {"blockReason": "A_NEW_ONE"}}),
            Reason::ContentBlocked,
            "A_NEW_ONE",
        ),
    ] {
        let error = read(&body).await.unwrap_err();
        assert_eq!(error.reason, reason, "{body}");
        assert!(error.message.contains(why), "{}", error.message);
        assert!(!error.message.contains("rather"), "{}", error.message);
    }
}

#[tokio::test]
async fn every_token_has_its_unit() {
    let image = |tokens: u64| json!([{"modality": "IMAGE", "tokenCount": tokens}]);
    let units = [
        "text_input_token",
        "image_input_token",
        "image_output_token",
        "text_output_token",
    ];
    for (usage, expected) in [
        (json!(null), [None; 4]),
        (json!({"promptTokenCount": "many"}), [None; 4]),
        (
            json!({"promptTokenCount": 12, "candidatesTokenCount": 1290}),
            [Some(12), None, Some(1290), None],
        ),
        (
            json!({"promptTokenCount": 1132, "promptTokensDetails": image(1120),
                   "candidatesTokenCount": 1150, "candidatesTokensDetails": image(1120),
                   "thoughtsTokenCount": 200}),
            [Some(12), Some(1120), Some(1120), Some(230)],
        ),
        (
            json!({"promptTokenCount": 5, "candidatesTokensDetails": image(1120)}),
            [Some(5), None, Some(1120), None],
        ),
    ] {
        let mut body = parts(&json!([{"inlineData": {"data": "Zm94"}}]), "STOP");
        body["usageMetadata"] = usage;
        let bill = read(&body).await.unwrap().bill;
        assert_eq!(
            units.map(|unit| bill.usage.get(unit).copied()),
            expected,
            "{body}"
        );
        body["candidates"] = json!([{"finishReason": "SAFETY"}]);
        assert_eq!(read(&body).await.unwrap_err().bill, bill, "{body}");
    }
}

#[tokio::test]
async fn a_day_that_is_used_up_is_not_waited_for_and_a_minute_is() {
    let Ended::Rejected(minute) = ordered(with_class(), Case::RateLimited).await.1 else {
        panic!("not rejected");
    };
    assert_eq!(minute.reason, Reason::ProviderRateLimited);
    assert_eq!(minute.retry_after, Some(Duration::from_secs(34)));
    let Ended::Rejected(day) = ordered(with_class(), Case::Quota).await.1 else {
        panic!("not rejected");
    };
    assert_eq!((day.reason, day.retry_after), (Reason::ProviderAccount, None));
}

#[tokio::test]
async fn what_the_api_has_no_field_for_is_never_sent() {
    let of = |change: fn(&mut Render)| {
        let mut render = with_class();
        change(&mut render);
        render
    };
    for render in [
        of(|render| render.negative_prompt = "blur".to_owned()),
        of(|render| render.style_token = "anime".to_owned()),
        of(|render| render.quality_token = "high".to_owned()),
        of(|render| render.guidance_milli = Some(7000)),
        of(|render| render.seed = 2_147_483_648),
        of(|render| render.size_token.clear()),
        of(|render| render.size_token = "wide".to_owned()),
        of(|render| render.size_token = "16:9/".to_owned()),
        of(|render| render.options = options(&[("person_generation", "ALLOW_ALL")])),
        of(|render| render.options = options(&[("temperature", "warm")])),
        of(|render| render.model = "../files".to_owned()),
        of(|render| render.model = "models/gemini-3-pro-image".to_owned()),
    ] {
        let told = format!("{render:?}");
        let (fake, ended) = ordered(render, Case::Success).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{told}: {ended:?}");
        };
        assert_eq!(rejection.reason, Reason::ProviderRejected, "{told}");
        assert_eq!(fake.requests().len(), 0, "{told}");
    }
}
