//! Servers that speak the OpenAI images API.

use limn_executor::{
    plan::{ImageFormat, Render},
    provider::Reference,
};
use limn_fakes::Fake;
use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, VARIANT, Variant},
    drive::{Ended, Order, draw},
    rules,
};

const PLAIN: Variant = Variant {
    name: "plain",
    fake: "openai-compatible",
    render: plain,
    ..VARIANT
};

const LOCAL_AI: Variant = Variant {
    name: "localai",
    fake: "localai",
    render: local_ai,
    settings: || json!({"dialect": "localai"}),
    ..VARIANT
};

const VLLM: Variant = Variant {
    name: "vllm",
    fake: "vllm-omni",
    render: diffusion,
    settings: || json!({"dialect": "vllm"}),
    ..VARIANT
};

const SGLANG: Variant = Variant {
    name: "sglang",
    fake: "sglang",
    render: sglang,
    settings: || json!({"dialect": "sglang"}),
    ..VARIANT
};

const STABLE_DIFFUSION_CPP: Variant = Variant {
    name: "stable-diffusion-cpp",
    fake: "stable-diffusion-cpp",
    render: diffusion,
    settings: || json!({"dialect": "stable-diffusion-cpp"}),
    ..VARIANT
};

pub(crate) const BENCH: Bench = Bench {
    kind: "openai-compatible",
    variants: &[PLAIN, LOCAL_AI, VLLM, SGLANG, STABLE_DIFFUSION_CPP],
};

fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn plain() -> Render {
    Render {
        model: "house-model".to_owned(),
        quality_token: "hd".to_owned(),
        format: ImageFormat::Webp,
        options: options(&[
            ("background", "opaque"),
            ("moderation", "low"),
            ("output_compression", "80"),
        ]),
        ..bench::render()
    }
}

/// With everything that a diffusion model takes.
fn diffusion() -> Render {
    Render {
        model: "qwen-image".to_owned(),
        negative_prompt: "blur, \"text\" < and > other".to_owned(),
        seed_mode: SeedMode::Given,
        guidance_milli: Some(4500),
        options: options(&[("steps", "28")]),
        ..bench::render()
    }
}

fn local_ai() -> Render {
    Render {
        guidance_milli: None,
        ..diffusion()
    }
}

fn sglang() -> Render {
    Render {
        quality_token: "high".to_owned(),
        ..diffusion()
    }
}

fn order(render: Render) -> Order {
    Order {
        render,
        references: Vec::new(),
        timeout: std::time::Duration::from_secs(60),
    }
}

/// The fields of one call to a fake of its own, and how it ended.
async fn sent(variant: &Variant, render: Render) -> (Option<Value>, Ended) {
    let fake = Fake::start(variant.fake).await;
    let provider = variant.provider(BENCH.kind, &fake);
    let ended = draw(&*provider, &order(render)).await;
    let call = fake.requests().into_iter().find(|request| request.is_call);
    (call.map(|call| call.fields), ended)
}

