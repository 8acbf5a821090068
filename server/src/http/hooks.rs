//! News of providers: `POST /hooks/{provider}/{attempt}`, for whoever can prove to be the provider.
//!
//! The proof is the provider's signature, which is looked at before anything else. Nobody else learns anything: not which
//! attempts exist, nor why they were refused.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    response::{IntoResponse as _, Response},
    routing::post,
};
use http::{HeaderMap, StatusCode};
use limn_executor::{clock::Clock, executor::Executor, ids::AttemptId, news::NewsError, provider::Webhook};

use super::refused;

/// Largest news that are read, in bytes. They repeat the request, which may have pictures in it.
const MAX_BODY_BYTES: usize = 4 << 20;

/// What the route works with.
#[derive(Clone, Debug)]
pub(crate) struct Hooks {
    pub(crate) executor: Executor,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Hooks {
    /// The route.
    pub(super) fn router(self) -> Router {
        Router::new()
            .route("/hooks/{provider}/{attempt}", post(take))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .with_state(self)
    }
}

async fn take(
    State(hooks): State<Hooks>,
    Path((provider, attempt)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let unknown = || refused(StatusCode::NOT_FOUND, "nothing is here");
    let Some(attempt) = AttemptId::parse(&attempt) else {
        return unknown();
    };
    let webhook = Webhook {
        headers: &plain(&headers),
        body: &body,
        now: hooks.clock.now(),
    };
    match hooks.executor.take_news(&provider, attempt, &webhook).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(NewsError::Unknown) => unknown(),
        Err(NewsError::Unproven) => refused(StatusCode::UNAUTHORIZED, "not proven"),
        Err(NewsError::Records(error)) => {
            tracing::error!(provider, %attempt, %error, "news of a provider could not be written down");
            refused(StatusCode::SERVICE_UNAVAILABLE, "try again later")
        }
    }
}

/// Headers as text. What is no text, or comes twice, is no signature either.
fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let once = headers
        .keys()
        .filter(|name| headers.get_all(*name).iter().count() == 1);
    once.filter_map(|name| {
        Some((
            name.as_str().to_owned(),
            headers.get(name)?.to_str().ok()?.to_owned(),
        ))
    })
    .collect()
}
