//! `--store`: pictures elsewhere than in a folder of the data folder.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a story stops where its tools fail; time is what it waits for, and what makes things old"
)]

use std::{fs, process::Command, thread, time::Duration};

use limn_fakes::storage::S3Server;

use super::limn::{Limn, Ran};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn with_store(limn: &Limn, server: &S3Server, arguments: &[&str]) -> Command {
    let mut command = limn.command(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", S3Server::ACCESS_KEY_ID)
        .env("AWS_SECRET_ACCESS_KEY", S3Server::SECRET_ACCESS_KEY)
        .env("AWS_ENDPOINT_URL_S3", server.endpoint());
    command
}

fn ok(mut command: Command) -> Ran {
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        !format!("{ran:?}").contains(S3Server::SECRET_ACCESS_KEY),
        "{ran:?}"
    );
    ran
}

#[test]
fn a_picture_in_a_bucket_has_an_address_of_its_own_that_works_and_then_expires() {
    let Some(server) = S3Server::start(&["my-images"]) else {
        return;
    };
    let limn = Limn::new();
    let store = ["--store", "s3://my-images/limn"];
    let render = ["render", "a lighthouse at dusk", "--url", "3s", "--quiet"];
    let url = ok(with_store(&limn, &server, &[&render[..], &store].concat())).stdout;
    let url = url.trim();
    assert!(url.contains("/my-images/limn/clients/default/images/"), "{url}");
    let (status, body) = server.fetch(url);
    assert_eq!(status, 200);
    assert!(body.starts_with(PNG));
    assert!(
        !limn.path("data/blobs").exists(),
        "nothing is stored beside the bucket"
    );

    // Time itself is what is waited for.
    let mut answer = (200, Vec::new());
    for _ in 0..100 {
        answer = server.fetch(url);
        if answer.0 != 200 {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(answer.0, 403);
    assert!(String::from_utf8_lossy(&answer.1).contains("Request has expired"));

    // The same picture again, from the same bucket: free, and with a fresh address.
    let images = ["images", "--url", "1h", "--save", "copies", "--json"];
    let listed = ok(with_store(&limn, &server, &[&images[..], &store].concat()));
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).unwrap();
    let url = listed["urls"][0]["url"].as_str().unwrap();
    assert_eq!(server.fetch(url), (200, body.clone()));
    let copies: Vec<_> = fs::read_dir(limn.path("copies")).unwrap().collect();
    assert_eq!(fs::read(copies[0].as_ref().unwrap().path()).unwrap(), body);
}

#[test]
fn each_client_may_have_a_bucket_of_its_own() {
    let Some(server) = S3Server::start(&["of-all", "of-acme"]) else {
        return;
    };
    let limn = Limn::new();
    let config = "[storage]\nurl = \"s3://of-all\"\n[storage.clients.acme]\nbucket = \"of-acme\"\n";
    let config = limn.write("limn.toml", config).display().to_string();
    let render = |client: &str| {
        let words = [
            "render",
            "a lighthouse",
            "--url",
            "1h",
            "--quiet",
            "--config",
            &config,
            "--client",
            client,
        ];
        let url = ok(with_store(&limn, &server, &words)).stdout.trim().to_owned();
        assert_eq!(server.fetch(&url).0, 200);
        url
    };
    assert!(render("acme").contains("/of-acme/clients/acme/images/"));
    assert!(render("other").contains("/of-all/clients/other/images/"));
    let requests = server.requests();
    let paths = requests.iter().filter_map(|request| request["path"].as_str());
    for path in paths {
        assert!(!path.starts_with("/of-all/clients/acme/"), "{path}");
        assert!(!path.starts_with("/of-acme/clients/other/"), "{path}");
    }
}

#[test]
fn the_doctor_tries_the_store_and_says_what_is_wrong_with_it() {
    let Some(server) = S3Server::start(&["my-images"]) else {
        return;
    };
    let limn = Limn::new();
    let told = ok(with_store(
        &limn,
        &server,
        &["doctor", "--store", "s3://my-images"],
    ))
    .stdout;
    let line = told.lines().find(|line| line.starts_with("storage")).unwrap();
    assert!(
        line.contains("ok") && line.contains("s3://my-images at http://127.0.0.1"),
        "{told}"
    );
    let mut wrong = with_store(&limn, &server, &["doctor", "--store", "s3://no-such-bucket"]);
    let ran = Ran::from(wrong.output().unwrap());
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.stdout.contains("NoSuchBucket"), "{ran:?}");
}

