//! What plans cost, and what `max_cost` does.

use limn_proto::{
    plan::{CostEstimate, Money, QualityGate, RunPolicy, UnknownPolicy},
    reason::Reason,
    v1::{ImageRequest, PlanRequest},
};

use crate::support::{batch, image_at, names, planned, refused, single, violations};

fn cost(request: &PlanRequest) -> CostEstimate {
    planned(request).0.cost.unwrap()
}

/// Expected and worst-case nanos.
fn totals(cost: &CostEstimate) -> (i64, i64) {
    (
        cost.expected.as_ref().unwrap().nanos,
        cost.worst_case.as_ref().unwrap().nanos,
    )
}

fn limited(nanos: i64, image: ImageRequest) -> PlanRequest {
    let max_cost = Some(Money {
        currency_code: "USD".into(),
        nanos,
    });
    PlanRequest {
        policy: Some(RunPolicy {
            max_cost,
            ..RunPolicy::default()
        }),
        ..single(image)
    }
}

#[test]
fn free_is_a_price_of_zero_that_is_stated() {
    let cost = cost(&single(image_at("sketch")));
    assert_eq!(totals(&cost), (0, 0));
    let component = &cost.lines[0].components[0];
    assert_eq!(
        (component.unit.as_str(), component.quantity_milli),
        ("image", 1000)
    );
    assert_eq!(component.unit_price.as_ref().unwrap().nanos, 0);
}

#[test]
fn images_are_priced_by_quality() {
    let at = |quality| {
        cost(&single(ImageRequest {
            quality,
            ..image_at("aurora")
        }))
    };
    assert_eq!(totals(&at(0)), (40_000_000, 40_000_000));
    assert_eq!(totals(&at(3)), (80_000_000, 80_000_000));
}

#[test]
fn megapixels_are_priced_with_quantity_and_amount_rounded_up() {
    let cost = cost(&single(ImageRequest {
        width_px: 1000,
        height_px: 1000,
        ..image_at("mega")
    }));
    let component = &cost.lines[0].components[0];
    assert_eq!(component.quantity_milli, 954, "953.67 thousandths");
    assert_eq!(
        component.amount.as_ref().unwrap().nanos,
        31_800_000,
        "31,799,999.682 nanos"
    );
}

#[test]
fn tokens_are_exact_at_observed_sizes_and_have_a_ceiling() {
    let request = |width_px, height_px| ImageRequest {
        quality: 3,
        width_px,
        height_px,
        ..image_at("inkwell")
    };
    let text = 3 * 5_000;
    let text_ceiling = (12 + 256) * 5_000;
    for (width, height, tokens, ceiling_tokens) in [
        (1024, 1024, 7024, 8429),
        (1536, 1024, 5488, 12_644),
        (1024, 1536, 5488, 12_644),
        (3584, 2048, 12_329, 59_002),
    ] {
        let totals = totals(&cost(&single(request(width, height))));
        assert_eq!(
            totals,
            (tokens * 30_000 + text, ceiling_tokens * 30_000 + text_ceiling),
            "{width} x {height}"
        );
    }
}

#[test]
fn no_observed_size_is_underestimated_when_it_is_not_listed() {
    // Between a square megapixel and the largest observed one, the estimate never falls below the base.
    for (width, height) in [
        (1024, 640),
        (1280, 720),
        (1248, 1248),
        (2048, 1152),
        (2048, 2048),
        (3840, 2160),
    ] {
        let image = ImageRequest {
            quality: 3,
            width_px: width,
            height_px: height,
            ..image_at("inkwell")
        };
        let (expected, worst_case) = totals(&cost(&single(image)));
        assert!(expected >= 7024 * 30_000, "{width} x {height}");
        assert!(worst_case >= expected, "{width} x {height}");
    }
}

#[test]
fn the_worst_case_is_the_dearest_target_of_each_step_once() {
    let with_fallback = ImageRequest {
        fallback_providers: names(&["inkwell"]),
        ..image_at("aurora")
    };
    let cost = cost(&batch(vec![with_fallback, image_at("mega")]));
    let ceilings: Vec<i64> = cost
        .lines
        .iter()
        .map(|line| line.attempt_ceiling.as_ref().unwrap().nanos)
        .collect();
    assert_eq!(cost.lines.len(), 3);
    assert!(ceilings[1] > ceilings[0]);
    assert_eq!(
        totals(&cost),
        (40_000_000 + 33_333_333, ceilings[1] + ceilings[2])
    );
}

/// Two pictures that can be billed 80 and 40 thousandths, drawn again for at most so many nanos.
fn drawn_again(nanos: i64) -> PlanRequest {
    let high = ImageRequest {
        quality: 3,
        ..image_at("aurora")
    };
    PlanRequest {
        policy: Some(RunPolicy {
            on_unknown: UnknownPolicy::WriteOffAndRetryOnce.into(),
            max_duplicate_spend: Some(Money {
                currency_code: "USD".into(),
                nanos,
            }),
            ..RunPolicy::default()
        }),
        ..batch(vec![high, image_at("aurora")])
    }
}

