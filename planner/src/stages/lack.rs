//! What a candidate lacks, and how the lack is reported.

use alloc::{collections::BTreeSet, format, vec::Vec};

use limn_proto::reason::Reason;

use super::{fit::Misfit, settings};
use crate::{
    catalog::{Catalog, Model, Provider},
    error::Problems,
    request::ImageWish,
};

/// Why a candidate cannot draw an image.
pub(super) enum Lack<'c> {
    Disabled(&'c Provider),
    Unfit(&'c Provider, &'c Model, Misfit),
}

impl core::fmt::Display for Lack<'_> {
    /// Reads on from the provider's name.
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Disabled(provider) => write!(formatter, "is switched off: {}", provider.disabled_reason),
            Self::Unfit(_, model, Misfit::PriceUnknown) => {
                write!(formatter, "has no known price for {}", model.id)
            }
            Self::Unfit(_, model, Misfit::PriceTooLarge) => {
                write!(
                    formatter,
                    "has a price for {} that is too large to state",
                    model.id
                )
            }
            Self::Unfit(_, model, Misfit::Fields(fields)) => {
                write!(formatter, "cannot draw it with {}", model.id)?;
                for (index, unfit) in fields.iter().enumerate() {
                    let lead = if index == 0 { ": " } else { "; " };
                    write!(formatter, "{lead}{} {}", unfit.field, unfit.description)?;
                }
                Ok(())
            }
        }
    }
}

/// Reports why the one candidate that counts cannot draw the image.
pub(super) fn report_lack(lack: &Lack<'_>, wish: &ImageWish, problems: &mut Problems) {
    let named = if wish.provider.is_empty() && !wish.model.is_empty() {
        "model"
    } else {
        "provider"
    };
    match lack {
        Lack::Disabled(provider) => {
            let description = format!("{} {lack}", provider.id);
            problems.add(Reason::ProviderDisabled, wish.path_of(named), description);
            problems.note("provider", provider.id.clone());
        }
        Lack::Unfit(provider, model, misfit) => {
            problems.note("provider", provider.id.clone());
            problems.note("model", model.id.clone());
            match misfit {
                Misfit::PriceUnknown => {
                    let description = format!(
                        "{} {lack}, and an unknown price is never taken for zero",
                        provider.id
                    );
                    problems.add(Reason::PriceUnknown, wish.path_of(named), description);
                }
                Misfit::PriceTooLarge => {
                    let description = format!("{} {lack}", provider.id);
                    problems.add(Reason::UnsupportedParameter, wish.path_of(named), description);
                }
                Misfit::Fields(fields) => {
                    for unfit in fields {
                        let reason = Reason::UnsupportedParameter;
                        problems.add(reason, wish.path_of(unfit.field), unfit.description.clone());
                        problems.note("allowed", settings::offered(model, unfit.field));
                    }
                }
            }
        }
    }
}

pub(super) fn report_unknown_provider(
    catalog: &Catalog,
    wish: &ImageWish,
    field: &str,
    name: &str,
    problems: &mut Problems,
) {
    let known: Vec<&str> = catalog
        .providers()
        .iter()
        .map(|provider| provider.id.as_str())
        .collect();
    let known = known.join(", ");
    let description = format!("\"{}\" is no provider; there are {known}", name.escape_debug());
    problems.add(Reason::UnknownProvider, wish.path_of(field), description);
    problems.note("known", known);
}

/// Reports a model that none of the providers offers. A retired one is named with its replacement.
pub(super) fn report_unknown_model(
    catalog: &Catalog,
    wish: &ImageWish,
    providers: &[&Provider],
    problems: &mut Problems,
) {
    let provider = Some(wish.provider.as_str()).filter(|id| !id.is_empty());
    if let Some(retired) = catalog.retired(provider, &wish.model) {
        let description = format!(
            "{} was retired by {} on {}; use {}",
            retired.id, retired.provider, retired.retired_on, retired.replacement
        );
        problems.add(Reason::ModelRetired, wish.path_of("model"), description);
        problems.note("replacement", retired.replacement.clone());
        problems.note("retiredOn", retired.retired_on.clone());
        return;
    }
    let models = providers.iter().flat_map(|provider| &provider.models);
    let known: BTreeSet<&str> = models.map(|model| model.id.as_str()).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(", ");
    let description = format!("\"{}\" is no model; there are {known}", wish.model.escape_debug());
    problems.add(Reason::UnknownModel, wish.path_of("model"), description);
    problems.note("known", known);
}
