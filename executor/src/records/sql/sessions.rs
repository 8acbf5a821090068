//! Sessions, found out from what has their id.
//!
//! Which ids there are is found by jumping from one to the next in the indexes, so a session costs the same however much
//! is in it; what they come to is then summed up for those of one page alone.

use std::collections::BTreeMap;

use super::{
    super::{Balance, ExecutionState, Page, Result, ReviewVerdict, SessionRecord, scopes},
    budgets,
    rows::Fields,
    statement::{Statement, sql},
    tx::Tx,
};

/// States of executions that have not ended are these.
const OPEN: [ExecutionState; 4] = [
    ExecutionState::Pending,
    ExecutionState::Processing,
    ExecutionState::Cancelling,
    ExecutionState::NeedsDecision,
];

/// One session of a client.
pub(super) async fn find(tx: &mut Tx<'_>, client: &str, session_id: &str) -> Result<Option<SessionRecord>> {
    Ok(load(tx, client, find_query(client, session_id)).await?.pop())
}

/// A page of sessions, newest activity first.
pub(super) async fn list(tx: &mut Tx<'_>, client: &str, page: &Page) -> Result<Vec<SessionRecord>> {
    load(tx, client, list_query(client, page)).await
}

/// When the sessions that `named` names were first and last active. The first value is the client.
macro_rules! active {
    () => {
        " SELECT session_id, first_us, last_us FROM (SELECT n.session_id AS session_id, \
         (SELECT MIN(at_us) FROM (\
           SELECT MIN(created_us) AS at_us FROM plans WHERE client = $1 AND session_id = n.session_id UNION ALL \
           SELECT MIN(created_us) FROM executions WHERE client = $1 AND session_id = n.session_id UNION ALL \
           SELECT MIN(created_us) FROM images WHERE client = $1 AND session_id = n.session_id) AS first_times) \
         AS first_us, \
         (SELECT MAX(at_us) FROM (\
           SELECT MAX(created_us) AS at_us FROM plans WHERE client = $1 AND session_id = n.session_id UNION ALL \
           SELECT MAX(created_us) FROM executions WHERE client = $1 AND session_id = n.session_id UNION ALL \
           SELECT MAX(ended_us) FROM executions WHERE client = $1 AND session_id = n.session_id UNION ALL \
           SELECT MAX(updated_us) FROM images WHERE client = $1 AND session_id = n.session_id) AS last_times) \
         AS last_us FROM named n) AS active WHERE last_us IS NOT NULL"
    };
}

/// All ids of sessions in a table, each found from the one before.
macro_rules! ids_of {
    ($name:literal, $table:literal) => {
        concat!(
            $name,
            " (session_id) AS (SELECT MIN(session_id) FROM ",
            $table,
            " WHERE client = $1 AND session_id > '' UNION ALL SELECT (SELECT MIN(t.session_id) FROM ",
            $table,
            " t WHERE t.client = $1 AND t.session_id > ",
            $name,
            ".session_id) FROM ",
            $name,
            " WHERE ",
            $name,
            ".session_id IS NOT NULL), "
        )
    };
}

pub(super) fn list_query(client: &str, page: &Page) -> Statement {
    let mut query = sql(concat!(
        "WITH RECURSIVE ",
        ids_of!("planned", "plans"),
        ids_of!("executed", "executions"),
        ids_of!("drawn", "images"),
        "named (session_id) AS (SELECT session_id FROM planned WHERE session_id IS NOT NULL \
         UNION SELECT session_id FROM executed WHERE session_id IS NOT NULL \
         UNION SELECT session_id FROM drawn WHERE session_id IS NOT NULL)",
        active!()
    ))
    .bind(client);
    if let Some((last_activity, session_id)) = &page.after {
        query
            .push(" AND (last_us, session_id) < (")
            .push_bind(last_activity.0);
        query.push(", ").push_bind(session_id).push(")");
    }
    query.push(" ORDER BY last_us DESC, session_id DESC LIMIT ");
    query.push_bind(page.limit);
    query
}

pub(super) fn find_query(client: &str, session_id: &str) -> Statement {
    sql(concat!("WITH named (session_id) AS (SELECT $2)", active!()))
        .bind(client)
        .bind(session_id)
}