#[test]
fn what_may_be_spent_again_is_in_the_worst_case_and_at_most_doubles_it() {
    let once = 120_000_000;
    for (limit, again) in [
        (80_000_000, 80_000_000),
        (100_000_000, 100_000_000),
        (once, once),
        (once + 1, once),
        (1_000_000 * 1_000_000_000, once),
    ] {
        let totals = totals(&cost(&drawn_again(limit)));
        assert_eq!(totals, (once, once + again), "limited to {limit}");
    }
}

#[test]
fn a_limit_that_pays_for_no_second_drawing_of_the_dearest_picture_is_refused() {
    let error = refused(&drawn_again(79_999_999));
    assert_eq!(
        violations(&error),
        [("policy.max_duplicate_spend", Reason::InvalidRequest)]
    );
    assert_eq!(error.metadata["ceilingNanos"], "80000000");
    for part in ["0.079999999 USD", "aurora", "0.08 USD", "on_unknown"] {
        assert!(
            error.message.contains(part),
            "{part} is not in: {}",
            error.message
        );
    }
}

#[test]
fn a_limit_that_is_too_low_is_told_with_everything_else() {
    let mut request = drawn_again(1);
    request.parent.clear();
    let Some(limn_proto::v1::plan_request::Work::Batch(batch)) = &mut request.work else {
        panic!("a batch was asked for");
    };
    batch.images[1].provider = "acme".into();
    assert_eq!(
        violations(&refused(&request)),
        [
            ("parent", Reason::InvalidRequest),
            ("batch.images[1].provider", Reason::UnknownProvider),
            ("policy.max_duplicate_spend", Reason::InvalidRequest),
        ]
    );
}

#[test]
fn free_pictures_may_be_drawn_again_and_still_cost_nothing() {
    let request = PlanRequest {
        work: single(image_at("sketch")).work,
        ..drawn_again(1)
    };
    assert_eq!(totals(&cost(&request)), (0, 0));
}

/// The request with so many re-rolls allowed.
fn gated(max_rerolls: u32, request: PlanRequest) -> PlanRequest {
    let policy = request.policy.clone().unwrap_or_default();
    PlanRequest {
        policy: Some(RunPolicy {
            quality_gate: Some(QualityGate {
                min_score_bp: 6_000,
                max_rerolls,
                accept_best: true,
            }),
            ..policy
        }),
        ..request
    }
}

#[test]
fn every_reroll_can_cost_as_much_as_the_first_picture() {
    let request = batch(vec![image_at("aurora"), image_at("mega")]);
    let (expected, once) = totals(&cost(&request));
    for rerolls in [0, 1, 10] {
        let cost = cost(&gated(rerolls, request.clone()));
        assert_eq!(
            totals(&cost),
            (expected, once * (1 + i64::from(rerolls))),
            "{rerolls}"
        );
    }
    // What may be spent again after unknown outcomes is once for each step, however often it is drawn.
    let both = totals(&cost(&gated(2, drawn_again(1_000_000_000))));
    assert_eq!(both, (120_000_000, 120_000_000 * 4));
}

#[test]
fn a_step_with_a_given_seed_is_never_rerolled_and_the_notes_say_so() {
    let given = ImageRequest {
        seed: Some(7),
        ..image_at("sketch")
    };
    let (spec, notes) = planned(&gated(2, batch(vec![given.clone(), image_at("aurora")])));
    assert_eq!(totals(&spec.cost.unwrap()), (40_000_000, 120_000_000));
    assert_eq!(spec.policy.unwrap().quality_gate.unwrap().max_rerolls, 2);
    let warned = |code: &str| {
        notes
            .warnings
            .iter()
            .filter(|warning| warning.code == code)
            .count()
    };
    assert_eq!(warned("REROLLS_NEED_A_FREE_SEED"), 1);
    let first = notes.warnings.iter().find(|warning| warning.step_id == "image-1");
    assert!(first.unwrap().message.contains("leave the seed out"));

    let (spec, notes) = planned(&gated(2, single(given)));
    let gate = spec.policy.unwrap().quality_gate.unwrap();
    assert_eq!((gate.min_score_bp, gate.max_rerolls), (6_000, 0));
    assert_eq!(notes.warnings[0].code, "REROLLS_NEED_A_FREE_SEED");
}

#[test]
fn a_plan_above_its_limit_is_refused_with_the_numbers() {
    let error = refused(&limited(39_999_999, image_at("aurora")));
    assert_eq!(violations(&error), [("policy.max_cost", Reason::MaxCostExceeded)]);
    assert_eq!(error.metadata["estimateNanos"], "40000000");
    assert_eq!(error.metadata["maxNanos"], "39999999");
    assert_eq!(error.metadata["currency"], "USD");
    planned(&limited(40_000_000, image_at("aurora")));
    refused(&limited(0, image_at("aurora")));
    planned(&limited(0, image_at("sketch")));
}

#[test]
fn a_limit_below_the_worst_case_is_a_warning() {
    let (spec, notes) = planned(&limited(60_000_000, image_at("inkwell")));
    let (expected, worst_case) = totals(&spec.cost.unwrap());
    assert!(expected <= 60_000_000 && worst_case > 60_000_000);
    assert_eq!(notes.warnings[0].code, "COST_LIMIT_TIGHT");
}
