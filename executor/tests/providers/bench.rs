//! What the suite must be told about a kind of provider.

use std::{collections::BTreeMap, sync::Arc};

use limn_executor::{
    plan::{ImageFormat, Render},
    provider::{CapabilityClass, ImageProvider, Reference},
    providers::{Connection, Deadlines, Inputs, Kind, Limits, RefusalBilling, Setup, Traits},
    records::CostSource,
};
use limn_fakes::Fake;
use limn_proto::plan::SeedMode;
use secrecy::SecretString;
use serde_json::{Map, Value};

/// A kind of provider, and the ways in which it is called.
#[derive(Debug)]
pub(crate) struct Bench {
    /// The kind.
    pub(crate) kind: &'static str,
    /// Each way in which it is called: dialects, families of models.
    pub(crate) variants: &'static [Variant],
}

/// A way in which a kind is called.
#[derive(Debug)]
pub(crate) struct Variant {
    /// Name, and that of its record.
    pub(crate) name: &'static str,
    /// Its fake.
    pub(crate) fake: &'static str,
    /// As in the catalog.
    pub(crate) class: CapabilityClass,
    /// As in the catalog.
    pub(crate) refusals: RefusalBilling,
    /// Refusals of the fake that come when something was drawn already.
    pub(crate) late_refusals: &'static [&'static str],
    /// What is drawn, with every field that the API takes.
    pub(crate) render: fn() -> Render,
    /// The kind's own settings.
    pub(crate) settings: fn() -> Value,
    /// Inputs of the model, as in the catalog; an empty table where all models of the kind take the same.
    pub(crate) inputs: fn() -> Value,
    /// Pictures that the drawing refers to.
    pub(crate) references: fn() -> Vec<Reference>,
    /// What its answers tell.
    pub(crate) tells: Tells,
}

/// What the answers of a dialect tell besides the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tells {
    /// The seed that was used.
    pub(crate) seed: bool,
    /// The version of the model, in these words. Empty: nothing.
    pub(crate) model_version: &'static str,
    /// What its cost is known from.
    pub(crate) cost: CostSource,
}

/// Nothing besides the picture.
pub(crate) const TELLS_NOTHING: Tells = Tells {
    seed: false,
    model_version: "",
    cost: CostSource::Estimated,
};

/// Every bench, one for each kind that calls somebody.
pub(crate) const ALL: &[&Bench] = &[
    &crate::automatic1111::BENCH,
    &crate::bfl::BENCH,
    &crate::comfyui::BENCH,
    &crate::google::BENCH,
    &crate::midjourney::BENCH,
    &crate::openai::BENCH,
    &crate::openai_compatible::BENCH,
    &crate::openrouter::BENCH,
    &crate::replicate::BENCH,
    &crate::stability::BENCH,
    &crate::vertex::BENCH,
];

/// What is common to most variants.
pub(crate) const VARIANT: Variant = Variant {
    name: "",
    fake: "",
    class: CapabilityClass::D,
    refusals: RefusalBilling::Unknown,
    late_refusals: &[],
    render,
    settings: no_settings,
    inputs: no_settings,
    references: Vec::new,
    tells: TELLS_NOTHING,
};

fn no_settings() -> Value {
    Value::Object(Map::new())
}

/// A render with nothing but what every provider takes.
pub(crate) fn render() -> Render {
    Render {
        provider: String::new(),
        model: String::new(),
        model_revision: String::new(),
        prompt: "a red fox in fresh snow".to_owned(),
        negative_prompt: String::new(),
        width_px: 64,
        height_px: 48,
        size_token: String::new(),
        quality_token: String::new(),
        style_token: String::new(),
        seed_mode: SeedMode::Unsupported,
        seed: 7,
        guidance_milli: None,
        format: ImageFormat::Png,
        options: Vec::new(),
        references: Vec::new(),
    }
}

impl Variant {
    /// The adapter, set up for a fake. Answers above a megabyte are cut.
    pub(crate) fn provider(&self, kind: &str, fake: &Fake) -> Arc<dyn ImageProvider> {
        Self::build(self.setup(kind, fake))
    }

    /// The same without a key.
    pub(crate) fn keyless(&self, kind: &str, fake: &Fake) -> Arc<dyn ImageProvider> {
        Self::build(Setup {
            key: None,
            ..self.setup(kind, fake)
        })
    }

    /// What the adapter is set up from.
    pub(crate) fn setup(&self, kind: &str, fake: &Fake) -> Setup {
        let Value::Object(table) = (self.settings)() else {
            panic!("settings are a table");
        };
        Setup {
            id: kind.to_owned(),
            key: Some(SecretString::from(Fake::KEY)),
            connection: Connection {
                base_url: Some(fake.base_url()),
                max_answer_bytes: Some(1 << 20),
                ..Connection::default()
            },
            traits: Traits {
                class: self.class,
                refusals: self.refusals,
                deadlines: Deadlines::all(std::time::Duration::from_secs(60)),
                limits: Limits::default(),
                inputs: self.inputs(),
            },
            table,
            ..Setup::default()
        }
    }

    fn inputs(&self) -> BTreeMap<String, Inputs> {
        let Value::Object(table) = (self.inputs)() else {
            panic!("inputs are a table");
        };
        if table.is_empty() {
            return BTreeMap::new();
        }
        BTreeMap::from([((self.render)().model, Inputs::read(table).unwrap())])
    }

    /// An adapter of a kind that is set up like this.
    pub(crate) fn build(setup: Setup) -> Arc<dyn ImageProvider> {
        let kind = Kind::find(&setup.id).unwrap();
        kind.build(setup).unwrap()
    }
}
