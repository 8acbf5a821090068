//! What is refused, and that one answer names everything that is wrong.

use limn_proto::{
    plan::{Money, QualityGate, RetryPolicy, RunPolicy, UnknownPolicy},
    reason::Reason::{self, InvalidRequest, TooManySteps, UnsupportedParameter},
    v1::{ImageRequest, PlanRequest, Resolution},
};

use crate::support::{batch, image, image_at, map, names, planned, refused, single, violations};

/// The request is refused with exactly these fields and reasons.
fn refuses(request: &PlanRequest, expected: &[(&str, Reason)]) {
    let error = refused(request);
    assert_eq!(violations(&error), expected, "{error:#?}");
}

fn with(change: impl FnOnce(&mut ImageRequest)) -> PlanRequest {
    let mut image = image("a lighthouse");
    change(&mut image);
    single(image)
}

fn with_policy(policy: RunPolicy) -> PlanRequest {
    PlanRequest {
        policy: Some(policy),
        ..single(image("a lighthouse"))
    }
}

#[test]
fn an_empty_request_lacks_a_client_and_work() {
    refuses(
        &PlanRequest::default(),
        &[("parent", InvalidRequest), ("work", InvalidRequest)],
    );
}

#[test]
fn prompts_that_say_nothing_or_too_much_are_refused() {
    for prompt in ["", " \n\t ", "\u{3000}"] {
        refuses(&single(image(prompt)), &[("image.prompt", InvalidRequest)]);
    }
    refuses(
        &single(image(&"x".repeat(100_000))),
        &[("image.prompt", InvalidRequest)],
    );
    refuses(&single(image("a\0b")), &[("image.prompt", InvalidRequest)]);
    refuses(&single(image("\0")), &[("image.prompt", InvalidRequest)]);
    planned(&single(image(&"x".repeat(32_000))));
}

#[test]
fn the_limit_of_the_model_counts_what_is_appended() {
    let mut long = ImageRequest {
        prompt: "x".repeat(2_001),
        ..image_at("aurora")
    };
    refuses(&single(long.clone()), &[("image.prompt", UnsupportedParameter)]);
    long.prompt = "x".repeat(31_990);
    long.provider = "inkwell".into();
    long.negative_prompt = "fog and rain".into();
    let error = refused(&single(long));
    assert_eq!(violations(&error), [("image.prompt", UnsupportedParameter)]);
    assert!(error.message.contains("that are appended"), "{}", error.message);
    assert_eq!(error.metadata["allowed"], "at most 32000 characters");
}

#[test]
fn sizes_are_refused_with_what_would_fit() {
    let pixels = |provider: &str, width_px, height_px| {
        single(ImageRequest {
            width_px,
            height_px,
            ..image_at(provider)
        })
    };
    refuses(&pixels("sketch", 1024, 0), &[("image.height_px", InvalidRequest)]);
    refuses(&pixels("sketch", 0, 1024), &[("image.width_px", InvalidRequest)]);
    let cases = [
        (pixels("sketch", 15, 1024), "the nearest size is 16 x 1024 px"),
        (
            pixels("sketch", u32::MAX, u32::MAX),
            "the nearest size is 4096 x 4096 px",
        ),
        (pixels("inkwell", 1000, 1000), "the nearest size is 992 x 992 px"),
        (
            pixels("inkwell", 3840, 1024),
            "the nearest size is 3840 x 1280 px",
        ),
        (pixels("inkwell", 16, 16), "the nearest size is "),
        (pixels("inkwell", u32::MAX, 16), "the nearest size is "),
        (pixels("aurora", 1300, 760), "the nearest size is 1344 x 768 px"),
    ];
    for (request, hint) in cases {
        let error = refused(&request);
        assert_eq!(violations(&error), [("image.width_px", UnsupportedParameter)]);
        assert!(error.message.contains(hint), "{}", error.message);
        assert!(!error.metadata["allowed"].is_empty());
    }
}