/// The sessions that a query finds, with what they come to.
async fn load(tx: &mut Tx<'_>, client: &str, query: Statement) -> Result<Vec<SessionRecord>> {
    let mut sessions = Vec::new();
    for row in &query.fetch_all(tx).await? {
        let fields = Fields(row);
        sessions.push(SessionRecord {
            id: fields.text("session_id")?,
            plans: 0,
            executions: 0,
            open_executions: 0,
            newest_execution: None,
            images: 0,
            approved: 0,
            rejected: 0,
            unreviewed: 0,
            failed_steps: 0,
            costs: Vec::new(),
            first_activity: fields.time("first_us")?,
            last_activity: fields.time("last_us")?,
        });
    }
    if sessions.is_empty() {
        return Ok(sessions);
    }
    let ids: Vec<String> = sessions.iter().map(|session| session.id.clone()).collect();
    let mut page = Sessions {
        places: ids.iter().cloned().zip(0..).collect(),
        sessions,
    };
    let [plans, executions, newest, images, failed] = counts(client, &ids);
    page.add(tx, plans, |session, fields| {
        session.plans = fields.number("found")?;
        Ok(())
    })
    .await?;
    page.add(tx, executions, |session, fields| {
        let found: u64 = fields.number("found")?;
        session.executions += found;
        if OPEN.contains(&fields.word("state", ExecutionState::parse)?) {
            session.open_executions += found;
        }
        Ok(())
    })
    .await?;
    page.add(tx, newest, |session, fields| {
        session.newest_execution = Some(fields.word("state", ExecutionState::parse)?);
        Ok(())
    })
    .await?;
    page.add(tx, images, |session, fields| {
        let found: u64 = fields.number("found")?;
        session.images += found;
        match fields.optional_word("verdict", ReviewVerdict::parse)? {
            Some(ReviewVerdict::Approved) => session.approved += found,
            Some(ReviewVerdict::Rejected) => session.rejected += found,
            None if fields.flag("rejected")? => {}
            None => session.unreviewed += found,
        }
        Ok(())
    })
    .await?;
    page.add(tx, failed, |session, fields| {
        session.failed_steps = fields.number("found")?;
        Ok(())
    })
    .await?;
    page.add_costs(tx, client).await?;
    Ok(page.sessions)
}

/// A page of sessions, and where each of them is.
struct Sessions {
    sessions: Vec<SessionRecord>,
    places: BTreeMap<String, usize>,
}

impl Sessions {
    /// Gives every row of a query to its session.
    async fn add(
        &mut self,
        tx: &mut Tx<'_>,
        query: Statement,
        take: impl Fn(&mut SessionRecord, Fields<'_>) -> Result<()>,
    ) -> Result<()> {
        for row in &query.fetch_all(tx).await? {
            let fields = Fields(row);
            let place = self.places.get(&fields.text("session_id")?);
            if let Some(session) = place.and_then(|place| self.sessions.get_mut(*place)) {
                take(session, fields)?;
            }
        }
        Ok(())
    }

    /// The balances of the sessions' own budgets: every attempt of a session is booked there.
    async fn add_costs(&mut self, tx: &mut Tx<'_>, client: &str) -> Result<()> {
        let scopes: BTreeMap<String, usize> = self
            .places
            .iter()
            .filter_map(|(id, place)| Some((scopes(client, id).pop()?, *place)))
            .collect();
        for row in &costs(scopes.keys()).fetch_all(tx).await? {
            let fields = Fields(row);
            let (key, balance) = (budgets::key(fields)?, budgets::balance(fields)?);
            let place = scopes.get(&key.scope);
            let session = place.and_then(|place| self.sessions.get_mut(*place));
            if let Some(session) = session.filter(|_| balance != Balance::default()) {
                session.costs.push((key.currency, balance));
            }
        }
        Ok(())
    }
}

/// What is counted of sessions: plans, executions by state, the newest execution, images by verdict, and failed steps.
pub(super) fn counts(client: &str, ids: &[String]) -> [Statement; 5] {
    [
        (
            "SELECT session_id, COUNT(*) AS found FROM plans WHERE client = $1 AND session_id IN (",
            ") GROUP BY session_id",
        ),
        (
            "SELECT session_id, state, COUNT(*) AS found FROM executions WHERE client = $1 AND session_id IN (",
            ") GROUP BY session_id, state",
        ),
        (
            "SELECT e.session_id AS session_id, e.state AS state FROM executions e \
             WHERE e.client = $1 AND e.session_id IN (",
            ") AND NOT EXISTS (SELECT 1 FROM executions n WHERE n.client = e.client \
             AND n.session_id = e.session_id AND (n.created_us, n.id) > (e.created_us, e.id))",
        ),
        (
            "SELECT session_id, verdict, rejected, COUNT(*) AS found FROM images \
             WHERE client = $1 AND deleting_us IS NULL AND session_id IN (",
            ") GROUP BY session_id, verdict, rejected",
        ),
        (
            "SELECT e.session_id AS session_id, COUNT(*) AS found FROM executions e \
             JOIN steps s ON s.execution_id = e.id AND s.state IN ('failed', 'skipped', 'cancelled') \
             WHERE e.client = $1 AND e.session_id IN (",
            ") AND NOT EXISTS (SELECT 1 FROM executions n WHERE n.client = e.client \
             AND n.plan_digest = e.plan_digest AND n.take = e.take AND (n.created_us, n.id) > (e.created_us, e.id)) \
             GROUP BY e.session_id",
        ),
    ]
    .map(|(select, end)| {
        let mut query = sql(select).bind(client);
        query.push_list(ids).push(end);
        query
    })
}

/// What is booked under these scopes.
pub(super) fn costs<'s>(scopes: impl Iterator<Item = &'s String>) -> Statement {
    let mut query = sql(
        "SELECT scope, currency, spent_nanos, reserved_nanos, unknown_held_nanos FROM budgets WHERE scope IN (",
    );
    query.push_list(scopes).push(") ORDER BY scope, currency");
    query
}
