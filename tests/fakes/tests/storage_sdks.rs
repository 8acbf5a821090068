//! The official clients of stores take the fakes for the stores.
//!
//! Off unless `LIMN_TEST_SDKS=1`: `tests/run` installs the clients then and says in `LIMN_TEST_SDKS_PYTHON` and
//! `LIMN_TEST_SDKS_NODE` where. Each client has a script in `sdks/`.

#![expect(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "helpers of tests fail as tests do, are told by the environment where their tools are, and say when they are skipped"
)]

use std::env;

use limn_fakes::storage::{CloudinaryFake, VercelBlobFake};
use tokio::process::Command;

/// What a variable of `tests/run` says. Nothing: the tests are off.
fn tool(variable: &str) -> Option<String> {
    if env::var("LIMN_TEST_SDKS").as_deref() != Ok("1") {
        eprintln!(
            "SKIPPED: the official clients of stores; LIMN_TEST_SDKS=1 tests/run installs and runs them"
        );
        return None;
    }
    Some(env::var(variable).expect("tests/run says where the clients are"))
}

/// Runs a script. It fails when a check of the script does.
async fn run(mut command: Command, script: &str) {
    let ran = command
        .kill_on_drop(true)
        .output()
        .await
        .expect("the interpreter can be started");
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{script}:\n{told}");
}

fn path(script: &str) -> String {
    format!("{}/sdks/{script}", env!("CARGO_MANIFEST_DIR"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_cloudinary_uploads_reads_lists_and_destroys() {
    let Some(python) = tool("LIMN_TEST_SDKS_PYTHON") else {
        return;
    };
    let fake = CloudinaryFake::start().await;
    let mut command = Command::new(python);
    command.arg(path("cloudinary_check.py")).arg(fake.url()).args([
        CloudinaryFake::CLOUD_NAME,
        CloudinaryFake::API_KEY,
        CloudinaryFake::API_SECRET,
    ]);
    run(command, "cloudinary_check.py").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_of_vercel_blob_puts_heads_lists_and_deletes() {
    let Some(modules) = tool("LIMN_TEST_SDKS_NODE") else {
        return;
    };
    let fake = VercelBlobFake::start(false).await;
    let mut command = Command::new("node");
    command
        .arg(path("vercel_blob_check.mjs"))
        .arg(VercelBlobFake::TOKEN)
        .env("VERCEL_BLOB_API_URL", fake.api_url())
        .env("VERCEL_BLOB_RETRIES", "0");
    run(command, &format!("vercel_blob_check.mjs with {modules}")).await;
}
