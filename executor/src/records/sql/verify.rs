//! Compares everything that is kept with the ledger that it must follow from. Each comparison is one query in which
//! both sides are summed up, so that what is missing on either side is found too, and only what differs comes back.

use limn_proto::name::{Collection, resource_name};

use super::{
    super::{BalanceField, LedgerDifference, Result, Verification},
    rows::Fields,
    statement::{Statement, sql},
    tx::Tx,
};
use crate::clock::UnixMicros;

/// Most differences that are listed. Where there are more, their number says little.
const MAX_DIFFERENCES: u32 = 100;

/// What an entry of the ledger does to each balance; nothing is kept beside it.
const MOVED: &str = "CASE l.kind WHEN 'settle' THEN l.amount_nanos WHEN 'refund' THEN -l.amount_nanos ELSE 0 END \
      AS moved_spent, \
    CASE l.kind WHEN 'reserve' THEN l.amount_nanos WHEN 'unhold' THEN l.amount_nanos \
      WHEN 'release' THEN -l.amount_nanos WHEN 'hold' THEN -l.amount_nanos ELSE 0 END AS moved_reserved, \
    CASE l.kind WHEN 'hold' THEN l.amount_nanos WHEN 'unhold' THEN -l.amount_nanos ELSE 0 END AS moved_held, \
    0 AS kept_spent, 0 AS kept_reserved, 0 AS kept_held FROM ledger l ";

/// Both sides of what is compared.
const SUMS: &str = "CAST(SUM(moved_spent) AS BIGINT) AS ledger_spent, \
    CAST(SUM(moved_reserved) AS BIGINT) AS ledger_reserved, CAST(SUM(moved_held) AS BIGINT) AS ledger_held, \
    CAST(SUM(kept_spent) AS BIGINT) AS balance_spent, CAST(SUM(kept_reserved) AS BIGINT) AS balance_reserved, \
    CAST(SUM(kept_held) AS BIGINT) AS balance_held FROM (";

/// Only what differs.
const DIFFERS: &str = " HAVING SUM(moved_spent) <> SUM(kept_spent) \
    OR SUM(moved_reserved) <> SUM(kept_reserved) OR SUM(moved_held) <> SUM(kept_held)";

/// Looks through the books of one client, or of all.
pub(super) async fn verify(tx: &mut Tx<'_>, client: Option<&str>) -> Result<Verification> {
    let of = Of(client);
    let mut found = Verification {
        entries: count(tx, of.scope(sql(ENTRIES), "l.scope")).await?,
        budgets: count(tx, of.scope(sql(BUDGETS), "b.scope")).await?,
        executions: count(tx, of.client(sql(EXECUTIONS), "e.client")).await?,
        attempts: count(tx, of.client(sql(ATTEMPTS), "a.client")).await?,
        events: count(tx, of.client(sql(EVENTS), "e.client")).await?,
        ..Verification::default()
    };
    let comparisons: [(Statement, Read); 7] = [
        (of.budgets(), budget),
        (of.days(), day),
        (of.executions(), execution),
        (of.attempts(), attempt),
        (of.gone_attempts(), gone_attempt),
        (of.ended(), ended),
        (of.histories(), history),
    ];
    for (mut query, read) in comparisons {
        query.push(" LIMIT ").push_bind(MAX_DIFFERENCES + 1);
        for row in &query.fetch_all(tx).await? {
            found.differences.extend(read(Fields(row))?);
        }
    }
    let most = MAX_DIFFERENCES as usize;
    found.truncated = found.differences.len() > most;
    found.differences.truncate(most);
    Ok(found)
}

const ENTRIES: &str = "SELECT COUNT(*) AS n FROM ledger l WHERE ";
const BUDGETS: &str = "SELECT COUNT(*) AS n FROM budgets b WHERE ";
const EXECUTIONS: &str = "SELECT COUNT(*) AS n FROM executions e WHERE ";
const ATTEMPTS: &str = "SELECT COUNT(*) AS n FROM attempts a WHERE ";
const EVENTS: &str = "SELECT COUNT(*) AS n FROM events v JOIN executions e ON e.id = v.execution_id WHERE ";

async fn count(tx: &mut Tx<'_>, query: Statement) -> Result<i64> {
    Fields(&query.fetch_one(tx).await?).number("n")
}

/// Whose books: those of one client, or of all.
#[derive(Clone, Copy)]
struct Of<'c>(Option<&'c str>);

