//! What a newer catalog says about an older plan.

use std::collections::BTreeMap;

use limn_planner::{
    Catalog, CatalogParts, Planner,
    catalog::{GuidanceRange, Model, NegativePrompt, Pricing, Styles},
};
use limn_proto::{
    plan::Quality,
    v1::{CheckPlanResponse, DriftKind, ImageGenerationPlan, ImageRequest},
};

use crate::support::{image_at, map, parts, plan, single};

fn sketch_plan() -> ImageGenerationPlan {
    plan(&single(image_at("sketch"))).unwrap()
}

fn aurora_plan() -> ImageGenerationPlan {
    let image = ImageRequest {
        negative_prompt: "fog".into(),
        guidance: Some(7.0),
        style: 1,
        quality: 3,
        ..image_at("aurora")
    };
    plan(&single(image)).unwrap()
}

fn inkwell_plan() -> ImageGenerationPlan {
    plan(&single(ImageRequest {
        options: map(&[("background", "opaque")]),
        ..image_at("inkwell")
    }))
    .unwrap()
}

/// The answer of a catalog that was changed after the plan was made.
fn check(plan: &ImageGenerationPlan, change: impl FnOnce(&mut CatalogParts)) -> CheckPlanResponse {
    let mut parts = parts();
    change(&mut parts);
    let catalog = Catalog::new(parts).unwrap();
    Planner::new(&catalog).check(plan, None).unwrap()
}

/// Changes the default model of a provider.
fn model<'p>(parts: &'p mut CatalogParts, provider: &str) -> &'p mut Model {
    let provider = parts
        .providers
        .iter_mut()
        .find(|entry| entry.id == provider)
        .unwrap();
    provider
        .models
        .iter_mut()
        .find(|model| model.id == provider.default_model)
        .unwrap()
}

/// Kinds and whether they are blocking.
fn kinds(response: &CheckPlanResponse) -> Vec<(DriftKind, bool)> {
    response
        .drifts
        .iter()
        .map(|drift| (drift.kind(), drift.blocking))
        .collect()
}

#[test]
fn an_unchanged_catalog_finds_nothing() {
    for plan in [sketch_plan(), aurora_plan(), inkwell_plan()] {
        let response = check(&plan, |_| {});
        assert!(response.digest_matches && response.executable);
        assert_eq!(response.drifts, []);
        assert_eq!(response.computed_digest, plan.digest);
    }
}

#[test]
fn a_digest_that_does_not_match_is_in_the_answer() {
    let plan = ImageGenerationPlan {
        digest: "sha256:00".into(),
        ..sketch_plan()
    };
    let response = check(&plan, |_| {});
    assert!(!response.digest_matches && !response.executable);
}

#[test]
fn a_risen_price_blocks_and_a_fallen_one_informs() {
    let set = |nanos| {
        move |parts: &mut CatalogParts| {
            let prices = BTreeMap::from([(Quality::Unspecified, nanos)]);
            model(parts, "aurora").pricing = Some(Pricing::PerImage(prices));
        }
    };
    let risen = check(&aurora_plan(), set(80_000_001));
    assert_eq!(
        kinds(&risen),
        [(DriftKind::Price, true); 2],
        "the ceiling and the unit price"
    );
    assert_eq!(risen.drifts[1].planned, "0.08 USD per image");
    assert_eq!(risen.drifts[1].current, "0.080000001 USD per image");
    assert!(!risen.executable);
    let fallen = check(&aurora_plan(), set(79_999_999));
    assert_eq!(kinds(&fallen), [(DriftKind::Price, false); 2]);
    assert!(fallen.executable);
}

#[test]
fn a_price_that_became_unknown_or_counts_another_unit_blocks() {
    let unknown = check(&aurora_plan(), |parts| {
        let model = model(parts, "aurora");
        model.pricing = None;
        model.prices_as_of.clear();
        model.prices_source.clear();
    });
    assert_eq!(kinds(&unknown), [(DriftKind::Price, true)]);
    let cheaper_unit = check(&aurora_plan(), |parts| {
        model(parts, "aurora").pricing = Some(Pricing::PerMegapixel {
            first_nanos: None,
            nanos: 1,
        });
    });
    let price = DriftKind::Price;
    assert_eq!(
        kinds(&cheaper_unit),
        [(price, false), (price, false), (price, true)]
    );
}