#[test]
fn sizes_that_contradict_each_other_are_refused_one_by_one() {
    let request = with(|image| {
        (image.width_px, image.height_px) = (1024, 1024);
        image.aspect_ratio = "16:9".into();
        image.resolution = Resolution::TwoK.into();
    });
    refuses(
        &request,
        &[
            ("image.aspect_ratio", InvalidRequest),
            ("image.resolution", InvalidRequest),
        ],
    );
    for ratio in ["16x9", "0:1", "1:101", "1.5:1", " 1:1", "16:9:1", "-1:1"] {
        let request = with(|image| image.aspect_ratio = ratio.into());
        refuses(&request, &[("image.aspect_ratio", InvalidRequest)]);
    }
}

#[test]
fn ratios_and_classes_that_no_size_has_are_refused() {
    let at = |provider: &str, ratio: &str, resolution: Resolution| {
        let aspect_ratio = ratio.into();
        single(ImageRequest {
            aspect_ratio,
            resolution: resolution.into(),
            ..image_at(provider)
        })
    };
    let ratio = &[("image.aspect_ratio", UnsupportedParameter)];
    refuses(&at("inkwell", "4:1", Resolution::Unspecified), ratio);
    refuses(&at("aurora", "2:1", Resolution::Unspecified), ratio);
    let class = &[("image.resolution", UnsupportedParameter)];
    refuses(&at("inkwell", "", Resolution::FourK), class);
    refuses(&at("aurora", "16:9", Resolution::TwoK), class);
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    let error = refused(&with(|image| image.provider = "opnai".into()));
    assert_eq!(violations(&error), [("image.provider", Reason::UnknownProvider)]);
    assert_eq!(
        error.metadata["known"],
        "aurora, dark, inkwell, mega, sketch, twin, vague"
    );

    let error = refused(&with(|image| image.model = "ink-9".into()));
    assert_eq!(violations(&error), [("image.model", Reason::UnknownModel)]);
    assert_eq!(
        error.metadata["known"],
        "aurora-core, dark-1, ink-2, ink-mini, pixels-1, sketch-1, vague-1"
    );

    let error = refused(&single(ImageRequest {
        model: "ink-2".into(),
        ..image_at("aurora")
    }));
    assert_eq!(violations(&error), [("image.model", Reason::UnknownModel)]);
    assert_eq!(error.metadata["known"], "aurora-core");

    let request = with(|image| {
        image.preferred_provider = "opnai".into();
        image.fallback_providers = names(&["nobody", "aurora"]);
    });
    let unknown = Reason::UnknownProvider;
    refuses(
        &request,
        &[
            ("image.preferred_provider", unknown),
            ("image.fallback_providers", unknown),
        ],
    );
}

#[test]
fn a_retired_model_is_refused_with_its_replacement() {
    for provider in ["", "inkwell"] {
        let request = single(ImageRequest {
            model: "ink-1".into(),
            ..image_at(provider)
        });
        let error = refused(&request);
        assert_eq!(violations(&error), [("image.model", Reason::ModelRetired)]);
        assert_eq!(error.metadata["replacement"], "ink-2");
        assert!(
            error
                .message
                .contains("retired by inkwell on 2026-05-12; use ink-2"),
            "{}",
            error.message
        );
    }
}

#[test]
fn providers_that_are_off_or_unpriced_are_refused_when_named() {
    let error = refused(&single(image_at("dark")));
    assert_eq!(violations(&error), [("image.provider", Reason::ProviderDisabled)]);
    assert!(
        error.message.contains("no key is configured"),
        "{}",
        error.message
    );
    refuses(
        &single(image_at("vague")),
        &[("image.provider", Reason::PriceUnknown)],
    );
    refuses(
        &with(|image| image.model = "vague-1".into()),
        &[("image.model", Reason::PriceUnknown)],
    );
}

