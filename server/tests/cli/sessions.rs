//! Sessions on the command line: from a storyboard that costs nothing to a reviewed, exported set of pictures.

use std::fs;

use limn_fakes::Case;
use serde_json::Value;

use super::{
    limn::{Limn, files},
    paying::Paying,
};

fn pictures(document: &Value) -> &[Value] {
    document["images"].as_array().map_or(&[][..], Vec::as_slice)
}

/// A review by Ada.
fn say<'w>(words: &[&'w str]) -> Vec<&'w str> {
    [&["review", "--actor", "ada"], words].concat()
}

/// An edit by Ada.
fn edit<'w>(image: &'w str, words: &[&'w str]) -> Vec<&'w str> {
    [&["edit", image, "--actor", "ada"], words].concat()
}

fn name(image: &Value) -> &str {
    image["name"].as_str().unwrap_or_default()
}

#[test]
fn a_storyboard_is_free_and_the_real_pictures_are_another_plan_of_the_same_session() {
    let paying = Paying::new();
    let render = |provider| ["render", "a tower", "--session", "spring", "--provider", provider];
    assert_eq!(paying.run(&render("sketch")).code, 0);
    let sketched = paying.limn.json(&["session", "spring"]);
    assert_eq!(sketched["session"]["stage"], "SESSION_STAGE_REVIEW");
    assert_eq!(sketched["session"].get("costs"), None, "a sketch costs nothing");
    assert_eq!(paying.provider.calls(), 0);

    assert_eq!(paying.run(&render("openai")).code, 0);
    assert_eq!(paying.provider.charged(), 1);
    let both = paying.limn.json(&["session", "spring"]);
    assert_eq!(both["session"]["planCount"], "2");
    assert_eq!(both["session"]["imageCount"], "2");
    let spent = &both["session"]["costs"][0]["spent"];
    assert_ne!(spent["nanos"], "0", "{both}");
    let text = paying.limn.ok(&["session", "spring"]).stdout;
    assert!(
        text.contains("stage      review") && text.contains("2 to review") && text.contains("paid $0."),
        "{text}"
    );
    let listed = paying.limn.ok(&["sessions"]).stdout;
    assert!(listed.contains("spring") && listed.contains("review"), "{listed}");
}

#[test]
fn pictures_are_reviewed_together_or_not_at_all_and_the_approved_ones_are_a_mood_board() {
    let limn = Limn::new();
    limn.ok(&["render", "a tower", "a boat", "a fox", "--session", "spring"]);
    let all = limn.json(&["images", "--session", "spring"]);
    let [one, two, three] = pictures(&all) else {
        unreachable!("three were drawn: {all}")
    };
    let nowhere = "00000000-0000-0000-0000-000000000000";
    let refused = limn.fails(4, &say(&[name(one), nowhere, "--approve", "--json"]));
    assert_eq!(refused.error()["reason"], "IMAGE_NOT_FOUND");
    assert!(
        refused.stderr.contains(nowhere) && refused.stderr.contains("names[1]"),
        "{refused:?}"
    );
    let board = ["images", "--session", "spring", "--approved"];
    assert!(pictures(&limn.json(&board)).is_empty(), "nothing was said of any");

    limn.ok(&say(&[name(one), name(two), "--approve", "--note", "the light"]));
    limn.ok(&say(&[name(three), "--reject"]));
    let approved = limn.json(&board);
    assert_eq!(pictures(&approved).len(), 2);
    assert_eq!(pictures(&approved)[0]["review"]["reviewer"], "ada");
    assert_eq!(
        limn.json(&["session", "spring"])["session"]["stage"],
        "SESSION_STAGE_DONE"
    );
    let shown = limn.ok(&["images", name(one)]).stdout;
    assert!(shown.contains("verdict  approved by ada: the light"), "{shown}");

    limn.ok(&say(&[name(three), "--withdraw"]));
    let waiting = limn.json(&["images", "--session", "spring", "--verdict", "none"]);
    assert_eq!(
        pictures(&waiting).iter().map(name).collect::<Vec<_>>(),
        [name(three)]
    );
    let log = limn.json(&["audit", "list", "--action", "image.review"]);
    assert_eq!(log["auditEvents"].as_array().map(Vec::len), Some(4));

    // Rendered again at no cost: what was said of a picture stays said.
    limn.ok(&["render", "a tower", "a boat", "a fox", "--session", "spring"]);
    let again = limn.json(&["session", "spring"]);
    assert_eq!(again["session"]["approvedCount"], "4", "{again}");
    limn.fails(4, &["session", "nobody-has-this"]);
    limn.fails(2, &["review", name(one)]);
    limn.fails(2, &["review", name(one), "--approve"]);
}

#[test]
fn an_export_is_whole_and_exporting_again_changes_nothing() {
    let limn = Limn::new();
    limn.ok(&["render", "a tower", "a boat", "--session", "spring"]);
    let all = limn.json(&["images", "--session", "spring"]);
    let boat = name(&pictures(&all)[0]).to_owned();
    limn.ok(&["review", &boat, "--approve", "--actor", "ada"]);
    let export = ["session", "spring", "--export", "out"];
    limn.ok(&export);
    let folder = limn.path("out");
    let there = files(&folder);
    assert_eq!(there.len(), 3, "{there:?}");
    let text = fs::read_to_string(folder.join("manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(manifest["format"], "limn.session/1");
    assert_eq!(manifest["session"]["sessionId"], "spring");
    let entries = manifest["pictures"].as_array().unwrap();
    assert_eq!(entries[0]["image"], boat.as_str(), "approved first");
    assert_eq!(
        (&entries[0]["verdict"], &entries[1]["verdict"]),
        (&"approved".into(), &"none".into())
    );
    for entry in entries {
        let bytes = fs::read(folder.join(entry["file"].as_str().unwrap())).unwrap();
        assert_eq!(
            limn_proto::digest::sha256_hex(&bytes),
            entry["sha256"].as_str().unwrap()
        );
        assert!(entry["planDigest"].as_str().unwrap().starts_with("sha256:"));
        assert!(
            entry["seed"].is_number() && entry["prompt"].is_string(),
            "{entry}"
        );
    }
    limn.ok(&export);
    assert_eq!(files(&folder), there);
    assert_eq!(fs::read_to_string(folder.join("manifest.json")).unwrap(), text);

    limn.ok(&["session", "spring", "--export", "chosen", "--approved-only"]);
    assert_eq!(files(&limn.path("chosen")).len(), 2);
}

#[test]
fn what_was_written_about_a_picture_is_corrected_and_never_over_somebody_else() {
    let limn = Limn::new();
    limn.ok(&["render", "a tower", "--session", "spring", "--label", "mood=calm"]);
    let all = limn.json(&["images"]);
    let (image, etag) = (
        name(&pictures(&all)[0]),
        pictures(&all)[0]["etag"].as_str().unwrap_or_default(),
    );
    let changed = limn.json(&edit(
        image,
        &["--alt", "a tower", "--position", "3", "--etag", etag],
    ));
    assert_eq!(
        (&changed["image"]["altText"], &changed["image"]["position"]),
        (&"a tower".into(), &3.into())
    );
    assert_eq!(
        changed["image"]["labels"]["mood"], "calm",
        "not named, so it stays"
    );
    let late = limn.fails(
        3,
        &edit(image, &["--alt", "a lighthouse", "--etag", etag, "--json"]),
    );
    assert_eq!(late.error()["reason"], "ETAG_MISMATCH");
    limn.ok(&edit(image, &["--no-labels", "--reason", "they were wrong"]));
    let after = limn.json(&["images", image]);
    assert_eq!(after["image"].get("labels"), None);
    assert_eq!(after["image"]["altText"], "a tower");
    limn.fails(2, &edit(image, &[]));
    limn.fails(2, &edit(image, &["--alt", &"x".repeat(1001)]));
    let log = limn.ok(&["audit", "list", "--action", "image.update"]).stdout;
    assert!(log.contains("ada") && log.contains("they were wrong"), "{log}");
}

#[test]
fn a_retry_pays_only_for_what_is_missing() {
    let paying = Paying::new();
    paying.provider.next(Case::Success);
    paying.provider.next(Case::BadRequest);
    let failed = paying.run(&[
        "render",
        "a tower",
        "a boat",
        "--provider",
        "openai",
        "--session",
        "spring",
    ]);
    assert_eq!(failed.code, 5, "{failed:?}");
    assert_eq!(paying.provider.charged(), 1);
    let half = paying.limn.json(&["session", "spring"]);
    assert_eq!(half["session"]["failedStepCount"], "1");

    let retried = paying.run(&["session", "spring", "--retry"]);
    assert_eq!(retried.code, 0, "{retried:?}");
    assert_eq!(paying.provider.charged(), 2);
    let whole = paying.limn.json(&["session", "spring"]);
    assert_eq!(whole["session"].get("failedStepCount"), None, "{whole}");
    assert_eq!(
        whole["session"]["imageCount"], "3",
        "the one that existed is an image of the retry, too"
    );

    let nothing = paying.run(&["session", "spring", "--retry"]);
    assert!(
        nothing.code == 0 && nothing.stderr.contains("nothing to retry"),
        "{nothing:?}"
    );
    let executions = paying.limn.json(&["executions", "--session", "spring"]);
    let newest = executions["executions"][0]["name"].as_str().unwrap_or_default();
    let nothing = paying.run(&["retry", newest]);
    assert!(
        nothing.code == 0 && nothing.stderr.contains("nothing to retry"),
        "{nothing:?}"
    );
    assert_eq!(paying.provider.charged(), 2);
}
