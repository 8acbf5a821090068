//! `ExecutorService`: orders, progress, cancellation, decisions.

use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use limn_executor::{
    executor::Submitted,
    records::{ExecutionFilter, ExecutionRecord, ExecutionState},
    snapshot,
};
use limn_proto::v1::{
    self, CancelExecutionRequest, CancelExecutionResponse, ExecutePlanRequest, ExecutePlanResponse,
    GetExecutionRequest, GetExecutionResponse, ListExecutionsRequest, ListExecutionsResponse,
    ResolveAttemptRequest, ResolveAttemptResponse, StartExecutionRequest, StartExecutionResponse,
    UnparkExecutionRequest, UnparkExecutionResponse, WatchExecutionRequest, WatchExecutionResponse,
    executor_service_server::ExecutorService,
};
use tonic::{Request, Response, Status};

use super::{
    Context,
    call::{Answers, Call},
    request::{Fields, client_of},
};
use crate::{
    paging::{Place, Query, page_and_one},
    refusal::{Phase, Refusal},
};

mod decisions;
mod order;
mod watching;

use watching::{Handing, hand_over};

/// `ExecutorService`.
#[derive(Clone, Debug)]
pub(crate) struct ExecutorServer(pub(crate) Arc<Context>);

impl ExecutorServer {
    async fn start(&self, order: Option<v1::ExecutionOrder>) -> Result<Submitted, Refusal> {
        order::submit(&self.0, order)
            .await
            .map_err(|refusal| refusal.in_phase(Phase::Start))
    }

    /// Progress as the executor tells it, keep-alives included. Dropping the stream stops nothing.
    fn events(
        &self,
        client: &str,
        name: String,
        execution: limn_executor::ids::ExecutionId,
        after: Option<u64>,
        previews: bool,
    ) -> impl Stream<Item = Result<v1::ExecutionEvent, Refusal>> + Send + use<> {
        let handing = Handing {
            name: name.clone(),
            after,
            stall: self.0.watch_stall,
            clock: Arc::clone(&self.0.clock),
        };
        let executor = &self.0.executor;
        let events = if previews {
            executor.watch_with_previews(client, execution, after)
        } else {
            executor.watch(client, execution, after)
        };
        let events = events.map(move |event| event.map_err(|error| Refusal::of_watch(&name, error)));
        hand_over(handing, events.boxed())
    }

    async fn execute(
        &self,
        request: ExecutePlanRequest,
    ) -> Result<impl Stream<Item = Result<ExecutePlanResponse, Refusal>> + Send + use<>, Refusal> {
        let execution = self.start(request.order).await?.execution;
        let name = snapshot::execution(&execution).name;
        let events = self.events(&execution.client, name, execution.id, None, request.previews);
        Ok(events.map(|event| Ok(ExecutePlanResponse { event: Some(event?) })))
    }

    fn watch(
        &self,
        request: &WatchExecutionRequest,
    ) -> Result<impl Stream<Item = Result<WatchExecutionResponse, Refusal>> + Send + use<>, Refusal> {
        let mut fields = Fields::default();
        let name = fields.execution("name", &request.name);
        let (client, id) = fields.finish(name)?;
        let events = self.events(
            client,
            request.name.clone(),
            id,
            request.after_sequence,
            request.previews,
        );
        Ok(events.map(|event| Ok(WatchExecutionResponse { event: Some(event?) })))
    }

    async fn get(&self, request: GetExecutionRequest) -> Result<GetExecutionResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.execution("name", &request.name);
        let (client, id) = fields.finish(name)?;
        let record = self.0.executor.records().execution(client, id).await?;
        let Some(record) = record else {
            return Err(self.0.missing_execution(client, id, &request.name).await);
        };
        Ok(GetExecutionResponse {
            execution: Some(snapshot::execution(&record)),
        })
    }

    async fn list(&self, request: ListExecutionsRequest) -> Result<ListExecutionsResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let filter = ExecutionFilter {
            plan_digest: fields.digest("plan_digest", &request.plan_digest),
            states: states(&mut fields, &request.states),
            session_id: fields.text("session_id", &request.session_id),
        };
        let (client, size) = fields.finish(client.zip(size))?;
        let query = Query::new(
            "ListExecutions",
            &ListExecutionsRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let place = self.0.pages.read(&query, &request.page_token)?;

        let page = page_and_one(size, place);
        let records = self.0.executor.records();
        let records = records.executions(client, &filter, &page).await?;
        let place = |record: &ExecutionRecord| Place {
            created_at: record.created_at,
            id: record.id.to_string(),
        };
        let encode = |record: &ExecutionRecord| Ok(snapshot::execution(record));
        let (executions, next_page_token) = self.0.pages.fill(&query, size, &records, encode, place)?;
        Ok(ListExecutionsResponse {
            executions,
            next_page_token,
        })
    }

    async fn cancel(&self, request: CancelExecutionRequest) -> Result<CancelExecutionResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.execution("name", &request.name);
        let (client, id) = fields.finish(name)?;
        let record = self.0.executor.cancel(client, id).await?;
        let Some(record) = record else {
            return Err(self.0.missing_execution(client, id, &request.name).await);
        };
        Ok(CancelExecutionResponse {
            execution: Some(snapshot::execution(&record)),
        })
    }
}