#[test]
fn a_store_without_its_keys_is_refused_before_anything_is_drawn() {
    let limn = Limn::new();
    let ran = limn.fails(2, &["render", "a lighthouse", "--store", "s3://my-images"]);
    assert!(
        ran.stderr.contains("AWS_ACCESS_KEY_ID") && ran.stderr.contains("AWS_REGION"),
        "{ran:?}"
    );
    let ran = limn.fails(2, &["render", "a lighthouse", "--store", "ftp://my-images"]);
    assert!(ran.stderr.contains("names no store"), "{ran:?}");
    assert!(!limn.path("data").exists());
}

#[test]
fn a_folder_may_be_anywhere_and_memory_is_gone_afterwards() {
    let limn = Limn::new();
    let file = limn
        .ok(&["render", "a lighthouse", "--quiet", "--store", "elsewhere"])
        .stdout;
    assert!(file.starts_with("elsewhere/clients/default/images/"), "{file}");
    assert!(fs::read(limn.path(file.trim())).unwrap().starts_with(PNG));
    let other = Limn::new();
    other.ok(&["render", "a lighthouse", "--out", "copies", "--store", "memory:"]);
    assert_eq!(fs::read_dir(other.path("copies")).unwrap().count(), 1);
    assert!(!other.path("data/blobs").exists());
    let ran = limn.fails(7, &["render", "a tower", "--url", "1h"]);
    assert!(ran.stderr.contains("no server runs"), "{ran:?}");
}

#[test]
fn a_deleted_image_is_gone_from_lists_and_disk_and_can_be_drawn_again() {
    let limn = Limn::new();
    let drawn = limn.json(&["render", "a lighthouse"]);
    let name = drawn["images"][0]["name"].as_str().unwrap().to_owned();
    let key = drawn["images"][0]["storageKey"].as_str().unwrap().to_owned();
    limn.fails(2, &["images", &name, "--delete"]);
    let ran = limn.ok(&[
        "images",
        &name,
        "--delete",
        "--actor",
        "ada",
        "--reason",
        "asked for",
    ]);
    assert!(ran.stderr.contains(&format!("deleted {name}")), "{ran:?}");
    limn.ok(&["images", &name, "--delete", "--actor", "ada", "--reason", "again"]);
    limn.fails(4, &["images", &name]);
    assert!(!limn.path("data/blobs").join(key).exists());
    let log = limn.ok(&["audit", "list"]).stdout;
    assert!(log.contains("image.delete") && log.contains("asked for"), "{log}");
    assert_ne!(
        limn.json(&["render", "a lighthouse"])["images"][0]["reused"],
        true
    );
}

#[test]
fn a_sweep_says_what_there_is_and_usage_what_keeping_costs() {
    let limn = Limn::new();
    limn.ok(&["render", "a lighthouse"]);
    let orphan = limn.path("data/blobs/clients/default/images/d2bbd80c-ee75-5e5d-8946-72000ce2c034.png");
    fs::write(&orphan, b"12345").unwrap();
    let two_days_ago = std::time::SystemTime::now() - Duration::from_secs(48 * 3600);
    let file = fs::File::options().write(true).open(&orphan).unwrap();
    file.set_modified(two_days_ago).unwrap();
    let found = limn.json(&["sweep", "--dry-run"]);
    assert_eq!(
        (&found["objects"], &found["objectBytes"]),
        (&"1".into(), &"5".into()),
        "{found}"
    );
    assert!(orphan.exists());
    limn.fails(2, &["sweep", "--older-than", "5m"]);
    let told = limn.ok(&["sweep", "--older-than", "3d"]).stdout;
    let line = told
        .lines()
        .find(|line| line.starts_with("objects without a record"));
    assert!(line.is_some_and(|line| line.ends_with(" 0")), "{told}");
    limn.ok(&["sweep"]);
    assert!(!orphan.exists());

    let told = limn.ok(&["usage"]).stdout;
    let line = told.lines().find(|line| line.starts_with("stored")).unwrap();
    assert!(line.contains("1 pictures") && !line.contains("a month"), "{told}");
    let told = limn
        .ok(&["usage", "--set", "storage.price_per_gb_month_nanos=1000000000"])
        .stdout;
    assert!(told.contains("a month"), "{told}");
    let usage = limn.json(&["usage", "--set", "storage.price_per_gb_month_nanos=1000000000"]);
    let storage = &usage["storage"];
    // At a dollar for a gigabyte, a byte is a billionth.
    assert_eq!(storage["sizeBytes"], storage["estimatedMonthlyCost"]["nanos"]);
}
