//! The shipped catalog, and what configuration can do to it.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use limn_planner::{
    Catalog, CatalogProblem, Planner,
    catalog::{ClientRules, Pricing, Size, SizeRule},
};
use limn_proto::{
    plan::{CostEstimate, Quality},
    reason::Reason,
    v1::{ImageRequest, PlanRequest, plan_request::Work},
};
use limn_server::catalog::{Availability, SelectionOverrides, load};

fn available(ids: &[&str]) -> BTreeMap<String, Availability> {
    let enabled = Availability {
        enabled: true,
        reason: String::new(),
    };
    ids.iter().map(|id| ((*id).into(), enabled.clone())).collect()
}

/// The catalog of a server with the adapters that these tests plan for, and this configuration.
fn configured(toml: &str) -> Result<Catalog, Vec<CatalogProblem>> {
    let table = toml.parse().expect("the configuration of a test is TOML");
    load(
        &[("limn.toml".into(), table)],
        &available(&["google", "openai", "sketch", "stability", "vertex"]),
        SelectionOverrides::default(),
    )
    .map(|loaded| loaded.catalog)
}

/// Problems as "path: message".
fn problems(toml: &str) -> Vec<String> {
    configured(toml)
        .unwrap_err()
        .iter()
        .map(CatalogProblem::to_string)
        .collect()
}

fn shipped() -> Catalog {
    configured("").unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn request(image: ImageRequest) -> PlanRequest {
    let prompt = "a lighthouse".into();
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(Work::Image(ImageRequest { prompt, ..image })),
        ..PlanRequest::default()
    }
}

fn cost(catalog: &Catalog, image: ImageRequest) -> CostEstimate {
    Planner::new(catalog)
        .plan(&request(image))
        .unwrap()
        .spec
        .unwrap()
        .cost
        .unwrap()
}

fn at(model: &str, quality: Quality) -> ImageRequest {
    ImageRequest {
        model: model.into(),
        quality: quality.into(),
        ..ImageRequest::default()
    }
}

#[test]
fn the_shipped_catalog_is_valid_and_draws_for_free_by_default() {
    let catalog = shipped();
    let ids: Vec<&str> = catalog
        .providers()
        .iter()
        .map(|provider| provider.id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "automatic1111",
            "bfl",
            "comfyui",
            "google",
            "midjourney",
            "openai",
            "openrouter",
            "replicate",
            "sketch",
            "stability",
            "vertex"
        ]
    );
    assert_eq!(catalog.rules().default_provider, "sketch");
    let cost = cost(&catalog, ImageRequest::default());
    assert_eq!(cost.worst_case.unwrap().nanos, 0);
}

#[test]
fn every_shipped_model_says_when_and_where_its_prices_were_read() {
    for provider in shipped().providers() {
        for model in &provider.models {
            assert_eq!(
                model.pricing.is_some(),
                !model.prices_source.is_empty(),
                "{}",
                model.id
            );
        }
    }
}

#[test]
fn words_have_a_price_and_a_number_together() {
    let said = |given: &str| problems(&format!("[providers.openai.models.gpt-image-2.pricing]\n{given}"));
    for (given, missing) in [
        ("text_output_per_million = \"10\"", "text_output_tokens"),
        (
            "text_output_tokens = { expected = 1, most = 2 }",
            "text_output_per_million",
        ),
    ] {
        let path = format!("providers.openai.models.gpt-image-2.pricing.{missing}: is missing");
        let said = said(given);
        assert!(said.iter().any(|said| said.starts_with(&path)), "{said:?}");
    }
    let fewer = said("text_output_per_million = \"10\"\ntext_output_tokens = { expected = 3, most = 2 }");
    assert!(
        fewer[0].contains("the most no less than the expected"),
        "{fewer:?}"
    );
}

