//! Planning without an effect: from the configuration and the catalog alone, or at a named server.

use limn_planner::{Catalog, CatalogProblem, PlanError, Planner, explain, extract_prompts};
use limn_proto::v1;
use limn_server::{config::Config, load_catalog};
use pbjson_types::Timestamp;

use super::{
    connect::Connection,
    failure::{Failure, Violation},
    settings::Settings,
};

/// Where plans are made and checked.
pub(crate) enum Planning {
    /// At a server that was named.
    Server(Connection),
    /// Here, with this catalog. No data folder is touched.
    Here(Box<Catalog>),
}

impl Planning {
    pub(crate) async fn open(settings: &Settings) -> Result<Self, Failure> {
        match settings.server() {
            Some(url) => Ok(Self::Server(Connection::at_named_server(url).await?)),
            None => Ok(Self::Here(Box::new(catalog(&settings.load()?)?))),
        }
    }

    pub(crate) async fn plan(&self, request: v1::PlanRequest) -> Result<v1::ImageGenerationPlan, Failure> {
        match self {
            Self::Server(connection) => {
                let answer = connection.planner().plan(request).await?.into_inner();
                answer
                    .plan
                    .ok_or_else(|| Failure::internal("the planner answered without a plan"))
            }
            Self::Here(catalog) => Ok(Planner::new(catalog).plan(&request)?),
        }
    }

    pub(crate) async fn check(
        &self,
        plan: v1::ImageGenerationPlan,
        as_of_unix: i64,
    ) -> Result<v1::CheckPlanResponse, Failure> {
        match self {
            Self::Server(connection) => {
                let as_of_time = Some(Timestamp {
                    seconds: as_of_unix,
                    nanos: 0,
                });
                let request = v1::CheckPlanRequest {
                    plan: Some(plan),
                    as_of_time,
                };
                Ok(connection.planner().check_plan(request).await?.into_inner())
            }
            Self::Here(catalog) => Ok(Planner::new(catalog).check(&plan, Some(as_of_unix))?),
        }
    }

    pub(crate) async fn extract(
        &self,
        request: v1::ExtractPromptsRequest,
    ) -> Result<v1::ExtractPromptsResponse, Failure> {
        match self {
            Self::Server(connection) => {
                let answer = connection.planner().extract_prompts(request).await?;
                Ok(answer.into_inner())
            }
            Self::Here(_) => Ok(extract_prompts(&request)?),
        }
    }

    pub(crate) async fn explain(&self, plan: v1::ImageGenerationPlan) -> Result<String, Failure> {
        match self {
            Self::Server(connection) => {
                let request = v1::ExplainPlanRequest { plan: Some(plan) };
                Ok(connection
                    .planner()
                    .explain_plan(request)
                    .await?
                    .into_inner()
                    .text)
            }
            Self::Here(_) => Ok(explain(&plan)),
        }
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let mut failure = Self::new(error.reason, error.message);
        failure.metadata = error.metadata;
        failure.violations = error
            .violations
            .into_iter()
            .map(|violation| Violation {
                field: violation.field,
                description: violation.description,
                reason: violation.reason.as_str().to_owned(),
            })
            .collect();
        failure
    }
}

/// The catalog with everything that the configuration changes in it.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn catalog(config: &Config) -> Result<Catalog, Failure> {
    let loaded = load_catalog(config).map_err(|problems| wrong_catalog(&problems))?;
    Ok(loaded.catalog)
}

/// The configuration made the catalog wrong.
pub(crate) fn wrong_catalog(problems: &[CatalogProblem]) -> Failure {
    let violations = problems.iter().map(|problem| Violation {
        field: problem.path.clone(),
        description: problem.message.clone(),
        reason: String::new(),
    });
    let noun = if problems.len() == 1 {
        "problem"
    } else {
        "problems"
    };
    Failure::usage(format!("the catalog has {} {noun}", problems.len())).with_violations(violations.collect())
}
