//! Which provider draws an image, and which ones stand in for it.
//!
//! The order is: what the request names, the client's preference, the style rule, the default. What is named
//! is used or refused. A preference or a rule is passed over, with a note, when its provider cannot
//! draw the image. An unknown name is a mistake wherever it stands, never a silent change of plan.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

use limn_proto::{
    plan::Style,
    reason::Reason,
    v1::{ChoiceReason, PassedOver},
};

use super::{
    fit::{Misfit, Target, fit},
    lack::{Lack, report_lack, report_unknown_model, report_unknown_provider},
    settings,
};
use crate::{
    catalog::{Catalog, Model, Provider},
    error::Problems,
    request::ImageWish,
};

/// The targets of one step and why they are these.
#[derive(Debug)]
pub(crate) struct Selection<'c> {
    pub primary: Target<'c>,
    pub fallbacks: Vec<Target<'c>>,
    pub reason: ChoiceReason,
    /// The rule in a sentence.
    pub explanation: String,
    pub passed_over: Vec<PassedOver>,
    /// Fallbacks that were left out, each in a sentence.
    pub dropped_fallbacks: Vec<String>,
}

/// A primary target before its fallbacks are known.
struct Primary<'c> {
    target: Target<'c>,
    reason: ChoiceReason,
    explanation: String,
    passed_over: Vec<PassedOver>,
}

/// Selects targets for the images of one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selector<'c, 'w> {
    pub catalog: &'c Catalog,
    /// Id of the client, whose rules go before those of the catalog.
    pub client: &'w str,
    /// True: only the primary is selected.
    pub disable_fallback: bool,
}