#[test]
fn what_a_named_target_cannot_honour_is_refused_field_by_field() {
    let request = single(ImageRequest {
        negative_prompt: "fog".into(),
        aspect_ratio: "9:1".into(),
        quality: 3,
        style: 1,
        guidance: Some(7.0),
        options: map(&[("background", "opaque")]),
        ..image_at("mega")
    });
    let fields = [
        "negative_prompt",
        "aspect_ratio",
        "quality",
        "style",
        "options",
        "guidance",
    ];
    let error = refused(&request);
    let expected: Vec<String> = fields.iter().map(|field| format!("image.{field}")).collect();
    let found: Vec<&String> = error
        .violations
        .iter()
        .map(|violation| &violation.field)
        .collect();
    assert_eq!(found, expected.iter().collect::<Vec<_>>(), "{error:#?}");
    assert_eq!(error.reason, UnsupportedParameter);

    let request = single(ImageRequest {
        seed: Some(1),
        media_type: "image/webp".into(),
        ..image_at("inkwell")
    });
    refuses(&request, &[("image.seed", UnsupportedParameter)]);
    let request = single(ImageRequest {
        media_type: "image/jpeg".into(),
        ..image_at("aurora")
    });
    refuses(&request, &[("image.media_type", UnsupportedParameter)]);
}

#[test]
fn numbers_outside_their_range_are_refused() {
    refuses(
        &with(|image| image.seed = Some(1 << 31)),
        &[("image.seed", InvalidRequest)],
    );
    for guidance in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.1, 1000.1] {
        refuses(
            &with(|image| image.guidance = Some(guidance)),
            &[("image.guidance", InvalidRequest)],
        );
    }
    refuses(
        &with(|image| image.quality = 99),
        &[("image.quality", InvalidRequest)],
    );
    refuses(
        &with(|image| image.style = -1),
        &[("image.style", InvalidRequest)],
    );
    refuses(
        &with(|image| image.image_type = 99),
        &[("image.image_type", InvalidRequest)],
    );
    refuses(
        &with(|image| image.importance = 99),
        &[("image.importance", InvalidRequest)],
    );
    refuses(
        &with(|image| image.resolution = 99),
        &[("image.resolution", InvalidRequest)],
    );
}

#[test]
fn text_and_labels_outside_their_limits_are_refused() {
    refuses(
        &with(|image| image.alt_text = "x".repeat(1_001)),
        &[("image.alt_text", InvalidRequest)],
    );
    refuses(
        &with(|image| image.caption = "x".repeat(2_001)),
        &[("image.caption", InvalidRequest)],
    );
    refuses(
        &with(|image| image.post_id = "\u{e9}".repeat(129)),
        &[("image.post_id", InvalidRequest)],
    );
    refuses(
        &with(|image| image.media_type = "image/gif".into()),
        &[("image.media_type", InvalidRequest)],
    );
    refuses(
        &with(|image| image.step_id = "Cover!".into()),
        &[("image.step_id", InvalidRequest)],
    );
    refuses(
        &with(|image| image.labels = map(&[("", "x")])),
        &[("image.labels", InvalidRequest)],
    );
    let twice = map(&[("caf\u{e9}", "1"), ("cafe\u{301}", "2")]);
    refuses(
        &with(|image| image.labels = twice),
        &[("image.labels", InvalidRequest)],
    );
    let many = (0..65)
        .map(|index| (format!("key-{index}"), String::new()))
        .collect();
    refuses(
        &with(|image| image.labels = many),
        &[("image.labels", InvalidRequest)],
    );
    let fields = names(&["seed", "prompt"]);
    refuses(
        &with(|image| image.optional_fields = fields),
        &[("image.optional_fields", InvalidRequest)],
    );
}

