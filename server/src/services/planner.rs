//! `PlannerService`: pure calls.

use std::sync::Arc;

use bytes::Bytes;
use limn_planner::{PlanError, Planner, canonical, explain, extract_prompts};
use limn_proto::{
    digest::{PLAN_REVISION, canonical_bytes, plan_digest},
    plan::PlanSpec,
    reason::Reason,
    v1::{
        CheckPlanRequest, CheckPlanResponse, ConvertPlanRequest, ConvertPlanResponse, ExplainPlanRequest,
        ExplainPlanResponse, ExtractPromptsRequest, ExtractPromptsResponse, ImageGenerationPlan, PlanFormat,
        PlanRequest, PlanResponse, convert_plan_request::Source, convert_plan_response,
        planner_service_server::PlannerService,
    },
};
use tonic::{Request, Response, Status};

use super::{
    Context,
    call::Call,
    request::{Fields, client_of},
};
use crate::{
    json,
    refusal::{Phase, Refusal, Violation},
};

/// `PlannerService`.
#[derive(Clone, Debug)]
pub(crate) struct PlannerServer(pub(crate) Arc<Context>);

impl PlannerServer {
    fn planner(&self) -> Planner<'_> {
        Planner::new(&self.0.catalog)
    }

    fn check(&self, request: &CheckPlanRequest) -> Result<CheckPlanResponse, Refusal> {
        let mut fields = Fields::default();
        let as_of = fields.time("as_of_time", request.as_of_time.as_ref());
        if request.plan.is_none() {
            fields.wrong("plan", "is required");
        }
        let plan = fields.finish(request.plan.as_ref())?;
        Ok(self.planner().check(plan, as_of.map(|time| time.seconds()))?)
    }
}

#[tonic::async_trait]
impl PlannerService for PlannerServer {
    async fn plan(&self, request: Request<PlanRequest>) -> Result<Response<PlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.PlannerService/Plan", client_of(&request.parent));
        let plan = async {
            let plan = self.planner().plan(&request).map_err(planning)?;
            Ok(PlanResponse { plan: Some(plan) })
        };
        call.unary(plan).await
    }

    async fn check_plan(
        &self,
        request: Request<CheckPlanRequest>,
    ) -> Result<Response<CheckPlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.PlannerService/CheckPlan",
            client_in(request.plan.as_ref()),
        );
        call.unary(async {
            self.check(&request)
                .map_err(|refusal| refusal.in_phase(Phase::Plan))
        })
        .await
    }

    async fn convert_plan(
        &self,
        request: Request<ConvertPlanRequest>,
    ) -> Result<Response<ConvertPlanResponse>, Status> {
        let call = Call::begin("limn.v1.PlannerService/ConvertPlan", "");
        let request = request.into_inner();
        call.unary(async { convert(request).map_err(|refusal| refusal.in_phase(Phase::Plan)) })
            .await
    }

    async fn explain_plan(
        &self,
        request: Request<ExplainPlanRequest>,
    ) -> Result<Response<ExplainPlanResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.PlannerService/ExplainPlan",
            client_in(request.plan.as_ref()),
        );
        call.unary(async { explained(request).map_err(|refusal| refusal.in_phase(Phase::Plan)) })
            .await
    }

    async fn extract_prompts(
        &self,
        request: Request<ExtractPromptsRequest>,
    ) -> Result<Response<ExtractPromptsResponse>, Status> {
        let call = Call::begin("limn.v1.PlannerService/ExtractPrompts", "");
        call.unary(async { extract_prompts(request.get_ref()).map_err(planning) })
            .await
    }
}

fn convert(request: ConvertPlanRequest) -> Result<ConvertPlanResponse, Refusal> {
    let mut fields = Fields::default();
    let format = fields.known::<PlanFormat>("format", request.format);
    if format == Some(PlanFormat::Unspecified) {
        fields.wrong("format", "is required");
    }
    if request.source.is_none() {
        fields.wrong("source", "is required: plan, canonical_bytes or json");
    }
    let (source, format) = fields.finish(request.source.zip(format))?;

    let mut plan = match source {
        Source::Plan(plan) => plan,
        Source::Json(text) => json::read_plan(&text)?,
        Source::CanonicalBytes(bytes) => ImageGenerationPlan {
            spec: Some(canonical::from_bytes(&bytes)?),
            ..ImageGenerationPlan::default()
        },
    };
    plan.digest = verified(&plan)?;

    let digest = plan.digest.clone();
    let result = match format {
        PlanFormat::Canonical => {
            let spec = plan.spec.unwrap_or_default();
            convert_plan_response::Result::CanonicalBytes(Bytes::from(canonical_bytes(&spec)))
        }
        PlanFormat::Json => convert_plan_response::Result::Json(json::write_plan(&plan)?),
        PlanFormat::Message | PlanFormat::Unspecified => convert_plan_response::Result::Plan(plan),
    };
    Ok(ConvertPlanResponse {
        digest,
        result: Some(result),
    })
}

fn explained(request: ExplainPlanRequest) -> Result<ExplainPlanResponse, Refusal> {
    let plan = request
        .plan
        .ok_or_else(|| Refusal::field(Reason::InvalidRequest, "plan", "is required"))?;
    verified(&plan)?;
    Ok(ExplainPlanResponse { text: explain(&plan) })
}

/// The digest of a plan that keeps its own rules and carries that digest or none.
pub(super) fn verified(plan: &ImageGenerationPlan) -> Result<String, Refusal> {
    // First the revision: a newer plan lost the fields that are unknown here, so its digest could not match.
    let is_newer = |spec: &PlanSpec| spec.revision > PLAN_REVISION;
    if !plan.spec.as_ref().is_some_and(is_newer) {
        canonical::verify_digest(plan)?;
    }
    let spec = plan.spec.as_ref();
    let spec = spec.ok_or_else(|| Refusal::field(Reason::InvalidRequest, "plan.spec", "is required"))?;
    canonical::verify(spec).map_err(|error| Refusal::from(error).below("plan.spec"))?;
    Ok(plan_digest(spec))
}

fn client_in(plan: Option<&ImageGenerationPlan>) -> &str {
    let spec = plan.and_then(|plan| plan.spec.as_ref());
    spec.map_or("", |spec| spec.client.as_str())
}

fn planning(error: PlanError) -> Refusal {
    Refusal::from(error).in_phase(Phase::Plan)
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        let mut refusal = Self::new(error.reason, error.message);
        refusal.details.metadata = error.metadata;
        let violations = error.violations.into_iter().map(|violation| Violation {
            subject: violation.field,
            description: violation.description,
            class: violation.reason.as_str().to_owned(),
        });
        refusal.details.violations = violations.collect();
        refusal
    }
}
