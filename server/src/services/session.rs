//! `SessionService`: what plans, executions and images with one session id come to.

use std::sync::Arc;

use limn_executor::{records::SessionRecord, snapshot};
use limn_proto::{
    name::Collection,
    v1::{
        GetSessionRequest, GetSessionResponse, ListSessionsRequest, ListSessionsResponse,
        session_service_server::SessionService,
    },
};
use tonic::{Request, Response, Status};

use super::{
    Context,
    call::Call,
    request::{Fields, client_of},
};
use crate::{
    paging::{Place, Query, page_and_one},
    refusal::Refusal,
};

/// `SessionService`.
#[derive(Clone, Debug)]
pub(crate) struct SessionServer(pub(crate) Arc<Context>);

impl SessionServer {
    async fn get(&self, request: GetSessionRequest) -> Result<GetSessionResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.session("name", &request.name);
        let (client, id) = fields.finish(name)?;
        let record = self.0.executor.records().session(client, id).await?;
        let record = record.ok_or_else(|| Refusal::not_found(Collection::Sessions, &request.name))?;
        Ok(GetSessionResponse {
            session: Some(snapshot::session(client, &record)),
        })
    }

    async fn list(&self, request: ListSessionsRequest) -> Result<ListSessionsResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let (client, size) = fields.finish(client.zip(size))?;
        let query = Query::new(
            "ListSessions",
            &ListSessionsRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let place = self.0.pages.read(&query, &request.page_token)?;
        let page = page_and_one(size, place);
        let records = self.0.executor.records().sessions(client, &page).await?;
        let place = |record: &SessionRecord| Place {
            created_at: record.last_activity,
            id: record.id.clone(),
        };
        let encode = |record: &SessionRecord| Ok(snapshot::session(client, record));
        let (sessions, next_page_token) = self.0.pages.fill(&query, size, &records, encode, place)?;
        Ok(ListSessionsResponse {
            sessions,
            next_page_token,
        })
    }
}

#[tonic::async_trait]
impl SessionService for SessionServer {
    async fn get_session(
        &self,
        request: Request<GetSessionRequest>,
    ) -> Result<Response<GetSessionResponse>, Status> {
        let request = request.into_inner();
        let client = client_of(&request.name).to_owned();
        let call = Call::begin("limn.v1.SessionService/GetSession", &client);
        call.unary(self.get(request)).await
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let request = request.into_inner();
        let client = client_of(&request.parent).to_owned();
        let call = Call::begin("limn.v1.SessionService/ListSessions", &client);
        call.unary(self.list(request)).await
    }
}
