//! The audit log: appended in the transaction of the change it tells of.

use uuid::Uuid;

use super::{
    super::{AuditAction, AuditEvent, AuditFilter, Page, Result},
    pages,
    rows::{Fields, Row, damaged},
    statement::{Statement, sql},
    tx::Tx,
};

/// Appends an entry. The same id again is the same entry.
pub(super) fn append(tx: &mut Tx<'_>, event: &AuditEvent) -> Result<()> {
    let details =
        serde_json::to_string(&event.details).map_err(|_| damaged("details", "text that is no JSON"))?;
    sql(
        "INSERT INTO audit_events (id, client, created_us, actor, action, subject, reason, details) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
    )
    .bind(event.id.to_string())
    .bind(&event.client)
    .bind(event.at.0)
    .bind(&event.actor)
    .bind(event.action.as_str())
    .bind(&event.subject)
    .bind(&event.reason)
    .bind(details)
    .later(tx);
    Ok(())
}

/// True when the entry was written before.
pub(super) async fn exists(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    let row = sql("SELECT id FROM audit_events WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(tx)
        .await?;
    Ok(row.is_some())
}

/// A page of entries, newest first.
pub(super) async fn list(
    tx: &mut Tx<'_>,
    client: &str,
    filter: &AuditFilter,
    page: &Page,
) -> Result<Vec<AuditEvent>> {
    let rows = list_query(client, filter, page).fetch_all(tx).await?;
    rows.iter().map(record).collect()
}

/// The text consists of fixed pieces only; every value is bound.
pub(super) fn list_query(client: &str, filter: &AuditFilter, page: &Page) -> Statement {
    let mut query = sql(
        "SELECT id, client, created_us, actor, action, subject, reason, details FROM audit_events WHERE client = ",
    );
    query.push_bind(client);
    if let Some(action) = filter.action {
        query.push(" AND action = ").push_bind(action.as_str());
    }
    pages::push(&mut query, "id", page);
    query
}

fn record(row: &Row) -> Result<AuditEvent> {
    let fields = Fields(row);
    Ok(AuditEvent {
        id: fields.id("id", |id| id)?,
        client: fields.text("client")?,
        at: fields.time("created_us")?,
        actor: fields.text("actor")?,
        action: fields.word("action", AuditAction::parse)?,
        subject: fields.text("subject")?,
        reason: fields.text("reason")?,
        details: serde_json::from_str(&fields.text("details")?)
            .map_err(|_| damaged("details", "no JSON object of strings"))?,
    })
}
