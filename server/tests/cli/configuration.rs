//! `limn check-config` and `limn doctor`.

use super::limn::{Limn, Ran};

const KEY: &str = "sk-test-0123456789abcdefghij";

#[test]
fn the_effective_configuration_is_shown_without_secrets() {
    let limn = Limn::new();
    let mut command = limn.command(&["check-config", "--set", "server.listen=127.0.0.1:4711"]);
    let ran: Ran = command.env("OPENAI_API_KEY", KEY).output().unwrap().into();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("listen = \"127.0.0.1:4711\""), "{ran:?}");
    assert!(ran.stdout.contains("[redacted]"), "{ran:?}");
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
    let shown: toml::Table = ran.stdout.parse().unwrap();
    assert!(shown["data_dir"].as_str().unwrap().ends_with("/data"));
    assert!(!limn.path("data").exists());
}

#[test]
fn every_problem_of_a_wrong_configuration_is_listed() {
    let limn = Limn::new();
    limn.write(
        "limn.toml",
        "[server]\nlisten = \"everywhere\"\nlissten = \"127.0.0.1:1\"\n[executor]\nlease_seconds = 0\n",
    );
    let ran = limn.fails(2, &["check-config", "--config", "limn.toml"]);
    for told in [
        "server.listen",
        "lissten",
        "lease_seconds",
        "limn.toml:2",
        "3 problems",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {ran:?}");
    }
    let error = limn
        .fails(2, &["check-config", "--config", "limn.toml", "--json"])
        .error();
    assert_eq!(error["violations"].as_array().unwrap().len(), 3, "{error}");
}

#[test]
fn an_unknown_key_in_a_flag_is_told() {
    let limn = Limn::new();
    let ran = limn.fails(2, &["check-config", "--set", "server.colour=red"]);
    assert!(ran.stderr.contains("server.colour"), "{ran:?}");
    limn.fails(2, &["check-config", "--set", "server.listen"]);
}

#[test]
fn the_doctor_says_what_works_and_what_the_rest_lacks() {
    let limn = Limn::new();
    let ran = limn.ok(&["doctor"]);
    let line = |start: &str| {
        let found = ran.stdout.lines().find(|line| line.starts_with(start));
        found.unwrap_or_else(|| panic!("no line about {start}: {ran:?}"))
    };
    assert!(line("provider sketch").contains("ok"), "{ran:?}");
    assert!(line("provider openai").contains("OPENAI_API_KEY"), "{ran:?}");
    for what in ["configuration", "catalog", "data folder", "database", "storage"] {
        line(what);
    }
    let document = limn.json(&["doctor"]);
    assert_eq!(document["ok"], true);
}

#[test]
fn the_doctor_fails_when_what_is_configured_cannot_work() {
    let limn = Limn::new();
    limn.fails(7, &["doctor", "--set", "selection.default_provider=openai"]);
    let file = limn.write("file", "not a folder");
    limn.fails(7, &["doctor", "--data-dir", file.to_str().unwrap()]);
}