#[test]
fn a_model_that_went_away_blocks_with_its_replacement() {
    let response = check(&aurora_plan(), |parts| {
        let model = model(parts, "aurora");
        model.id = "aurora-next".into();
        let provider = parts
            .providers
            .iter_mut()
            .find(|entry| entry.id == "aurora")
            .unwrap();
        provider.default_model = "aurora-next".into();
        parts.retired[0].id = "aurora-core".into();
        parts.retired[0].provider = "aurora".into();
        parts.retired[0].replacement = "aurora-next".into();
    });
    assert_eq!(kinds(&response), [(DriftKind::ModelGone, true)]);
    assert_eq!(response.drifts[0].planned, "aurora aurora-core");
    assert_eq!(response.drifts[0].current, "aurora aurora-next");
}

#[test]
fn a_moved_snapshot_and_a_provider_that_is_off_block() {
    let response = check(&inkwell_plan(), |parts| {
        model(parts, "inkwell").revision = "ink-2-2026-12-24".into();
        let provider = parts
            .providers
            .iter_mut()
            .find(|entry| entry.id == "inkwell")
            .unwrap();
        provider.enabled = false;
        provider.disabled_reason = "off for the test".into();
    });
    assert_eq!(
        kinds(&response),
        [
            (DriftKind::ProviderDisabled, true),
            (DriftKind::ModelRevision, true)
        ]
    );
    assert_eq!(response.drifts[0].current, "off for the test");
    assert!(!response.executable);
}

#[test]
fn every_limit_that_no_longer_holds_blocks() {
    let response = check(&aurora_plan(), |parts| {
        let model = model(parts, "aurora");
        model.max_prompt_chars = 3;
        model.negative_prompt = NegativePrompt::Merged;
        model.qualities.tokens.insert(Quality::High, "ultra".into());
        model.styles = Styles::Unsupported;
        model.takes_seed = false;
        model.guidance = Some(GuidanceRange {
            min_milli: 1,
            max_milli: 2,
        });
        model.formats = vec!["image/webp".into()];
        if let limn_planner::catalog::SizeRule::Listed(sizes) = &mut model.sizes {
            sizes[0].token = "square".into();
        }
    });
    let planned: Vec<&str> = response
        .drifts
        .iter()
        .map(|drift| drift.planned.as_str())
        .collect();
    assert_eq!(kinds(&response), [(DriftKind::Limit, true); 8]);
    assert_eq!(planned[0], "prompt: 12 characters");
    assert_eq!(planned[2], "width_px: 1024 x 1024 px");
    assert_eq!(planned[7], "media_type: image/png");
    let response = check(&inkwell_plan(), |parts| model(parts, "inkwell").options.clear());
    assert_eq!(kinds(&response), [(DriftKind::Limit, true)]);
}

#[test]
fn the_expiry_is_checked_only_against_a_given_time() {
    let mut request = single(image_at("sketch"));
    request.not_after_time.get_or_insert_default().seconds = 1_000;
    let plan = plan(&request).unwrap();
    let catalog = Catalog::new(parts()).unwrap();
    let check = |as_of| kinds(&Planner::new(&catalog).check(&plan, as_of).unwrap());
    assert_eq!(check(None), []);
    assert_eq!(check(Some(1_000)), []);
    assert_eq!(check(Some(1_001)), [(DriftKind::Expired, true)]);
}

#[test]
fn a_plan_that_breaks_its_own_rules_is_not_checked() {
    let mut plan = sketch_plan();
    plan.spec.as_mut().unwrap().client.clear();
    let catalog = Catalog::new(parts()).unwrap();
    assert!(Planner::new(&catalog).check(&plan, None).is_err());
    assert!(
        Planner::new(&catalog)
            .check(&ImageGenerationPlan::default(), None)
            .is_err()
    );
}
