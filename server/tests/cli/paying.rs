//! Pictures that cost money, at a provider that counts what it charges.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, ChildStderr, Command, Stdio},
};

use limn_fakes::{Case, Fake, Gate};
use serde_json::json;
use tokio::runtime::Runtime;

use super::limn::{Limn, Ran, interrupt};

/// A home whose `limn` draws at a fake provider.
pub(crate) struct Paying {
    pub(crate) limn: Limn,
    pub(crate) provider: Fake,
    runtime: Runtime,
}

#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
impl Paying {
    pub(crate) fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let provider = runtime.block_on(Fake::start("openai"));
        let limn = Limn::new();
        Self {
            limn,
            provider,
            runtime,
        }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let base_url = format!("providers.openai.base_url={}", self.provider.base_url());
        let mut command = self.limn.command(arguments);
        command
            .args(["--set", &base_url])
            .env("OPENAI_API_KEY", Fake::KEY);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// Starts a render, and returns when its call has arrived at the provider and it says so.
    fn render_until_called(&self) -> (Child, BufReader<ChildStderr>) {
        let mut command = self.command(&["render", "a tower", "--provider", "openai"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.runtime.block_on(self.provider.wait_for_calls(1));
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        read_until(&mut stderr, "image-1");
        (child, stderr)
    }
}

/// Reads lines until one holds the word.
#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
fn read_until(stderr: &mut BufReader<ChildStderr>, word: &str) {
    let mut line = String::new();
    while !line.contains(word) {
        line.clear();
        assert!(
            stderr.read_line(&mut line).unwrap() > 0,
            "the command ended without a word about {word}"
        );
    }
}

#[test]
fn the_price_is_told_before_and_after_and_paid_once() {
    let paying = Paying::new();
    let planned = paying.run(&["plan", "a tower", "--provider", "openai"]);
    assert!(planned.stdout.contains("USD"), "{planned:?}");
    assert_eq!(paying.provider.calls(), 0);

    let drawn = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert_eq!(drawn.code, 0, "{drawn:?}");
    assert!(
        drawn.stdout.contains("expected $0.") && drawn.stdout.contains("paid $0."),
        "{drawn:?}"
    );

    let again = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert!(again.stdout.contains("free:"), "{again:?}");
    assert_eq!(paying.provider.charged(), 1);
}

#[test]
fn a_failed_execution_is_five_and_keeps_what_is_finished() {
    let paying = Paying::new();
    paying.provider.next(Case::Success);
    paying.provider.next(Case::BadRequest);
    let arguments = [
        "render",
        "one hill",
        "two hills",
        "--provider",
        "openai",
        "--max-concurrency",
        "1",
    ];
    let ran = paying.run(&arguments);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(
        ran.stdout.contains("image-1") && ran.stdout.contains("clients/default/images/"),
        "{ran:?}"
    );
    let told = ran
        .stderr
        .lines()
        .any(|line| line.starts_with("  image-2: ") && line.contains("PROVIDER_REJECTED"));
    assert!(told, "{ran:?}");

    let resumed = paying.run(&[&arguments[..], &["--mode", "resume"]].concat());
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(paying.provider.charged(), 2);
}

#[test]
fn a_refused_key_is_told_with_what_to_do() {
    let paying = Paying::new();
    paying.provider.next(Case::says(
        401,
        &json!({"error": {"message": "no such key", "type": "invalid_request_error", "code": "invalid_api_key"}}),
    ));
    let ran = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.stderr.contains("check the key"), "{ran:?}");
    let summary = ran.stderr.lines().find(|line| line.starts_with("error: "));
    assert!(
        summary.is_some_and(|line| !line.contains("no such key")),
        "{ran:?}"
    );
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_before_anything_is_paid() {
    let paying = Paying::new();
    paying.provider.next(Case::Success);
    let ran = paying.run(&[
        "render",
        "a tower",
        "--provider",
        "openai",
        "--out",
        "/dev/null/out",
    ]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("/dev/null/out"), "{ran:?}");
    assert_eq!(paying.provider.charged(), 0);
}

#[test]
fn an_unknown_outcome_is_six_and_is_not_sent_again() {
    let paying = Paying::new();
    paying.provider.next(Case::Disconnect);
    for _ in 0..2 {
        let ran = paying.run(&["render", "a tower", "--provider", "openai", "--json"]);
        assert_eq!(ran.code, 6, "{ran:?}");
        assert_eq!(ran.error()["reason"], "OUTCOME_UNKNOWN");
    }
    assert_eq!(paying.provider.calls(), 1);
}

#[test]
fn the_first_ctrl_c_waits_until_the_paid_picture_is_kept() {
    let paying = Paying::new();
    let gate = Gate::closed();
    paying.provider.next(Case::after(&gate, Case::Success));
    let (mut child, mut stderr) = paying.render_until_called();
    interrupt(&child);
    read_until(&mut stderr, "cancelling");
    gate.open();
    child.wait().unwrap();

    let images = paying.run(&["images", "--json"]);
    assert!(images.stdout.contains("clients/default/images/"), "{images:?}");
    let again = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert!(again.stdout.contains("free:"), "{again:?}");
    assert_eq!(paying.provider.charged(), 1);
}

#[test]
fn the_second_ctrl_c_leaves_at_once_and_nothing_is_sent_twice() {
    let paying = Paying::new();
    paying.provider.next(Case::after(&Gate::closed(), Case::Success));
    let (mut child, mut stderr) = paying.render_until_called();
    interrupt(&child);
    read_until(&mut stderr, "cancelling");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).unwrap();
    assert!(rest.contains("limn watch clients/default/executions/"), "{rest}");

    let again = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert_eq!(
        again.code, 6,
        "the call may have been paid, so a person decides: {again:?}"
    );
    assert_eq!(paying.provider.calls(), 1);
}