#[test]
fn google_costs_what_its_tokens_cost_at_every_class() {
    let catalog = shipped();
    let (input_nanos, thoughts_nanos) = (3 * 1_500, 500 * 7_500);
    for (side_px, tokens) in [(1024, 1120), (2048, 1680), (4096, 3780)] {
        let image = ImageRequest {
            width_px: side_px,
            height_px: side_px,
            ..at("gemini-nano-banana-2.1", Quality::Unspecified)
        };
        let cost = cost(&catalog, image);
        assert_eq!(
            cost.expected.unwrap().nanos,
            tokens * 30_000 + input_nanos + thoughts_nanos,
            "{side_px}"
        );
        // Pictures have as many tokens as Google says. Only the text may be more.
        let most_text = (12 + 256) * 1_500 + 5_000 * 7_500;
        assert_eq!(
            cost.worst_case.unwrap().nanos,
            tokens * 30_000 + most_text,
            "{side_px}"
        );
    }
    let wide = ImageRequest {
        width_px: 6336,
        height_px: 2688,
        ..at("gemini-3-pro-image", Quality::Unspecified)
    };
    let expected = cost(&catalog, wide).expected.unwrap().nanos;
    assert_eq!(expected, 2000 * 120_000 + 3 * 2_000 + 900 * 12_000);
}

/// A side of a ratio, such as "16" or "19.5", in tenths.
fn tenths(text: &str) -> u64 {
    match text.split_once('.') {
        Some((whole, tenth)) => format!("{whole}{tenth}").parse().unwrap(),
        None => text.parse::<u64>().unwrap() * 10,
    }
}

#[test]
fn every_size_that_a_ratio_gives_has_its_token() {
    for provider in shipped().providers() {
        for model in &provider.models {
            let SizeRule::Listed(sizes) = &model.sizes else {
                continue;
            };
            let tokens: BTreeSet<&str> = sizes.iter().map(|listed| listed.token.as_str()).collect();
            let in_pixels = tokens.len() == 1 && tokens.contains("");
            assert!(in_pixels || tokens.len() == sizes.len(), "{}", model.id);
            for listed in sizes.iter().filter(|listed| !listed.token.is_empty()) {
                let mut words = listed.token.split(['/', ' ']);
                let ratio = words.find(|word| word.contains(':')).unwrap();
                let (width, height) = ratio.split_once(':').unwrap();
                let (width, height) = (tenths(width), tenths(height));
                let across = u64::from(listed.size.width_px) * height;
                let down = u64::from(listed.size.height_px) * width;
                // Imagen's 3:4 is 896 by 1280; nothing else is that far off.
                assert!(across.abs_diff(down) * 100 <= down * 8, "{} {ratio}", model.id);
            }
        }
    }
}

#[test]
fn openai_costs_what_its_tokens_cost() {
    let catalog = shipped();
    let cases = [
        ("gpt-image-2", Quality::Draft, 196),
        ("gpt-image-2", Quality::Standard, 1756),
        ("gpt-image-2", Quality::High, 7024),
        ("gpt-image-2.5-flare", Quality::Draft, 196),
        ("gpt-image-2.5-flare", Quality::Standard, 439),
        ("gpt-image-2.5-flare", Quality::High, 1756),
    ];
    for (model, quality, tokens) in cases {
        let expected = cost(&catalog, at(model, quality)).expected.unwrap().nanos;
        assert_eq!(expected, tokens * 30_000 + 3 * 5_000, "{model} {quality:?}");
    }
}

#[test]
fn a_model_without_a_price_is_listed_and_refused() {
    let catalog = shipped();
    let sunburst = at("gpt-image-2.5-sunburst", Quality::Unspecified);
    let error = Planner::new(&catalog).plan(&request(sunburst)).unwrap_err();
    assert_eq!(error.reason, Reason::PriceUnknown);
    assert!(catalog.model("openai", "gpt-image-2.5-sunburst").is_some());
}

#[test]
fn retired_models_name_their_replacement() {
    let catalog = shipped();
    for model in ["dall-e-2", "dall-e-3", "gpt-image-1"] {
        let error = Planner::new(&catalog)
            .plan(&request(at(model, Quality::Unspecified)))
            .unwrap_err();
        assert_eq!(error.reason, Reason::ModelRetired);
        assert_eq!(error.metadata["replacement"], "gpt-image-2");
    }
}

