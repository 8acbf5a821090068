//! `limn document`.

use std::fs;

use limn_fakes::Case;

use super::{
    limn::{Limn, files},
    paying::Paying,
};

const POST: &str = "# Harbour\r\n\r\n[IMAGE: a red tower | size=1:1 | caption=Old tower]\r\n\r\n| a |\r\n|---|\r\n\
                    | <!-- image: a blue tower --> |\r\n\r\n`[IMAGE: code]`\r\n";

#[test]
fn a_document_gets_its_pictures_and_keeps_every_other_byte() {
    let limn = Limn::new();
    limn.write("post.md", POST);
    let ran = limn.ok(&["document", "post.md", "--out", "post.out.md", "--post-id", "p-1"]);
    assert!(
        ran.stdout.contains("document   post.out.md, 2 images\n"),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("price      expected $0, paid $0"), "{ran:?}");
    let names = files(&limn.path("post.out-images"));
    let [first, second] = names.as_slice() else {
        panic!("{names:?}")
    };
    assert!(
        first.starts_with("image-1-") && second.starts_with("image-2-"),
        "{names:?}"
    );
    let written = fs::read_to_string(limn.path("post.out.md")).unwrap();
    let expected = POST
        .replace(
            "[IMAGE: a red tower | size=1:1 | caption=Old tower]",
            &format!("![A red tower](post.out-images/{first} \"Old tower\")"),
        )
        .replace(
            "<!-- image: a blue tower -->",
            &format!("![A blue tower](post.out-images/{second})"),
        );
    assert_eq!(written, expected);

    let listed = limn.json(&["images", "--post", "p-1"]);
    let prompts: Vec<_> = listed["images"]
        .as_array()
        .unwrap()
        .iter()
        .map(|image| image["prompt"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(prompts, ["a red tower", "a blue tower"]);

    let again = limn.ok(&["document", "post.md", "--out", "post.out.md"]);
    assert!(again.stdout.contains("2 images"), "{again:?}");
    assert_eq!(files(&limn.path("post.out-images")).len(), 2);
}

#[test]
fn a_preview_writes_nothing() {
    let limn = Limn::new();
    limn.write("page.html", "<h1>T</h1><p>[IMAGE: a tower]</p><p>[IMAGE: ]</p>");
    let listed = limn.ok(&["document", "page.html", "--extract-only"]);
    assert!(
        listed
            .stdout
            .contains("image-1    primary    in \"T\": a tower\n"),
        "{listed:?}"
    );
    assert!(
        listed
            .stdout
            .contains("line 1     wrong: the marker has no prompt"),
        "{listed:?}"
    );
    let refused = limn.fails(2, &["document", "page.html", "--dry-run"]);
    assert!(
        refused.stderr.contains("document.content (line 1)"),
        "{refused:?}"
    );
    limn.write("post.md", POST);
    let planned = limn.ok(&["document", "post.md", "--dry-run", "--provider", "sketch"]);
    assert!(
        planned.stdout.contains("Stands on line 3, bytes 13 to 64"),
        "{planned:?}"
    );
    assert!(!limn.path("data").exists());
}

#[test]
fn what_cannot_work_is_refused_before_anything_is_drawn() {
    let limn = Limn::new();
    limn.write("post.md", POST);
    limn.write("post", POST);
    limn.fails(2, &["document", "post.md"]);
    limn.fails(2, &["document", "post.md", "--out", "post.md"]);
    limn.fails(2, &["document", "post", "--out", "x.md"]);
    limn.fails(2, &["document", "post.md", "--out", "x.md", "--srcset"]);
    limn.fails(2, &["document", "post.md", "--out", "x.md", "--alt", "a"]);
    limn.fails(
        2,
        &[
            "document", "post.md", "--out", "x.md", "--link", "key", "--images", "y",
        ],
    );
    limn.fails(4, &["document", "nothing.md", "--out", "x.md"]);
    assert!(!limn.path("data").exists() && !limn.path("x.md").exists());
}

#[test]
fn a_rerun_after_a_failure_pays_only_for_what_is_missing() {
    let paying = Paying::new();
    paying.limn.write("post.md", POST);
    let refusal = paying.provider.refusals().first().copied().unwrap_or_default();
    paying.provider.next(Case::Refusal(refusal));
    let command = [
        "document",
        "post.md",
        "--out",
        "post.out.md",
        "--provider",
        "openai",
        "--max-concurrency",
        "1",
        "--link",
        "key",
    ];
    let failed = paying.run(&command);
    assert_eq!(failed.code, 5, "{failed:?}");
    assert!(failed.stdout.contains("left       line 3, image-1"), "{failed:?}");
    assert!(failed.stdout.contains("CONTENT_BLOCKED"), "{failed:?}");
    let written = fs::read_to_string(paying.limn.path("post.out.md")).unwrap();
    assert!(
        written.contains("[IMAGE: a red tower") && written.contains("![A blue tower](clients/"),
        "{written}"
    );
    assert_eq!(paying.provider.charged(), 1);

    let ran = paying.run(&command);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("2 images, 1 existed already"), "{ran:?}");
    let written = fs::read_to_string(paying.limn.path("post.out.md")).unwrap();
    assert!(!written.contains("[IMAGE: a red tower"), "{written}");
    assert_eq!(paying.provider.charged(), 2, "each picture was paid once");

    let resumed = paying.run(&[&command[..], &["--mode", "resume"]].concat());
    assert_eq!(paying.provider.charged(), 2, "{resumed:?}");
}
