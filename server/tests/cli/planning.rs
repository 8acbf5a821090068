//! `limn plan`, `limn check`, `limn execute`.

use std::fs;

use serde_json::Value;

use super::limn::Limn;

#[test]
fn planning_touches_no_data_folder() {
    let limn = Limn::new();
    let ran = limn.ok(&["plan", "a lighthouse at dusk"]);
    assert!(ran.stdout.contains("a lighthouse at dusk"), "{ran:?}");
    assert!(!limn.path("data").exists());
}

#[test]
fn the_same_request_is_the_same_plan() {
    let limn = Limn::new();
    let digest = || limn.ok(&["plan", "a lighthouse at dusk", "--quiet"]).stdout;
    assert!(digest().starts_with("sha256:"));
    assert_eq!(digest(), digest());
}

#[test]
fn a_plan_in_a_file_can_be_checked_and_executed() {
    let limn = Limn::new();
    limn.ok(&["plan", "a lighthouse at dusk", "--out", "plan.json"]);
    let checked = limn.ok(&["check", "plan.json"]);
    assert!(checked.stdout.contains("executable  yes"), "{checked:?}");
    assert!(!limn.path("data").exists());

    let executed = limn.ok(&["execute", "plan.json"]);
    assert!(
        executed.stdout.contains("clients/default/images/"),
        "{executed:?}"
    );
    let rendered = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(
        rendered.stdout.contains("free:"),
        "the same request is the same plan: {rendered:?}"
    );
}

#[test]
fn the_answer_of_the_planner_can_be_piped_into_execute() {
    let limn = Limn::new();
    let planned = limn.ok(&["plan", "a lighthouse at dusk", "--json"]);
    let executed = limn.run_with_stdin(&["execute", "-"], planned.stdout.as_bytes());
    assert_eq!(executed.code, 0, "{executed:?}");
}

#[test]
fn canonical_bytes_are_a_plan_as_well_and_have_its_digest() {
    let limn = Limn::new();
    limn.ok(&["plan", "a lighthouse at dusk", "--canonical", "--out", "plan.bin"]);
    let digest = limn.ok(&["plan", "a lighthouse at dusk", "--quiet"]).stdout;
    let bytes = fs::read(limn.path("plan.bin")).unwrap();
    assert_eq!(limn_proto::digest::digest_of(&bytes), digest.trim());
    let checked = limn.json(&["check", "plan.bin"]);
    assert_eq!(checked["computedDigest"], digest.trim());
    assert_eq!(checked["executable"], true);
}

#[test]
fn a_plan_that_was_changed_afterwards_is_refused() {
    let limn = Limn::new();
    limn.ok(&["plan", "a lighthouse at dusk", "--out", "plan.json"]);
    let text = fs::read_to_string(limn.path("plan.json")).unwrap();
    limn.write("plan.json", text.replace("at dusk", "at dawn"));
    for command in ["check", "execute"] {
        let error = limn.fails(2, &[command, "plan.json", "--json"]).error();
        assert_eq!(error["reason"], "PLAN_DIGEST_MISMATCH", "{command}");
    }
}

#[test]
fn a_stored_plan_is_executed_by_its_digest() {
    let limn = Limn::new();
    let document = limn.json(&["render", "a lighthouse at dusk"]);
    let digest = document["plan"]["digest"].as_str().unwrap();
    let hex = digest.strip_prefix("sha256:").unwrap();
    let listed = limn.json(&["plans"]);
    let name = listed["plans"][0]["name"].as_str().unwrap();
    assert_eq!(name, format!("clients/default/plans/{hex}"));
    for reference in [digest, hex, name] {
        limn.ok(&["execute", reference]);
        assert!(
            limn.ok(&["plans", reference])
                .stdout
                .contains("a lighthouse at dusk")
        );
    }
}

