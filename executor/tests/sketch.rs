//! The local renderer: the same picture everywhere, of any size, in every style.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::{collections::BTreeSet, time::Duration};

use limn_executor::{
    artifact::{Expected, Limits, inspect},
    ids::AttemptId,
    plan::{ImageFormat, Render},
    provider::{Answer, Call, CallError, ImageProvider as _, Submission},
    providers::sketch::{Sketch, draw},
};
use limn_proto::{digest::sha256_hex, plan::SeedMode, reason::Reason};

fn render(prompt: &str, seed: u32, width_px: u32, height_px: u32) -> Render {
    Render {
        provider: "sketch".to_owned(),
        model: "sketch".to_owned(),
        model_revision: String::new(),
        prompt: prompt.to_owned(),
        negative_prompt: String::new(),
        width_px,
        height_px,
        size_token: String::new(),
        quality_token: "standard".to_owned(),
        style_token: "illustration".to_owned(),
        seed_mode: SeedMode::Derived,
        seed,
        guidance_milli: None,
        format: ImageFormat::Png,
        options: Vec::new(),
        references: Vec::new(),
    }
}

fn pixel_digest(render: &Render) -> String {
    sha256_hex(draw(render).unwrap().to_rgb8().as_raw())
}

async fn submit(render: &Render) -> Result<Answer, CallError> {
    let call = Call {
        attempt: AttemptId(uuid::Uuid::nil()),
        render,
        timeout: Duration::from_secs(60),
        references: &[],
        ready: &[],
        webhook_url: None,
        previews: None,
    };
    match Sketch.submit(&call).await? {
        Submission::Received(answer) => Ok(answer),
        accepted => panic!("{accepted:?}"),
    }
}

/// Digests of the pixels, not of files, so that encoders may change. A changed digest means that every stored
/// plan now draws another picture: change them only on purpose.
#[test]
fn pictures_never_change_by_accident() {
    let goldens = [
        (
            render("a red fox in fresh snow", 7, 256, 256),
            "04b644569eb0b3ca376e70e846be86809ba71544aea464569c5ab21ab3e74bdd",
        ),
        (
            render("neon city at night", 1, 320, 200),
            "1a85e9a169ae2f223f8e02ef8d51d1b9b144a1e75f109a1aed91a8deaa4b176c",
        ),
        (
            render("abstract", 11, 257, 301),
            "50bc3bc62970fb89079f05e980cde4cd4d21d444e94425e0b51953e2ec4dde8a",
        ),
        (
            render("a lighthouse at dusk", 3, 64, 48),
            "2472cb20d0f5ebe88ebf5ca8012132f0e8bcdaabec9314b69387d445c94f4b14",
        ),
        (
            Render {
                style_token: "painterly".to_owned(),
                quality_token: "high".to_owned(),
                ..render("desert dunes", 0, 200, 160)
            },
            "f0aedf56efb571c58610c2d35a3959114384194202022f17f43d79b85dcc31b1",
        ),
    ];
    for (render, expected) in goldens {
        assert_eq!(
            pixel_digest(&render),
            expected,
            "{} {}",
            render.prompt,
            render.seed
        );
    }
}

#[test]
fn prompt_seed_style_and_quality_all_matter() {
    let base = render("mountains at dawn", 1, 220, 180);
    let mut digests = BTreeSet::from([pixel_digest(&base)]);
    let mut variants = vec![
        Render {
            prompt: "mountains at dusk".to_owned(),
            ..base.clone()
        },
        Render {
            seed: 2,
            ..base.clone()
        },
    ];
    for style in [
        "photorealistic",
        "editorial",
        "cinematic",
        "painterly",
        "line-art",
    ] {
        variants.push(Render {
            style_token: style.to_owned(),
            ..base.clone()
        });
    }
    for quality in ["draft", "high"] {
        variants.push(Render {
            quality_token: quality.to_owned(),
            ..base.clone()
        });
    }
    for variant in &variants {
        assert!(digests.insert(pixel_digest(variant)), "{variant:?}");
    }
    let unnamed = Render {
        style_token: String::new(),
        quality_token: String::new(),
        ..base.clone()
    };
    assert_eq!(
        pixel_digest(&unnamed),
        pixel_digest(&base),
        "empty words are the defaults"
    );
}

