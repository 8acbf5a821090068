//! Rules that a catalog must keep, so that planning need not ask again.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use limn_proto::{
    name::is_client_id,
    plan::{Quality, Style},
};

use super::{
    CatalogParts, CatalogProblem, MEDIA_TYPES, Model, OutputTokens, Pricing, Provider, Size, SizeRule,
    Styles, templates,
};
use crate::{
    canonical,
    limits::{MAX_LABEL_KEY_BYTES, MAX_LABEL_VALUE_BYTES, MAX_NAME_BYTES},
    money::is_currency_code,
    stages::shape,
    text::is_date,
};

/// Highest price of one unit: a million of the currency. Larger ones are a slip of the pen.
const MAX_UNIT_PRICE_NANOS: i64 = 1_000_000_000_000_000;
/// Longest time that is billed for one picture, in thousandths of a second: a day.
const MAX_SECONDS_MILLI: u64 = 86_400_000;
/// Most tokens of one picture.
const MAX_OUTPUT_TOKENS: u64 = 1_000_000_000;
/// Longest side that a model can offer, in pixels.
const MAX_SIDE_PX: u32 = 65_536;
/// Longest prompt that a request can hold, in characters.
const MAX_PROMPT_CHARS: u32 = 1_000_000;

/// Every problem of the parts.
pub(super) fn find(parts: &CatalogParts) -> Vec<CatalogProblem> {
    let mut found = Found::default();
    if !is_currency_code(&parts.currency) {
        found.add("currency", "must be three uppercase letters, for example USD");
    }
    let mut ids = BTreeSet::new();
    for provider in &parts.providers {
        let path = format!("providers.{}", provider.id);
        if !ids.insert(provider.id.as_str()) {
            found.add(&path, "is listed twice");
        }
        check_provider(&mut found, &path, provider);
    }
    check_retired(&mut found, parts);
    check_selection(&mut found, parts, &ids);
    check_style_phrases(&mut found, parts);
    templates::find(parts, &mut found.problems);
    for (index, thumbnail) in parts.thumbnails.iter().enumerate() {
        if let Err(message) = canonical::check_thumbnail(thumbnail) {
            found.add(format!("thumbnails[{index}]"), message);
        }
    }
    found.problems
}

#[derive(Default)]
struct Found {
    problems: Vec<CatalogProblem>,
}

impl Found {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.problems.push(CatalogProblem {
            path: path.into(),
            message: message.into(),
        });
    }
}

fn check_provider(found: &mut Found, path: &str, provider: &Provider) {
    if !is_client_id(&provider.id) {
        found.add(
            path,
            "the id must be a lowercase letter, then lowercase letters, digits or hyphens",
        );
    }
    if provider.title.is_empty() {
        found.add(format!("{path}.title"), "must not be empty");
    }
    if provider.enabled != provider.disabled_reason.is_empty() {
        found.add(
            format!("{path}.disabled_reason"),
            "must be given exactly when the provider is not enabled",
        );
    }
    if provider.model(&provider.default_model).is_none() {
        let message = format!("\"{}\" is none of the provider's models", provider.default_model);
        found.add(format!("{path}.default_model"), message);
    }
    let mut ids = BTreeSet::new();
    for model in &provider.models {
        let path = format!("{path}.models.{}", model.id);
        if !ids.insert(model.id.as_str()) {
            found.add(&path, "is listed twice");
        }
        if provider.free && !matches!(model.pricing, None | Some(Pricing::Free)) {
            found.add(format!("{path}.pricing"), "must be free, as the provider is");
        }
        check_model(found, &path, model);
    }
}

