//! The contract as other languages and tools see it.

use std::process::Output;

use serde_json::Value;
use tokio::process::Command;

use crate::support::{World, skip, tool};

const PROTO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
const VIEWS_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/views.py");
const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/client.py");

fn succeeded(what: &str, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed:\n{stdout}\n{stderr}");
    stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_made_from_the_protos_plans_executes_and_reads_the_image() {
    let Some(python) = tool("LIMN_TEST_PYTHON") else {
        return skip("the Python client");
    };
    let stubs = python_stubs(&python).await;
    let folder = stubs.path().to_string_lossy().into_owned();
    let world = World::new().await;
    let server = world.serve().await;
    let address = server.address.to_string();
    let run = Command::new(&python)
        .args([CLIENT, &folder, &address])
        .output()
        .await
        .unwrap();
    let seen: Value = serde_json::from_str(&succeeded("the client", &run)).unwrap();

    assert_eq!(seen["digest"], seen["own_digest"]);
    assert_eq!(seen["json_digest_survives"], true);
    assert_eq!(seen["events"][0], "snapshot");
    assert_eq!(seen["events"].as_array().unwrap().last().unwrap(), "snapshot");
    assert_eq!(seen["state"], 3, "EXECUTION_STATE_COMPLETED");
    assert_eq!(seen["content_sha256"], seen["stored_sha256"]);
    assert_eq!(seen["refusal"], "INVALID_REQUEST");
    for service in [
        "limn.v1.PlannerService",
        "limn.v1.PlanStoreService",
        "limn.v1.ExecutorService",
        "limn.v1.ImageLibraryService",
        "limn.v1.CatalogService",
        "limn.v1.DocumentService",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    ] {
        let listed = seen["services"].as_array().unwrap();
        assert!(
            listed.iter().any(|name| name == service),
            "{service} is not listed in {listed:?}"
        );
    }
    server.stop().await;
}

/// Stubs made from the protos, in a folder of their own.
async fn python_stubs(python: &str) -> tempfile::TempDir {
    let stubs = tempfile::tempdir().unwrap();
    let folder = stubs.path().to_string_lossy().into_owned();
    let files = proto_files();
    let protoc = Command::new(python)
        .args([
            "-m",
            "grpc_tools.protoc",
            "-I",
            PROTO,
            "--python_out",
            &folder,
            "--grpc_python_out",
            &folder,
        ])
        .args(&files)
        .output()
        .await
        .unwrap();
    succeeded("generating the stubs", &protoc);
    stubs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_draws_a_view_set_and_sees_each_view_as_it_is_done() {
    let Some(python) = tool("LIMN_TEST_PYTHON") else {
        return skip("the Python client of view sets");
    };
    let stubs = python_stubs(&python).await;
    let world = World::new().await;
    let server = world.serve().await;
    let run = Command::new(&python)
        .arg(VIEWS_CLIENT)
        .arg(stubs.path())
        .args([&server.address.to_string(), "Pink tennis shoes"])
        .args(["front", "side", "back", "top"])
        .output()
        .await
        .unwrap();
    let seen: Value = serde_json::from_str(&succeeded("the client of view sets", &run)).unwrap();
    assert_eq!(seen["state"], "EXECUTION_STATE_COMPLETED");
    assert_eq!(seen["progress"], serde_json::json!([25, 50, 75, 100]));
    assert_eq!(seen["views"], serde_json::json!(["front", "side", "back", "top"]));
    assert_eq!(seen["seeds"].as_array().unwrap().len(), 1);
    assert_eq!(seen["original_prompts"], serde_json::json!(["Pink tennis shoes"]));
    let images = seen["images"].as_object().unwrap();
    let contents: std::collections::BTreeSet<&str> =
        images.values().map(|content| content.as_str().unwrap()).collect();
    assert_eq!(contents.len(), 4);
    let stderr = String::from_utf8_lossy(&run.stderr);
    assert_eq!(stderr.lines().count(), 4, "{stderr}");
    server.stop().await;
}

fn proto_files() -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(PROTO)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "proto") {
                files.push(path.to_string_lossy().into_owned());
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn the_contract_passes_its_linter_and_is_formatted() {
    let Some(buf) = tool("LIMN_TEST_BUF") else {
        return skip("the lint of the contract");
    };
    for arguments in [
        ["lint", "."].as_slice(),
        &["format", ".", "--diff", "--exit-code"],
        &["build", "."],
    ] {
        let output = Command::new(&buf)
            .args(arguments)
            .current_dir(PROTO)
            .output()
            .await
            .unwrap();
        succeeded(&format!("buf {arguments:?}"), &output);
    }
}
