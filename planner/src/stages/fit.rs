//! One wish at one model: everything that would be sent, and what became of each field.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{
    digest::RENDER_FORMAT,
    plan::{Label, RenderSpec},
    v1::FidelityOutcome,
};

use super::{
    cost::{self, NoPrice, TargetPrice},
    prompt, settings, shape,
};
use crate::{
    catalog::{Catalog, Model, Provider},
    request::{Field, ImageWish},
};

/// A wish fitted to a model and priced. Only the seed is missing.
#[derive(Debug)]
pub(crate) struct Target<'c> {
    pub provider: &'c Provider,
    pub model: &'c Model,
    /// The call, with seed 0.
    pub render: RenderSpec,
    pub price: TargetPrice,
    /// One note for each requested field, in order of the fields.
    pub notes: Vec<Note>,
}

/// What became of one requested field.
#[derive(Debug)]
pub(crate) struct Note {
    pub field: Field,
    pub outcome: FidelityOutcome,
    pub detail: String,
}

/// A field that the model cannot honour.
#[derive(Debug)]
pub(crate) struct Unfit {
    /// Name of the field in `ImageRequest`.
    pub field: &'static str,
    /// Why not, and what would be taken.
    pub description: String,
}

/// Why a model cannot draw the wish.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// Fields that it cannot honour; at least one.
    Fields(Vec<Unfit>),
    /// Its price is not known.
    PriceUnknown,
    /// Its price does not fit into an amount of money.
    PriceTooLarge,
}

/// Collects what becomes of the fields of a wish.
#[derive(Debug)]
pub(crate) struct Fitting<'w> {
    pub wish: &'w ImageWish,
    notes: Vec<Note>,
    unfit: Vec<Unfit>,
}

impl<'w> Fitting<'w> {
    /// The field is sent as asked.
    pub(crate) fn honoured(&mut self, field: Field, detail: impl Into<String>) {
        self.note(field, FidelityOutcome::Honoured, detail.into());
    }

    /// The field is sent in another form.
    pub(crate) fn mapped(&mut self, field: Field, detail: impl Into<String>) {
        self.note(field, FidelityOutcome::Mapped, detail.into());
    }

    /// The field is not sent: an optional one is noted, any other refuses the target.
    pub(crate) fn cannot(&mut self, field: Field, why: &str, instead: &str) {
        if self.wish.optional.contains(&field) {
            self.note(field, FidelityOutcome::Refused, format!("{why}; {instead}"));
        } else {
            self.refuse(field.name(), why);
        }
    }

    /// What a template added is not sent, which refuses nobody.
    pub(crate) fn left_out(&mut self, field: Field, detail: impl Into<String>) {
        self.note(field, FidelityOutcome::Refused, detail.into());
    }

    /// The target cannot draw the wish, whatever is optional.
    pub(crate) fn refuse(&mut self, field: &'static str, why: &str) {
        self.unfit.push(Unfit {
            field,
            description: why.into(),
        });
    }

    fn note(&mut self, field: Field, outcome: FidelityOutcome, detail: String) {
        self.notes.push(Note {
            field,
            outcome,
            detail,
        });
    }
}

/// Fits a wish to a model and prices it.
pub(crate) fn fit<'c>(
    catalog: &Catalog,
    provider: &'c Provider,
    model: &'c Model,
    wish: &ImageWish,
) -> Result<Target<'c>, Misfit> {
    let mut fitting = Fitting {
        wish,
        notes: Vec::new(),
        unfit: Vec::new(),
    };
    let text = prompt::compose(catalog, model, &mut fitting);
    let size = shape::choose(model, &mut fitting);
    let quality = settings::quality(model, &mut fitting);
    let style = settings::style(model, &mut fitting);
    let options = settings::options(model, &mut fitting);
    let references = settings::references(model, &mut fitting);
    let render = RenderSpec {
        format: RENDER_FORMAT.into(),
        provider: provider.id.clone(),
        model: model.id.clone(),
        model_revision: model.revision.clone(),
        prompt: text.prompt,
        negative_prompt: text.negative_prompt,
        width_px: size.width_px,
        height_px: size.height_px,
        size_token: shape::token(&model.sizes, size),
        quality: quality.word.into(),
        quality_token: quality.token,
        style: style.word.into(),
        style_token: style.token,
        seed_mode: settings::seed_mode(model, &mut fitting).into(),
        seed: 0,
        guidance_milli: settings::guidance(model, &mut fitting),
        media_type: settings::media_type(model, &mut fitting),
        options: options
            .into_iter()
            .map(|(key, value)| Label { key, value })
            .collect(),
        references,
    };
    let Fitting { mut notes, unfit, .. } = fitting;
    if !unfit.is_empty() {
        return Err(Misfit::Fields(unfit));
    }
    notes.sort_by_key(|note| note.field);
    let price = cost::price(model, &render).map_err(|problem| match problem {
        NoPrice::Unknown => Misfit::PriceUnknown,
        NoPrice::TooLarge => Misfit::PriceTooLarge,
    })?;
    Ok(Target {
        provider,
        model,
        render,
        price,
        notes,
    })
}