#[test]
fn executing_with_json_prints_every_event_on_its_own_line() {
    let limn = Limn::new();
    limn.ok(&["plan", "a lighthouse at dusk", "--out", "plan.json"]);
    let ran = limn.ok(&["execute", "plan.json", "--json"]);
    let events: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let last = &events.last().unwrap()["event"]["snapshot"];
    assert_eq!(last["state"], "EXECUTION_STATE_COMPLETED");
}

#[test]
fn the_same_request_id_is_the_same_execution() {
    let limn = Limn::new();
    let execution = |take: &str, id: &str| {
        let document = limn.json(&[
            "render",
            "a lighthouse at dusk",
            "--take",
            take,
            "--request-id",
            id,
        ]);
        document["execution"]["name"].clone()
    };
    let first = execution("0", "order-1");
    assert_eq!(execution("0", "order-1"), first);
    assert_ne!(execution("0", "order-2"), first);
    let arguments = [
        "render",
        "a lighthouse at dusk",
        "--take",
        "1",
        "--request-id",
        "order-1",
        "--json",
    ];
    assert_eq!(limn.fails(2, &arguments).error()["reason"], "REQUEST_ID_REUSED");
}

#[test]
fn a_plan_says_how_good_its_pictures_must_be() {
    let limn = Limn::new();
    let asked = [
        "plan",
        "a lighthouse at dusk",
        "--min-quality",
        "62.5%",
        "--rerolls",
        "2",
        "--accept-best",
    ];
    let plan = &limn.json(&asked)["plan"];
    let gate = &plan["spec"]["policy"]["qualityGate"];
    assert_eq!(
        (&gate["minScoreBp"], &gate["maxRerolls"], &gate["acceptBest"]),
        (&6250.into(), &2.into(), &true.into())
    );
    let text = limn.ok(&asked).stdout;
    for part in [
        "at least 62.5 %",
        "up to 2 times",
        "the best that comes",
        "Re-rolls with seed",
    ] {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    let plain = limn.ok(&["plan", "a lighthouse at dusk"]).stdout;
    assert!(
        !plain.contains("quality score") && !plain.contains("Re-rolls"),
        "{plain}"
    );
    let given = limn.ok(&[&asked[..], &["--seed", "7"]].concat()).stdout;
    assert!(given.contains("REROLLS_NEED_A_FREE_SEED"), "{given}");
}

#[test]
fn a_whole_request_is_read_from_a_file_or_from_stdin() {
    let limn = Limn::new();
    let request = r#"{"batch": {"images": [{"prompt": "one"}, {"prompt": "two"}]}, "variation": 3}"#;
    limn.write("request.json", request);
    let from_file = limn.json(&["plan", "--request", "request.json"]);
    assert_eq!(from_file["plan"]["spec"]["client"], "default");
    assert_eq!(from_file["plan"]["spec"]["variation"], 3);
    assert_eq!(from_file["plan"]["spec"]["steps"].as_array().unwrap().len(), 2);
    let ran = limn.run_with_stdin(&["plan", "--request", "-", "--quiet"], request.as_bytes());
    assert_eq!(ran.stdout.trim(), from_file["plan"]["digest"]);
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let limn = Limn::new();
    let broken = [
        r#"{"image": {"prompt": "a"#,
        r#"{"image": {"prompt": "\ud800"}}"#,
        r#"{"image": {"promt": "a tower"}}"#,
        "",
        "\u{feff}{}",
    ];
    for text in broken {
        limn.write("request.json", text);
        let error = limn
            .fails(2, &["plan", "--request", "request.json", "--json"])
            .error();
        assert_eq!(error["reason"], "MALFORMED_JSON", "{text}");
        assert_eq!(error["code"], "INVALID_ARGUMENT", "{text}");
        assert!(error["message"].as_str().unwrap().contains("line 1"), "{error}");
    }
    limn.write("request.json", b"{\"image\": {\"prompt\": \"\xff\"}}");
    assert_eq!(
        limn.fails(2, &["plan", "--request", "request.json", "--json"])
            .error()["reason"],
        "MALFORMED_JSON"
    );
}