#[tonic::async_trait]
impl ExecutorService for ExecutorServer {
    type ExecutePlanStream = Answers<ExecutePlanResponse>;
    type WatchExecutionStream = Answers<WatchExecutionResponse>;

    async fn start_execution(
        &self,
        request: Request<StartExecutionRequest>,
    ) -> Result<Response<StartExecutionResponse>, Status> {
        let order = request.into_inner().order;
        let call = Call::begin(
            "limn.v1.ExecutorService/StartExecution",
            client_in(order.as_ref()),
        );
        let started = async {
            let submitted = self.start(order).await?;
            Ok(StartExecutionResponse {
                execution: Some(snapshot::execution(&submitted.execution)),
                existing: submitted.existing,
            })
        };
        call.unary(started).await
    }

    async fn execute_plan(
        &self,
        request: Request<ExecutePlanRequest>,
    ) -> Result<Response<Self::ExecutePlanStream>, Status> {
        let request = request.into_inner();
        let client = client_in(request.order.as_ref());
        let call = Call::begin("limn.v1.ExecutorService/ExecutePlan", client);
        call.streaming(self.execute(request)).await
    }

    async fn watch_execution(
        &self,
        request: Request<WatchExecutionRequest>,
    ) -> Result<Response<Self::WatchExecutionStream>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ExecutorService/WatchExecution", client_of(&request.name));
        call.streaming(async { self.watch(&request) }).await
    }

    async fn get_execution(
        &self,
        request: Request<GetExecutionRequest>,
    ) -> Result<Response<GetExecutionResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ExecutorService/GetExecution", client_of(&request.name));
        call.unary(self.get(request)).await
    }

    async fn list_executions(
        &self,
        request: Request<ListExecutionsRequest>,
    ) -> Result<Response<ListExecutionsResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.ExecutorService/ListExecutions",
            client_of(&request.parent),
        );
        call.unary(self.list(request)).await
    }

    async fn cancel_execution(
        &self,
        request: Request<CancelExecutionRequest>,
    ) -> Result<Response<CancelExecutionResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.ExecutorService/CancelExecution",
            client_of(&request.name),
        );
        call.unary(self.cancel(request)).await
    }

    async fn resolve_attempt(
        &self,
        request: Request<ResolveAttemptRequest>,
    ) -> Result<Response<ResolveAttemptResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.ExecutorService/ResolveAttempt", client_of(&request.name));
        let resolved = async {
            let execution = Some(decisions::resolve(&self.0, request.clone()).await?);
            Ok(ResolveAttemptResponse { execution })
        };
        call.unary(resolved).await
    }

    async fn unpark_execution(
        &self,
        request: Request<UnparkExecutionRequest>,
    ) -> Result<Response<UnparkExecutionResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.ExecutorService/UnparkExecution",
            client_of(&request.name),
        );
        let unparked = async {
            let execution = Some(decisions::unpark(&self.0, request.clone()).await?);
            Ok(UnparkExecutionResponse { execution })
        };
        call.unary(unparked).await
    }
}

fn client_in(order: Option<&v1::ExecutionOrder>) -> &str {
    order.map_or("", |order| client_of(&order.parent))
}

fn states(fields: &mut Fields, numbers: &[i32]) -> Vec<ExecutionState> {
    let mut states = Vec::new();
    for (index, number) in numbers.iter().enumerate() {
        let field = format!("states[{index}]");
        let state = match fields.known::<v1::ExecutionState>(&field, *number) {
            None => continue,
            Some(v1::ExecutionState::Unspecified) => {
                fields.wrong(
                    &field,
                    "must not be unspecified: leave the list empty for all states",
                );
                continue;
            }
            Some(v1::ExecutionState::Pending) => ExecutionState::Pending,
            Some(v1::ExecutionState::Processing) => ExecutionState::Processing,
            Some(v1::ExecutionState::Completed) => ExecutionState::Completed,
            Some(v1::ExecutionState::Failed) => ExecutionState::Failed,
            Some(v1::ExecutionState::Cancelled) => ExecutionState::Cancelled,
            Some(v1::ExecutionState::Cancelling) => ExecutionState::Cancelling,
            Some(v1::ExecutionState::NeedsDecision) => ExecutionState::NeedsDecision,
        };
        states.push(state);
    }
    states
}
