//! Budgets, usage and the audit log on the command line.

use serde_json::Value;

use super::{limn::Limn, paying::Paying};

#[test]
fn a_budget_is_set_shown_and_taken_away_and_the_log_says_by_whom() {
    let limn = Limn::new();
    let empty = limn.ok(&["budget"]);
    assert!(
        empty.stdout.is_empty() && empty.stderr.contains("nothing is limited"),
        "{empty:?}"
    );
    let set = |arguments: &[&str]| {
        let words = [
            &["budget", "set", "--actor", "ada", "--reason", "a new quarter"],
            arguments,
        ];
        limn.ok(&words.concat())
    };
    let shown = set(&["--limit", "25.00", "--period", "month"]).stdout;
    assert!(
        shown.contains("client  month") && shown.contains("$25"),
        "{shown}"
    );
    set(&["--limit", "3 EUR", "--session", "harbour"]);
    set(&["--no-limit"]);
    let shown = limn.ok(&["budget"]).stdout;
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    assert!(
        lines[1].starts_with("client ") && !lines[1].contains("$25"),
        "{shown}"
    );
    assert!(
        lines[2].starts_with("session harbour  all time") && lines[2].contains("3 EUR"),
        "{shown}"
    );

    let listed = limn.json(&["budget", "--limit", "1"]);
    assert_eq!(listed["budgets"][0]["etag"], "v2");
    assert!(listed["nextPageToken"].is_string());

    let log = limn.json(&["audit", "list", "--action", "budget.update"]);
    let events = log["auditEvents"].as_array().map_or(&[][..], Vec::as_slice);
    let facts: Vec<&Value> = events
        .iter()
        .map(|event| &event["details"]["limitNanos"])
        .collect();
    assert_eq!(facts, ["none", "3000000000", "25000000000"]);
    assert!(events.iter().all(|event| event["actor"] == "ada"));
    let log = limn.ok(&["audit", "list"]).stdout;
    assert!(
        log.contains("ada  budget.update  clients/default/budgets/session-harbour")
            && log.contains("a new quarter"),
        "{log}"
    );
}

#[test]
fn a_change_without_a_name_a_reason_or_anything_to_change_is_refused() {
    let limn = Limn::new();
    let nobody = limn.fails(2, &["budget", "set", "--no-limit", "--reason", "x"]);
    assert!(nobody.stderr.contains("--actor"), "{nobody:?}");
    for arguments in [
        &["--reason", "x"][..],
        &["--limit", "5"],
        &["--limit", "5", "--no-limit", "--reason", "x"],
        &["--limit", "a lot", "--reason", "x"],
        &["--limit", "$5", "--currency", "EUR", "--reason", "x"],
        &["--limit", "5", "--period", "week", "--reason", "x"],
    ] {
        let words = [&["budget", "set", "--actor", "ada"], arguments];
        limn.fails(2, &words.concat());
    }
    let late = [
        "budget", "set", "--limit", "5", "--etag", "v9", "--actor", "ada", "--reason", "x", "--json",
    ];
    assert_eq!(limn.fails(3, &late).error()["reason"], "ETAG_MISMATCH");
    limn.fails(2, &["audit", "list", "--action", "nothing"]);
    limn.fails(2, &["usage", "--days", "0"]);
}

#[test]
fn an_empty_budget_is_three_and_says_what_helps() {
    let paying = Paying::new();
    let render = ["render", "a tower", "--provider", "openai"];
    let words = [
        "budget", "set", "--limit", "0", "--period", "day", "--reason", "stop",
    ];
    assert_eq!(paying.run_as("ada", &words).code, 0);
    let refused = paying.run(&render);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused.stderr.contains("clients/default/budgets/client")
            && refused.stderr.contains("limn budget set"),
        "{refused:?}"
    );
    assert_eq!(paying.provider.calls(), 0);

    let words = ["budget", "set", "--limit", "9", "--reason", "go on"];
    assert_eq!(paying.run_as("ada", &words).code, 0);
    assert_eq!(paying.run(&render).code, 0);
    let usage = paying.run(&["usage", "--days", "1"]);
    let line = usage.stdout.lines().find(|line| line.starts_with("openai/"));
    assert!(line.is_some_and(|line| line.contains("$0.")), "{usage:?}");
    let verified = paying.run(&["audit", "verify", "--all-clients"]);
    assert_eq!(verified.code, 0, "{verified:?}");
    assert!(
        verified.stdout.contains("the books are right") && verified.stdout.contains("ledger entries"),
        "{verified:?}"
    );
}

#[test]
fn accounts_are_asked_of_a_running_server_too() {
    let limn = Limn::new();
    let server = limn.serve();
    limn.ok(&["render", "a lighthouse", "--server", &server.url]);
    let usage = limn.json(&["usage", "--server", &server.url]);
    assert_eq!(usage["total"]["images"], "1");
    let verified = limn.json(&["audit", "verify", "--server", &server.url]);
    assert_eq!(verified["executions"], "1");
    assert_eq!(server.interrupt(), 0);
}
