//! The catalog as data: shipped with the binary, overridden by configuration, validated as a whole.
//!
//! The planner takes the result as a value and fetches nothing. Every problem is reported at once, with
//! its path and with the source that it comes from.

use std::collections::BTreeMap;

use limn_executor::providers::Traits;
use limn_planner::{
    Catalog, CatalogParts, CatalogProblem,
    catalog::{ClientRules, Provider, SelectionRules},
};
use toml::{Table, Value};

mod merge;
mod model;
mod prices;
mod section;
mod templates;
mod traits;
mod words;

use section::Section;

/// Files that are shipped, each with its name.
const SHIPPED: &[(&str, &str)] = &[
    (
        "automatic1111.toml",
        include_str!("../catalog/automatic1111.toml"),
    ),
    ("bfl.toml", include_str!("../catalog/bfl.toml")),
    ("comfyui.toml", include_str!("../catalog/comfyui.toml")),
    ("continuity.toml", include_str!("../catalog/continuity.toml")),
    ("google.toml", include_str!("../catalog/google.toml")),
    ("image-types.toml", include_str!("../catalog/image-types.toml")),
    ("midjourney.toml", include_str!("../catalog/midjourney.toml")),
    ("openai.toml", include_str!("../catalog/openai.toml")),
    ("openrouter.toml", include_str!("../catalog/openrouter.toml")),
    ("replicate.toml", include_str!("../catalog/replicate.toml")),
    ("selection.toml", include_str!("../catalog/selection.toml")),
    ("sketch.toml", include_str!("../catalog/sketch.toml")),
    ("stability.toml", include_str!("../catalog/stability.toml")),
    ("vertex.toml", include_str!("../catalog/vertex.toml")),
    ("views.toml", include_str!("../catalog/views.toml")),
];

/// Why a provider without an entry among the available ones is off.
const NO_ADAPTER: &str = "this server has no adapter for it";
/// Why a provider is off when nobody says why.
const SWITCHED_OFF: &str = "it is switched off by configuration";

/// Whether this server can use a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// True when plans may use it.
    pub enabled: bool,
    /// Why not, and what to do about it. Ignored when it is enabled.
    pub reason: String,
}

/// Selection rules of this server; what is absent stays as in the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SelectionOverrides {
    /// Provider that is used when no other rule fires.
    pub default_provider: Option<String>,
    /// Provider for photorealistic, editorial and cinematic pictures.
    pub photographic: Option<String>,
    /// Provider for every other style that is asked for.
    pub other_styles: Option<String>,
    /// Providers to fall back to, in order.
    pub fallbacks: Option<Vec<String>>,
    /// Rules of single clients. A client named here replaces its entry in the catalog.
    pub clients: BTreeMap<String, ClientRules>,
}

/// A catalog, and what stands in it that no plan depends on.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What is planned with.
    pub catalog: Catalog,
    /// How to work with each provider, by its id.
    pub traits: BTreeMap<String, Traits>,
}

/// Loads the shipped catalog with everything that this server puts on top.
///
/// Overrides are merged in their order and key by key: a table goes into a table, anything else replaces what was
/// there, and a table that gives another `kind` replaces the old one whole. They may add providers and models.
/// A provider without an entry in `availability` is off.
///
/// # Errors
/// Every problem of the merged catalog; unknown keys are problems.
pub fn load(
    overrides: &[(String, Table)],
    availability: &BTreeMap<String, Availability>,
    selection: SelectionOverrides,
) -> Result<Loaded, Vec<CatalogProblem>> {
    let mut problems = Vec::new();
    let mut sources = shipped(&mut problems);
    sources.extend(overrides.iter().cloned());
    let mut merged = Table::new();
    for (_, table) in &sources {
        merge::into(&mut merged, table);
    }
    let (mut parts, traits) = Section::read(String::new(), Value::Table(merged), &mut problems, catalog);
    for provider in &mut parts.providers {
        make_available(provider, availability);
    }
    apply(selection, &mut parts.selection);
    // Rules between the parts are of no use while the parts themselves are in doubt.
    let found = if problems.is_empty() {
        Catalog::new(parts)
    } else {
        Err(problems)
    };
    found
        .map(|catalog| Loaded { catalog, traits })
        .map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| merge::with_source(problem, &sources))
                .collect()
        })
}

fn shipped(problems: &mut Vec<CatalogProblem>) -> Vec<(String, Table)> {
    let mut sources = Vec::new();
    for &(name, text) in SHIPPED {
        match text.parse::<Table>() {
            Ok(table) => sources.push(((*name).into(), table)),
            Err(error) => problems.push(CatalogProblem {
                path: (*name).into(),
                message: error.to_string(),
            }),
        }
    }
    sources
}

fn catalog(section: &mut Section<'_>) -> (CatalogParts, BTreeMap<String, Traits>) {
    let read = section.each("providers", model::provider);
    let traits = read
        .iter()
        .map(|(provider, traits)| (provider.id.clone(), traits.clone()));
    let traits = traits.collect();
    let parts = CatalogParts {
        currency: section.required_text("currency"),
        providers: read.into_iter().map(|(provider, _)| provider).collect(),
        retired: section.each("retired", model::retired),
        selection: section.within("selection", selection_rules).unwrap_or_default(),
        style_phrases: section
            .within("style_phrases", words::style_texts)
            .unwrap_or_default(),
        views: section.within("views", templates::views).unwrap_or_default(),
        image_types: section
            .within("image_types", templates::image_types)
            .unwrap_or_default(),
        continuity: section
            .within("continuity", templates::continuity)
            .unwrap_or_default(),
        thumbnails: section.list("thumbnails", model::thumbnail),
    };
    (parts, traits)
}

fn selection_rules(section: &mut Section<'_>) -> SelectionRules {
    let clients = section.each("clients", |id, section| {
        let preferred_provider = section.text("preferred_provider");
        (
            id.to_owned(),
            ClientRules {
                preferred_provider,
                fallbacks: section.texts("fallbacks"),
            },
        )
    });
    SelectionRules {
        default_provider: section.required_text("default_provider"),
        photographic: section.text("photographic"),
        other_styles: section.text("other_styles"),
        fallbacks: section.texts("fallbacks").unwrap_or_default(),
        clients: clients.into_iter().collect(),
    }
}

fn make_available(provider: &mut Provider, availability: &BTreeMap<String, Availability>) {
    let (enabled, reason) = match availability.get(&provider.id) {
        None => (false, NO_ADAPTER),
        Some(available) if available.enabled => (true, ""),
        Some(available) if available.reason.is_empty() => (false, SWITCHED_OFF),
        Some(available) => (false, available.reason.as_str()),
    };
    provider.enabled = enabled;
    provider.disabled_reason = reason.into();
}

fn apply(overrides: SelectionOverrides, rules: &mut SelectionRules) {
    if let Some(default_provider) = overrides.default_provider {
        rules.default_provider = default_provider;
    }
    if overrides.photographic.is_some() {
        rules.photographic = overrides.photographic;
    }
    if overrides.other_styles.is_some() {
        rules.other_styles = overrides.other_styles;
    }
    if let Some(fallbacks) = overrides.fallbacks {
        rules.fallbacks = fallbacks;
    }
    rules.clients.extend(overrides.clients);
}
