//! The fixture catalog: one provider for each way in which providers differ.

use std::collections::{BTreeMap, BTreeSet};

use limn_planner::{
    Catalog, CatalogParts,
    catalog::{
        ClientRules, ContinuityTemplates, GuidanceRange, ListedSize, Model, NegativePrompt, OutputTokens,
        Pricing, Provider, Qualities, ReferenceRule, RetiredModel, SelectionRules, Size, SizeGrid, SizeRule,
        Styles, TokenPricing, TypeTemplate, ViewTemplate, ViewTemplates,
    },
};
use limn_proto::plan::{ImageType, Quality, Style, ThumbnailFit, ThumbnailSpec};

/// The validated fixture.
pub(crate) fn catalog() -> Catalog {
    Catalog::new(parts()).expect("the fixture is a valid catalog")
}

/// The fixture before validation, for tests that change it.
///
/// * `sketch`: free, every size, seeds, styles of its own; the default.
/// * `inkwell`: priced by tokens, a grid of sizes, no seed, style and negative prompt in words; photographic styles.
/// * `aurora`: priced by image, listed sizes with ratio words, seed, guidance, negative prompt of its own.
/// * `mega`: priced by megapixel, no quality, no style, no negative prompt; its model is offered by `twin` too.
/// * `twin`: offers the model of `mega` at the price of `aurora`.
/// * `dark`: switched off. `vague`: enabled, but without a price.
pub(crate) fn parts() -> CatalogParts {
    CatalogParts {
        currency: "USD".into(),
        providers: vec![
            sketch(),
            inkwell(),
            aurora(),
            mega("mega"),
            mega("twin"),
            dark(),
            vague(),
        ],
        retired: vec![RetiredModel {
            id: "ink-1".into(),
            provider: "inkwell".into(),
            retired_on: "2026-05-12".into(),
            replacement: "ink-2".into(),
        }],
        selection: SelectionRules {
            default_provider: "sketch".into(),
            photographic: Some("inkwell".into()),
            other_styles: None,
            fallbacks: vec!["aurora".into(), "inkwell".into(), "sketch".into()],
            clients: BTreeMap::from([
                (
                    "gallery".into(),
                    ClientRules {
                        preferred_provider: Some("aurora".into()),
                        fallbacks: Some(vec!["mega".into()]),
                    },
                ),
                (
                    "night".into(),
                    ClientRules {
                        preferred_provider: Some("dark".into()),
                        fallbacks: None,
                    },
                ),
            ]),
        },
        style_phrases: BTreeMap::from([
            (Style::Photorealistic, "Style: a photograph.".into()),
            (Style::Editorial, "Style: a picture in a magazine.".into()),
            (Style::Cinematic, "Style: a still of a film.".into()),
            (Style::Illustration, "Style: a drawn illustration.".into()),
            (Style::Painterly, "Style: a painting.".into()),
            (Style::LineArt, "Style: lines without shading.".into()),
        ]),
        views: views(),
        image_types: image_types(),
        continuity: ContinuityTemplates {
            anchor: "{name}: {description}".into(),
            hint: "Before: {hint}".into(),
        },
        thumbnails: vec![ThumbnailSpec {
            width_px: 300,
            height_px: 300,
            fit: ThumbnailFit::Cover.into(),
            quality_percent: 70,
            media_type: "image/jpeg".into(),
        }],
    }
}

/// Views with one word more than the default count, one of them with words of its own for a category.
fn views() -> ViewTemplates {
    let words = ["front", "side", "back", "top", "detail", "lifestyle"];
    let template = |word: &str| ViewTemplate {
        prompt: format!("{{description}}[, a {{category}}], {word} view.[ {{keywords}}.]"),
        negative_prompt: if word == "lifestyle" {
            String::new()
        } else {
            "people".into()
        },
        categories: if word == "detail" {
            [(
                "footwear".into(),
                "{description}, stitching of the {category}.".into(),
            )]
            .into()
        } else {
            BTreeMap::new()
        },
    };
    ViewTemplates {
        default_count: 4,
        order: words.map(String::from).into(),
        own: "{description}, {view}.[ {keywords}.]".into(),
        templates: words.map(|word| (word.into(), template(word))).into(),
    }
}

