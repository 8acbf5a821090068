//! Stored plans.

use std::collections::BTreeMap;

use limn_proto::name::{Collection, resource_name};
use uuid::Uuid;

use super::{
    super::{AuditAction, AuditEvent, NewPlan, Page, PlanDeletion, PlanFilter, PlanRecord, Result},
    audit, pages,
    rows::{Fields, Row, damaged},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{clock::UnixMicros, ids::ExecutionId};

/// Stores a plan unless it is there.
pub(super) async fn save(tx: &mut Tx<'_>, plan: &NewPlan) -> Result<PlanRecord> {
    sql(
        "INSERT INTO plans (client, digest_hex, bytes, session_id, kind, created_us) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (client, digest_hex) DO NOTHING",
    )
    .bind(&plan.client)
    .bind(&plan.digest_hex)
    .bind(&plan.canonical_bytes)
    .bind(&plan.session_id)
    .bind(plan.kind.as_str_name())
    .bind(plan.now.0)
    .later(tx);
    find(tx, &plan.client, &plan.digest_hex)
        .await?
        .ok_or_else(|| damaged("plans", "nothing after an insert"))
}

/// The plan of a client.
pub(super) async fn find(tx: &mut Tx<'_>, client: &str, digest_hex: &str) -> Result<Option<PlanRecord>> {
    sql(
        "SELECT client, digest_hex, bytes, created_us, last_executed_us FROM plans \
         WHERE client = $1 AND digest_hex = $2",
    )
    .bind(client)
    .bind(digest_hex)
    .fetch_optional(tx)
    .await?
    .as_ref()
    .map(record)
    .transpose()
}

/// Notes that a plan was ordered.
pub(super) fn ordered(tx: &mut Tx<'_>, client: &str, digest_hex: &str, now: UnixMicros) {
    sql("UPDATE plans SET last_executed_us = $3 WHERE client = $1 AND digest_hex = $2")
        .bind(client)
        .bind(digest_hex)
        .bind(now.0)
        .later(tx);
}

/// A page of plans, newest first.
pub(super) async fn list(
    tx: &mut Tx<'_>,
    client: &str,
    filter: &PlanFilter,
    page: &Page,
) -> Result<Vec<PlanRecord>> {
    let rows = list_query(client, filter, page).fetch_all(tx).await?;
    rows.iter().map(record).collect()
}

/// The text consists of fixed pieces only; every value is bound.
pub(super) fn list_query(client: &str, filter: &PlanFilter, page: &Page) -> Statement {
    let mut query =
        sql("SELECT client, digest_hex, bytes, created_us, last_executed_us FROM plans WHERE client = ");
    query.push_bind(client.to_owned());
    if let Some(session_id) = &filter.session_id {
        query.push(" AND session_id = ").push_bind(session_id.clone());
    }
    if let Some(kind) = filter.kind {
        query.push(" AND kind = ").push_bind(kind.as_str_name());
    }
    pages::push(&mut query, "digest_hex", page);
    query
}

/// Deletes a plan unless an execution of it has not ended.
pub(super) async fn delete(
    tx: &mut Tx<'_>,
    client: &str,
    digest_hex: &str,
    audit_id: Uuid,
    now: UnixMicros,
) -> Result<PlanDeletion> {
    // Locked, so that no order of the plan comes between the look and the change.
    sql("SELECT digest_hex FROM plans WHERE client = $1 AND digest_hex = $2")
        .bind(client)
        .bind(digest_hex)
        .locked()
        .fetch_optional(tx)
        .await?;
    let running = sql(
        "SELECT id FROM executions WHERE client = $1 AND plan_digest = $2 \
         AND state IN ('pending', 'processing', 'cancelling', 'needs_decision') ORDER BY take LIMIT 1",
    )
    .bind(client)
    .bind(format!("{}{digest_hex}", limn_proto::digest::PREFIX))
    .fetch_optional(tx)
    .await?;
    if let Some(row) = running {
        return Ok(PlanDeletion::InUse(Fields(&row).id("id", ExecutionId)?));
    }
    let deleted = sql("DELETE FROM plans WHERE client = $1 AND digest_hex = $2 RETURNING digest_hex")
        .bind(client)
        .bind(digest_hex)
        .fetch_optional(tx)
        .await?;
    if deleted.is_none() {
        return Ok(PlanDeletion::NotFound);
    }
    audit::append(
        tx,
        &AuditEvent {
            id: audit_id,
            client: client.to_owned(),
            at: now,
            actor: "client".to_owned(),
            action: AuditAction::PlanDeleted,
            subject: resource_name(client, Collection::Plans, digest_hex),
            reason: String::new(),
            details: BTreeMap::new(),
        },
    )?;
    Ok(PlanDeletion::Deleted)
}

fn record(row: &Row) -> Result<PlanRecord> {
    let fields = Fields(row);
    Ok(PlanRecord {
        client: fields.text("client")?,
        digest_hex: fields.text("digest_hex")?,
        canonical_bytes: fields.bytes("bytes")?,
        created_at: fields.time("created_us")?,
        last_executed_at: fields.optional_time("last_executed_us")?,
    })
}