/// The words of a refusal before anything was sent.
async fn refused(variant: &Variant, render: Render) -> String {
    match sent(variant, render).await {
        (None, Ended::Rejected(rejection)) => {
            assert_eq!(rejection.reason, Reason::ProviderRejected);
            assert_eq!(rejection.http_status, None);
            rejection.message
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_prompt_cannot_split_itself_at_localai() {
    for (prompt, negative_prompt) in [("a fox|a dog", ""), ("a fox", "blur|a dog")] {
        let render = Render {
            prompt: prompt.to_owned(),
            negative_prompt: negative_prompt.to_owned(),
            ..local_ai()
        };
        let message = refused(&LOCAL_AI, render).await;
        assert!(message.contains("'|'") && !message.contains("fox"), "{message}");
    }
    let (fields, _) = sent(&LOCAL_AI, local_ai()).await;
    assert_eq!(
        fields.unwrap()["prompt"],
        "a red fox in fresh snow|blur, \"text\" < and > other"
    );
    // Elsewhere a bar is a bar.
    let render = Render {
        prompt: "a fox | a dog".to_owned(),
        ..plain()
    };
    assert_eq!(sent(&PLAIN, render).await.0.unwrap()["prompt"], "a fox | a dog");
}

#[tokio::test]
async fn a_prompt_cannot_set_fields_of_stable_diffusion_cpp() {
    for prompt in [
        "a fox <sd_cpp_extra_args>{\"seed\": 1}</sd_cpp_extra_args>",
        "a fox <SD_CPP_EXTRA_ARGS>{}</SD_CPP_EXTRA_ARGS>",
        "a fox <sd_cpp_extra_args",
    ] {
        let render = Render {
            prompt: prompt.to_owned(),
            ..diffusion()
        };
        let message = refused(&STABLE_DIFFUSION_CPP, render).await;
        assert!(
            message.contains("sd_cpp_extra_args") && !message.contains("fox"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn a_negative_prompt_cannot_end_the_tag_of_stable_diffusion_cpp() {
    let hostile = "blur</sd_cpp_extra_args><sd_cpp_extra_args>{\"seed\": 1}";
    let render = Render {
        negative_prompt: hostile.to_owned(),
        ..diffusion()
    };
    let (fields, ended) = sent(&STABLE_DIFFUSION_CPP, render.clone()).await;
    rules::drawn(&ended, &order(render));
    let fields = fields.unwrap();
    let prompt = fields["prompt"].as_str().unwrap();
    let (drawn, rest) = prompt.split_once(" <sd_cpp_extra_args>").unwrap();
    // The server takes what stands before the first end of the tag.
    let (inside, after) = rest.split_once("</sd_cpp_extra_args>").unwrap();
    let extra: Value = serde_json::from_str(inside).unwrap();
    assert_eq!((drawn, after), ("a red fox in fresh snow", ""));
    assert_eq!(
        extra,
        json!({"seed": 7, "negative_prompt": hostile,
               "sample_params": {"sample_steps": 28, "guidance": {"txt_cfg": 4.5}}})
    );
}

#[tokio::test]
async fn nothing_extra_is_sent_when_nothing_is_asked_for() {
    let render = Render {
        model: "m".to_owned(),
        ..bench::render()
    };
    for (variant, more) in [
        (&PLAIN, json!({"output_format": "png"})),
        (&LOCAL_AI, json!({"response_format": "b64_json"})),
        (
            &VLLM,
            json!({"output_format": "png", "response_format": "b64_json"}),
        ),
        (
            &SGLANG,
            json!({"output_format": "png", "response_format": "b64_json"}),
        ),
        (&STABLE_DIFFUSION_CPP, json!({"output_format": "png"})),
    ] {
        let mut expected =
            json!({"model": "m", "prompt": "a red fox in fresh snow", "n": 1, "size": "64x48"});
        for (name, value) in more.as_object().unwrap() {
            expected[name] = value.clone();
        }
        let (fields, ended) = sent(variant, render.clone()).await;
        assert_eq!(fields.unwrap(), expected, "{}", variant.name);
        rules::drawn(&ended, &order(render.clone()));
    }
}

#[tokio::test]
async fn what_a_dialect_has_no_field_for_is_refused() {
    let base = || Render {
        model: "m".to_owned(),
        ..bench::render()
    };
    let seeded = || Render {
        seed_mode: SeedMode::Derived,
        ..base()
    };
    let negative = || Render {
        negative_prompt: "blur".to_owned(),
        ..base()
    };
    let guided = || Render {
        guidance_milli: Some(7000),
        ..base()
    };
    let styled = || Render {
        style_token: "vivid".to_owned(),
        ..base()
    };
    let rated = || Render {
        quality_token: "high".to_owned(),
        ..base()
    };
    let with = |name: &str, value: &str| Render {
        options: options(&[(name, value)]),
        ..base()
    };
    let jpeg = || Render {
        format: ImageFormat::Jpeg,
        ..base()
    };
    for (variant, unfit, word) in [
        (&PLAIN, seeded(), "a seed"),
        (&PLAIN, negative(), "a negative prompt"),
        (&PLAIN, guided(), "a guidance scale"),
        (&PLAIN, styled(), "a style"),
        (&PLAIN, with("steps", "20"), "steps"),
        (&PLAIN, with("output_compression", "101"), "output_compression"),
        (&LOCAL_AI, guided(), "a guidance scale"),
        (&LOCAL_AI, rated(), "a quality"),
        (&LOCAL_AI, jpeg(), "image/png"),
        (&LOCAL_AI, with("output_compression", "80"), "output_compression"),
        (&VLLM, rated(), "a quality"),
        (&VLLM, styled(), "a style"),
        (&VLLM, with("steps", "many"), "steps"),
        (&VLLM, with("output_compression", "80"), "output_compression"),
        (&SGLANG, styled(), "a style"),
        (&SGLANG, with("steps", "0"), "steps"),
        (&SGLANG, with("background", "opaque"), "background"),
        (&STABLE_DIFFUSION_CPP, rated(), "a quality"),
        (&STABLE_DIFFUSION_CPP, with("moderation", "low"), "moderation"),
        (&STABLE_DIFFUSION_CPP, with("steps", "-1"), "steps"),
    ] {
        let message = refused(variant, unfit).await;
        assert!(message.contains(word), "{}: {message}", variant.name);
    }
}

#[tokio::test]
async fn pictures_to_refer_to_are_refused() {
    let fake = Fake::start(PLAIN.fake).await;
    let order = Order {
        references: vec![Reference {
            media_type: "image/png".to_owned(),
            bytes: bytes::Bytes::from_static(b"p"),
        }],
        ..order(plain())
    };
    let ended = draw(&*PLAIN.provider(BENCH.kind, &fake), &order).await;
    assert!(
        matches!(&ended, Ended::Rejected(rejection) if rejection.http_status.is_none()),
        "{ended:?}"
    );
    assert_eq!(fake.calls(), 0);
}

#[tokio::test]
async fn a_picture_that_is_gone_was_drawn_for_nothing() {
    let fake = Fake::start(PLAIN.fake).await;
    fake.expire_pictures();
    let ended = draw(&*PLAIN.provider(BENCH.kind, &fake), &order(plain())).await;
    assert!(
        matches!(&ended, Ended::Unusable(error) if error.reason == Reason::NoImage),
        "{ended:?}"
    );
    assert_eq!((fake.calls(), fake.charged()), (1, 1));
}

#[tokio::test]
async fn a_server_may_ask_for_no_key() {
    let fake = Fake::start(PLAIN.fake).await;
    let provider = PLAIN.keyless(BENCH.kind, &fake);
    let order = order(plain());
    rules::drawn(&draw(&*provider, &order).await, &order);
    let requests = fake.requests();
    assert_eq!(requests.len(), 2, "the call, and the picture");
    assert!(
        requests
            .iter()
            .all(|request| !request.headers.contains_key("authorization"))
    );
    provider.check().await.unwrap();
}

#[tokio::test]
async fn the_key_goes_along_to_the_picture_on_the_same_server() {
    let fake = Fake::start(PLAIN.fake).await;
    let order = order(plain());
    rules::drawn(&draw(&*PLAIN.provider(BENCH.kind, &fake), &order).await, &order);
    let requests = fake.requests();
    assert_eq!(requests[1].method, "GET");
    assert!(requests[1].had_the_key);
}
