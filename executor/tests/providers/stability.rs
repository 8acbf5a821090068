//! Stability AI, both generations of its API.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{Answer, Billing, Reference},
};
use limn_fakes::{Case, Fake};
use limn_proto::{plan::SeedMode, reason::Reason};
use serde_json::{Value, json};

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::{Ended, Order, draw},
};

pub(crate) const BENCH: Bench = Bench {
    kind: "stability",
    variants: &[
        Variant {
            name: "v1-sdxl",
            fake: "stability",
            render: sdxl,
            settings: || json!({"organization": "org-1", "client_id": "limn-tests"}),
            tells: Tells {
                seed: true,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "v2beta-core",
            fake: "stability",
            render: core,
            tells: Tells {
                seed: true,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "v2beta-ultra",
            fake: "stability",
            render: ultra,
            references: one_reference,
            tells: Tells {
                seed: true,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
        Variant {
            name: "v2beta-sd3",
            fake: "stability",
            render: sd3,
            settings: || json!({"client_id": "limn-tests"}),
            tells: Tells {
                seed: true,
                ..TELLS_NOTHING
            },
            ..VARIANT
        },
    ],
};

const SDXL: &Variant = &BENCH.variants[0];
const CORE: &Variant = &BENCH.variants[1];
const ULTRA: &Variant = &BENCH.variants[2];
const SD3: &Variant = &BENCH.variants[3];

fn options(options: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    owned.collect()
}

fn sdxl() -> Render {
    Render {
        model: "v1/stable-diffusion-xl-1024-v1-0".to_owned(),
        negative_prompt: "blurred".to_owned(),
        width_px: 1152,
        height_px: 896,
        style_token: "photographic".to_owned(),
        seed_mode: SeedMode::Given,
        seed: 4_294_967_295,
        guidance_milli: Some(7500),
        options: options(&[("sampler", "K_EULER"), ("steps", "30")]),
        ..bench::render()
    }
}

fn core() -> Render {
    Render {
        model: "v2beta/core".to_owned(),
        negative_prompt: "blurred".to_owned(),
        width_px: 1536,
        height_px: 1536,
        size_token: "1:1".to_owned(),
        style_token: "line-art".to_owned(),
        seed_mode: SeedMode::Derived,
        ..bench::render()
    }
}

fn ultra() -> Render {
    Render {
        model: "v2beta/ultra".to_owned(),
        width_px: 1344,
        height_px: 768,
        size_token: "16:9".to_owned(),
        seed_mode: SeedMode::Derived,
        format: ImageFormat::Jpeg,
        options: options(&[("strength", "0.6")]),
        ..bench::render()
    }
}

fn sd3() -> Render {
    Render {
        model: "v2beta/sd3/sd3.5-large".to_owned(),
        negative_prompt: "blurred".to_owned(),
        width_px: 768,
        height_px: 1344,
        size_token: "9:16".to_owned(),
        style_token: "cinematic".to_owned(),
        seed_mode: SeedMode::Given,
        seed: 4_294_967_294,
        guidance_milli: Some(4500),
        format: ImageFormat::Webp,
        ..bench::render()
    }
}

fn one_reference() -> Vec<Reference> {
    vec![Reference {
        media_type: "image/png".to_owned(),
        bytes: Bytes::from_static(b"\x89PNG of somebody"),
    }]
}

async fn ordered(variant: &Variant, render: Render, references: Vec<Reference>, case: Case) -> (Fake, Ended) {
    let fake = Fake::start("stability").await;
    fake.next(case);
    let order = Order {
        render,
        references,
        timeout: Duration::from_secs(60),
    };
    let ended = draw(&*variant.provider("stability", &fake), &order).await;
    (fake, ended)
}

#[tokio::test]
async fn a_picture_from_a_picture_has_the_ratio_of_its_reference() {
    let render = Render {
        options: options(&[("strength", "0.75")]),
        width_px: 1024,
        height_px: 1024,
        ..sd3()
    };
    let (fake, ended) = ordered(SD3, render, one_reference(), Case::Success).await;
    assert!(matches!(ended, Ended::Drawn(..)), "{ended:?}");
    let request = &fake.requests()[0];
    assert_eq!(request.path, "/v2beta/stable-image/generate/sd3");
    assert_eq!(request.fields["mode"], "image-to-image");
    assert_eq!(request.fields["strength"], "0.75");
    assert_eq!(request.fields["aspect_ratio"], Value::Null);
    assert_eq!(
        request.files,
        [("image".to_owned(), b"\x89PNG of somebody".to_vec())]
    );
}

#[tokio::test]
async fn both_shapes_of_v1_are_pictures_with_their_seed() {
    let fake = Fake::start("stability").await;
    let order = Order {
        render: sdxl(),
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    };
    let provider = SDXL.provider("stability", &fake);
    for _ in 0..2 {
        let Ended::Drawn(_, rendered) = draw(&*provider, &order).await else {
            panic!("a shape was not read");
        };
        assert_eq!(rendered.seed, Some(4_294_967_295));
    }
    assert_eq!(fake.charged(), 2);
}

#[tokio::test]
async fn json_of_v2beta_is_read_too() {
    let fake = Fake::start("stability").await;
    let provider = CORE.provider("stability", &fake);
    let read = |media_type: &str, body: Value| {
        let answer = Answer {
            media_type: media_type.to_owned(),
            body: Bytes::from(body.to_string()),
            ..Answer::default()
        };
        provider.interpret(&core(), &answer)
    };
    let picture = "iVBORw0KGgoAAAANSUhEUg==";
    let drawn = json!({"image": picture, "seed": 7, "finish_reason": "SUCCESS"});
    assert_eq!(
        read("application/json; type=image/png", drawn).unwrap().seed,
        Some(7)
    );
    let blurred = json!({"image": picture, "seed": 7, "finish_reason": "CONTENT_FILTERED"});
    let reason = |body: Value| read("application/json", body).unwrap_err().reason;
    assert_eq!(reason(blurred), Reason::ContentBlocked);
    assert_eq!(
        reason(json!({"artifacts": [{"base64": picture, "finishReason": "ERROR"}]})),
        Reason::NoImage
    );
    assert_eq!(reason(json!([])), Reason::NoImage);
    assert_eq!(reason(json!({"image": "?"})), Reason::ImageInvalid);
    assert_eq!(reason(json!({"image": "aGk="})), Reason::ImageInvalid);
    let page = Answer {
        media_type: "image/png".to_owned(),
        body: Bytes::from_static(b"<html>"),
        headers: BTreeMap::new(),
        ..Answer::default()
    };
    let error = provider.interpret(&core(), &page).unwrap_err();
    assert_eq!(error.reason, Reason::ImageInvalid);
}

#[tokio::test]
async fn whoever_is_shut_out_waits_a_minute() {
    for (variant, render) in [(SDXL, sdxl()), (CORE, core())] {
        let (_fake, ended) = ordered(variant, render, Vec::new(), Case::RateLimited).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!(rejection.retry_after, Some(Duration::from_secs(60)));
    }
}

#[tokio::test]
async fn a_filtered_picture_may_be_billed_and_a_refused_prompt_is_not() {
    let (fake, ended) = ordered(CORE, core(), Vec::new(), Case::Refusal("a filtered picture")).await;
    assert!(matches!(ended, Ended::Unusable(_)), "{ended:?}");
    assert_eq!(fake.charged(), 1);
    let prompt = Case::Refusal("moderation of the prompt");
    for (variant, render) in [(SDXL, sdxl()), (CORE, core())] {
        let (fake, ended) = ordered(variant, render, Vec::new(), prompt.clone()).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{ended:?}");
        };
        assert_eq!((rejection.billing, fake.charged()), (Billing::No, 0));
    }
}

#[tokio::test]
async fn what_a_route_has_no_field_for_is_never_sent() {
    let quality = |render: Render| Render {
        quality_token: "high".to_owned(),
        ..render
    };
    let seed = |seed: u32, render: Render| Render { seed, ..render };
    let model = |model: &str| Render {
        model: model.to_owned(),
        ..core()
    };
    let with = |name: &str, value: &str, render: Render| Render {
        options: options(&[(name, value)]),
        ..render
    };
    let none = Vec::new;
    let two = || [one_reference(), one_reference()].concat();
    let revision = Render {
        model_revision: "2".to_owned(),
        ..core()
    };
    let in_pixels = Render {
        size_token: String::new(),
        ..core()
    };
    let in_webp = Render {
        format: ImageFormat::Webp,
        ..sdxl()
    };
    let by_ratio = Render {
        size_token: "1:1".to_owned(),
        ..sdxl()
    };
    let guided = Render {
        guidance_milli: Some(4000),
        ..ultra()
    };
    for (variant, render, references) in [
        (SDXL, quality(sdxl()), none()),
        (SDXL, seed(0, sdxl()), none()),
        (SDXL, in_webp, none()),
        (SDXL, by_ratio, none()),
        (SDXL, with("steps", "many", sdxl()), none()),
        (SDXL, with("strength", "0.5", sdxl()), none()),
        (SDXL, sdxl(), one_reference()),
        (CORE, quality(core()), none()),
        (CORE, seed(u32::MAX, core()), none()),
        (CORE, seed(0, core()), none()),
        (CORE, in_pixels, none()),
        (CORE, revision, none()),
        (CORE, core(), one_reference()),
        (ULTRA, guided, one_reference()),
        (ULTRA, ultra(), none()),
        (ULTRA, ultra(), two()),
        (ULTRA, with("strength", "1.5", ultra()), one_reference()),
        (ULTRA, with("steps", "30", ultra()), one_reference()),
        (SD3, sd3(), one_reference()),
        (CORE, model("core"), none()),
        (CORE, model("v2beta/sd3"), none()),
        (CORE, model("v2beta/huge"), none()),
        (CORE, model("v1/../user/account"), none()),
        (CORE, model("v1/..%2Fuser"), none()),
    ] {
        let told = format!("{render:?}");
        let (fake, ended) = ordered(variant, render, references, Case::Success).await;
        let Ended::Rejected(rejection) = ended else {
            panic!("{told}: {ended:?}");
        };
        assert_eq!(rejection.reason, Reason::ProviderRejected, "{told}");
        assert_eq!(
            (fake.requests().len(), rejection.http_status),
            (0, None),
            "{told}"
        );
    }
}