fn check_model(found: &mut Found, path: &str, model: &Model) {
    if model.id.is_empty() || model.id.len() > MAX_NAME_BYTES {
        found.add(path, "the id must have 1 to 128 bytes");
    }
    if model.revision.len() > MAX_NAME_BYTES {
        found.add(format!("{path}.revision"), "must have at most 128 bytes");
    }
    check_sizes(found, path, model);
    if model.formats.is_empty() {
        found.add(format!("{path}.formats"), "must name at least one media type");
    }
    let formats: BTreeSet<&String> = model.formats.iter().collect();
    if formats.len() != model.formats.len()
        || !formats.iter().all(|name| MEDIA_TYPES.contains(&name.as_str()))
    {
        found.add(
            format!("{path}.formats"),
            format!("must be different ones of {}", MEDIA_TYPES.join(", ")),
        );
    }
    let qualities = &model.qualities;
    let default_fits = match qualities.default {
        Some(default) => qualities.tokens.contains_key(&default),
        None => qualities.tokens.is_empty(),
    };
    if !default_fits || qualities.tokens.contains_key(&Quality::Unspecified) {
        found.add(
            format!("{path}.qualities"),
            "must have one of its own qualities as its default",
        );
    }
    if let Styles::Tokens(tokens) = &model.styles
        && (tokens.is_empty() || tokens.contains_key(&Style::Unspecified))
    {
        found.add(
            format!("{path}.styles"),
            "must name at least one style and its word",
        );
    }
    if model
        .guidance
        .is_some_and(|range| range.min_milli > range.max_milli)
    {
        found.add(
            format!("{path}.guidance"),
            "the lowest scale is above the highest",
        );
    }
    if !(1..=MAX_PROMPT_CHARS).contains(&model.max_prompt_chars) {
        found.add(
            format!("{path}.max_prompt_chars"),
            format!("must be 1 to {MAX_PROMPT_CHARS}"),
        );
    }
    for (key, values) in &model.options {
        let words_fit = !values.is_empty() && values.iter().all(|value| value.len() <= MAX_LABEL_VALUE_BYTES);
        if !(1..=MAX_LABEL_KEY_BYTES).contains(&key.len()) || !words_fit {
            found.add(
                format!("{path}.options.{key}"),
                "needs a key of 1 to 63 bytes and its values",
            );
        }
    }
    if let Some(rule) = &model.references {
        let types_fit = !rule.media_types.is_empty()
            && rule
                .media_types
                .iter()
                .all(|name| MEDIA_TYPES.contains(&name.as_str()));
        if !(1..=16).contains(&rule.max_count) || !types_fit {
            found.add(
                format!("{path}.references"),
                format!("must be 1 to 16 pictures of {}", MEDIA_TYPES.join(", ")),
            );
        }
    }
    check_pricing(found, path, model);
    if !model.shutdown_date.is_empty() && !is_date(&model.shutdown_date) {
        found.add(format!("{path}.shutdown_date"), "must be a day as YYYY-MM-DD");
    }
}

fn check_sizes(found: &mut Found, path: &str, model: &Model) {
    let side_fits = |side: u32| (1..=MAX_SIDE_PX).contains(&side);
    let rule_fits = match &model.sizes {
        SizeRule::Listed(sizes) => {
            let different: BTreeSet<Size> = sizes.iter().map(|listed| listed.size).collect();
            !sizes.is_empty()
                && different.len() == sizes.len()
                && different
                    .iter()
                    .all(|size| side_fits(size.width_px) && side_fits(size.height_px))
        }
        SizeRule::Grid(grid) => {
            grid.multiple_of_px > 0
                && side_fits(grid.min_side_px)
                && side_fits(grid.max_side_px)
                && grid.min_side_px <= grid.max_side_px
                && grid.min_pixels <= grid.max_pixels
                && grid.max_ratio_milli >= 1000
        }
    };
    if !rule_fits {
        found.add(
            format!("{path}.sizes"),
            "must be different sizes of 1 to 65536 px, or limits that fit each other",
        );
    }
    if !shape::is_offered(&model.sizes, model.default_size) {
        let message = format!("{} is not offered by its own rule", model.default_size);
        found.add(format!("{path}.default_size"), message);
    }
}