/// Every class but scenes.
fn image_types() -> BTreeMap<ImageType, TypeTemplate> {
    let template = |prompt: &str, negative_prompt: &str, aspect_ratio, style| TypeTemplate {
        prompt: prompt.into(),
        negative_prompt: negative_prompt.into(),
        aspect_ratio,
        style,
    };
    BTreeMap::from([
        (
            ImageType::CharacterPortrait,
            template("Portrait: {prompt}.", "crowd", Some((3, 4)), Style::Painterly),
        ),
        (
            ImageType::Item,
            template("Item: {prompt}.", "", Some((1, 1)), Style::Illustration),
        ),
        (
            ImageType::BattleMap,
            template(
                "Map of {prompt}, from above.",
                "text",
                Some((1, 1)),
                Style::LineArt,
            ),
        ),
        (
            ImageType::Product,
            template("Product: {prompt}.", "people, text", None, Style::Photorealistic),
        ),
        (
            ImageType::Illustration,
            template("{prompt}. Simple.", "", Some((3, 2)), Style::Unspecified),
        ),
    ])
}

fn provider(id: &str, models: Vec<Model>) -> Provider {
    Provider {
        id: id.into(),
        title: id.to_uppercase(),
        enabled: true,
        default_model: models[0].id.clone(),
        models,
        ..Provider::default()
    }
}

fn model(id: &str, sizes: SizeRule, pricing: Pricing) -> Model {
    Model {
        id: id.into(),
        revision: String::new(),
        sizes,
        default_size: Size::new(1024, 1024),
        experimental_above_pixels: None,
        formats: vec!["image/png".into(), "image/jpeg".into(), "image/webp".into()],
        qualities: Qualities::default(),
        styles: Styles::Unsupported,
        negative_prompt: NegativePrompt::Unsupported,
        takes_seed: true,
        guidance: None,
        max_prompt_chars: 32_000,
        references: None,
        options: BTreeMap::new(),
        pricing: Some(pricing),
        prices_as_of: "2026-11-01".into(),
        prices_source: "fixture".into(),
        shutdown_date: String::new(),
    }
}

fn qualities(tokens: &[(Quality, &str)], default: Quality) -> Qualities {
    let tokens = tokens.iter().map(|(quality, token)| (*quality, (*token).into()));
    Qualities {
        tokens: tokens.collect(),
        default: Some(default),
    }
}

fn grid(multiple_of_px: u32, min_side_px: u32, max_side_px: u32) -> SizeGrid {
    SizeGrid {
        multiple_of_px,
        min_side_px,
        max_side_px,
        min_pixels: 0,
        max_pixels: u64::MAX,
        max_ratio_milli: u32::MAX,
        token_format: None,
    }
}

fn sketch() -> Provider {
    let styles = [
        (Style::Photorealistic, "photo"),
        (Style::Editorial, "print"),
        (Style::Cinematic, "film"),
        (Style::Illustration, "flat"),
        (Style::Painterly, "wash"),
        (Style::LineArt, "lines"),
    ];
    let model = Model {
        revision: "1".into(),
        qualities: qualities(
            &[
                (Quality::Draft, "coarse"),
                (Quality::Standard, "plain"),
                (Quality::High, "fine"),
            ],
            Quality::Standard,
        ),
        styles: Styles::Tokens(
            styles
                .map(|(style, token)| (style, token.into()))
                .into_iter()
                .collect(),
        ),
        ..model("sketch-1", SizeRule::Grid(grid(1, 16, 4096)), Pricing::Free)
    };
    Provider {
        free: true,
        ..provider("sketch", vec![model])
    }
}

