//! `AccountService`: budgets, usage, the audit log, and whether the books are right.

use std::sync::Arc;

use limn_executor::{
    clock::UnixMicros,
    records::{AuditAction, AuditEvent, AuditFilter, BudgetChange, BudgetKey, BudgetRecord},
    snapshot::timestamp,
};
use limn_proto::{
    name::Collection,
    reason::Reason,
    v1::{
        Budget, GetBudgetRequest, GetBudgetResponse, GetUsageRequest, GetUsageResponse,
        ListAuditEventsRequest, ListAuditEventsResponse, ListBudgetsRequest, ListBudgetsResponse,
        UpdateBudgetRequest, UpdateBudgetResponse, VerifyLedgerRequest, VerifyLedgerResponse,
        account_service_server::AccountService,
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

mod messages;
mod update;

/// Parent of what belongs to every client.
const ALL_CLIENTS: &str = "clients/-";
/// Days of usage when nobody says.
const DEFAULT_DAYS: u32 = 30;
/// Most days of usage.
const MAX_DAYS: u32 = 366;

/// `AccountService`.
#[derive(Clone, Debug)]
pub(crate) struct AccountServer(pub(crate) Arc<Context>);

impl AccountServer {
    async fn get_budget(&self, request: GetBudgetRequest) -> Result<GetBudgetResponse, Refusal> {
        let mut fields = Fields::default();
        let name = fields.budget("name", &request.name);
        let currency = fields.currency("currency", &request.currency);
        let (_, currency) = fields.finish(name.zip(currency))?;
        let key = BudgetKey {
            scope: request.name,
            currency,
        };
        let budget = self.0.executor.records().budget(&key).await?;
        let budget = budget.ok_or_else(|| {
            Refusal::not_found(Collection::Budgets, &key.scope).with("currency", &key.currency)
        })?;
        Ok(GetBudgetResponse {
            budget: Some(messages::budget(&budget)),
        })
    }

    async fn list_budgets(&self, request: ListBudgetsRequest) -> Result<ListBudgetsResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let (client, size) = fields.finish(client.zip(size))?;
        let query = Query::new(
            "ListBudgets",
            &ListBudgetsRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let after = self.0.pages.read(&query, &request.page_token)?;
        let after = after.as_ref().map(key_of).transpose()?;
        let records = self.0.executor.records();
        let records = records.budgets(client, after.as_ref(), size + 1).await?;
        let encode = |record: &BudgetRecord| Ok::<Budget, Refusal>(messages::budget(record));
        let (budgets, next_page_token) = self.0.pages.fill(&query, size, &records, encode, place_of)?;
        Ok(ListBudgetsResponse {
            budgets,
            next_page_token,
        })
    }

    async fn update_budget(&self, request: UpdateBudgetRequest) -> Result<UpdateBudgetResponse, Refusal> {
        let update = update::read(&request, self.0.clock.now())?;
        match self.0.executor.records().update_budget(&update).await? {
            BudgetChange::Changed(budget) => {
                tracing::info!(
                    budget = budget.key.scope,
                    currency = budget.key.currency,
                    limit_nanos = budget.limit_nanos,
                    period = budget.period.as_str(),
                    actor = update.actor,
                    "budget changed"
                );
                Ok(UpdateBudgetResponse {
                    budget: Some(messages::budget(&budget)),
                })
            }
            BudgetChange::VersionMismatch(version) => {
                let what = "is not the one of the budget as it is now: read it again";
                Err(Refusal::field(Reason::EtagMismatch, "budget.etag", what)
                    .with("etag", messages::etag(version)))
            }
        }
    }

    async fn get_usage(&self, request: GetUsageRequest) -> Result<GetUsageResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let currency = fields.currency("currency", &request.currency);
        let days = if request.days == 0 {
            DEFAULT_DAYS
        } else {
            request.days
        };
        if days > MAX_DAYS {
            fields.wrong("days", format!("must be 1 to {MAX_DAYS}, not {days}"));
        }
        let (client, currency) = fields.finish(client.zip(currency))?;
        let now = self.0.clock.now();
        let since = UnixMicros::of_day(now.day() - i64::from(days) + 1);
        let records = self.0.executor.records();
        let lines = records.usage(client, &currency, since).await?;
        let stored = records.stored_bytes(client).await?;
        Ok(GetUsageResponse {
            storage: Some(messages::storage(stored, self.0.storage_price.as_ref())),
            total: Some(messages::usage_total(&lines, &currency)),
            lines: lines
                .iter()
                .map(|line| messages::usage(line, &currency))
                .collect(),
            start_time: Some(timestamp(since)),
            end_time: Some(timestamp(now)),
        })
    }

    async fn list_audit_events(
        &self,
        request: ListAuditEventsRequest,
    ) -> Result<ListAuditEventsResponse, Refusal> {
        let mut fields = Fields::default();
        let client = fields.client("parent", &request.parent);
        let size = fields.page_size(request.page_size);
        let action = AuditAction::parse(&request.action);
        if action.is_none() && !request.action.is_empty() {
            let known: Vec<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
            fields.wrong("action", format!("must be empty or one of {}", known.join(", ")));
        }
        let (client, size) = fields.finish(client.zip(size))?;
        let query = Query::new(
            "ListAuditEvents",
            &ListAuditEventsRequest {
                page_size: 0,
                page_token: String::new(),
                ..request.clone()
            },
        );
        let place = self.0.pages.read(&query, &request.page_token)?;
        let page = page_and_one(size, place);
        let records = self.0.executor.records();
        let records = records
            .audit_events(client, &AuditFilter { action }, &page)
            .await?;
        let place = |event: &AuditEvent| Place {
            created_at: event.at,
            id: event.id.to_string(),
        };
        let encode = |event: &AuditEvent| Ok(messages::audit_event(event));
        let (audit_events, next_page_token) = self.0.pages.fill(&query, size, &records, encode, place)?;
        Ok(ListAuditEventsResponse {
            audit_events,
            next_page_token,
        })
    }

    async fn verify_ledger(&self, request: VerifyLedgerRequest) -> Result<VerifyLedgerResponse, Refusal> {
        let client = if request.parent == ALL_CLIENTS {
            None
        } else {
            let mut fields = Fields::default();
            let client = fields.client("parent", &request.parent);
            Some(fields.finish(client)?)
        };
        let verified = self.0.executor.records().verify(client).await?;
        if let Some(first) = verified.differences.first() {
            tracing::error!(
                differences = verified.differences.len(),
                first = first.detail,
                "the books are wrong"
            );
        }
        Ok(messages::verification(verified))
    }
}

/// A place in the list of budgets as a place of a token. A currency has no space.
fn place_of(budget: &BudgetRecord) -> Place {
    Place {
        created_at: UnixMicros(0),
        id: format!("{} {}", budget.key.currency, budget.key.scope),
    }
}

fn key_of(place: &Place) -> Result<BudgetKey, Refusal> {
    let parts = place.id.split_once(' ');
    let (currency, scope) = parts.ok_or_else(|| Refusal::internal("a page token of ours has no place"))?;
    Ok(BudgetKey {
        scope: scope.to_owned(),
        currency: currency.to_owned(),
    })
}

#[tonic::async_trait]
impl AccountService for AccountServer {
    async fn get_budget(
        &self,
        request: Request<GetBudgetRequest>,
    ) -> Result<Response<GetBudgetResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.AccountService/GetBudget", client_of(&request.name));
        call.unary(self.get_budget(request)).await
    }

    async fn list_budgets(
        &self,
        request: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.AccountService/ListBudgets", client_of(&request.parent));
        call.unary(self.list_budgets(request)).await
    }

    async fn update_budget(
        &self,
        request: Request<UpdateBudgetRequest>,
    ) -> Result<Response<UpdateBudgetResponse>, Status> {
        let request = request.into_inner();
        let name = request.budget.as_ref().map_or("", |budget| &budget.name);
        let call = Call::begin("limn.v1.AccountService/UpdateBudget", client_of(name));
        call.unary(self.update_budget(request)).await
    }

    async fn get_usage(
        &self,
        request: Request<GetUsageRequest>,
    ) -> Result<Response<GetUsageResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.AccountService/GetUsage", client_of(&request.parent));
        call.unary(self.get_usage(request)).await
    }

    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin(
            "limn.v1.AccountService/ListAuditEvents",
            client_of(&request.parent),
        );
        call.unary(self.list_audit_events(request)).await
    }

    async fn verify_ledger(
        &self,
        request: Request<VerifyLedgerRequest>,
    ) -> Result<Response<VerifyLedgerResponse>, Status> {
        let request = request.into_inner();
        let call = Call::begin("limn.v1.AccountService/VerifyLedger", client_of(&request.parent));
        call.unary(self.verify_ledger(request)).await
    }
}
