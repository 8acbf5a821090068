//! Keeps the planner pure: what it may depend on, and what its sources may not say.
//!
//! `no_std` and the bans in `planner/clippy.toml` work on the planner's own code. Dependencies could still reach
//! the outside world, so each of them stands here with a reason.

#![cfg(test)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Every crate below the planner, and why it may be there.
const ALLOWED: &[(&str, &str)] = &[
    ("limn-planner", "the planner itself"),
    (
        "limn-document",
        "reads documents; a part of the planner, under the same bans",
    ),
    ("pulldown-cmark", "reads Markdown, from a string to a string"),
    ("bitflags", "options of pulldown-cmark"),
    ("memchr", "used by pulldown-cmark"),
    ("unicase", "used by pulldown-cmark"),
    ("html5gum", "reads HTML, from a string to tokens"),
    ("limn-proto", "the messages, without features: no stubs, no JSON"),
    ("prost", "encodes messages; its encoding is the canonical one"),
    ("prost-types", "Timestamp in requests"),
    ("bytes", "buffers of prost"),
    ("prost-derive", "macro of prost, runs at build time"),
    ("anyhow", "errors of that macro, at build time"),
    ("itertools", "used by that macro, at build time"),
    ("either", "used by itertools, at build time"),
    ("sha2", "digests and derived seeds"),
    ("digest", "traits of sha2"),
    ("block-buffer", "used by digest"),
    ("crypto-common", "used by digest"),
    ("hybrid-array", "used by digest"),
    ("typenum", "used by hybrid-array"),
    ("cfg-if", "used by sha2"),
    (
        "cpufeatures",
        "lets sha2 use the processor's instructions; the result is the same without",
    ),
    ("thiserror", "the error type"),
    ("thiserror-impl", "macro of thiserror, runs at build time"),
    ("unicode-normalization", "NFC"),
    ("tinyvec", "used by unicode-normalization"),
    ("proc-macro2", "used by macros, at build time"),
    ("quote", "used by macros, at build time"),
    ("syn", "used by macros, at build time"),
    ("unicode-ident", "used by macros, at build time"),
    ("libc", "used by cpufeatures on some processors"),
];

/// Text that no source of the planner contains, and why.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        "extern crate std",
        "would bring back the clock, files and the network",
    ),
    ("use std::", "the planner is no_std"),
    ("unsafe ", "forbidden in every crate"),
    ("async ", "planning waits for nothing"),
    (".await", "planning waits for nothing"),
    ("#[allow", "a lint is silenced with expect and a reason"),
    ("#![allow", "a lint is silenced with expect and a reason"),
    ("include_str!", "what the planner must know is in the catalog"),
    ("include_bytes!", "what the planner must know is in the catalog"),
    ("include!", "what the planner must know is in the catalog"),
    ("option_env!", "the build environment would change plans"),
    ("static ", "a plan depends on arguments only"),
    ("thread_local", "a plan depends on arguments only"),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_planner_depends_on_nothing_but_the_listed_crates() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--package",
            "limn-planner",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree failed: {errors}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let found: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        found.contains("limn-planner"),
        "cargo tree said nothing about the planner: {tree}"
    );
    let allowed: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    let new: Vec<&&str> = found.difference(&allowed).collect();
    assert!(
        new.is_empty(),
        "new below the planner, and without a reason: {new:?}"
    );
}

#[test]
fn the_planner_takes_the_messages_without_features() {
    let manifest = fs::read_to_string(root().join("planner/Cargo.toml")).unwrap();
    let dependencies = manifest
        .split("[dependencies]")
        .nth(1)
        .and_then(|rest| rest.split("\n[").next())
        .unwrap();
    let declared: Vec<&str> = dependencies.lines().filter(|line| !line.is_empty()).collect();
    assert!(
        declared.iter().all(|line| line.ends_with(".workspace = true")),
        "{declared:?}"
    );
    assert!(
        !manifest.contains("[build-dependencies]"),
        "the planner has no build script"
    );
    assert!(
        !root().join("planner/build.rs").exists(),
        "the planner has no build script"
    );
}

#[test]
fn the_crate_root_gives_up_the_standard_library() {
    let source = fs::read_to_string(root().join("planner/src/lib.rs")).unwrap();
    for line in ["#![no_std]", "#![forbid(unsafe_code)]"] {
        assert!(source.lines().any(|found| found == line), "{line} is missing");
    }
}

#[test]
fn no_source_of_the_planner_says_what_is_forbidden() {
    let mut sources = Vec::new();
    collect(&root().join("planner/src"), &mut sources);
    assert!(sources.len() > 10, "the sources are elsewhere: {sources:?}");
    let mut found = Vec::new();
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            found.extend(forbidden_in(line).map(|why| format!("{}:{}: {why}", path.display(), number + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_source_of_the_document_reader_says_what_is_forbidden() {
    let mut sources = Vec::new();
    collect(&root().join("planner/document/src"), &mut sources);
    assert!(sources.len() > 10, "the sources are elsewhere: {sources:?}");
    // It has the standard library for its parsers, and the bans of clippy.toml for the rest.
    let bans = fs::read_to_string(root().join("planner/document/clippy.toml")).unwrap();
    for banned in [
        "std::fs::read\"",
        "std::env::var\"",
        "std::time::SystemTime",
        "std::net::TcpStream",
        "HashMap",
    ] {
        assert!(bans.contains(banned), "{banned} is not banned");
    }
    for path in sources {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.contains("use std::")) {
            let found: Vec<String> = forbidden_in(line).collect();
            assert!(found.is_empty(), "{}: {found:?}", path.display());
        }
        for banned in [
            "std::fs",
            "std::env",
            "std::net",
            "std::process",
            "std::thread",
            "std::time",
        ] {
            assert!(!text.contains(banned), "{}: {banned}", path.display());
        }
    }
}

#[test]
fn the_scan_sees_code_and_not_comments() {
    assert_eq!(forbidden_in("use std::fs;").count(), 1);
    assert_eq!(forbidden_in("    static COUNTER: u32 = 0;").count(), 1);
    assert_eq!(
        forbidden_in("//! there is no static state, nothing async and no unsafe code").count(),
        0
    );
    assert_eq!(forbidden_in("fn name() -> &'static str {").count(), 0);
}

/// Forbidden text in the code of a line.
fn forbidden_in(line: &str) -> impl Iterator<Item = String> {
    let code = line
        .split("//")
        .next()
        .unwrap_or_default()
        .replace("'static ", "");
    let found = FORBIDDEN.iter().filter(move |(text, _)| code.contains(text));
    found.map(|(text, why)| format!("\"{text}\": {why}"))
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}
