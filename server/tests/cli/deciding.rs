//! Calls whose outcome nobody knows: what is shown about them, and what decides them.

use limn_fakes::Case;
use serde_json::Value;

use super::{
    limn::{Ran, Server},
    paying::Paying,
};

const NOBODY: &str = "clients/default/executions/01900000-0000-7000-8000-000000000000";

impl Paying {
    /// Runs a command as somebody.
    #[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
    pub(crate) fn run_as(&self, user: &str, arguments: &[&str]) -> Ran {
        self.command(arguments).env("USER", user).output().unwrap().into()
    }

    /// The name of an execution that lost its calls.
    #[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
    fn lose(&self, prompts: &[&str]) -> String {
        for _ in prompts {
            self.provider.next(Case::Disconnect);
        }
        let ran = self.run(&[&["render"], prompts, &["--provider", "openai", "--json"]].concat());
        assert_eq!(ran.code, 6, "{ran:?}");
        ran.error()["metadata"]["execution"].as_str().unwrap().to_owned()
    }

    #[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
    fn execution(&self, name: &str) -> Value {
        let ran = self.run(&["executions", name, "--json"]);
        let mut answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer["execution"].take()
    }
}

fn attempt_id(execution: &Value, step: usize) -> &str {
    let id = &execution["steps"][step]["attempts"][0]["attemptId"];
    id.as_str().unwrap_or_default()
}

/// The words of a command that a text for people names, after `limn`.
fn command_in<'t>(text: &'t str, words: &str) -> Vec<&'t str> {
    let line = text.lines().find(|line| line.contains(words)).unwrap_or_default();
    let at = line.find("limn ").unwrap_or(line.len());
    let mut command: Vec<&str> = line[at..].split(' ').skip(1).collect();
    for word in &mut command {
        if *word == "TEXT" {
            *word = "the dashboard shows nothing";
        }
    }
    command
}

#[test]
fn a_lost_call_is_told_with_the_commands_that_decide_it_and_they_work() {
    let paying = Paying::new();
    paying.provider.next(Case::Disconnect);
    let ran = paying.run(&["render", "a tower", "--provider", "openai"]);
    assert_eq!(ran.code, 6, "{ran:?}");
    let look = command_in(&ran.stderr, "limn resolve");
    assert_eq!(look.len(), 2, "{ran:?}");

    let list = paying.run(&["executions", "--state", "needs-decision"]);
    assert!(
        list.stdout.contains(look[1]) && list.stdout.contains("held for unknown outcomes $0."),
        "{list:?}"
    );
    assert_eq!(command_in(&list.stdout, "limn resolve"), look, "{list:?}");
    let shown = paying.run(&look);
    assert_eq!(shown.code, 0, "{shown:?}");
    assert_eq!(shown.stdout, paying.run(&["executions", look[1]]).stdout);
    assert!(
        shown.stdout.contains("looked at again by itself at "),
        "{shown:?}"
    );

    let decide = command_in(&shown.stdout, "nothing was billed, draw it again");
    let decided = paying.run_as("ada", &decide);
    assert_eq!(decided.code, 0, "{decided:?}");
    assert!(
        decided.stdout.contains("completed")
            && decided
                .stdout
                .contains("decided by ada: the dashboard shows nothing"),
        "{decided:?}"
    );
    assert_eq!(paying.provider.calls(), 2);

    // The same again changes nothing, and what is decided is no question any more.
    let again = paying.run_as("eve", &decide);
    assert_eq!((again.code, again.stdout), (0, decided.stdout));
    assert_eq!(paying.provider.calls(), 2);
    let nothing = paying.run(&look);
    assert!(
        nothing.stderr.contains("there is nothing to decide"),
        "{nothing:?}"
    );
}

#[test]
fn what_was_billed_is_settled_as_it_was_told() {
    let paying = Paying::new();
    let name = paying.lose(&["a tower"]);
    let decide = [
        "resolve",
        &name,
        "--charged",
        "0.05",
        "--fail",
        "--reason",
        "invoice 7",
        "--actor",
        "ada",
    ];
    let decided = paying.run(&[&decide[..], &["--json"]].concat());
    assert_eq!(decided.code, 0, "{decided:?}");
    let execution = paying.execution(&name);
    assert_eq!(execution["state"], "EXECUTION_STATE_FAILED");
    assert_eq!(execution["cost"]["total"]["nanos"], "50000000");
    let attempt = &execution["steps"][0]["attempts"][0];
    assert_eq!(
        (
            &attempt["state"],
            &attempt["resolutionActor"],
            &attempt["resolutionReason"]
        ),
        (
            &Value::from("ATTEMPT_STATE_WRITTEN_OFF"),
            &Value::from("ada"),
            &Value::from("invoice 7")
        )
    );
    // Known now: the execution failed, and nothing waits for a decision.
    assert_eq!(paying.run(&["watch", &name]).code, 5);

    let id = attempt_id(&execution, 0);
    let otherwise = [
        "resolve",
        &name,
        id,
        "--not-charged",
        "--retry",
        "--reason",
        "no",
        "--actor",
        "eve",
    ];
    let refused = paying.run(&[&otherwise[..], &["--json"]].concat());
    assert_eq!(refused.code, 3, "{refused:?}");
    assert_eq!(refused.error()["reason"], "ATTEMPT_NOT_UNKNOWN");
    let without_attempt = paying.run(&decide);
    assert_eq!(
        without_attempt.code, 3,
        "nothing is left to decide: {without_attempt:?}"
    );
    assert_eq!(paying.provider.calls(), 1);
}

