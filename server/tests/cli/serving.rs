//! `limn serve`, and the commands as clients of it.

use std::fs;

use super::limn::{Limn, files};

#[test]
fn a_second_limn_on_the_data_folder_uses_the_running_server() {
    let limn = Limn::new();
    let server = limn.serve();
    let ran = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(
        ran.stderr.contains(&server.url),
        "which server is used is said: {ran:?}"
    );
    assert!(ran.stdout.contains("clients/default/images/"), "{ran:?}");
    let file = limn.ok(&["render", "a lighthouse at dusk", "--quiet"]).stdout;
    assert!(fs::read(file.trim()).unwrap().starts_with(b"\x89PNG"));
    assert_eq!(server.interrupt(), 0, "Ctrl-C ends a server in order");
    assert!(
        limn.ok(&["render", "a lighthouse at dusk"])
            .stdout
            .contains("free:")
    );
}

#[test]
fn a_named_server_is_used_from_anywhere_and_sends_the_bytes() {
    let (home, elsewhere) = (Limn::new(), Limn::new());
    let server = home.serve();
    elsewhere.ok(&[
        "render",
        "a lighthouse at dusk",
        "--server",
        &server.url,
        "--out",
        "out",
    ]);
    assert_eq!(files(&elsewhere.path("out")).len(), 1);
    assert!(!elsewhere.path("data").exists());
    let planned = elsewhere.json(&["plan", "a lighthouse at dusk", "--server", &server.url]);
    let local = elsewhere.json(&["plan", "a lighthouse at dusk"]);
    assert_eq!(
        planned["plan"]["digest"], local["plan"]["digest"],
        "a plan does not depend on the place"
    );
}

#[test]
fn a_detached_execution_is_watched_by_its_name() {
    let limn = Limn::new();
    let server = limn.serve();
    limn.ok(&["plan", "a lighthouse at dusk", "--out", "plan.json"]);
    let started = limn.json(&["execute", "plan.json", "--detach", "--server", &server.url]);
    let name = started["execution"]["name"].as_str().unwrap();

    let watched = limn.ok(&["watch", name]);
    assert!(watched.stdout.contains("completed"), "{watched:?}");
    let lines = limn.ok(&["watch", name, "--json"]).stdout;
    let sequences: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| {
            line["event"]["sequence"]
                .as_str()
                .map_or(0, |text| text.parse().unwrap())
        })
        .collect();
    assert!(sequences.is_sorted(), "{sequences:?}");
    let all = limn.ok(&["watch", name, "--after", "0", "--json"]).stdout;
    assert!(
        all.lines().count() > 3,
        "from the beginning every event comes: {all}"
    );
    limn.fails(2, &["watch", name, "--after", "9999"]);

    let id = name.rsplit('/').next().unwrap();
    assert!(limn.ok(&["executions", id]).stdout.contains("image-1"));
    let cancelled = limn.ok(&["cancel", id]);
    assert!(
        cancelled.stdout.contains("completed"),
        "what has ended stays as it is: {cancelled:?}"
    );
}

#[test]
fn detaching_without_a_server_is_refused_before_anything_starts() {
    let limn = Limn::new();
    limn.ok(&["plan", "a lighthouse at dusk", "--out", "plan.json"]);
    let ran = limn.fails(2, &["execute", "plan.json", "--detach"]);
    assert!(ran.stderr.contains("limn serve"), "{ran:?}");
    assert_eq!(limn.json(&["executions"]), serde_json::json!({}));
}

#[test]
fn lists_are_filtered_and_go_on_with_a_token() {
    let limn = Limn::new();
    limn.ok(&[
        "render",
        "one hill",
        "two hills",
        "three hills",
        "--session",
        "s-1",
    ]);
    limn.ok(&["render", "four", "--session", "s-2", "--label", "kind=last"]);

    let images = |arguments: &[&str]| {
        let listed = limn.json(&[&["images"], arguments].concat());
        listed["images"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(images(&[]), 4);
    assert_eq!(images(&["--session", "s-1"]), 3);
    assert_eq!(images(&["--label", "kind=last"]), 1);
    assert_eq!(images(&["--provider", "openai"]), 0);

    let first = limn.json(&["images", "--limit", "3"]);
    let token = first["nextPageToken"].as_str().unwrap();
    assert_eq!(images(&["--limit", "3", "--page-token", token]), 1);
    let error = limn
        .fails(2, &["images", "--page-token", "forged", "--json"])
        .error();
    assert_eq!(error["reason"], "BAD_PAGE_TOKEN");

    let executions = limn.json(&["executions", "--state", "completed", "--session", "s-2"]);
    assert_eq!(executions["executions"].as_array().unwrap().len(), 1);
    let none = limn.json(&["executions", "--state", "failed,cancelled"]);
    assert_eq!(none, serde_json::json!({}));
}

#[test]
fn images_are_saved_and_get_addresses_that_expire() {
    let limn = Limn::new();
    let server = limn.serve();
    let document = limn.json(&["render", "a lighthouse at dusk"]);
    let name = document["images"][0]["name"].as_str().unwrap();
    let shown = limn.json(&["images", name, "--url", "15m", "--save", "saved"]);
    assert!(
        shown["urls"][0]["url"].as_str().unwrap().starts_with(&server.url),
        "{shown}"
    );
    assert_eq!(files(&limn.path("saved")).len(), 1);
    assert_eq!(shown["image"]["name"], name);
}

#[test]
fn an_address_needs_a_server_that_answers() {
    let limn = Limn::new();
    limn.ok(&["render", "a lighthouse at dusk"]);
    let ran = limn.fails(7, &["images", "--url", "15m"]);
    assert!(ran.stderr.contains("limn serve"), "{ran:?}");
}
