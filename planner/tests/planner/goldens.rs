//! Requests and the plans they become: text, digest and bytes.
//!
//! The files in `tests/goldens/` are committed. A difference is either a bug or a change that every owner
//! of a stored plan will notice, so it is looked at like code. `LIMN_UPDATE_GOLDENS=1 cargo test -p limn-planner`
//! writes them anew. The same files hold in debug and in release builds.

use std::{
    collections::BTreeSet,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use limn_planner::explain;
use limn_proto::{
    digest::{canonical_bytes, hex, plan_digest},
    plan::{
        ImageType, Importance, Label, Money, PlanSpec, Quality, QualityGate, RetryPolicy, RunPolicy, Style,
        UnknownPolicy,
    },
    v1::{
        BatchRequest, ImageGenerationPlan, ImageRequest, PlanRequest, Resolution, View, ViewSetRequest,
        plan_request::Work,
    },
};

use crate::documents;
use crate::support::{batch, continuity, image, image_at, map, names, of_set, plan, single, view, view_set};

/// Bytes on one line of a golden.
const BYTES_PER_LINE: usize = 48;

/// Every golden and the plan it holds.
pub(crate) fn cases() -> Vec<(&'static str, ImageGenerationPlan)> {
    let planned = |request: PlanRequest| plan(&request).expect("a golden request is possible");
    vec![
        ("batch-with-fallbacks", planned(batch_with_fallbacks())),
        ("continuity", planned(continued())),
        (
            "defaults",
            planned(single(image("A lighthouse at dusk, seen from the sea"))),
        ),
        ("document", planned(documents::post())),
        ("every-field", planned(every_field())),
        ("image-types", planned(image_types())),
        ("optional-fields", planned(optional_fields())),
        ("quality-gate", planned(quality_gate())),
        ("spec-vector", spec_vector()),
        ("view-set", planned(view_set_in_colour())),
    ]
}

fn batch_with_fallbacks() -> PlanRequest {
    let cover = ImageRequest {
        step_id: "cover".into(),
        style: Style::Cinematic.into(),
        quality: Quality::High.into(),
        aspect_ratio: "16:9".into(),
        resolution: Resolution::TwoK.into(),
        ..image("A harbour in the rain, lights on wet stone")
    };
    let fallback = ImageRequest {
        fallback_providers: names(&["aurora", "dark"]),
        ..cover.clone()
    };
    PlanRequest {
        policy: Some(RunPolicy {
            max_cost: Some(Money {
                currency_code: "USD".into(),
                nanos: 1_500_000_000,
            }),
            stop_on_first_error: true,
            on_unknown: UnknownPolicy::WriteOffAndFail.into(),
            ..RunPolicy::default()
        }),
        variation: 3,
        ..batch(vec![
            ImageRequest {
                resolution: 0,
                ..fallback
            },
            ImageRequest {
                step_id: String::new(),
                ..cover
            },
            ImageRequest {
                preferred_provider: "vague".into(),
                ..image("A plain sketch")
            },
            ImageRequest {
                preferred_provider: "vague".into(),
                ..image("A plain sketch")
            },
        ])
    }
}

fn every_field() -> PlanRequest {
    let image = ImageRequest {
        negative_prompt: "people, text".into(),
        model: "aurora-core".into(),
        aspect_ratio: "3:2".into(),
        quality: Quality::High.into(),
        style: Style::LineArt.into(),
        seed: Some(2_147_483_647),
        guidance: Some(0.0625 * 113.0),
        image_type: ImageType::BattleMap.into(),
        alt_text: "A map of a ruined caf\u{e9}".into(),
        caption: "Plate 4".into(),
        media_type: "image/webp".into(),
        labels: map(&[("plate", "4"), ("\u{fc}ber", "ja")]),
        step_id: "plate-4".into(),
        original_prompt: "ruined cafe map".into(),
        post_id: "post-9".into(),
        prompt_id: "prompt-77".into(),
        section_title: "The ruins".into(),
        position: 4,
        importance: Importance::Secondary.into(),
        fallback_providers: names(&["sketch"]),
        optional_fields: names(&["negative_prompt", "guidance"]),
        ..image_at("aurora")
    };
    let mut request = PlanRequest {
        session_id: "evening-12".into(),
        labels: map(&[("campaign", "emberfall"), ("b", ""), ("B", "upper")]),
        policy: Some(RunPolicy {
            max_concurrency: 2,
            retry: Some(RetryPolicy {
                max_attempts: 1,
                initial_backoff_ms: 60_000,
                ..RetryPolicy::default()
            }),
            attempt_timeout_ms: 90_500,
            on_unknown: UnknownPolicy::WriteOffAndRetryOnce.into(),
            max_duplicate_spend: Some(Money {
                currency_code: "USD".into(),
                nanos: 500_000_000,
            }),
            ..RunPolicy::default()
        }),
        ..single(image)
    };
    request.not_after_time.get_or_insert_default().seconds = 1_790_000_000;
    request
}

/// At `aurora` the hint is cut, at `sketch` it is not.
fn continued() -> PlanRequest {
    let anchors = [
        ("Mira", "a tall woman of forty, grey eyes, red scarf"),
        ("the Gull", "a blue dinghy with one oar"),
    ];
    let hint = "Mira pushed the Gull into the water. Behind her the village slept under its first snow";
    let harbour = ImageRequest {
        continuity: continuity(&[("Bo", "a brown dog with one white ear")], hint),
        prompt: "Bo waits for Mira on the quay. ".repeat(56),
        fallback_providers: names(&["sketch"]),
        ..image_at("aurora")
    };
    PlanRequest {
        work: Some(Work::Batch(BatchRequest {
            images: vec![image("Mira rows out at dawn"), harbour],
            continuity: continuity(&anchors, "It is winter."),
        })),
        ..batch(Vec::new())
    }
}

/// Every class that the fixture has a template for.
fn image_types() -> PlanRequest {
    let classes = [
        ImageType::CharacterPortrait,
        ImageType::Item,
        ImageType::BattleMap,
        ImageType::Product,
        ImageType::Illustration,
    ];
    let enriched = |image_type: ImageType| ImageRequest {
        image_type: image_type.into(),
        enrich: true,
        fallback_providers: names(&["inkwell"]),
        ..image_at("aurora")
    };
    batch(classes.map(enriched).into())
}

fn view_set_in_colour() -> PlanRequest {
    let base = ImageRequest {
        negative_prompt: "dirt".into(),
        style: Style::Photorealistic.into(),
        continuity: continuity(&[("Logo", "a white fox on the heel")], ""),
        ..image("Pink tennis shoes with white laces")
    };
    let own = View {
        negative_prompt: "mud".into(),
        ..view("sole", "the sole from below")
    };
    of_set(ViewSetRequest {
        views: vec![view("detail", ""), own],
        count: 6,
        keywords: names(&["matte", "pastel"]),
        category: "Footwear".into(),
        ..view_set(base)
    })
}

fn optional_fields() -> PlanRequest {
    single(ImageRequest {
        negative_prompt: "fog\r\nrain".into(),
        style: Style::Painterly.into(),
        seed: Some(0),
        width_px: 1000,
        height_px: 700,
        options: map(&[("background", "transparent"), ("moderation", "low")]),
        optional_fields: names(&["seed", "options", "width_px", "height_px"]),
        ..image_at("inkwell")
    })
}

fn quality_gate() -> PlanRequest {
    let given = ImageRequest {
        seed: Some(2_147_483_646),
        ..image_at("sketch")
    };
    PlanRequest {
        policy: Some(RunPolicy {
            quality_gate: Some(QualityGate {
                min_score_bp: 6_050,
                max_rerolls: 2,
                accept_best: true,
            }),
            ..RunPolicy::default()
        }),
        ..batch(vec![image_at("aurora"), given])
    }
}

/// A spec that no request gives, for implementations in other languages: a label that is not ASCII, an
/// optional zero, an empty message, amounts above 2^53.
fn spec_vector() -> ImageGenerationPlan {
    let mut plan = plan(&every_field()).expect("a golden request is possible");
    let spec = plan.spec.as_mut().unwrap();
    spec.labels = vec![
        Label {
            key: "gr\u{f6}\u{df}e".into(),
            value: "\u{1f3f0} \u{738b}".into(),
        },
        Label {
            key: "\u{738b}".into(),
            value: String::new(),
        },
    ];
    spec.not_after_unix = i64::MAX;
    spec.policy.as_mut().unwrap().retry = Some(RetryPolicy::default());
    spec.policy.as_mut().unwrap().max_cost = Some(Money {
        currency_code: "USD".into(),
        nanos: (1 << 53) + 1,
    });
    for target in &mut spec.steps[0].targets {
        target.guidance_milli = Some(0);
    }
    plan.digest = plan_digest(spec);
    plan.notes = None;
    plan
}

fn golden(plan: &ImageGenerationPlan) -> String {
    let spec: &PlanSpec = plan.spec.as_ref().unwrap();
    let bytes = canonical_bytes(spec);
    let mut text = explain(plan);
    write!(
        text,
        "\n--- {}\n--- {} canonical bytes\n",
        plan.digest,
        bytes.len()
    )
    .unwrap();
    for line in bytes.chunks(BYTES_PER_LINE) {
        writeln!(text, "{}", hex(line)).unwrap();
    }
    text
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens")
}

#[expect(
    clippy::disallowed_methods,
    reason = "the switch of a person who updates the files"
)]
fn updating() -> bool {
    std::env::var_os("LIMN_UPDATE_GOLDENS").is_some_and(|value| value == "1")
}

