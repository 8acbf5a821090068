//! The catalog as the catalog service lists it.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use limn_proto::{plan::Quality, v1};

use super::{Catalog, Model, NegativePrompt, Pricing, Provider, SizeRule};
use crate::{money::money, stages::cost::unit};

pub(super) fn of(catalog: &Catalog) -> Vec<v1::Provider> {
    catalog
        .providers()
        .iter()
        .map(|entry| provider(catalog.currency(), entry))
        .collect()
}

fn provider(currency: &str, provider: &Provider) -> v1::Provider {
    v1::Provider {
        provider: provider.id.clone(),
        enabled: provider.enabled,
        disabled_reason: provider.disabled_reason.clone(),
        default_model: provider.default_model.clone(),
        models: provider
            .models
            .iter()
            .map(|entry| model(currency, entry))
            .collect(),
        title: provider.title.clone(),
        // How a provider is worked with is no part of a catalog.
        ..v1::Provider::default()
    }
}

fn model(currency: &str, model: &Model) -> v1::Model {
    let options = model.options.iter().map(|(key, values)| v1::ModelOption {
        key: key.clone(),
        values: values.iter().cloned().collect(),
    });
    v1::Model {
        model: model.id.clone(),
        revision: model.revision.clone(),
        sizes: describe_sizes(&model.sizes),
        default_width_px: model.default_size.width_px,
        default_height_px: model.default_size.height_px,
        media_types: model.formats.clone(),
        qualities: model
            .qualities
            .tokens
            .keys()
            .map(|quality| i32::from(*quality))
            .collect(),
        takes_seed: model.takes_seed,
        takes_negative_prompt: model.negative_prompt == NegativePrompt::Native,
        takes_guidance: model.guidance.is_some(),
        max_prompt_chars: model.max_prompt_chars,
        prices: prices(currency, model.pricing.as_ref()),
        prices_as_of: model.prices_as_of.clone(),
        prices_source: model.prices_source.clone(),
        shutdown_date: model.shutdown_date.clone(),
        options: options.collect(),
        max_references: model.references.as_ref().map_or(0, |rule| rule.max_count),
        reference_media_types: model
            .references
            .as_ref()
            .map(|rule| rule.media_types.clone())
            .unwrap_or_default(),
    }
}

/// The size rule in a few words, for people.
pub(crate) fn describe_sizes(sizes: &SizeRule) -> String {
    match sizes {
        SizeRule::Listed(sizes) => {
            let sizes: Vec<String> = sizes.iter().map(|listed| listed.size.to_string()).collect();
            sizes.join(", ")
        }
        SizeRule::Grid(grid) => {
            let mut text = format!(
                "multiples of {} from {} to {} px",
                grid.multiple_of_px, grid.min_side_px, grid.max_side_px
            );
            let largest = u64::from(grid.max_side_px).pow(2);
            let smallest = u64::from(grid.min_side_px).pow(2);
            if grid.min_pixels > smallest || grid.max_pixels < largest {
                text.push_str(&format!(", {} to {} pixels", grid.min_pixels, grid.max_pixels));
            }
            // A ratio that the sides allow anyway is no rule of its own.
            let widest = u64::from(grid.max_side_px) * 1000 / u64::from(grid.min_side_px.max(1));
            if u64::from(grid.max_ratio_milli) < widest {
                text.push_str(&format!(", ratio at most {}:1", milli(grid.max_ratio_milli)));
            }
            text
        }
    }
}

/// Thousandths as a decimal number without idle zeros.
pub(crate) fn milli(value: u32) -> String {
    let text = format!("{}.{:03}", value / 1000, value % 1000);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn prices(currency: &str, pricing: Option<&Pricing>) -> Vec<v1::Price> {
    let price = |unit: &str, quality: Quality, nanos: i64| v1::Price {
        unit: unit.into(),
        quality: i32::from(quality),
        unit_price: Some(money(currency, nanos)),
    };
    let by_quality = |prices: &BTreeMap<Quality, i64>| {
        prices
            .iter()
            .map(|(quality, nanos)| price(unit::IMAGE, *quality, *nanos))
            .collect()
    };
    match pricing {
        None => Vec::new(),
        Some(Pricing::Free) => vec![price(unit::IMAGE, Quality::Unspecified, 0)],
        Some(Pricing::PerImage(prices)) => by_quality(prices),
        Some(Pricing::PerMegapixel { first_nanos, nanos }) => {
            let first = first_nanos.map(|nanos| price(unit::IMAGE, Quality::Unspecified, nanos));
            let every = price(unit::MEGAPIXEL, Quality::Unspecified, *nanos);
            first.into_iter().chain([every]).collect()
        }
        Some(Pricing::PerSecond { nanos, .. }) => vec![price(unit::SECOND, Quality::Unspecified, *nanos)],
        Some(Pricing::Tokens(tokens)) => {
            let image_input = tokens
                .image_input_nanos
                .map(|nanos| (unit::IMAGE_INPUT_TOKEN, nanos));
            let by_unit = [
                (unit::IMAGE_OUTPUT_TOKEN, tokens.image_output_nanos),
                (unit::TEXT_INPUT_TOKEN, tokens.text_input_nanos),
            ];
            let words = tokens
                .text_output
                .map(|words| (unit::TEXT_OUTPUT_TOKEN, words.nanos));
            let all = image_input.into_iter().chain(by_unit).chain(words);
            all.map(|(unit, nanos)| price(unit, Quality::Unspecified, nanos))
                .collect()
        }
    }
}
