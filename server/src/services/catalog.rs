//! `CatalogService`: what this server can do.

use std::sync::Arc;

use limn_executor::clock::UnixMicros;
use limn_planner::MAX_STEPS;
use limn_proto::{
    digest::PLAN_REVISION,
    v1::{
        GetCapabilitiesRequest, GetCapabilitiesResponse, ListProvidersRequest, ListProvidersResponse,
        catalog_service_server::CatalogService,
    },
};
use tonic::{Request, Response, Status};

use super::{Context, call::Call, request::Fields};
use crate::{
    listing::listing,
    paging::{Place, Query},
    refusal::Refusal,
};

/// `CatalogService`.
#[derive(Clone, Debug)]
pub(crate) struct CatalogServer(pub(crate) Arc<Context>);

impl CatalogServer {
    fn capabilities(&self) -> GetCapabilitiesResponse {
        let catalog = &self.0.catalog;
        GetCapabilitiesResponse {
            min_plan_revision: 1,
            max_plan_revision: PLAN_REVISION,
            max_steps: u32::try_from(MAX_STEPS).unwrap_or(u32::MAX),
            max_message_bytes: i64::try_from(self.0.max_message_bytes).unwrap_or(i64::MAX),
            catalog_digest: catalog.digest().to_owned(),
            build: env!("CARGO_PKG_VERSION").to_owned(),
            default_provider: catalog.rules().default_provider.clone(),
        }
    }

    async fn list(&self, request: &ListProvidersRequest) -> Result<ListProvidersResponse, Refusal> {
        let mut fields = Fields::default();
        let size = fields.page_size(request.page_size);
        let size = fields.finish(size)?;
        let query = Query::new("ListProviders", &ListProvidersRequest::default());
        let place = self.0.pages.read(&query, &request.page_token)?;

        let gates = self.0.executor.records().gates().await;
        let gates = gates.inspect_err(|error| tracing::warn!(%error, "how providers do could not be read"));
        let listing = listing(&self.0.catalog, &self.0.traits, gates.ok().as_ref());
        let after = place.map(|place| place.id).unwrap_or_default();
        let mut rest = listing.into_iter().filter(|provider| provider.provider > after);
        let providers: Vec<_> = rest.by_ref().take(size as usize).collect();
        let last = providers.last().filter(|_| rest.next().is_some());
        let next = last.map(|last| {
            let place = Place {
                created_at: UnixMicros(0),
                id: last.provider.clone(),
            };
            self.0.pages.issue(&query, &place)
        });
        Ok(ListProvidersResponse {
            next_page_token: next.unwrap_or_default(),
            providers,
        })
    }
}

#[tonic::async_trait]
impl CatalogService for CatalogServer {
    async fn get_capabilities(
        &self,
        _request: Request<GetCapabilitiesRequest>,
    ) -> Result<Response<GetCapabilitiesResponse>, Status> {
        let call = Call::begin("limn.v1.CatalogService/GetCapabilities", "");
        call.unary(async { Ok(self.capabilities()) }).await
    }

    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        let call = Call::begin("limn.v1.CatalogService/ListProviders", "");
        call.unary(async { self.list(request.get_ref()).await }).await
    }
}