impl<'c> Selector<'c, '_> {
    /// The targets of an image. Nothing when no primary can draw it; then a problem was added.
    pub(crate) fn select(&self, wish: &ImageWish, problems: &mut Problems) -> Option<Selection<'c>> {
        if !wish.preferred_provider.is_empty() && self.catalog.provider(&wish.preferred_provider).is_none() {
            report_unknown_provider(
                self.catalog,
                wish,
                "preferred_provider",
                &wish.preferred_provider,
                problems,
            );
        }
        for name in &wish.fallback_providers {
            if self.catalog.provider(name).is_none() {
                report_unknown_provider(self.catalog, wish, "fallback_providers", name, problems);
            }
        }
        let explicit = !wish.provider.is_empty() || !wish.model.is_empty();
        let primary = if explicit {
            self.named(wish, problems)
        } else {
            self.by_rule(wish, problems)
        }?;
        let (fallbacks, dropped_fallbacks) = if self.disable_fallback {
            (Vec::new(), Vec::new())
        } else {
            self.fallbacks(explicit, wish, &primary.target)
        };
        let Primary {
            target,
            reason,
            explanation,
            passed_over,
        } = primary;
        Some(Selection {
            primary: target,
            fallbacks,
            reason,
            explanation,
            passed_over,
            dropped_fallbacks,
        })
    }

    /// The provider or model that the request names.
    fn named(&self, wish: &ImageWish, problems: &mut Problems) -> Option<Primary<'c>> {
        let mut passed_over = Vec::new();
        let (provider, model, what) = if wish.provider.is_empty() {
            let (provider, model) = self.offering(wish, &mut passed_over, problems)?;
            (provider, model, "model")
        } else {
            let Some(provider) = self.catalog.provider(&wish.provider) else {
                report_unknown_provider(self.catalog, wish, "provider", &wish.provider, problems);
                return None;
            };
            let (id, what) = match wish.model.as_str() {
                "" => (provider.default_model.as_str(), "provider"),
                id => (id, "provider and the model"),
            };
            let Some(model) = provider.model(id) else {
                report_unknown_model(self.catalog, wish, &[provider], problems);
                return None;
            };
            (provider, model, what)
        };
        match consider(self.catalog, provider, model, wish) {
            Ok(target) => Some(Primary {
                target,
                reason: ChoiceReason::Explicit,
                explanation: format!("the request names the {what}"),
                passed_over,
            }),
            Err(lack) => {
                report_lack(&lack, wish, problems);
                None
            }
        }
    }

    /// The provider that offers the named model: the first enabled one in order of the ids.
    fn offering(
        &self,
        wish: &ImageWish,
        passed_over: &mut Vec<PassedOver>,
        problems: &mut Problems,
    ) -> Option<(&'c Provider, &'c Model)> {
        let offers = |provider: &'c Provider| Some((provider, provider.model(&wish.model)?));
        let candidates: Vec<_> = self.catalog.providers().iter().filter_map(offers).collect();
        let chosen = candidates
            .iter()
            .find(|(provider, _)| provider.enabled)
            .or_else(|| candidates.first());
        let Some((chosen, model)) = chosen.copied() else {
            let all: Vec<&Provider> = self.catalog.providers().iter().collect();
            report_unknown_model(self.catalog, wish, &all, problems);
            return None;
        };
        for (provider, model) in candidates {
            if provider.id != chosen.id {
                let reason = if provider.enabled {
                    "offers the model too; the first in order of the ids is taken".into()
                } else {
                    Lack::Disabled(provider).to_string()
                };
                passed_over.push(PassedOver {
                    provider: provider.id.clone(),
                    model: model.id.clone(),
                    reason,
                });
            }
        }
        Some((chosen, model))
    }

    /// The first provider of the rules that can draw the image.
    fn by_rule(&self, wish: &ImageWish, problems: &mut Problems) -> Option<Primary<'c>> {
        let default = self.catalog.rules().default_provider.as_str();
        let mut passed_over: Vec<PassedOver> = Vec::new();
        let mut default_lack = None;
        for (reason, id, explanation) in self.rules(wish) {
            if passed_over.iter().any(|passed| passed.provider == id) {
                continue;
            }
            // An unknown preference of the request was reported; the catalog names no unknown provider.
            let Some(provider) = self.catalog.provider(id) else {
                continue;
            };
            let Some(model) = provider.model(&provider.default_model) else {
                continue;
            };
            match consider(self.catalog, provider, model, wish) {
                Ok(target) => {
                    return Some(Primary {
                        target,
                        reason,
                        explanation,
                        passed_over,
                    });
                }
                Err(lack) => {
                    let model = if provider.enabled {
                        model.id.clone()
                    } else {
                        String::new()
                    };
                    passed_over.push(PassedOver {
                        provider: id.into(),
                        model,
                        reason: lack.to_string(),
                    });
                    if id == default {
                        default_lack = Some(lack);
                    }
                }
            }
        }
        match default_lack {
            // The default was asked for by asking for nobody, so its own problems are the answer.
            Some(lack @ Lack::Unfit(_, _, Misfit::Fields(_) | Misfit::PriceTooLarge)) => {
                report_lack(&lack, wish, problems);
            }
            _ => {
                for passed in passed_over {
                    let description = format!("{} {}", passed.provider, passed.reason);
                    problems.add(Reason::NoEligibleProvider, wish.path_of("provider"), description);
                }
            }
        }
        None
    }

    /// Rules that apply to the image, in the order in which they are asked.
    fn rules<'r>(&'r self, wish: &'r ImageWish) -> Vec<(ChoiceReason, &'r str, String)> {
        let rules = self.catalog.rules();
        let mut found = Vec::new();
        if !wish.preferred_provider.is_empty() {
            let id = wish.preferred_provider.as_str();
            found.push((
                ChoiceReason::ClientPreference,
                id,
                format!("the request prefers {id}"),
            ));
        } else if let Some(id) = rules
            .clients
            .get(self.client)
            .and_then(|own| own.preferred_provider.as_deref())
        {
            found.push((
                ChoiceReason::ClientPreference,
                id,
                format!("the client prefers {id}"),
            ));
        }
        let style_rule = match wish.style {
            Style::Unspecified => None,
            Style::Photorealistic | Style::Editorial | Style::Cinematic => rules.photographic.as_deref(),
            Style::Illustration | Style::Painterly | Style::LineArt => rules.other_styles.as_deref(),
        };
        if let Some(id) = style_rule {
            let explanation = format!("{} pictures go to {id}", settings::style_name(wish.style));
            found.push((ChoiceReason::StyleRule, id, explanation));
        }
        let id = rules.default_provider.as_str();
        found.push((
            ChoiceReason::Default,
            id,
            format!("no other rule applies, and {id} is the default"),
        ));
        found
    }

    /// Fallbacks that fit, and a sentence for each that does not.
    ///
    /// Nobody spends money because something free failed, and nobody gets a proof in place of a picture that was
    /// paid for: a list that the request did not give stays on one side of that line.
    fn fallbacks(
        &self,
        explicit: bool,
        wish: &ImageWish,
        primary: &Target<'c>,
    ) -> (Vec<Target<'c>>, Vec<String>) {
        let rules = self.catalog.rules();
        let requested = !wish.fallback_providers.is_empty();
        let names: &[String] = if requested {
            &wish.fallback_providers
        } else if explicit {
            &[]
        } else {
            let own = rules
                .clients
                .get(self.client)
                .and_then(|own| own.fallbacks.as_deref());
            own.unwrap_or(&rules.fallbacks)
        };
        let mut seen = BTreeSet::from([primary.provider.id.as_str()]);
        let (mut targets, mut dropped) = (Vec::new(), Vec::new());
        for name in names {
            let Some(provider) = self.catalog.provider(name) else {
                continue;
            };
            let Some(model) = provider.model(&provider.default_model) else {
                continue;
            };
            let crosses = !requested && provider.free != primary.provider.free;
            if crosses || !seen.insert(provider.id.as_str()) {
                continue;
            }
            match consider(self.catalog, provider, model, wish) {
                Ok(target) => targets.push(target),
                Err(lack) => dropped.push(format!("{name} cannot stand in: it {lack}")),
            }
        }
        (targets, dropped)
    }
}

fn consider<'c>(
    catalog: &Catalog,
    provider: &'c Provider,
    model: &'c Model,
    wish: &ImageWish,
) -> Result<Target<'c>, Lack<'c>> {
    if !provider.enabled {
        return Err(Lack::Disabled(provider));
    }
    fit(catalog, provider, model, wish).map_err(|misfit| Lack::Unfit(provider, model, misfit))
}