#[test]
fn of_several_lost_calls_each_is_named() {
    let paying = Paying::new();
    let name = paying.lose(&["one hill", "two hills"]);
    let execution = paying.execution(&name);
    let [first, second] = [attempt_id(&execution, 0), attempt_id(&execution, 1)];
    let decide = ["resolve", &name, "--not-charged", "--fail", "--reason", "asked"];
    let several = paying.run_as("ada", &decide);
    assert_eq!(several.code, 2, "{several:?}");
    assert!(
        several.stderr.contains(first) && several.stderr.contains(second),
        "{several:?}"
    );

    let mut of_first = decide.to_vec();
    of_first.insert(2, first);
    assert_eq!(paying.run_as("ada", &of_first).code, 0);
    assert_eq!(paying.execution(&name)["state"], "EXECUTION_STATE_NEEDS_DECISION");
    // Now there is only one, so it needs no name.
    assert_eq!(paying.run_as("ada", &decide).code, 0);
    let execution = paying.execution(&name);
    assert_eq!(execution["state"], "EXECUTION_STATE_FAILED");
    assert_eq!(execution["cost"]["final"], true);
    assert_eq!(paying.provider.calls(), 2);
}

#[test]
fn a_decision_needs_a_verdict_a_reason_and_somebody_who_decides() {
    let paying = Paying::new();
    let name = paying.lose(&["a tower"]);
    let name = name.as_str();
    for arguments in [
        &["resolve"][..],
        &["resolve", name, "--not-charged"],
        &["resolve", name, "--retry", "--reason", "x"],
        &["resolve", name, "--not-charged", "--charged", "--reason", "x"],
        &["resolve", name, "--charged", "much", "--fail", "--reason", "x"],
        &["resolve", name, "--charged", "--fail", "--retry", "--reason", "x"],
        &["resolve", name, "--charged", "1 EUR", "--fail", "--reason", "x"],
        &["resolve", name, "--not-charged", "--reason", "x"],
        &[
            "resolve",
            name,
            "not-an-id",
            "--not-charged",
            "--fail",
            "--reason",
            "x",
        ],
        &["unpark", name],
    ] {
        let ran = paying.run_as("ada", arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
    }
    let open = paying.run_as("ada", &["resolve", name, "--not-charged", "--reason", "x"]);
    assert!(
        open.stderr.contains("--retry") && open.stderr.contains("--fail"),
        "{open:?}"
    );
    let nobody = paying.run(&["resolve", name, "--not-charged", "--fail", "--reason", "x"]);
    assert_eq!(nobody.code, 2, "{nobody:?}");
    assert!(nobody.stderr.contains("--actor"), "{nobody:?}");
    let unparked = paying.run_as("ada", &["unpark", name, "--reason", "x"]);
    assert_eq!(unparked.code, 3, "{unparked:?}");
    assert!(unparked.stderr.contains("limn executions"), "{unparked:?}");
    for command in ["resolve", "unpark"] {
        let verdict: &[&str] = if command == "resolve" {
            &["--not-charged"]
        } else {
            &[]
        };
        let nowhere = [&[command, NOBODY, "--reason", "x"], verdict].concat();
        assert_eq!(paying.run_as("ada", &nowhere).code, 4, "{command}");
    }
    assert_eq!(paying.execution(name)["state"], "EXECUTION_STATE_NEEDS_DECISION");
    assert_eq!(paying.provider.calls(), 1);
}

#[test]
fn at_a_server_the_decision_is_made_and_the_server_draws() {
    let paying = Paying::new();
    let name = paying.lose(&["a tower"]);
    let server = Server::start(paying.command(&Server::ON_A_FREE_PORT));
    let decided = paying.run_as(
        "ada",
        &[
            "resolve",
            &name,
            "--not-charged",
            "--retry",
            "--reason",
            "asked",
            "--server",
            &server.url,
        ],
    );
    assert_eq!(decided.code, 0, "{decided:?}");
    let watch = command_in(&decided.stderr, "limn watch");
    let watched = paying.run(&[&watch[..], &["--server", &server.url]].concat());
    assert_eq!(watched.code, 0, "{watched:?}");
    assert_eq!(paying.provider.calls(), 2);
}
