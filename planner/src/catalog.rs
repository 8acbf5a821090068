//! The catalog: providers, models, limits, prices and selection rules, given as a value and never fetched.
//!
//! [`CatalogParts`] is what a loader fills in; [`Catalog::new`] validates it as a whole and reports every
//! problem. A [`Catalog`] does not change. Two catalogs with the same content have the same
//! digest, whatever the order in which they were put together.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{digest::digest_of, plan::ThumbnailSpec, v1};

mod listing;
mod parts;
mod problems;
mod templates;

pub(crate) use listing::{describe_sizes, milli};
pub use parts::{
    CatalogParts, ClientRules, GuidanceRange, ListedSize, Model, NegativePrompt, OutputTokens, Pricing,
    Provider, Qualities, ReferenceRule, RetiredModel, SelectionRules, Size, SizeGrid, SizeRule, Styles,
    TextOutput, TokenPricing,
};
pub use templates::{ContinuityTemplates, TypeTemplate, ViewTemplate, ViewTemplates};
pub(crate) use templates::{VIEW_PLACES, category_key, type_word};

/// Media types that are drawn and stored.
pub const MEDIA_TYPES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// A validated catalog.
#[derive(Clone, Debug, PartialEq)]
pub struct Catalog {
    parts: CatalogParts,
    digest: String,
}

/// One problem of a catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogProblem {
    /// Where it is, for example `providers.openai.models.gpt-image-2.default_size`.
    pub path: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl core::fmt::Display for CatalogProblem {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

impl Catalog {
    /// Validates the parts as a whole.
    ///
    /// # Errors
    /// Every problem that was found; the list is not empty.
    pub fn new(parts: CatalogParts) -> Result<Self, Vec<CatalogProblem>> {
        let problems = problems::find(&parts);
        if !problems.is_empty() {
            return Err(problems);
        }
        let parts = in_order(parts);
        // The debug form leaves no field out, now or later, and the parts hold nothing without an order. It is
        // no wire format: the digest says whether two catalogs of the same build are equal, and no more.
        let digest = digest_of(format!("limn.catalog/1 {parts:?}").as_bytes());
        Ok(Self { parts, digest })
    }

    /// "sha256:" and 64 hexadecimal digits over the content.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The one currency of all prices.
    pub fn currency(&self) -> &str {
        &self.parts.currency
    }

    /// Providers in order of their id, each with its models in order of theirs.
    pub fn providers(&self) -> &[Provider] {
        &self.parts.providers
    }

    /// The provider of that id.
    pub fn provider(&self, id: &str) -> Option<&Provider> {
        self.parts.providers.iter().find(|provider| provider.id == id)
    }

    /// The provider's model of that id.
    pub fn model(&self, provider: &str, model: &str) -> Option<&Model> {
        self.provider(provider)?.model(model)
    }

    /// The retired model of that id, at that provider or at any.
    pub fn retired(&self, provider: Option<&str>, model: &str) -> Option<&RetiredModel> {
        let matches = |retired: &&RetiredModel| {
            retired.id == model && provider.is_none_or(|provider| retired.provider == provider)
        };
        self.parts.retired.iter().find(matches)
    }

    /// How a provider is chosen when the request names none.
    pub fn rules(&self) -> &SelectionRules {
        &self.parts.selection
    }

    /// The phrase that asks for a style in words.
    pub fn style_phrase(&self, style: limn_proto::plan::Style) -> Option<&str> {
        self.parts.style_phrases.get(&style).map(String::as_str)
    }

    /// Views that a subject can be drawn from.
    pub fn views(&self) -> &ViewTemplates {
        &self.parts.views
    }

    /// What enrichment does with images of this class.
    pub fn image_type(&self, image_type: limn_proto::plan::ImageType) -> Option<&TypeTemplate> {
        self.parts.image_types.get(&image_type)
    }

    /// Wording of what keeps subjects alike.
    pub fn continuity(&self) -> &ContinuityTemplates {
        &self.parts.continuity
    }

    /// Small copies made of every image.
    pub fn thumbnails(&self) -> &[ThumbnailSpec] {
        &self.parts.thumbnails
    }

    /// The catalog as the catalog service lists it, in order of the provider ids.
    pub fn listing(&self) -> Vec<v1::Provider> {
        listing::of(self)
    }
}

/// Sorts what has no order of its own. The order of formats, fallbacks and thumbnails has a meaning.
fn in_order(mut parts: CatalogParts) -> CatalogParts {
    parts.providers.sort_by(|a, b| a.id.cmp(&b.id));
    parts.retired.sort();
    for provider in &mut parts.providers {
        provider.models.sort_by(|a, b| a.id.cmp(&b.id));
        for model in &mut provider.models {
            if let SizeRule::Listed(sizes) = &mut model.sizes {
                sizes.sort();
            }
        }
    }
    parts
}
