//! `limn views`, and `limn render --enrich`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::limn::{Limn, files};

const SHOES: &str = "pink tennis shoes with white laces";
const SMALL: [&str; 2] = ["--size", "128x128"];

#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
fn texts<'v>(values: &'v Value, key: &str) -> Vec<&'v str> {
    let values = values.as_array().unwrap().iter();
    values
        .map(|value| value[key].as_str().unwrap_or_default())
        .collect()
}

#[test]
fn six_views_are_drawn_with_one_seed_and_shown_in_a_table() {
    let limn = Limn::new();
    let set = [
        &["views", SHOES, "--count", "6", "--provider", "sketch"],
        &SMALL[..],
    ]
    .concat();
    let ran = limn.ok(&set);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[1].starts_with("view"), "{ran:?}");
    for (line, view) in lines[2..]
        .iter()
        .zip(["front", "side", "back", "top", "detail", "lifestyle"])
    {
        assert!(
            line.starts_with(view) && line.contains("sketch/sketch-1"),
            "{line}"
        );
        assert!(
            line.contains("images/") && line.trim_end().ends_with("$0"),
            "{line}"
        );
    }
    for view in ["front", "lifestyle"] {
        assert!(ran.stderr.contains(&format!("{view} completed")), "{ran:?}");
    }

    let document = limn.json(&set);
    let spec = &document["plan"]["spec"];
    assert_eq!(spec["kind"], "PLAN_KIND_VIEW_SET");
    let views = ["front", "side", "back", "top", "detail", "lifestyle"];
    assert_eq!(texts(&spec["steps"], "view"), views);
    assert_eq!(texts(&document["images"], "stepId"), views);
    assert_eq!(texts(&document["images"], "originalPrompt"), [SHOES; 6]);
    assert_eq!(texts(&document["images"], "imageType"), ["IMAGE_TYPE_PRODUCT"; 6]);
    let images = document["images"].as_array().unwrap();
    let seeds: BTreeSet<u64> = images
        .iter()
        .map(|image| image["seed"].as_u64().unwrap())
        .collect();
    assert_eq!(seeds.len(), 1);
    let contents: BTreeSet<&str> = texts(&document["images"], "storedSha256").into_iter().collect();
    assert_eq!(contents.len(), 6, "one seed, and six pictures");
    assert!(
        images.iter().all(|image| image["reused"] == true),
        "the second time is free"
    );
}

#[test]
fn a_view_that_is_added_is_the_only_one_that_is_drawn() {
    let limn = Limn::new();
    limn.ok(&[&["views", SHOES, "--count", "4"], &SMALL[..]].concat());
    let own = ["--view", "front", "--view", "sole: the sole from below"];
    let more = [
        &["views", SHOES, "--count", "6", "--out", "out"],
        &own[..],
        &SMALL[..],
    ];
    let document = limn.json(&more.concat());
    let images = document["images"].as_array().unwrap();
    assert_eq!(
        texts(&document["images"], "stepId"),
        ["front", "sole", "side", "back", "top", "detail"]
    );
    let new: Vec<_> = images.iter().filter(|image| image["reused"] != true).collect();
    let new: Vec<&str> = new
        .iter()
        .map(|image| image["stepId"].as_str().unwrap())
        .collect();
    assert_eq!(new, ["sole", "detail"]);
    assert!(
        images[1]["prompt"]
            .as_str()
            .unwrap()
            .contains("the sole from below")
    );
    assert_eq!(files(&limn.path("out")).len(), 6);
}

#[test]
fn plan_only_says_what_would_be_drawn_and_touches_nothing() {
    let limn = Limn::new();
    let words = [
        "views",
        SHOES,
        "--plan-only",
        "--category",
        "footwear",
        "--keyword",
        "matte,pastel",
    ];
    let planned = limn.ok(&words);
    assert!(planned.stdout.contains("6 images for default"), "{planned:?}");
    assert!(planned.stdout.contains("View: lifestyle"), "{planned:?}");
    assert!(planned.stdout.contains("matte, pastel."), "{planned:?}");
    assert!(!limn.path("data").exists());
    let document = limn.json(&words);
    let digest = document["plan"]["digest"].as_str().unwrap();
    assert_eq!(
        limn.ok(&[&words[..], &["--quiet"]].concat()).stdout.trim(),
        digest
    );
    limn.fails(2, &["views", SHOES, "--plan-only", "--take", "1"]);
}

#[test]
fn a_plan_of_views_is_executed_like_any_other() {
    let limn = Limn::new();
    let planned = limn.ok(&[
        &["views", SHOES, "--count", "4", "--plan-only", "--json"],
        &SMALL[..],
    ]
    .concat());
    limn.write("plan.json", &planned.stdout);
    let ran = limn.ok(&["execute", "plan.json"]);
    assert!(ran.stdout.lines().nth(1).unwrap().starts_with("view"), "{ran:?}");
}

#[test]
fn wrong_views_are_refused_with_what_there_is() {
    let limn = Limn::new();
    let refused = limn.fails(2, &["views", SHOES, "--view", "inside"]);
    assert!(
        refused
            .stderr
            .contains("front, side, back, top, detail, lifestyle"),
        "{refused:?}"
    );
    let refused = limn.fails(2, &["views", SHOES, "--count", "20"]);
    assert!(refused.stderr.contains("view_set.count"), "{refused:?}");
    limn.fails(2, &["views"]);
    limn.fails(2, &["views", SHOES, "--view", ": no word"]);
}

#[test]
fn enrichment_is_asked_for_and_keeps_what_was_written() {
    let limn = Limn::new();
    let ruin = "a ruined mill by a river";
    let plain = limn.json(&["render", ruin, "--type", "battle-map", "--resolution", "512"]);
    assert_eq!(plain["images"][0]["prompt"], ruin);
    let words = [
        "render",
        ruin,
        "--type",
        "battle-map",
        "--enrich",
        "--session",
        "evening",
    ];
    let rich = limn.json(&[&words[..], &["--resolution", "512"]].concat());
    let image = &rich["images"][0];
    assert!(
        image["prompt"]
            .as_str()
            .unwrap()
            .starts_with("Battle map for a tabletop game: a ruined mill")
    );
    assert_eq!(image["originalPrompt"], ruin);
    let notes = rich["plan"]["notes"]["fidelity"].as_array().unwrap();
    let note = notes.iter().find(|note| note["field"] == "enrich").unwrap();
    assert!(
        note["detail"]
            .as_str()
            .unwrap()
            .contains("aspect ratio 1:1, style illustration")
    );
    limn.fails(2, &["render", ruin, "--enrich"]);

    // A session is listed by the class of its pictures.
    limn.ok(&[
        "render",
        "the miller",
        "--type",
        "character-portrait",
        "--session",
        "evening",
        "--resolution",
        "512",
    ]);
    let listed = limn.json(&["images", "--session", "evening", "--type", "battle-map"]);
    assert_eq!(texts(&listed["images"], "originalPrompt"), [ruin]);
    let shown = limn.ok(&["images", "--session", "evening"]).stdout;
    assert!(shown.contains("battle map, session evening"), "{shown}");
    assert!(shown.contains("character portrait, session evening"), "{shown}");
}
