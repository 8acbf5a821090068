//! OpenAI images.

use limn_executor::{plan::Render, providers::RefusalBilling};
use serde_json::json;

use crate::bench::{self, Bench, VARIANT, Variant};

pub(crate) const BENCH: Bench = Bench {
    kind: "openai",
    variants: &[Variant {
        name: "gpt-image",
        fake: "openai",
        refusals: RefusalBilling::Unknown,
        render,
        settings: || json!({"organization": "org-1", "project": "proj-1"}),
        ..VARIANT
    }],
};

fn render() -> Render {
    Render {
        model: "gpt-image-2".to_owned(),
        quality_token: "high".to_owned(),
        options: vec![
            ("background".to_owned(), "opaque".to_owned()),
            ("moderation".to_owned(), "low".to_owned()),
        ],
        ..bench::render()
    }
}