impl Of<'_> {
    /// Adds the condition on a column with a scope.
    fn scope(self, mut query: Statement, column: &'static str) -> Statement {
        match self.0 {
            None => query.push("1 = 1"),
            Some(client) => {
                // All names that begin so: the character after the slash is the digit 0.
                query.push(column).push(" >= ");
                query.push_bind(format!("clients/{client}/")).push(" AND ");
                query.push(column).push(" < ");
                query.push_bind(format!("clients/{client}0"))
            }
        };
        query
    }

    /// Adds the condition on a column with a client.
    fn client(self, mut query: Statement, column: &'static str) -> Statement {
        match self.0 {
            None => query.push("1 = 1"),
            Some(client) => query.push(column).push(" = ").push_bind(client),
        };
        query
    }

    /// Balances of all time.
    fn budgets(self) -> Statement {
        let mut query = sql("SELECT scope, currency, ");
        query.push(SUMS).push("SELECT l.scope, l.currency, ");
        query.push(MOVED).push("WHERE ");
        query = self.scope(query, "l.scope");
        query.push(
            " UNION ALL SELECT b.scope, b.currency, 0, 0, 0, b.spent_nanos, b.reserved_nanos, \
             b.unknown_held_nanos FROM budgets b WHERE ",
        );
        query = self.scope(query, "b.scope");
        query.push(") sides GROUP BY scope, currency");
        query.push(DIFFERS).push(" ORDER BY scope, currency");
        query
    }

    /// Balances of days.
    fn days(self) -> Statement {
        let mut query = sql("SELECT scope, currency, day, ");
        query.push(SUMS).push("SELECT l.scope, l.currency, l.day, ");
        query.push(MOVED).push("WHERE ");
        query = self.scope(query, "l.scope");
        query.push(
            " UNION ALL SELECT d.scope, d.currency, d.day, 0, 0, 0, d.spent_nanos, d.reserved_nanos, \
             d.unknown_held_nanos FROM budget_days d WHERE ",
        );
        query = self.scope(query, "d.scope");
        query.push(") sides GROUP BY scope, currency, day");
        query.push(DIFFERS).push(" ORDER BY scope, currency, day");
        query
    }

    /// Balances of executions, from the scope of the client, which has every movement once.
    fn executions(self) -> Statement {
        let mut query = sql("SELECT client, id, currency, ");
        query.push(SUMS).push("SELECT e.client, e.id, l.currency, ");
        query.push(MOVED).push(
            "JOIN attempts a ON a.id = l.attempt_id JOIN executions e ON e.id = a.execution_id \
             WHERE l.scope = 'clients/' || a.client || '/budgets/client' AND ",
        );
        query = self.client(query, "e.client");
        query.push(
            " UNION ALL SELECT e.client, e.id, e.currency, 0, 0, 0, e.settled_nanos, e.reserved_nanos, \
             e.unknown_held_nanos FROM executions e WHERE ",
        );
        query = self.client(query, "e.client");
        query.push(") sides GROUP BY client, id, currency");
        query.push(DIFFERS).push(" ORDER BY client, id");
        query
    }

    /// What each attempt holds and was billed, once in every scope that covers it.
    fn attempts(self) -> Statement {
        let mut query = sql("SELECT id, execution_id, client, scope, currency, ");
        query.push(SUMS);
        query
            .push("SELECT a.id, a.execution_id, a.client, l.scope, l.currency, ")
            .push(MOVED)
            .push("JOIN attempts a ON a.id = l.attempt_id WHERE ");
        query = self.client(query, "a.client");
        query.push(
            " UNION ALL SELECT a.id, a.execution_id, a.client, 'clients/' || a.client || '/budgets/client', \
             e.currency, 0, 0, 0, COALESCE(a.cost_nanos, 0), a.reserved_nanos, a.unknown_held_nanos \
             FROM attempts a JOIN executions e ON e.id = a.execution_id WHERE ",
        );
        query = self.client(query, "a.client");
        query.push(
            " UNION ALL SELECT a.id, a.execution_id, a.client, \
             'clients/' || a.client || '/budgets/session-' || e.session_id, \
             e.currency, 0, 0, 0, COALESCE(a.cost_nanos, 0), a.reserved_nanos, a.unknown_held_nanos \
             FROM attempts a JOIN executions e ON e.id = a.execution_id WHERE e.session_id <> '' AND ",
        );
        query = self.client(query, "a.client");
        query.push(") sides GROUP BY id, execution_id, client, scope, currency");
        query.push(DIFFERS).push(" ORDER BY id, scope");
        query
    }

    /// Attempts that were removed after the retention time: nothing may be reserved or held for them.
    fn gone_attempts(self) -> Statement {
        let mut query = sql("SELECT attempt_id, scope, currency, ");
        query
            .push(SUMS)
            .push("SELECT l.attempt_id, l.scope, l.currency, ");
        query
            .push(MOVED)
            .push("WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.id = l.attempt_id) AND ");
        query = self.scope(query, "l.scope");
        query.push(
            ") sides GROUP BY attempt_id, scope, currency \
             HAVING SUM(moved_reserved) <> 0 OR SUM(moved_held) <> 0 ORDER BY attempt_id, scope",
        );
        query
    }

    /// Executions that ended with something reserved.
    fn ended(self) -> Statement {
        let mut query = self.client(
            sql(
                "SELECT e.client, e.id, e.currency, e.reserved_nanos FROM executions e \
                 WHERE e.state IN ('completed', 'failed', 'cancelled') AND e.reserved_nanos <> 0 AND ",
            ),
            "e.client",
        );
        query.push(" ORDER BY e.client, e.id");
        query
    }

    /// Histories with a gap, unless their events were removed after the retention time.
    fn histories(self) -> Statement {
        let mut query = self.client(
            sql(
                "SELECT e.client, e.id, e.currency, e.last_seq, COUNT(v.seq) AS events, \
                 COALESCE(MAX(v.seq), 0) AS greatest FROM executions e \
                 LEFT JOIN events v ON v.execution_id = e.id WHERE e.events_pruned_us IS NULL AND ",
            ),
            "e.client",
        );
        // Sequences begin at 1 and none is there twice.
        query.push(
            " GROUP BY e.client, e.id, e.currency, e.last_seq \
             HAVING COUNT(v.seq) <> e.last_seq OR COALESCE(MAX(v.seq), 0) <> e.last_seq ORDER BY e.client, e.id",
        );
        query
    }
}

