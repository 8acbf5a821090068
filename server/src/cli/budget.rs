//! `limn budget`: shows what may be spent, and changes it.

use limn_proto::{
    name::{Collection, resource_name},
    plan::Money,
    v1,
};
use pbjson_types::FieldMask;

use super::{
    connect::Connection,
    failure::Failure,
    flags::{BudgetArgs, BudgetCommand, Paging, SetBudgetArgs},
    listing, money,
    output::Output,
    report::moment,
    settings::Settings,
    table::Table,
};

pub(crate) async fn run(args: BudgetArgs, settings: &Settings, output: &Output) -> Result<(), Failure> {
    let update = match args.command {
        Some(BudgetCommand::Set(set)) => Some(update(set, settings)?),
        None => None,
    };
    let connection = Connection::open(settings, output).await?;
    let result = match update {
        Some(request) => set(request, &connection, output).await,
        None => show(&args.paging, settings, &connection, output).await,
    };
    connection.close(&result).await;
    result
}

async fn show(
    paging: &Paging,
    settings: &Settings,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let (budgets, next_page_token) = listing::budgets(connection, &settings.parent(), paging).await?;
    if output.is_json() {
        return output.json(&v1::ListBudgetsResponse {
            budgets,
            next_page_token,
        });
    }
    if budgets.is_empty() {
        output.note("no budget yet: nothing was spent, and nothing is limited");
        return Ok(());
    }
    listing::print(output, &table(&budgets), &next_page_token)
}

async fn set(
    request: v1::UpdateBudgetRequest,
    connection: &Connection,
    output: &Output,
) -> Result<(), Failure> {
    let answer = connection.accounts().update_budget(request).await?.into_inner();
    if output.is_json() {
        return output.json(&answer);
    }
    output.text(&table(&[answer.budget.unwrap_or_default()]))
}

/// The change that the flags ask for.
fn update(args: SetBudgetArgs, settings: &Settings) -> Result<v1::UpdateBudgetRequest, Failure> {
    let scope = match &args.session {
        None => "client".to_owned(),
        Some(session) => format!("session-{session}"),
    };
    let limit = args
        .limit
        .as_deref()
        .map(|text| limit(text, args.currency.as_deref()));
    let limit = limit.transpose()?;
    let mut paths = Vec::new();
    if limit.is_some() || args.no_limit {
        paths.push("limit".to_owned());
    }
    if args.period.is_some() {
        paths.push("period".to_owned());
    }
    let currency = limit.as_ref().map(|limit| limit.currency_code.clone());
    Ok(v1::UpdateBudgetRequest {
        budget: Some(v1::Budget {
            name: resource_name(&settings.client(), Collection::Budgets, &scope),
            currency: currency.or(args.currency).unwrap_or_default(),
            limit,
            period: args
                .period
                .map_or(v1::BudgetPeriod::Unspecified, Into::into)
                .into(),
            etag: args.etag.unwrap_or_default(),
            ..v1::Budget::default()
        }),
        update_mask: Some(FieldMask { paths }),
        actor: settings.actor(args.actor.as_deref())?,
        reason: args.reason,
    })
}

/// The limit in the currency that is written with it, or else in the one of the flag.
fn limit(text: &str, currency: Option<&str>) -> Result<Money, Failure> {
    let has_currency = text.contains(|letter: char| letter == '$' || letter.is_alphabetic());
    let text = match currency {
        Some(code) if !has_currency => format!("{text} {code}"),
        _ => text.to_owned(),
    };
    let limit = money::parse(&text).map_err(|problem| Failure::usage(format!("--limit: {problem}")))?;
    match currency {
        Some(code) if code != limit.currency_code => Err(Failure::usage(format!(
            "--limit is in {}, and --currency is {code}",
            limit.currency_code
        ))),
        _ => Ok(limit),
    }
}

fn table(budgets: &[v1::Budget]) -> String {
    let headings = [
        "budget",
        "period",
        "resets",
        "limit",
        "spent",
        "reserved",
        "held",
        "available",
    ];
    let mut table = Table::new(headings, 3);
    for budget in budgets {
        let limit = |amount: &Option<Money>| amount.as_ref().map_or_else(|| "-".to_owned(), money::show);
        table.row([
            covered(&budget.name),
            period(budget.period()).to_owned(),
            moment(budget.reset_time.as_ref()),
            limit(&budget.limit),
            money::show_known(budget.spent.as_ref()),
            money::show_known(budget.reserved.as_ref()),
            money::show_known(budget.unknown_held.as_ref()),
            limit(&budget.available),
        ]);
    }
    table.text()
}

/// What a budget covers, from its name.
fn covered(name: &str) -> String {
    let scope = name.split_once("/budgets/").map_or(name, |(_, scope)| scope);
    match scope.strip_prefix("session-") {
        Some(session) => format!("session {session}"),
        None => scope.to_owned(),
    }
}

fn period(period: v1::BudgetPeriod) -> &'static str {
    match period {
        v1::BudgetPeriod::Unspecified => "unknown",
        v1::BudgetPeriod::Day => "day",
        v1::BudgetPeriod::Month => "month",
        v1::BudgetPeriod::Never => "all time",
    }
}

#[cfg(test)]
mod tests {
    use super::{covered, limit};

    #[test]
    fn a_limit_is_in_the_currency_that_is_named() {
        let read = |text, currency| limit(text, currency).map(|limit| limit.currency_code).ok();
        assert_eq!(read("25.00", None).as_deref(), Some("USD"));
        assert_eq!(read("25.00", Some("EUR")).as_deref(), Some("EUR"));
        assert_eq!(read("25 EUR", None).as_deref(), Some("EUR"));
        assert_eq!(read("25 EUR", Some("EUR")).as_deref(), Some("EUR"));
        assert_eq!(read("$25", Some("EUR")), None);
        assert_eq!(read("25", Some("euro")), None);
    }

    #[test]
    fn a_budget_is_called_by_what_it_covers() {
        assert_eq!(covered("clients/default/budgets/client"), "client");
        assert_eq!(
            covered("clients/default/budgets/session-a/budgets/b"),
            "session a/budgets/b"
        );
    }
}