fn check_pricing(found: &mut Found, path: &str, model: &Model) {
    let Some(pricing) = &model.pricing else {
        if !model.prices_as_of.is_empty() || !model.prices_source.is_empty() {
            found.add(format!("{path}.pricing"), "has a day or a source, but no prices");
        }
        return;
    };
    if !is_date(&model.prices_as_of) {
        found.add(format!("{path}.prices_as_of"), "must be a day as YYYY-MM-DD");
    }
    if model.prices_source.is_empty() {
        found.add(
            format!("{path}.prices_source"),
            "must say where the prices come from",
        );
    }
    let price_fits = |nanos: i64| (0..=MAX_UNIT_PRICE_NANOS).contains(&nanos);
    let fits = match pricing {
        Pricing::Free => true,
        Pricing::PerImage(prices) => covers(model, prices) && prices.values().all(|nanos| price_fits(*nanos)),
        Pricing::PerMegapixel { first_nanos, nanos } => {
            price_fits(*nanos) && first_nanos.is_none_or(price_fits)
        }
        Pricing::PerSecond {
            nanos,
            expected_milli,
            ceiling_milli,
        } => {
            let times_fit = *expected_milli > 0 && expected_milli <= ceiling_milli;
            price_fits(*nanos) && times_fit && *ceiling_milli <= MAX_SECONDS_MILLI
        }
        Pricing::Tokens(tokens) => {
            let count_fits = |count: u64| (1..=MAX_OUTPUT_TOKENS).contains(&count);
            let counts_fit = |tokens: &OutputTokens| {
                count_fits(tokens.base) && tokens.observed.values().all(|count| count_fits(*count))
            };
            covers(model, &tokens.output_tokens)
                && tokens.output_tokens.values().all(counts_fit)
                && price_fits(tokens.text_input_nanos)
                && tokens.image_input_nanos.is_none_or(price_fits)
                && price_fits(tokens.image_output_nanos)
                && tokens.text_output.is_none_or(|words| {
                    price_fits(words.nanos) && words.expected <= words.most && count_fits(words.most)
                })
                && (100..=10_000).contains(&tokens.ceiling_percent)
        }
    };
    if !fits {
        let message = "needs a price from 0 to a million for every quality, token counts from 1, \
                       the most no less than the expected, and a ceiling of 100 to 10000 percent";
        found.add(format!("{path}.pricing"), message);
    }
}

/// True when every quality that can be drawn has an entry.
fn covers<T>(model: &Model, by_quality: &BTreeMap<Quality, T>) -> bool {
    let tokens = &model.qualities.tokens;
    by_quality.contains_key(&Quality::Unspecified)
        || (!tokens.is_empty() && tokens.keys().all(|quality| by_quality.contains_key(quality)))
}

fn check_retired(found: &mut Found, parts: &CatalogParts) {
    let mut seen = BTreeSet::new();
    for retired in &parts.retired {
        let path = format!("retired.{}", retired.id);
        if !seen.insert((retired.provider.as_str(), retired.id.as_str())) {
            found.add(&path, "is listed twice");
        }
        if !is_date(&retired.retired_on) {
            found.add(format!("{path}.retired_on"), "must be a day as YYYY-MM-DD");
        }
        let Some(provider) = parts
            .providers
            .iter()
            .find(|provider| provider.id == retired.provider)
        else {
            found.add(
                format!("{path}.provider"),
                format!("\"{}\" is no provider", retired.provider),
            );
            continue;
        };
        if provider.model(&retired.id).is_some() {
            found.add(&path, "is retired and offered at once");
        }
        if provider.model(&retired.replacement).is_none() {
            let message = format!("\"{}\" is no model of {}", retired.replacement, provider.id);
            found.add(format!("{path}.replacement"), message);
        }
    }
}

fn check_selection(found: &mut Found, parts: &CatalogParts, ids: &BTreeSet<&str>) {
    let rules = &parts.selection;
    let mut named: Vec<(String, &String)> = alloc::vec![("default_provider".into(), &rules.default_provider)];
    named.extend(rules.photographic.iter().map(|id| ("photographic".into(), id)));
    named.extend(rules.other_styles.iter().map(|id| ("other_styles".into(), id)));
    named.extend(rules.fallbacks.iter().map(|id| ("fallbacks".into(), id)));
    for (client, rules) in &rules.clients {
        if !is_client_id(client) {
            found.add(format!("selection.clients.{client}"), "is no client id");
        }
        let preferred = rules.preferred_provider.iter();
        named.extend(preferred.map(|id| (format!("clients.{client}.preferred_provider"), id)));
        let fallbacks = rules.fallbacks.iter().flatten();
        named.extend(fallbacks.map(|id| (format!("clients.{client}.fallbacks"), id)));
    }
    for (path, id) in named {
        if !ids.contains(id.as_str()) {
            found.add(format!("selection.{path}"), format!("\"{id}\" is no provider"));
        }
    }
}

fn check_style_phrases(found: &mut Found, parts: &CatalogParts) {
    let models = parts.providers.iter().flat_map(|provider| &provider.models);
    if !models.into_iter().any(|model| model.styles == Styles::Phrase) {
        return;
    }
    let styles = [
        Style::Photorealistic,
        Style::Editorial,
        Style::Cinematic,
        Style::Illustration,
        Style::Painterly,
        Style::LineArt,
    ];
    for style in styles {
        if parts
            .style_phrases
            .get(&style)
            .is_none_or(|phrase| phrase.trim().is_empty())
        {
            let message = format!("{} has no phrase", style.as_str_name());
            found.add("style_phrases", message);
        }
    }
}