#[tokio::test]
async fn every_format_and_odd_size_is_exact() {
    for (width_px, height_px) in [
        (16, 16),
        (17, 33),
        (16, 301),
        (301, 16),
        (199, 160),
        (500, 161),
        (640, 90),
    ] {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Webp] {
            let planned = Render {
                format,
                ..render("a cabin by the sea in the rain", 5, width_px, height_px)
            };
            let answer = submit(&planned).await.unwrap();
            assert_eq!(answer.media_type, format.media_type());
            let rendered = Sketch.interpret(&planned, &answer).unwrap();
            assert_eq!(rendered.bill.cost_nanos, Some(0));
            let expected = Expected {
                format,
                width_px,
                height_px,
            };
            inspect(&rendered.image, &expected, &Limits::default()).unwrap();
        }
    }
}

#[tokio::test]
async fn the_longest_edges_are_drawn() {
    for (width_px, height_px) in [(4096, 16), (16, 4096), (4096, 200)] {
        let image = draw(&render("forest", 1, width_px, height_px)).unwrap();
        assert_eq!((image.width(), image.height()), (width_px, height_px));
    }
}

#[test]
fn any_prompt_can_be_drawn() {
    let prompts = [
        "",
        " \n\t ",
        "日本の雪景色 🦊 المطر",
        "Übergrößenträger — “naïve” café",
        "sea snow forest desert city mountain meadow space abstract night fog rain snowing fox boat house balloon rocket",
        &"word ".repeat(6000),
        &"x".repeat(32_000),
    ];
    for prompt in prompts {
        for seed in [0, u32::MAX] {
            draw(&render(prompt, seed, 240, 200)).unwrap();
        }
    }
}

#[test]
fn every_setting_light_and_subject_can_be_drawn() {
    for setting in [
        "snow", "sea", "forest", "desert", "city", "mountain", "meadow", "space", "abstract",
    ] {
        for light in ["dawn", "noon", "dusk", "night"] {
            draw(&render(&format!("{setting} {light} neon storm"), 3, 64, 40)).unwrap();
        }
        for subject in [
            "fox",
            "lighthouse",
            "boat",
            "house",
            "tree",
            "balloon",
            "birds",
            "rocket",
            "cactus",
        ] {
            let quality_token = "high".to_owned();
            let planned = render(&format!("{subject} in the {setting}, mist, snowing"), 3, 41, 64);
            draw(&Render {
                quality_token,
                ..planned
            })
            .unwrap();
        }
    }
}

#[test]
fn the_caption_is_paper_and_ink_below_the_picture() {
    let with_caption = draw(&render("abc", 1, 300, 300)).unwrap().to_rgb8();
    let paper = image::Rgb([0xfa, 0xf6, 0xee]);
    assert_eq!(*with_caption.get_pixel(299, 299), paper);
    assert_eq!(*with_caption.get_pixel(0, 299), paper);
    let band = with_caption.enumerate_pixels().filter(|(_, y, _)| *y > 270);
    let inked = band.filter(|(_, _, pixel)| pixel.0[0] < 160).count();
    assert!(inked > 50, "{inked} dark pixels");
    // The same picture stands above, whatever the size allows below.
    let small = draw(&render("abc", 1, 100, 100)).unwrap().to_rgb8();
    assert_ne!(*small.get_pixel(99, 99), paper);
}

#[tokio::test]
async fn what_cannot_be_drawn_is_refused_unpaid() {
    let base = render("a", 1, 64, 64);
    for unfit in [
        Render {
            width_px: 15,
            ..base.clone()
        },
        Render {
            height_px: 4097,
            ..base.clone()
        },
        Render {
            width_px: 0,
            height_px: 0,
            ..base.clone()
        },
        Render {
            style_token: "vivid".to_owned(),
            ..base.clone()
        },
        Render {
            quality_token: "ultra".to_owned(),
            ..base.clone()
        },
        Render {
            options: vec![("a".to_owned(), "b".to_owned())],
            ..base.clone()
        },
    ] {
        match submit(&unfit).await {
            Err(CallError::Rejected(rejection)) => assert_eq!(rejection.reason, Reason::ProviderRejected),
            other => panic!("{other:?}"),
        }
    }
}
