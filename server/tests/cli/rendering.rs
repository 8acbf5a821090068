//! `limn render`.

use std::{fs, process::Stdio};

use super::limn::{Limn, files};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[test]
fn the_first_command_draws_a_picture_and_says_where_it_is() {
    let limn = Limn::new();
    let ran = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(ran.stdout.contains("plan       sha256:"), "{ran:?}");
    assert!(ran.stdout.contains("price      expected $0, paid $0"), "{ran:?}");
    assert!(ran.stdout.contains("clients/default/images/"), "{ran:?}");
    assert!(!ran.stdout.contains("free:"), "{ran:?}");

    let file = limn.ok(&["render", "a lighthouse at dusk", "--quiet"]).stdout;
    assert!(fs::read(file.trim()).unwrap().starts_with(PNG));
}

#[test]
fn the_second_time_is_free_and_says_so() {
    let limn = Limn::new();
    limn.ok(&["render", "a lighthouse at dusk"]);
    let again = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(
        again.stdout.contains("free: this picture existed already"),
        "{again:?}"
    );
    assert!(again.stdout.contains("--take 1 draws another"), "{again:?}");
    assert!(
        again.stdout.contains("--variation 1 plans another seed"),
        "{again:?}"
    );
}

#[test]
fn a_higher_take_draws_again_and_the_same_take_does_not() {
    let limn = Limn::new();
    let reused = |arguments: &[&str]| {
        let document = limn.json(&[&["render", "a lighthouse at dusk"], arguments].concat());
        document["images"][0]["reused"].as_bool().unwrap_or_default()
    };
    assert!(!reused(&[]));
    assert!(!reused(&["--take", "1"]));
    assert!(reused(&["--take", "1"]));
    assert!(reused(&[]));
}

#[test]
fn another_variation_is_another_plan_with_another_seed() {
    let limn = Limn::new();
    let first = limn.json(&["render", "a lighthouse at dusk"]);
    let second = limn.json(&["render", "a lighthouse at dusk", "--variation", "1"]);
    assert_ne!(first["plan"]["digest"], second["plan"]["digest"]);
    assert_ne!(first["images"][0]["seed"], second["images"][0]["seed"]);
    assert_ne!(second["images"][0]["reused"], true);
}

#[test]
fn several_prompts_are_one_plan_in_their_order() {
    let limn = Limn::new();
    let document = limn.json(&["render", "a red tower", "a blue tower", "a green tower"]);
    assert_eq!(document["plan"]["spec"]["kind"], "PLAN_KIND_BATCH");
    let prompts: Vec<_> = document["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| &image["prompt"])
        .collect();
    assert_eq!(prompts, ["a red tower", "a blue tower", "a green tower"]);
    assert_eq!(document["execution"]["state"], "EXECUTION_STATE_COMPLETED");
    assert_eq!(document["files"].as_array().unwrap().len(), 3);
}

#[test]
fn copies_are_named_after_the_prompt_and_never_overwrite_another_picture() {
    let limn = Limn::new();
    let out = limn.path("out");
    limn.ok(&["render", "A lighthouse, at dusk!", "--out", "out"]);
    let names = files(&out);
    assert_eq!(names.len(), 1, "{names:?}");
    let name = &names[0];
    assert!(
        name.starts_with("a-lighthouse-at-dusk-") && name.ends_with(".png"),
        "{name}"
    );

    limn.ok(&["render", "A lighthouse, at dusk!", "--out", "out"]);
    assert_eq!(files(&out).len(), 1, "the same picture is not copied twice");

    fs::write(out.join(name), "mine").unwrap();
    limn.ok(&["render", "A lighthouse, at dusk!", "--out", "out"]);
    assert_eq!(fs::read(out.join(name)).unwrap(), b"mine");
    assert_eq!(files(&out).len(), 2);
}

#[test]
fn the_flags_arrive_in_the_plan() {
    let limn = Limn::new();
    let document = limn.json(&[
        "render",
        "a map",
        "--size",
        "512x384",
        "--format",
        "png",
        "--seed",
        "7",
        "--alt",
        "A map",
        "--caption",
        "The map",
        "--label",
        "post=12",
        "--session",
        "s-1",
        "--type",
        "battle-map",
        "--max-cost",
        "0.10",
        "--on-unknown",
        "retry-once",
        "--max-duplicate-spend",
        "0.05",
    ]);
    let image = &document["images"][0];
    assert_eq!(
        (&image["widthPx"], &image["heightPx"]),
        (&512.into(), &384.into())
    );
    assert_eq!(image["seed"], 7);
    assert_eq!(image["altText"], "A map");
    assert_eq!(image["caption"], "The map");
    assert_eq!(image["labels"]["post"], "12");
    assert_eq!(image["sessionId"], "s-1");
    assert_eq!(image["imageType"], "IMAGE_TYPE_BATTLE_MAP");
    let policy = &document["plan"]["spec"]["policy"];
    assert_eq!(policy["maxCost"]["nanos"], "100000000");
    assert_eq!(policy["onUnknown"], "UNKNOWN_POLICY_WRITE_OFF_AND_RETRY_ONCE");
    assert_eq!(policy["maxDuplicateSpend"]["nanos"], "50000000");
}

#[test]
fn two_renders_at_once_on_one_data_folder_both_succeed() {
    let limn = Limn::new();
    let spawn = |prompt: &str| {
        let mut command = limn.command(&["render", prompt, "--quiet"]);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = ["one tower", "two towers", "three towers"]
        .map(spawn)
        .into_iter()
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let file = String::from_utf8(output.stdout).unwrap();
        assert!(fs::read(file.trim()).unwrap().starts_with(PNG));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let limn = Limn::new();
    let mut command = limn.command(&["render", "a lighthouse at dusk"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = limn.json(&["images"]);
    assert_eq!(
        listed["images"].as_array().unwrap().len(),
        1,
        "the picture was drawn all the same"
    );
}

#[test]
fn progress_is_plain_lines_where_there_is_no_terminal() {
    let limn = Limn::new();
    let ran = limn.ok(&["render", "a lighthouse at dusk"]);
    assert!(ran.stderr.contains("image-1 completed"), "{ran:?}");
    assert!(!ran.stderr.contains('\u{1b}'), "{ran:?}");
    assert_eq!(limn.ok(&["render", "another", "--quiet"]).stderr, "");
}
