//! OpenAI images.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use limn_executor::{
    plan::Render,
    provider::{Answer, CallError, ImageProvider, Reference, Submission},
    providers::RefusalBilling,
    records::CostSource,
};
use limn_fakes::{Case, Fake};
use limn_proto::reason::Reason;
use serde_json::json;

use crate::{
    bench::{self, Bench, TELLS_NOTHING, Tells, VARIANT, Variant},
    drive::Order,
};

mod answers;
mod edits;
mod errors;
mod streams;

const IMAGES: Variant = Variant {
    name: "gpt-image",
    fake: "openai",
    refusals: RefusalBilling::Unknown,
    render,
    settings: || json!({"organization": "org-1", "project": "proj-1"}),
    tells: Tells {
        cost: CostSource::Usage,
        ..TELLS_NOTHING
    },
    ..VARIANT
};

pub(crate) const BENCH: Bench = Bench {
    kind: "openai",
    variants: &[
        IMAGES,
        Variant {
            name: "gpt-image-references",
            render: edited,
            references,
            ..IMAGES
        },
        Variant {
            name: "gpt-image-streamed",
            render: streamed,
            ..IMAGES
        },
        Variant {
            name: "gpt-image-references-streamed",
            render: || with_option(edited(), "partial_images", "1"),
            references,
            ..IMAGES
        },
    ],
};

fn render() -> Render {
    with_option(edited(), "moderation", "low")
}

/// With everything that edits take too.
fn edited() -> Render {
    Render {
        model: "gpt-image-2".to_owned(),
        quality_token: "high".to_owned(),
        options: vec![("background".to_owned(), "opaque".to_owned())],
        ..bench::render()
    }
}

fn streamed() -> Render {
    with_option(render(), "partial_images", "2")
}

fn with_option(mut render: Render, name: &str, value: &str) -> Render {
    render.options.push((name.to_owned(), value.to_owned()));
    render
}

fn references() -> Vec<Reference> {
    let reference = |media_type: &str, bytes: &'static [u8]| Reference {
        media_type: media_type.to_owned(),
        bytes: Bytes::from_static(bytes),
    };
    vec![
        reference("image/png", b"the first picture"),
        reference("image/jpeg", b"the second"),
        reference("image/webp", b"and the third one"),
    ]
}

async fn start() -> Fake {
    Fake::start(IMAGES.fake).await
}

fn provider(fake: &Fake) -> Arc<dyn ImageProvider> {
    IMAGES.provider(BENCH.kind, fake)
}

fn order(render: Render) -> Order {
    Order {
        render,
        references: Vec::new(),
        timeout: Duration::from_secs(60),
    }
}

/// Submits once, without reading the answer.
async fn submit(provider: &dyn ImageProvider, order: &Order) -> Result<Answer, CallError> {
    match provider.submit(&order.call()).await? {
        Submission::Received(answer) => Ok(answer),
        accepted @ Submission::Accepted { .. } => panic!("{accepted:?}"),
    }
}

/// Submits once against one case.
async fn answered(case: Case, order: &Order) -> (Fake, Result<Answer, CallError>) {
    let fake = start().await;
    fake.next(case);
    let result = submit(&*provider(&fake), order).await;
    assert_eq!(fake.calls(), 1, "sent once");
    (fake, result)
}

/// The refusal of an order that is not even sent.
async fn refused(order: &Order) -> String {
    let fake = start().await;
    let result = submit(&*provider(&fake), order).await;
    assert_eq!(fake.calls(), 0, "{result:?}");
    match result {
        Err(CallError::Rejected(rejection)) => {
            assert_eq!(rejection.reason, Reason::ProviderRejected);
            assert_eq!(rejection.http_status, None);
            rejection.message
        }
        other => panic!("{other:?}"),
    }
}