fn inkwell() -> Provider {
    let sizes = SizeGrid {
        min_pixels: 655_360,
        max_pixels: 8_294_400,
        max_ratio_milli: 3000,
        token_format: Some("{width}x{height}".into()),
        ..grid(16, 16, 3840)
    };
    let observed = [
        (Size::new(1536, 1024), 5488),
        (Size::new(1792, 1024), 5063),
        (Size::new(3584, 2048), 12_329),
    ];
    let tokens = |base| OutputTokens {
        base,
        ..OutputTokens::default()
    };
    let pricing = TokenPricing {
        text_input_nanos: 5_000,
        image_input_nanos: Some(8_000),
        image_output_nanos: 30_000,
        text_output: None,
        output_tokens: BTreeMap::from([
            (Quality::Draft, tokens(196)),
            (Quality::Standard, tokens(1756)),
            (
                Quality::High,
                OutputTokens {
                    base: 7024,
                    observed: observed.into_iter().collect(),
                    is_exact: false,
                },
            ),
        ]),
        tokens_per_option: BTreeMap::new(),
        ceiling_percent: 120,
    };
    let ink_2 = Model {
        revision: "ink-2-2026-04-21".into(),
        experimental_above_pixels: Some(3_686_400),
        qualities: qualities(
            &[
                (Quality::Draft, "low"),
                (Quality::Standard, "medium"),
                (Quality::High, "high"),
            ],
            Quality::Standard,
        ),
        styles: Styles::Phrase,
        negative_prompt: NegativePrompt::Merged,
        takes_seed: false,
        references: Some(ReferenceRule {
            max_count: 2,
            media_types: vec!["image/png".into(), "image/jpeg".into()],
            max_tokens: 1000,
        }),
        options: BTreeMap::from([
            (
                "background".into(),
                BTreeSet::from(["auto".into(), "opaque".into()]),
            ),
            ("moderation".into(), BTreeSet::from(["auto".into(), "low".into()])),
        ]),
        ..model("ink-2", SizeRule::Grid(sizes), Pricing::Tokens(pricing))
    };
    let ink_mini = Model {
        id: "ink-mini".into(),
        shutdown_date: "2026-12-01".into(),
        ..ink_2.clone()
    };
    provider("inkwell", vec![ink_2, ink_mini])
}

fn aurora() -> Provider {
    let size = |width, height, token: &str| ListedSize {
        size: Size::new(width, height),
        token: token.into(),
    };
    let sizes = vec![
        size(1024, 1024, "1:1"),
        size(1344, 768, "16:9"),
        size(768, 1344, "9:16"),
        size(1248, 832, "3:2"),
        size(2048, 2048, "1:1 large"),
    ];
    let prices = BTreeMap::from([(Quality::Unspecified, 40_000_000), (Quality::High, 80_000_000)]);
    let model = Model {
        formats: vec!["image/png".into(), "image/webp".into()],
        qualities: qualities(
            &[(Quality::Standard, "standard"), (Quality::High, "hd")],
            Quality::Standard,
        ),
        styles: Styles::Tokens(BTreeMap::from([
            (Style::Photorealistic, "photographic".into()),
            (Style::Cinematic, "cinematic".into()),
            (Style::LineArt, "line-art".into()),
        ])),
        negative_prompt: NegativePrompt::Native,
        guidance: Some(GuidanceRange {
            min_milli: 1_000,
            max_milli: 10_000,
        }),
        max_prompt_chars: 2_000,
        ..model("aurora-core", SizeRule::Listed(sizes), Pricing::PerImage(prices))
    };
    provider("aurora", vec![model])
}

fn mega(id: &str) -> Provider {
    let pricing = if id == "mega" {
        Pricing::PerMegapixel {
            first_nanos: None,
            nanos: 33_333_333,
        }
    } else {
        Pricing::PerImage(BTreeMap::from([(Quality::Unspecified, 40_000_000)]))
    };
    provider(
        id,
        vec![model("pixels-1", SizeRule::Grid(grid(8, 256, 2048)), pricing)],
    )
}

fn dark() -> Provider {
    Provider {
        enabled: false,
        disabled_reason: "no key is configured".into(),
        ..provider(
            "dark",
            vec![model(
                "dark-1",
                SizeRule::Grid(grid(8, 256, 2048)),
                Pricing::PerMegapixel {
                    first_nanos: None,
                    nanos: 1,
                },
            )],
        )
    }
}

fn vague() -> Provider {
    let model = Model {
        pricing: None,
        prices_as_of: String::new(),
        prices_source: String::new(),
        ..model("vague-1", SizeRule::Grid(grid(8, 256, 2048)), Pricing::Free)
    };
    provider("vague", vec![model])
}