#[test]
fn a_provider_is_on_only_when_this_server_can_use_it() {
    let mut availability = available(&["sketch"]);
    let catalog = load(&[], &availability, SelectionOverrides::default())
        .unwrap()
        .catalog;
    let openai = catalog.provider("openai").unwrap();
    assert_eq!(
        (openai.enabled, openai.disabled_reason.as_str()),
        (false, "this server has no adapter for it")
    );

    let reason = "no key: set OPENAI_API_KEY".to_owned();
    availability.insert(
        "openai".into(),
        Availability {
            enabled: false,
            reason: reason.clone(),
        },
    );
    let catalog = load(&[], &availability, SelectionOverrides::default())
        .unwrap()
        .catalog;
    assert_eq!(catalog.provider("openai").unwrap().disabled_reason, reason);
}

#[test]
fn configuration_changes_single_keys_and_leaves_the_rest() {
    let catalog = configured(
        r#"
        [providers.openai]
        default_model = "gpt-image-2.5-flare"
        [providers.openai.models.gpt-image-2.pricing]
        image_output_per_million = "24.5"
        "#,
    )
    .unwrap();
    assert_eq!(
        catalog.provider("openai").unwrap().default_model,
        "gpt-image-2.5-flare"
    );
    let Some(Pricing::Tokens(tokens)) = &catalog.model("openai", "gpt-image-2").unwrap().pricing else {
        panic!("the model is priced by tokens");
    };
    assert_eq!(
        (tokens.image_output_nanos, tokens.text_input_nanos),
        (24_500, 5_000)
    );
    assert_ne!(catalog.digest(), shipped().digest());
}

#[test]
fn another_kind_replaces_a_table_whole() {
    let catalog = configured(
        r#"
        [providers.openai.models.gpt-image-2.pricing]
        kind = "per_image"
        prices = { any = "0.05", high = "0.2" }
        [providers.openai.models."gpt-image-2.5-flare".pricing]
        kind = "unknown"
        [providers.openai.models.gpt-image-2.sizes]
        kind = "listed"
        sizes = [{ size = "1024x1024", token = "1024x1024" }]
        "#,
    )
    .unwrap();
    assert_eq!(
        cost(&catalog, at("gpt-image-2", Quality::High))
            .expected
            .unwrap()
            .nanos,
        200_000_000
    );
    assert_eq!(
        cost(&catalog, at("gpt-image-2", Quality::Draft))
            .expected
            .unwrap()
            .nanos,
        50_000_000
    );
    assert!(
        catalog
            .model("openai", "gpt-image-2.5-flare")
            .unwrap()
            .pricing
            .is_none()
    );
}

#[test]
fn configuration_adds_providers_and_models() {
    let catalog = configured(
        r#"
        [providers.studio]
        default_model = "studio-xl"
        [providers.studio.models.studio-xl]
        default_size = "1024x1024"
        formats = ["image/png"]
        max_prompt_chars = 2000
        takes_seed = true
        negative_prompt = "native"
        guidance = { min_milli = 1000, max_milli = 20000 }
        prices_as_of = "2026-11-01"
        prices_source = "our own machines"
        sizes = { kind = "listed", sizes = [{ size = "1024x1024" }, { size = "1344x768", token = "wide" }] }
        pricing = { kind = "per_megapixel", price = "0.002" }
        "#,
    )
    .unwrap();
    let studio = catalog.provider("studio").unwrap();
    assert!(!studio.enabled);
    assert_eq!(studio.models[0].default_size, Size::new(1024, 1024));
    assert_eq!(
        studio.models[0].pricing,
        Some(Pricing::PerMegapixel {
            first_nanos: None,
            nanos: 2_000_000
        })
    );
}

