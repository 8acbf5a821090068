//! The providers' own clients take the fakes for the providers.
//!
//! Off unless `LIMN_TEST_SDKS=1`: `tests/run` installs the clients then and says in `LIMN_TEST_SDKS_PYTHON` where. Each
//! client has a script in `sdks/` and a test here.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, are told by the environment where their tools are, and say when they are skipped"
)]

use std::env;

use limn_fakes::{Case, Fake};
use tokio::process::Command;

/// The interpreter with the clients. Nothing: the tests are off.
fn python() -> Option<String> {
    if env::var("LIMN_TEST_SDKS").as_deref() != Ok("1") {
        eprintln!("SKIPPED: the providers' own clients; LIMN_TEST_SDKS=1 tests/run installs and runs them");
        return None;
    }
    Some(env::var("LIMN_TEST_SDKS_PYTHON").expect("tests/run says where the clients are"))
}

/// Runs a script against a fake. It fails when a check of the script does.
async fn run(python: &str, script: &str, fake: &Fake) {
    let script = format!("{}/sdks/{script}", env!("CARGO_MANIFEST_DIR"));
    let ran = Command::new(python)
        .args([script.as_str(), &fake.base_url(), Fake::KEY])
        .kill_on_drop(true)
        .output()
        .await
        .expect("the interpreter can be started");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{script}:\n{told}");
}

#[tokio::test]
async fn the_client_of_openai_draws_edits_streams_and_knows_every_error() {
    let Some(python) = python() else { return };
    let fake = Fake::start("openai").await;
    let drawn = 4;
    for _ in 0..drawn {
        fake.next(Case::Success);
    }
    let refusals = [
        Case::BadKey,
        Case::RateLimited,
        Case::Quota,
        Case::BadRequest,
        Case::Refusal("moderation of the prompt"),
        Case::RetiredModel,
        Case::ServerError,
    ];
    let calls = drawn + u64::try_from(refusals.len()).expect("a few");
    for case in refusals {
        fake.next(case);
    }
    run(&python, "openai_images.py", &fake).await;
    assert_eq!((fake.calls(), fake.charged()), (calls, drawn));
    let requests = fake.requests();
    assert!(requests.iter().all(|request| request.had_the_key));
}

#[tokio::test]
async fn the_client_of_google_draws_refers_to_pictures_and_lists_models() {
    let Some(python) = python() else { return };
    let fake = Fake::start("google").await;
    run(&python, "google_genai_check.py", &fake).await;
    assert_eq!((fake.calls(), fake.charged()), (2, 2));
    assert!(fake.requests().iter().all(|request| request.had_the_key));
}

#[tokio::test]
async fn the_client_of_replicate_follows_lists_and_stops_predictions() {
    let Some(python) = python() else { return };
    let fake = Fake::start("replicate").await;
    run(&python, "replicate_check.py", &fake).await;
    // The one that was stopped is not charged.
    assert_eq!((fake.calls(), fake.charged()), (3, 2));
    let requests = fake.requests();
    // Pictures are fetched from addresses that ask for no key.
    let mut asked = requests
        .iter()
        .filter(|request| !request.path.starts_with("/delivery/"));
    assert!(asked.all(|request| request.had_the_key));
}
