//! `limn audit`: who did what, and whether the books are right.

use std::fmt::Write as _;

use limn_proto::v1;

use super::{
    connect::Connection,
    failure::{Failure, Violation},
    flags::{AuditArgs, AuditCommand, ListAuditArgs, VerifyArgs},
    listing, money,
    output::Output,
    report::moment,
    settings::Settings,
};

/// Parent of what belongs to every client.
const ALL_CLIENTS: &str = "clients/-";

pub(crate) async fn run(args: AuditArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let connection = Connection::open(settings, output).await?;
    let result = match &args.command {
        AuditCommand::Verify(args) => verify(args, settings, &connection, output).await,
        AuditCommand::List(args) => list(args, settings, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

async fn verify(
    args: &VerifyArgs,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let parent = if args.all_clients {
        ALL_CLIENTS.to_owned()
    } else {
        settings.parent()
    };
    let request = v1::VerifyLedgerRequest {
        parent: parent.clone(),
    };
    let answer = connection.accounts().verify_ledger(request).await?.into_inner();
    if output.is_json() {
        output.json(&answer)?;
    } else {
        output.text(&checked(&parent, &answer))?;
    }
    if answer.differences.is_empty() {
        return Ok(());
    }
    let differences = answer.differences.iter().map(|difference| Violation {
        field: difference.budget.clone(),
        description: described(difference),
        reason: String::new(),
    });
    let count = answer.differences.len();
    let message = match (count, answer.truncated) {
        (1, false) => "the books are wrong in 1 place".to_owned(),
        (count, false) => format!("the books are wrong in {count} places"),
        (count, true) => format!("the books are wrong in more than {count} places"),
    };
    Err(Failure::books_wrong(message).with_violations(differences.collect()))
}

/// What was looked at, and what came of it.
fn checked(parent: &str, answer: &v1::VerifyLedgerResponse) -> String {
    let of_whom = if parent == ALL_CLIENTS {
        "all clients"
    } else {
        parent
    };
    let mut text = format!("checked the books of {of_whom}\n");
    let looks = [
        ("ledger entries", answer.entries, "summed up"),
        (
            "budgets",
            answer.budgets,
            "compared: the balance of all time and those of days",
        ),
        (
            "executions",
            answer.executions,
            "compared: paid, reserved and held; what ended has nothing reserved",
        ),
        (
            "calls",
            answer.attempts,
            "compared: paid, reserved and held, in every budget that covers them",
        ),
        ("events", answer.events, "counted: histories have no gap"),
    ];
    for (what, count, how) in looks {
        // Writing into a String cannot fail.
        let _ = writeln!(text, "{what:<14}  {count:>6}  {how}");
    }
    if answer.differences.is_empty() {
        text.push_str("the books are right\n");
    }
    text
}

fn described(difference: &v1::LedgerDifference) -> String {
    if difference.field.is_empty() {
        return difference.detail.clone();
    }
    let show = |nanos| {
        money::show(&limn_proto::plan::Money {
            currency_code: difference.currency.clone(),
            nanos,
        })
    };
    format!(
        "{}: {} is {}, and the ledger says {}",
        difference.detail,
        difference.field,
        show(difference.balance_nanos),
        show(difference.ledger_nanos)
    )
}

async fn list(
    args: &ListAuditArgs,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let template = v1::ListAuditEventsRequest {
        parent: settings.parent(),
        action: args.action.clone(),
        ..v1::ListAuditEventsRequest::default()
    };
    let (audit_events, next_page_token) = listing::audit_events(connection, &template, &args.paging).await?;
    if output.is_json() {
        return output.json(&v1::ListAuditEventsResponse {
            audit_events,
            next_page_token,
        });
    }
    let lines: String = audit_events.iter().map(line).collect();
    listing::print(output, &lines, &next_page_token)
}

/// One entry: who did what to what, then why, then the facts.
fn line(event: &v1::AuditEvent) -> String {
    let mut text = format!(
        "{}  {}  {}  {}\n",
        moment(event.event_time.as_ref()),
        event.actor,
        event.action,
        event.subject
    );
    // Writing into a String cannot fail.
    if !event.reason.is_empty() {
        let _ = writeln!(text, "  {}", event.reason);
    }
    if !event.details.is_empty() {
        let facts: Vec<_> = event
            .details
            .iter()
            .map(|(name, fact)| format!("{name} {fact}"))
            .collect();
        let _ = writeln!(text, "  {}", facts.join(", "));
    }
    text
}