#[test]
fn a_policy_outside_its_limits_is_refused_field_by_field() {
    let request = with_policy(RunPolicy {
        max_concurrency: 65,
        attempt_timeout_ms: 999,
        retry: Some(RetryPolicy {
            max_attempts: 11,
            initial_backoff_ms: 60_001,
            max_backoff_ms: 600_001,
            multiplier_milli: 999,
        }),
        max_cost: Some(Money {
            currency_code: "EUR".into(),
            nanos: 1,
        }),
        ..RunPolicy::default()
    });
    let fields = [
        "policy.max_concurrency",
        "policy.attempt_timeout_ms",
        "policy.retry.max_attempts",
        "policy.retry.initial_backoff_ms",
        "policy.retry.max_backoff_ms",
        "policy.retry.multiplier_milli",
        "policy.max_cost",
    ];
    refuses(&request, &fields.map(|field| (field, InvalidRequest)));

    let retry = RetryPolicy {
        initial_backoff_ms: 5_000,
        max_backoff_ms: 4_000,
        ..RetryPolicy::default()
    };
    let request = with_policy(RunPolicy {
        retry: Some(retry),
        ..RunPolicy::default()
    });
    refuses(&request, &[("policy.retry.max_backoff_ms", InvalidRequest)]);
    for (currency, nanos) in [("USD", -1), ("usd", 1), ("", 1)] {
        let limit = Money {
            currency_code: currency.into(),
            nanos,
        };
        let request = with_policy(RunPolicy {
            max_cost: Some(limit),
            ..RunPolicy::default()
        });
        refuses(&request, &[("policy.max_cost", InvalidRequest)]);
    }
}

fn usd(nanos: i64) -> Option<Money> {
    Some(Money {
        currency_code: "USD".into(),
        nanos,
    })
}

#[test]
fn unknown_outcomes_are_held_unless_the_request_says_otherwise() {
    use UnknownPolicy::{Hold, Unspecified, WriteOffAndFail, WriteOffAndRetryOnce};
    let retry_once = (WriteOffAndRetryOnce, usd(1_000_000_000));
    for (asked, limit, planned_policy) in [
        (Unspecified, None, Unspecified),
        (Hold, None, Unspecified),
        (WriteOffAndFail, None, WriteOffAndFail),
        (retry_once.0, retry_once.1, WriteOffAndRetryOnce),
    ] {
        let request = with_policy(RunPolicy {
            on_unknown: asked.into(),
            max_duplicate_spend: limit.clone(),
            ..RunPolicy::default()
        });
        let policy = planned(&request).0.policy.unwrap();
        assert_eq!(policy.on_unknown(), planned_policy);
        assert_eq!(policy.max_duplicate_spend, limit);
    }
}

#[test]
fn a_limit_of_what_is_spent_again_must_fit_the_policy() {
    use UnknownPolicy::{Hold, Unspecified, WriteOffAndFail, WriteOffAndRetryOnce};
    let euros = usd(1).map(|money| Money {
        currency_code: "EUR".into(),
        ..money
    });
    for (asked, limit, told) in [
        (WriteOffAndRetryOnce, None, "is missing"),
        (WriteOffAndRetryOnce, usd(0), "is 0.00 USD"),
        (WriteOffAndRetryOnce, usd(-1), "is -0.000000001 USD"),
        (
            WriteOffAndRetryOnce,
            usd(1_000_000 * 1_000_000_000 + 1),
            "at most 1000000 USD",
        ),
        (WriteOffAndRetryOnce, euros, "is in EUR"),
        (Unspecified, usd(1), "UNKNOWN_POLICY_HOLD"),
        (Hold, usd(1), "is 0.000000001 USD"),
        (WriteOffAndFail, usd(1), "UNKNOWN_POLICY_WRITE_OFF_AND_FAIL"),
    ] {
        let request = with_policy(RunPolicy {
            on_unknown: asked.into(),
            max_duplicate_spend: limit,
            ..RunPolicy::default()
        });
        refuses(&request, &[("policy.max_duplicate_spend", InvalidRequest)]);
        let message = refused(&request).message;
        assert!(message.contains(told), "{told} is not in: {message}");
    }
}

#[test]
fn a_policy_for_unknown_outcomes_that_does_not_exist_is_one_mistake() {
    for max_duplicate_spend in [None, usd(1)] {
        let request = with_policy(RunPolicy {
            on_unknown: 4,
            max_duplicate_spend,
            ..RunPolicy::default()
        });
        refuses(&request, &[("policy.on_unknown", InvalidRequest)]);
    }
}

