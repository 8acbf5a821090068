//! `limn` on Postgres: several data folders, one database.

#![expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]

use limn_executor::testing::scratch_postgres;

use super::limn::{Limn, Ran};

/// Flags that lead two homes to one database, one store and one key.
struct Shared {
    flags: Vec<String>,
}

impl Shared {
    /// Nothing when there is no server to test with.
    fn new(home: &Limn) -> Option<Self> {
        let url = tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(scratch_postgres())?;
        let storage = home.path("shared/blobs").display().to_string();
        let key = home.path("shared/link.key").display().to_string();
        let flags = [
            "--database",
            &url,
            "--set",
            &format!("storage.folder={storage}"),
            "--set",
            &format!("storage.signing_key_file={key}"),
        ];
        Some(Self {
            flags: flags.map(str::to_owned).to_vec(),
        })
    }

    fn and<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let flags = self.flags.iter().map(String::as_str);
        arguments.iter().copied().chain(flags).collect()
    }
}

#[test]
fn two_servers_share_a_database() {
    let (one, other) = (Limn::new(), Limn::new());
    let Some(shared) = Shared::new(&one) else {
        return;
    };
    let before = one.ok(&shared.and(&["doctor"]));
    assert!(before.stdout.contains("no schema yet"), "{before:?}");
    let first = one.serve_with(&shared.and(&[]));
    let second = other.serve_with(&shared.and(&[]));
    one.ok(&["render", "a lighthouse at dusk", "--server", &first.url]);
    let again = other.ok(&["render", "a lighthouse at dusk", "--server", &second.url]);
    assert!(again.stdout.contains("free:"), "the picture is known: {again:?}");
    // Beside the servers, with a data folder of its own.
    let third = Limn::new();
    let listed = third.json(&shared.and(&["images"]));
    assert_eq!(listed["images"].as_array().unwrap().len(), 2, "{listed}");
    let mut fingerprints = Vec::new();
    for (limn, server) in [(&one, first), (&other, second)] {
        let doctor = limn.ok(&shared.and(&["doctor"]));
        assert!(doctor.stdout.contains("PostgreSQL "), "{doctor:?}");
        assert!(doctor.stdout.contains("synchronous_commit on"), "{doctor:?}");
        let key = doctor.stdout.lines().find(|line| line.starts_with("signing key"));
        fingerprints.push(key.unwrap().to_owned());
        assert_eq!(server.interrupt(), 0);
        assert!(!limn.path("data/limn.db").exists());
    }
    assert!(fingerprints[0].contains("fingerprint"));
    assert_eq!(fingerprints[0], fingerprints[1]);
}

#[test]
fn the_address_of_a_database_is_a_secret() {
    let limn = Limn::new();
    let address = "postgres://ada:sesame@127.0.0.1:1/limn";
    let variable = |arguments: &[&str]| -> Ran {
        let mut command = limn.command(arguments);
        command.env("LIMN_DATABASE_URL", address).output().unwrap().into()
    };
    let shown = variable(&["check-config"]);
    assert!(shown.stdout.contains("url = \"[redacted]\""), "{shown:?}");
    let wrong = format!("--database={address}?pasword=sesame");
    for (code, ran) in [
        (0, shown),
        (7, variable(&["doctor"])),
        (7, variable(&["serve", "--listen", "127.0.0.1:0", "-vv"])),
        (7, variable(&["render", "a lighthouse", "--json", "-vv"])),
        (2, limn.run(&["executions", &wrong])),
    ] {
        assert_eq!(ran.code, code, "{ran:?}");
        assert!(!format!("{ran:?}").contains("sesame"), "{ran:?}");
        let names_it = ran.stderr.contains("database limn at 127.0.0.1:1") || ran.stdout.contains("database");
        assert!(names_it || ran.stderr.contains("database.url"), "{ran:?}");
    }
}

#[test]
fn the_database_flag_also_takes_a_file() {
    let limn = Limn::new();
    for (flag, file) in [("sqlite:one.db", "one.db"), ("two.db", "two.db")] {
        limn.ok(&["executions", "--database", flag]);
        assert!(limn.path(file).is_file());
    }
    assert!(!limn.path("data/limn.db").exists());
}

#[test]
fn a_store_that_the_others_do_not_share_is_refused() {
    let (one, other) = (Limn::new(), Limn::new());
    let Some(shared) = Shared::new(&one) else {
        return;
    };
    let server = one.serve_with(&shared.and(&[]));
    let own = format!("storage.folder={}", other.path("own").display());
    // The last flag of a key counts.
    let executions = [shared.and(&["executions"]), vec!["--set", &own]].concat();
    let ran = other.fails(7, &executions);
    assert!(ran.stderr.contains("share one storage.folder"), "{ran:?}");
    // What the refusal advises for a store that is lost for good.
    let named = ran.stderr.split("write ").nth(1).unwrap();
    let (identity, rest) = named.split_once(" into ").unwrap();
    let file = rest.split_whitespace().next().unwrap();
    std::fs::write(file, identity).unwrap();
    other.ok(&executions);
    drop(server);
}
