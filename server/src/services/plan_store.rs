//! `PlanStoreService`: plans by digest.

use std::sync::Arc;

use limn_executor::{
    plan::Plan,
    records::{PlanDeletion, PlanFilter, PlanRecord},
    snapshot::timestamp,
};
use limn_planner::canonical;
use limn_proto::{
    digest::PREFIX,
    name::{Collection, resource_name},
    plan::PlanKind,
    reason::Reason,
    v1::{
        DeletePlanRequest, DeletePlanResponse, GetPlanRequest, GetPlanResponse, ImageGenerationPlan,
        ListPlansRequest, ListPlansResponse, SavePlanRequest, SavePlanResponse, StoredPlan,
        plan_store_service_server::PlanStoreService,
    },
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{
    Context,
    call::Call,
    planner::verified,
    request::{Fields, client_of, same_client},
};
use crate::{
    paging::{Place, Query, page_and_one},
    refusal::Refusal,
};

/// `PlanStoreService`.
#[derive(Clone, Debug)]
pub(crate) struct PlanStoreServer(pub(crate) Arc<Context>);

impl PlanStoreServer {
    async fn save(&self, request: SavePlanRequest) -> Result<SavePlanResponse, Refusal> {
        let mut fields = Fields::default();
        let parent = fields.client("parent", &request.parent);
        if request.plan.is_none() {
            fields.wrong("plan", "is required");
        }
        let (client, plan) = fields.finish(parent.zip(request.plan.as_ref()))?;
        verified(plan)?;
        let spec = plan.spec.clone().unwrap_or_default();
        same_client("plan.spec.client", client, &spec.client)?;

        let new = Plan::parse(&spec)?.to_new(self.0.clock.now());
        let record = self.0.executor.records().save_plan(&new).await?;
        Ok(SavePlanResponse {
            stored_plan: Some(stored(&record)?),
        })
    }

    async fn get(&self, request: GetPlanRequest) -> Result<GetPlanResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.plan("name", &request.name);
        let (client, digest_hex) = fields.finish(name)?;
        let record = self.0.executor.records().plan(client, digest_hex).await?;
        let record = record.ok_or_else(|| Refusal::not_found(Collection::Plans, &request.name))?;
        Ok(GetPlanResponse {
            stored_plan: Some(stored(&record)?),
        })
    }

    async fn list(&self, request: ListPlansRequest) -> Result<ListPlansResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let kind = fields.known::<PlanKind>("kind", request.kind);
        let session_id = fields.text("session_id", &request.session_id);
        let ((client, size), kind) = fields.finish(client.zip(size).zip(kind))?;
        let query = Query::new(
            "ListPlans",
            &ListPlansRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let place = self.0.pages.read(&query, &request.page_token)?;

        let filter = PlanFilter {
            session_id,
            kind: Some(kind).filter(|kind| *kind != PlanKind::Unspecified),
        };
        let page = page_and_one(size, place);
        let records = self.0.executor.records().plans(client, &filter, &page).await?;
        let place = |record: &PlanRecord| Place {
            created_at: record.created_at,
            id: record.digest_hex.clone(),
        };
        let (plans, next_page_token) = self.0.pages.fill(&query, size, &records, stored, place)?;
        Ok(ListPlansResponse {
            plans,
            next_page_token,
        })
    }

    async fn delete(&self, request: DeletePlanRequest) -> Result<DeletePlanResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.plan("name", &request.name);
        let (client, digest_hex) = fields.finish(name)?;
        let records = self.0.executor.records();
        let deletion = records.delete_plan(client, digest_hex, Uuid::now_v7(), self.0.clock.now());
        match deletion.await? {
            PlanDeletion::Deleted => Ok(DeletePlanResponse {}),
            PlanDeletion::NotFound => Err(Refusal::not_found(Collection::Plans, &request.name)),
            PlanDeletion::InUse(id) => {
                let execution = resource_name(client, Collection::Executions, &id.to_string());
                let what = format!("{execution} of the plan has not ended: wait for it or cancel it");
                Err(Refusal::field(Reason::PlanInUse, &request.name, what).with("execution", execution))
            }
        }
    }
}

#[tonic::async_trait]
impl PlanStoreService for PlanStoreServer {
    async fn save_plan(
        &self,
        request: Request<SavePlanRequest>,
    ) -> Result<Response<SavePlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.PlanStoreService/SavePlan", client_of(&request.parent));
        call.unary(self.save(request)).await
    }

    async fn get_plan(&self, request: Request<GetPlanRequest>) -> Result<Response<GetPlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.PlanStoreService/GetPlan", client_of(&request.name));
        call.unary(self.get(request)).await
    }

    async fn list_plans(
        &self,
        request: Request<ListPlansRequest>,
    ) -> Result<Response<ListPlansResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.PlanStoreService/ListPlans", client_of(&request.parent));
        call.unary(self.list(request)).await
    }

    async fn delete_plan(
        &self,
        request: Request<DeletePlanRequest>,
    ) -> Result<Response<DeletePlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.PlanStoreService/DeletePlan", client_of(&request.name));
        call.unary(self.delete(request)).await
    }
}

/// The record as a message. Bytes that were canonical when they were stored are so still.
fn stored(record: &PlanRecord) -> Result<StoredPlan, Refusal> {
    let spec = canonical::from_bytes(&record.canonical_bytes).map_err(Refusal::internal)?;
    Ok(StoredPlan {
        name: resource_name(&record.client, Collection::Plans, &record.digest_hex),
        plan: Some(ImageGenerationPlan {
            digest: format!("{PREFIX}{}", record.digest_hex),
            spec: Some(spec),
            notes: None,
        }),
        create_time: Some(timestamp(record.created_at)),
        last_execute_time: record.last_executed_at.map(timestamp),
    })
}
