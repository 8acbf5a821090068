//! Errors: what is said, to whom, and with which exit code.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, time::Duration};

use limn_executor::records::{Pruned, RecordError, RecordStore as _, Retention, sqlite::SqliteRecords};

use super::limn::{Limn, Ran};

#[test]
fn wrong_usage_is_two() {
    let limn = Limn::new();
    for arguments in [
        &["render"][..],
        &["draw", "a tower"],
        // Forgotten quotes: three pictures would be paid for.
        &["render", "a", "red", "fox"],
        &["render", "a tower", "--size", "large"],
        &["render", "a tower", "--max-cost", "1e3"],
        &["render", "a tower", "--label", "no-equals-sign"],
        &["render", "a tower", "--label", "a=1", "--label", "a=2"],
        &["render", "a tower", "--client", "Not A Client"],
        &["render", "a tower", "--request", "request.json"],
        &["watch", "clients/default/plans/nothing"],
    ] {
        let ran = limn.fails(2, arguments);
        assert!(ran.stderr.starts_with("error: "), "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
    }
}

#[test]
fn every_problem_of_a_request_is_on_its_own_line() {
    let limn = Limn::new();
    let ran = limn.fails(
        2,
        &[
            "plan",
            "a tower",
            "--aspect",
            "wide",
            "--size",
            "8x8",
            "--seed",
            "4294967295",
        ],
    );
    for field in ["aspect_ratio", "seed"] {
        let told = ran
            .stderr
            .lines()
            .any(|line| line.starts_with("  ") && line.contains(field));
        assert!(told, "{field}: {ran:?}");
    }
}

#[test]
fn an_error_with_json_is_one_object_on_stderr() {
    let limn = Limn::new();
    let error = limn
        .fails(2, &["plan", "a tower", "--provider", "acme", "--json"])
        .error();
    assert_eq!(error["code"], "INVALID_ARGUMENT");
    assert_eq!(error["reason"], "UNKNOWN_PROVIDER");
    assert!(error["message"].as_str().unwrap().contains("acme"), "{error}");
    assert!(!error["violations"].as_array().unwrap().is_empty(), "{error}");
    assert!(error["metadata"].is_object(), "{error}");

    let usage = limn.fails(2, &["render", "--json"]).error();
    assert_eq!(usage["reason"], "INVALID_USAGE");
}

#[test]
fn a_provider_without_a_key_is_refused_before_anything_is_spent() {
    let limn = Limn::new();
    let ran = limn.fails(3, &["render", "a tower", "--provider", "openai"]);
    assert!(ran.stderr.contains("openai"), "{ran:?}");
    assert!(ran.stderr.contains("limn doctor"), "what to do is said: {ran:?}");
}

#[test]
fn a_price_above_the_limit_is_refused() {
    let limn = Limn::new();
    let mut command = limn.command(&[
        "plan",
        "a tower",
        "--provider",
        "openai",
        "--max-cost",
        "0.000000001",
        "--json",
    ]);
    let ran: Ran = command
        .env("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.error()["reason"], "MAX_COST_EXCEEDED");
}

#[test]
fn drawing_again_needs_a_limit_and_a_limit_needs_drawing_again() {
    let limn = Limn::new();
    for arguments in [
        &["--on-unknown", "retry-once"][..],
        &["--on-unknown", "fail", "--max-duplicate-spend", "0.50"],
        &["--max-duplicate-spend", "0.50"],
    ] {
        let ran = limn.fails(2, &[&["plan", "a tower"], arguments].concat());
        assert!(ran.stderr.contains("policy.max_duplicate_spend"), "{ran:?}");
    }
}

#[test]
fn rerolls_need_a_quality_to_reach() {
    let limn = Limn::new();
    for (arguments, told) in [
        (&["--rerolls", "2"][..], "--min-quality"),
        (&["--accept-best"], "--min-quality"),
        (&["--min-quality", "good"], "such as 60%"),
        (&["--min-quality", "0%"], "policy.quality_gate.min_score_bp"),
        (&["--min-quality", "101%"], "policy.quality_gate.min_score_bp"),
        (
            &["--min-quality", "60%", "--rerolls", "11"],
            "policy.quality_gate.max_rerolls",
        ),
    ] {
        let ran = limn.fails(2, &[&["plan", "a tower"], arguments].concat());
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
}

#[test]
fn what_is_not_there_is_four() {
    let limn = Limn::new();
    let nobody = "00000000-0000-7000-8000-000000000000";
    let digest = "0".repeat(64);
    for arguments in [
        &["executions", nobody][..],
        &["watch", nobody],
        &["cancel", nobody],
        &["images", nobody],
        &["plans", &digest],
        &["execute", &digest],
        &["execute", "missing.json"],
        &["check", "missing.json"],
    ] {
        limn.fails(4, arguments);
    }
}

#[test]
fn a_server_that_is_not_there_is_seven() {
    let limn = Limn::new();
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("http://{free}");
    let ran = limn.fails(7, &["images", "--server", &url]);
    assert!(ran.stderr.contains("limn serve"), "{ran:?}");
    assert!(!limn.path("data").exists());
    limn.fails(2, &["images", "--server", "not an address"]);
}

#[test]
fn arguments_that_are_no_unicode_are_a_plain_error() {
    let limn = Limn::new();
    let ran: Ran = limn
        .command(&["render"])
        .arg(OsStr::from_bytes(b"a tower \xff"))
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("UTF-8"), "{ran:?}");
}

#[test]
fn help_and_version_are_results_and_name_the_exit_codes() {
    let limn = Limn::new();
    assert!(limn.ok(&["--version"]).stdout.starts_with("limn "));
    let help = limn.ok(&["--help"]).stdout;
    for line in [
        "0    done",
        "2    wrong usage",
        "6    the outcome",
        "130  interrupted",
    ] {
        assert!(help.contains(line), "{line}: {help}");
    }
}

#[test]
fn a_single_problem_is_said_once() {
    let limn = Limn::new();
    let ran = limn.fails(2, &["plan", ""]);
    assert_eq!(ran.stderr.matches("is empty").count(), 1, "{ran:?}");
}

#[test]
fn an_amount_that_is_none_is_told_from_a_wrong_currency() {
    let limn = Limn::new();
    for (amount, told) in [
        ("abc", "no amount of money"),
        ("-1", "no amount of money"),
        ("1 euro", "no currency"),
    ] {
        for flag in ["--max-cost", "--max-duplicate-spend"] {
            let ran = limn.fails(2, &["plan", "a tower", flag, amount]);
            assert!(ran.stderr.contains(told), "{flag} {amount}: {ran:?}");
        }
    }
}

#[test]
fn without_a_command_the_help_is_no_error_message() {
    let limn = Limn::new();
    let ran = limn.fails(2, &[]);
    assert!(ran.stderr.contains("Usage: limn"), "{ran:?}");
    assert!(!ran.stderr.contains("error:"), "{ran:?}");
}

#[test]
fn an_address_of_an_image_needs_a_server_and_says_so() {
    let limn = Limn::new();
    limn.ok(&["render", "a tower", "--quiet"]);
    let ran = limn.fails(7, &["images", "--url", "1m"]);
    assert!(ran.stderr.contains("limn serve"), "{ran:?}");
}

/// Removes every execution that has ended.
#[tokio::main(flavor = "current_thread")]
async fn prune(limn: &Limn) -> Result<Pruned, RecordError> {
    let records = SqliteRecords::open(&limn.path("data/limn.db")).await?;
    let retention = Retention {
        events: None,
        executions: Some(Duration::ZERO),
    };
    let pruned = records.prune(&retention, u32::MAX).await;
    records.close().await;
    pruned
}

#[test]
fn an_execution_that_is_gone_is_told_from_one_that_never_was() {
    let limn = Limn::new();
    let rendered = limn.json(&["render", "a lighthouse at dusk"]);
    let name = rendered["execution"]["name"].as_str().unwrap();
    assert_eq!(prune(&limn).unwrap().executions, 1);

    for command in ["watch", "executions", "cancel"] {
        let ran = limn.fails(4, &[command, name]);
        for words in ["was removed after the retention time", "its pictures stay"] {
            assert!(ran.stderr.contains(words), "{command}: {ran:?}");
        }
        let error = limn.fails(4, &[command, name, "--json"]).error();
        assert_eq!(error["reason"], "EXECUTION_PRUNED");
        let end = rendered["execution"]["endTime"].as_str().unwrap();
        assert_eq!(error["metadata"]["endTime"], format!("{}Z", &end[..19]));
    }
    let never = name.replace(
        name.rsplit('/').next().unwrap(),
        "01900000-0000-7000-8000-000000000000",
    );
    let error = limn.fails(4, &["watch", &never, "--json"]).error();
    assert_eq!(error["reason"], "EXECUTION_NOT_FOUND");
    let free = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(free.stdout.contains("free:"), "{free:?}");
}