#[expect(
    clippy::disallowed_methods,
    reason = "goldens are files; the planner itself reads none"
)]
#[test]
fn requests_become_the_plans_of_the_goldens() {
    let mut wrong = Vec::new();
    for (name, plan) in cases() {
        let path = folder().join(format!("{name}.txt"));
        let now = golden(&plan);
        if updating() {
            fs::write(&path, &now).unwrap();
        } else if fs::read_to_string(&path).unwrap_or_default() != now {
            wrong.push(format!("{name} is now:\n{now}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "LIMN_UPDATE_GOLDENS=1 accepts this:\n{}",
        wrong.join("\n")
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "goldens are files; the planner itself reads none"
)]
#[test]
fn every_golden_file_belongs_to_a_case() {
    let known: BTreeSet<String> = cases().iter().map(|(name, _)| format!("{name}.txt")).collect();
    let names = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let found: BTreeSet<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert_eq!(found, known);
}

#[test]
fn no_line_of_an_explanation_is_wider_than_a_hundred_columns() {
    for (name, plan) in cases() {
        let text = explain(&plan);
        assert!(
            text.lines().all(|line| line.chars().count() <= 100),
            "{name}:\n{text}"
        );
        assert!(!text.contains('\r') && text.ends_with('\n'));
    }
}

#[test]
fn a_plan_without_content_is_explained_too() {
    assert_eq!(
        explain(&ImageGenerationPlan::default()),
        "The plan has no content.\n"
    );
    let empty = ImageGenerationPlan {
        spec: Some(PlanSpec::default()),
        ..ImageGenerationPlan::default()
    };
    assert!(explain(&empty).starts_with("Plan sha256:e3b0c44298fc1c14"));
}