#[test]
fn selection_can_be_overridden_from_outside_the_files() {
    let gallery = ClientRules {
        preferred_provider: Some("openai".into()),
        fallbacks: None,
    };
    let overrides = SelectionOverrides {
        default_provider: Some("openai".into()),
        photographic: Some("openai".into()),
        fallbacks: Some(vec!["sketch".into()]),
        clients: BTreeMap::from([("gallery".into(), gallery.clone())]),
        ..SelectionOverrides::default()
    };
    let catalog = load(
        &[],
        &available(&["google", "openai", "sketch", "stability", "vertex"]),
        overrides,
    )
    .unwrap()
    .catalog;
    let rules = catalog.rules();
    assert_eq!(rules.default_provider, "openai");
    assert_eq!(rules.photographic.as_deref(), Some("openai"));
    assert_eq!(rules.fallbacks, ["sketch"]);
    assert_eq!(rules.clients["gallery"], gallery);

    let unknown = SelectionOverrides {
        default_provider: Some("opnai".into()),
        ..SelectionOverrides::default()
    };
    let problems = load(&[], &available(&[]), unknown).unwrap_err();
    assert_eq!(problems[0].path, "selection.default_provider");
}

#[test]
fn every_problem_is_reported_at_once_with_its_path_and_source() {
    let found = problems(
        r#"
        currencies = "USD"
        [providers.openai.models."gpt-image-2.5-flare"]
        max_prompt_chars = "many"
        negative_prompts = "merged"
        [providers.openai.models.gpt-image-2.pricing]
        image_output_per_million = 30.0
        [providers.openai.models.gpt-image-2.pricing.output_tokens.high.observed]
        wide = 1
        [providers.sketch.models.sketch-1.sizes]
        kind = "any"
        [[thumbnails]]
        width_px = 300
        fit = "stretch"
        "#,
    );
    let expected = [
        "providers.openai.models.gpt-image-2.pricing.output_tokens.high.observed.wide: is no key that is known \
         here (limn.toml)",
        "providers.openai.models.gpt-image-2.pricing.image_output_per_million: must be a price as text with at \
         most nine decimals, for example \"0.04\" (limn.toml)",
        "providers.openai.models.gpt-image-2.5-flare.max_prompt_chars: must be a whole number that is not too \
         large (limn.toml)",
        "providers.openai.models.gpt-image-2.5-flare.negative_prompts: is no key that is known here (limn.toml)",
        "providers.sketch.models.sketch-1.sizes.kind: must be grid or listed (limn.toml)",
        "thumbnails[0].fit: must be cover or contain (limn.toml)",
        "thumbnails[0].height_px: is missing (limn.toml)",
        "currencies: is no key that is known here (limn.toml)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn rules_between_the_parts_are_checked_too() {
    let found = problems(
        r#"
        [providers.openai]
        default_model = "gpt-image-3"
        [retired.dall-e-3]
        replacement = "gpt-image-3"
        "#,
    );
    assert_eq!(
        found,
        [
            "providers.openai.default_model: \"gpt-image-3\" is none of the provider's models (limn.toml)",
            "retired.dall-e-3.replacement: \"gpt-image-3\" is no model of openai (limn.toml)",
        ]
    );
}

#[test]
fn what_a_model_takes_must_have_an_input() {
    let flex = "[providers.bfl.models.flux-2-flex";
    for (toml, said) in [
        (
            format!("{flex}.options]\ncolour = [\"red\"]"),
            "providers.bfl.models.flux-2-flex.inputs: has no input for {options.colour}, which the model takes",
        ),
        (
            format!("{flex}]\nnegative_prompt = \"native\""),
            "providers.bfl.models.flux-2-flex.inputs: has no input for {negative_prompt}, which the model takes",
        ),
        (
            format!("{flex}.inputs]\nsteps = \"{{colour}}\""),
            "providers.bfl.models.flux-2-flex.inputs.steps: {colour} is no field of a render",
        ),
    ] {
        let found = problems(&toml);
        assert!(found.iter().any(|problem| problem.starts_with(said)), "{found:?}");
    }
}
