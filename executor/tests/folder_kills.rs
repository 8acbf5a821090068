//! A folder whose processes are killed, again and again, at random points of their work.
//!
//! The test starts itself as a child that puts and deletes without end, kills it, and looks at the folder as the next
//! process finds it. `LIMN_TEST_KILLS` says how often (1,000 by default), `LIMN_TEST_SEED` with what chance.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a child is told by the environment what to do, tells by its output what it did, and fails as tests do"
)]

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use bytes::Bytes;
use limn_executor::{
    blob::{BlobKey, BlobMetadata, BlobStore as _, folder::FolderStore},
    clock::UnixMicros,
};
use limn_proto::digest::sha256_hex;

/// Where the child works. Nothing: this is the test.
const FOLDER: &str = "LIMN_TEST_KILL_FOLDER";
/// What the child's chance begins with.
const SEED: &str = "LIMN_TEST_SEED";
/// Different keys: few, so that puts and deletes of one meet.
const KEYS: u64 = 12;

/// Numbers by chance, the same for the same seed (`SplitMix64`).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

fn key(number: u64) -> BlobKey {
    BlobKey::parse(&format!("clients/c{}/images/{number}.png", number % 3)).unwrap()
}

/// The bytes of a key follow from its number and a version, and say both, so that any part of them is known as such.
fn bytes(number: u64, version: u64) -> Bytes {
    let mut chance = Chance(number << 32 | version);
    let length = usize::try_from(chance.below(200_000)).unwrap();
    let mut bytes = version.to_le_bytes().to_vec();
    bytes.extend(
        std::iter::repeat_with(|| chance.next().to_le_bytes())
            .take(length / 8)
            .flatten(),
    );
    Bytes::from(bytes)
}

fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Puts and deletes until it is killed. Each line is written after what it tells is durable, and before what it tells
/// is begun.
async fn work(folder: &Path, seed: u64) {
    let store = FolderStore::open(folder, None).unwrap();
    let mut chance = Chance(seed);
    let mut out = std::io::stdout();
    let mut tell = |line: String| {
        writeln!(out, "{line}").unwrap();
        out.flush().unwrap();
    };
    loop {
        let number = chance.below(KEYS);
        if chance.below(3) == 0 {
            tell(format!("kill-test deleting {number}"));
            store.delete(&key(number)).await.unwrap();
            tell(format!("kill-test deleted {number}"));
        } else {
            let version = chance.below(1 << 20);
            tell(format!("kill-test putting {number} {version}"));
            let put = store
                .put(
                    &key(number),
                    &BlobMetadata::new("image/png"),
                    bytes(number, version),
                )
                .await;
            if put.is_ok() {
                tell(format!("kill-test put {number} {version}"));
            }
        }
    }
}

/// What is known of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Absent,
    Stored(u64),
}

/// What the child told: what is certain, and the one thing that may or may not have happened.
fn replay(lines: &[String], known: &mut BTreeMap<u64, Known>) -> Option<(u64, Known)> {
    let mut open = None;
    for line in lines {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
        match (words.first().copied(), number(1), number(2)) {
            (Some("putting"), Some(key), Some(version)) => open = Some((key, Known::Stored(version))),
            (Some("deleting"), Some(key), None) => open = Some((key, Known::Absent)),
            (Some("put"), Some(key), Some(version)) => {
                known.insert(key, Known::Stored(version));
                open = None;
            }
            (Some("deleted"), Some(key), None) => {
                known.insert(key, Known::Absent);
                open = None;
            }
            // The last line may be cut.
            _ => {}
        }
    }
    open
}

/// How often a kill hit what it was meant to hit.
#[derive(Debug, Default)]
struct Tally {
    /// A file was left half written.
    cut: u64,
    /// What was under way had happened.
    happened: u64,
    /// What was under way had not.
    undone: u64,
}

fn has_unfinished(folder: &Path) -> bool {
    let processes = std::fs::read_dir(folder.join("~unfinished"))
        .into_iter()
        .flatten();
    let folders = processes.filter_map(|entry| std::fs::read_dir(entry.ok()?.path()).ok());
    folders.flatten().next().is_some()
}

/// The next process finds every key as it must be, and nothing else.
async fn look(
    folder: &Path,
    known: &mut BTreeMap<u64, Known>,
    open: Option<(u64, Known)>,
    tally: &mut Tally,
) {
    tally.cut += u64::from(has_unfinished(folder));
    let store = FolderStore::open(folder, None).unwrap();
    let mut listed = 0;
    for number in 0..KEYS {
        let found = match store.get(&key(number)).await {
            Ok(found) => {
                listed += 1;
                let version = u64::from_le_bytes(found[..8].try_into().unwrap());
                assert_eq!(
                    sha256_hex(&found),
                    sha256_hex(&bytes(number, version)),
                    "key {number} is whole"
                );
                Known::Stored(version)
            }
            Err(_) => Known::Absent,
        };
        let certain = known.get(&number).copied().unwrap_or(Known::Absent);
        let is_open = open.is_some_and(|(key, state)| key == number && state == found);
        assert!(
            found == certain || is_open,
            "key {number} is {found:?}, told was {certain:?}, open {open:?}"
        );
        if let Some((_, wanted)) = open.filter(|(key, wanted)| *key == number && *wanted != certain) {
            tally.happened += u64::from(found == wanted);
            tally.undone += u64::from(found != wanted);
        }
        known.insert(number, found);
    }
    assert_eq!(
        store.list("").await.unwrap().len(),
        listed,
        "nothing is listed that is no blob"
    );
    let later = UnixMicros(i64::MAX);
    assert_eq!(
        store.sweep_unfinished(later, true).await.unwrap(),
        0,
        "what was unfinished is swept"
    );
}

#[tokio::test]
async fn no_kill_leaves_a_part_of_a_blob_or_forgets_one() {
    if let Some(folder) = env::var_os(FOLDER) {
        work(Path::new(&folder), variable(SEED).unwrap_or(0)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let kills = variable("LIMN_TEST_KILLS").unwrap_or(1_000);
    let seed = variable(SEED).unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 1);
    println!("LIMN_TEST_SEED={seed}");
    let mut chance = Chance(seed);
    let mut known = BTreeMap::new();
    let mut tally = Tally::default();
    for _ in 0..kills {
        let mut child = Command::new(env::current_exe().unwrap())
            .args([
                "no_kill_leaves_a_part_of_a_blob_or_forgets_one",
                "--exact",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .env(SEED, chance.next().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        // After some of its acts, and then a moment within the next one.
        let acts_before = chance.below(12);
        let moment = Duration::from_micros(chance.below(3_000));
        let mut lines = Vec::new();
        let mut seen = 0;
        let mut is_killed = false;
        for line in out.lines() {
            let Ok(line) = line else { break };
            let Some((_, told)) = line.split_once("kill-test ") else {
                continue;
            };
            lines.push(told.to_owned());
            seen += 1;
            if seen > acts_before && !is_killed {
                thread::sleep(moment);
                child.kill().unwrap();
                is_killed = true;
            }
        }
        child.wait().unwrap();
        let open = replay(&lines, &mut known);
        look(folder.path(), &mut known, open, &mut tally).await;
    }
    println!("{kills} kills: {tally:?}");
    if kills >= 1_000 {
        let hits = [tally.cut, tally.happened, tally.undone];
        assert!(
            hits.iter().all(|hits| *hits > 0),
            "the kills miss what they are for: {tally:?}"
        );
    }
}