type Read = fn(Fields<'_>) -> Result<Vec<LedgerDifference>>;

fn budget(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    let scope = fields.text("scope")?;
    amounts(fields, &scope, "the balance of all time")
}

fn day(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    let (scope, day) = (fields.text("scope")?, fields.number::<i64>("day")?);
    let date = UnixMicros::of_day(day).rfc3339();
    amounts(fields, &scope, &format!("the balance of the day {date}"))
}

fn execution(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    amounts(
        fields,
        "",
        &format!("the balance of {}", execution_name(fields, "id")?),
    )
}

fn attempt(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    let (id, scope) = (fields.text("id")?, fields.text("scope")?);
    let execution = execution_name(fields, "execution_id")?;
    amounts(
        fields,
        "",
        &format!("attempt {id} of {execution}, posted to {scope}"),
    )
}

fn gone_attempt(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    let (id, scope) = (fields.text("attempt_id")?, fields.text("scope")?);
    let detail = format!("attempt {id}, which is not recorded any more");
    let mut differences = amounts(fields, &scope, &detail)?;
    // What was spent for it stays spent.
    differences.retain(|difference| difference.field != Some(BalanceField::Spent));
    Ok(differences)
}

fn ended(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    Ok(vec![LedgerDifference {
        budget: String::new(),
        currency: fields.text("currency")?,
        field: Some(BalanceField::Reserved),
        ledger_nanos: 0,
        balance_nanos: fields.nanos("reserved_nanos")?,
        detail: format!("{} ended with money reserved", execution_name(fields, "id")?),
    }])
}

fn history(fields: Fields<'_>) -> Result<Vec<LedgerDifference>> {
    let number = |column: &str| fields.number::<i64>(column);
    let detail = format!(
        "{} has {} events up to sequence {}, and should have {}",
        execution_name(fields, "id")?,
        number("events")?,
        number("greatest")?,
        number("last_seq")?
    );
    Ok(vec![LedgerDifference {
        budget: String::new(),
        currency: fields.text("currency")?,
        field: None,
        ledger_nanos: 0,
        balance_nanos: 0,
        detail,
    }])
}

fn execution_name(fields: Fields<'_>, id: &str) -> Result<String> {
    let (client, id) = (fields.text("client")?, fields.text(id)?);
    Ok(resource_name(&client, Collection::Executions, &id))
}

/// One difference for each balance that is not the sum of the ledger.
fn amounts(fields: Fields<'_>, budget: &str, detail: &str) -> Result<Vec<LedgerDifference>> {
    let columns = [
        (BalanceField::Spent, "ledger_spent", "balance_spent"),
        (BalanceField::Reserved, "ledger_reserved", "balance_reserved"),
        (BalanceField::UnknownHeld, "ledger_held", "balance_held"),
    ];
    let currency = fields.text("currency")?;
    let mut differences = Vec::new();
    for (field, ledger, balance) in columns {
        let (ledger_nanos, balance_nanos) = (fields.nanos(ledger)?, fields.nanos(balance)?);
        if ledger_nanos != balance_nanos {
            differences.push(LedgerDifference {
                budget: budget.to_owned(),
                currency: currency.clone(),
                field: Some(field),
                ledger_nanos,
                balance_nanos,
                detail: detail.to_owned(),
            });
        }
    }
    Ok(differences)
}