#[test]
fn a_threshold_and_its_rerolls_are_checked_together() {
    let gated = |min_score_bp, max_rerolls| {
        with_policy(RunPolicy {
            quality_gate: Some(QualityGate {
                min_score_bp,
                max_rerolls,
                accept_best: false,
            }),
            ..RunPolicy::default()
        })
    };
    let (score, rerolls) = (
        ("policy.quality_gate.min_score_bp", InvalidRequest),
        ("policy.quality_gate.max_rerolls", InvalidRequest),
    );
    refuses(&gated(0, 0), &[score]);
    refuses(&gated(10_001, 10), &[score]);
    refuses(&gated(6_000, 11), &[rerolls]);
    refuses(&gated(0, u32::MAX), &[score, rerolls]);
    let message = refused(&gated(0, 0)).message;
    assert!(message.contains("leave quality_gate out"), "{message}");
    for (min_score_bp, max_rerolls) in [(1, 0), (10_000, 10)] {
        let policy = planned(&gated(min_score_bp, max_rerolls)).0.policy.unwrap();
        let gate = policy.quality_gate.unwrap();
        assert_eq!((gate.min_score_bp, gate.max_rerolls), (min_score_bp, max_rerolls));
    }
    assert_eq!(
        planned(&with_policy(RunPolicy::default()))
            .0
            .policy
            .unwrap()
            .quality_gate,
        None
    );
}

#[test]
fn fallbacks_that_the_policy_forbids_are_a_contradiction() {
    let request = PlanRequest {
        policy: Some(RunPolicy {
            disable_fallback: true,
            ..RunPolicy::default()
        }),
        ..with(|image| image.fallback_providers = names(&["aurora"]))
    };
    refuses(&request, &[("image.fallback_providers", InvalidRequest)]);
}

#[test]
fn batches_must_have_images_and_not_too_many() {
    refuses(&batch(vec![]), &[("batch.images", InvalidRequest)]);
    let error = refused(&batch(vec![image("x"); 501]));
    assert_eq!(violations(&error), [("batch.images", TooManySteps)]);
    assert_eq!(error.metadata["max"], "500");
    planned(&batch(vec![image("x"); 500]));
}

#[test]
fn step_ids_are_unique_also_against_the_default_ones() {
    let named = ImageRequest {
        step_id: "image-2".into(),
        ..image("x")
    };
    let error = refused(&batch(vec![named, image("y")]));
    assert_eq!(violations(&error), [("batch.images[1].step_id", InvalidRequest)]);
}

#[test]
fn an_expiry_must_be_a_time() {
    for (seconds, nanos) in [(0, 0), (-1, 0), (1, -1), (1, 1_000_000_000)] {
        let mut request = single(image("x"));
        let time = request.not_after_time.get_or_insert_default();
        (time.seconds, time.nanos) = (seconds, nanos);
        refuses(&request, &[("not_after_time", InvalidRequest)]);
    }
    let mut request = single(image("x"));
    let time = request.not_after_time.get_or_insert_default();
    (time.seconds, time.nanos) = (1_790_000_000, 999_999_999);
    assert_eq!(planned(&request).0.not_after_unix, 1_790_000_000);
}

#[test]
fn one_answer_names_every_problem_of_every_image() {
    let mut request = batch(vec![
        ImageRequest {
            seed: Some(u32::MAX),
            ..image("")
        },
        image_at("opnai"),
        image_at("dark"),
        image("fine"),
        ImageRequest {
            quality: 1,
            width_px: 100,
            height_px: 100,
            ..image_at("aurora")
        },
    ]);
    request.parent = "clients/Demo".into();
    request.session_id = "s".repeat(129);
    let error = refused(&request);
    let expected = [
        ("parent", InvalidRequest),
        ("session_id", InvalidRequest),
        ("batch.images[0].prompt", InvalidRequest),
        ("batch.images[0].seed", InvalidRequest),
        ("batch.images[1].provider", Reason::UnknownProvider),
        ("batch.images[2].provider", Reason::ProviderDisabled),
        ("batch.images[4].width_px", UnsupportedParameter),
        ("batch.images[4].quality", UnsupportedParameter),
    ];
    assert_eq!(violations(&error), expected);
    assert_eq!(
        error.reason, InvalidRequest,
        "the violations have no reason in common"
    );
    assert!(
        error.message.ends_with("(and 7 more problems)"),
        "{}",
        error.message
    );
}
