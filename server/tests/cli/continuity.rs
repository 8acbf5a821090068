//! Anchors, hints and pictures to draw from, on the command line.

use super::{limn::Limn, paying::Paying};

const MIRA: &str = "Mira=a tall woman, grey eyes, red scarf";

#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
fn prompts(document: &serde_json::Value) -> Vec<String> {
    let images = document["images"].as_array().unwrap().iter();
    let prompt = |image: &serde_json::Value| image["prompt"].as_str().unwrap().to_owned();
    images.map(prompt).collect()
}

#[test]
fn anchors_stand_in_every_prompt_and_the_hint_behind_it() {
    let limn = Limn::new();
    let words = ["render", "Mira rows out", "Mira comes home", "--anchor", MIRA];
    let document = limn.json(&[&words[..], &["--previous", "It snowed.", "--size", "64x64"]].concat());
    let begin = "Mira: a tall woman, grey eyes, red scarf\n\nMira ";
    for (prompt, rest) in prompts(&document).iter().zip(["rows out", "comes home"]) {
        let hint = "Continues the picture before, which showed: It snowed.";
        assert_eq!(*prompt, format!("{begin}{rest}\n\n{hint}"));
    }
    let steps = document["plan"]["spec"]["steps"].as_array().unwrap();
    assert!(steps.iter().all(|step| step["anchors"][0] == "Mira"));
    limn.fails(2, &["render", "Mira", "--anchor", "no description"]);
    let twice = limn.fails(2, &["render", "Mira", "--anchor", "a=b", "--anchor", "a=c"]);
    assert!(twice.stderr.contains("names an earlier anchor too"), "{twice:?}");
}

#[test]
fn a_picture_of_the_library_is_drawn_from_by_its_name_or_id() {
    let paying = Paying::new();
    let drawn = paying.run(&["render", "a fox", "--size", "256x256", "--json"]);
    let drawn: serde_json::Value = serde_json::from_str(&drawn.stdout).unwrap();
    let image = &drawn["images"][0];
    let name = image["name"].as_str().unwrap();
    let id = name.rsplit('/').next().unwrap();
    for (take, reference) in [("0", name), ("1", id)] {
        let words = [
            "render",
            "the fox asleep",
            "--provider",
            "openai",
            "--reference",
            reference,
        ];
        let ran = paying.run(&[&words[..], &["--take", take, "--json"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let render = &document["plan"]["spec"]["steps"][0]["targets"][0];
        assert_eq!(render["references"][0]["sha256"], image["storedSha256"]);
    }
    let sent = paying.provider.requests();
    assert_eq!(sent.len(), 2);
    let stored = std::fs::read(drawn["files"][0]["path"].as_str().unwrap()).unwrap();
    for request in &sent {
        assert!(request.files.iter().any(|(_, bytes)| *bytes == stored));
    }

    // Planning alone finds it, too, and sends nothing.
    let planned = paying.run(&["plan", "the fox runs", "--provider", "openai", "--reference", id]);
    assert!(planned.stdout.contains("1 picture to draw from"), "{planned:?}");
    let missing = "00000000-0000-4000-8000-000000000000";
    assert_eq!(paying.run(&["plan", "a fox", "--reference", missing]).code, 4);
    let foreign = name.replace("clients/default", "clients/other");
    let refused = paying.run(&["plan", "a fox", "--reference", &foreign]);
    assert!(
        refused.code == 2 && refused.stderr.contains("its own pictures"),
        "{refused:?}"
    );
    assert_eq!(paying.provider.calls(), 2);
}

#[test]
fn a_session_goes_on_with_its_newest_pictures_where_the_provider_can() {
    let paying = Paying::new();
    for prompt in ["a fox in the snow", "a fox on the ice"] {
        let drawn = paying.run(&["render", prompt, "--size", "256x256", "--session", "tale"]);
        assert_eq!(drawn.code, 0, "{drawn:?}");
    }
    let words = [
        "a fox asleep",
        "--continue-session",
        "tale",
        "--continue-count",
        "2",
    ];
    let planned = |more: &[&str]| -> serde_json::Value {
        let ran = paying.run(&[&["plan"], &words[..], more, &["--json"]].concat());
        assert_eq!(ran.code, 0, "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let at_openai = planned(&["--provider", "openai"]);
    let spec = &at_openai["plan"]["spec"];
    assert_eq!(spec["sessionId"], "tale");
    let render = &spec["steps"][0]["targets"][0];
    assert_eq!(render["references"].as_array().unwrap().len(), 2);
    let prompt = render["prompt"].as_str().unwrap();
    assert!(prompt.ends_with("which showed: a fox on the ice"), "{prompt}");

    // The local renderer draws from no pictures: it is told, and the hint stays.
    let at_sketch = planned(&["--provider", "sketch"]);
    let render = &at_sketch["plan"]["spec"]["steps"][0]["targets"][0];
    assert_eq!(render["references"], serde_json::Value::Null);
    assert!(render["prompt"].as_str().unwrap().contains("a fox on the ice"));
    let notes = at_sketch["plan"]["notes"]["fidelity"].as_array().unwrap();
    let note = notes.iter().find(|note| note["field"] == "references").unwrap();
    assert_eq!(
        note["detail"],
        "the model takes no pictures to draw from; none is sent"
    );

    let drawn = paying.run(&[&["render"], &words[..], &["--provider", "openai"]].concat());
    assert_eq!(drawn.code, 0, "{drawn:?}");
    assert_eq!(paying.provider.requests()[0].files.len(), 2);
    let nothing = paying.run(&["plan", "a fox", "--continue-session", "nobody"]);
    assert!(nothing.stderr.contains("has no pictures yet"), "{nothing:?}");
}
