//! The same bytes again, on other threads and in other processes.

use std::{path::Path, process::Command, thread};

use limn_proto::digest::{canonical_bytes, digest_of};
use prost::Message;

use super::goldens;

/// What the tests compare: one digest over all plans with their notes.
fn fingerprint() -> String {
    let mut bytes = Vec::new();
    for (_, plan) in goldens::cases() {
        bytes.extend(canonical_bytes(plan.spec.as_ref().unwrap()));
        bytes.extend(plan.encode_to_vec());
    }
    digest_of(&bytes)
}

#[test]
fn planning_twice_gives_the_same_bytes() {
    assert_eq!(fingerprint(), fingerprint());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the planner has no threads; its callers have"
)]
fn planning_on_many_threads_gives_the_same_bytes() {
    let expected = fingerprint();
    let threads: Vec<_> = (0..8).map(|_| thread::spawn(fingerprint)).collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
}

/// Run by itself it shows nothing; the test below runs it in other processes and reads what it prints.
#[test]
fn print_the_fingerprint() {
    println!("fingerprint {}", fingerprint());
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the planner starts nothing; this test starts itself"
)]
fn planning_in_other_surroundings_gives_the_same_bytes() {
    let expected = format!("fingerprint {}", fingerprint());
    let surroundings = [
        ("UTC", "C", "/", "/"),
        (
            "Pacific/Kiritimati",
            "tr_TR.UTF-8",
            "/nonexistent",
            env!("CARGO_MANIFEST_DIR"),
        ),
        ("America/St_Johns", "ar_EG.UTF-8", "", env!("CARGO_TARGET_TMPDIR")),
    ];
    for (zone, language, home, folder) in surroundings {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "determinism::print_the_fingerprint",
                "--nocapture",
                "--test-threads=1",
            ])
            .env_clear()
            .envs([
                ("TZ", zone),
                ("LANG", language),
                ("LC_ALL", language),
                ("HOME", home),
            ])
            .current_dir(Path::new(folder))
            .output()
            .unwrap();
        let printed = String::from_utf8(child.stdout).unwrap();
        assert!(
            printed.contains(&expected),
            "TZ={zone} LANG={language}: {printed}"
        );
    }
}
