//! Where a story plays: processes on one database and one blob folder, and a provider that counts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use limn_fakes::Fake;
use tokio::{sync::watch, task::JoinHandle};
use tonic::transport::Channel;

use crate::{
    database::Place,
    process::{Launch, Process},
    random::Random,
    weather::{self, Moods},
};

/// The shortest lease that can be configured: a frozen process must outlast it.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// Everything that a story needs. Processes come and go on it.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    pub(crate) provider: Arc<Fake>,
    pub(crate) moods: Moods,
    pub(crate) slots: Vec<Slot>,
    findings: Mutex<Vec<String>>,
    counts: Mutex<BTreeMap<String, u64>>,
    /// Changes with every event that a watcher sees.
    pub(crate) moves: watch::Sender<()>,
    weather: JoinHandle<()>,
}

/// The place of one process. Its nemesis alone starts and stops it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) name: String,
    launch: Launch,
    process: tokio::sync::Mutex<Option<Process>>,
    /// To the process; nothing while there is none. One that is frozen can still be called.
    channel: Mutex<Option<Channel>>,
}

impl Stage {
    /// Starts so many processes on an empty place.
    pub(crate) async fn open(folder: &Path, place: &Place, processes: usize, seed: u64) -> Arc<Self> {
        let provider = Arc::new(Fake::start("openai").await);
        let moods = Moods::default();
        let random = Random::of(seed, "weather");
        let weather = tokio::spawn(weather::make(Arc::clone(&provider), moods.clone(), random));
        let shared = [
            ("storage.folder", path_of(folder, "blobs")),
            ("storage.signing_key_file", path_of(folder, "link.key")),
            ("providers.openai.api_key", Fake::KEY.to_owned()),
            ("providers.openai.base_url", provider.base_url()),
            ("executor.lease_seconds", LEASE.as_secs().to_string()),
            ("executor.keep_alive_seconds", "1".to_owned()),
            ("executor.drain_seconds", "30".to_owned()),
            place.setting(),
        ];
        let slots = (0..processes).map(|index| {
            let name = format!("process-{index}");
            let own = [("data_dir", path_of(folder, &name))];
            let settings = shared.iter().chain(&own);
            Slot {
                launch: Launch {
                    settings: settings
                        .map(|(key, value)| ((*key).to_owned(), value.clone()))
                        .collect(),
                    home: folder.to_owned(),
                    log: folder.join(format!("{name}.log")),
                },
                name,
                process: tokio::sync::Mutex::new(None),
                channel: Mutex::new(None),
            }
        });
        let stage = Arc::new(Self {
            folder: folder.to_owned(),
            provider,
            moods,
            slots: slots.collect(),
            findings: Mutex::default(),
            counts: Mutex::default(),
            moves: watch::Sender::new(()),
            weather,
        });
        for slot in &stage.slots {
            stage.start(slot).await;
        }
        stage
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    /// Something is wrong with the product.
    pub(crate) fn find(&self, what: impl Into<String>) {
        self.findings.lock().unwrap().push(what.into());
    }

    pub(crate) fn findings(&self) -> Vec<String> {
        self.findings.lock().unwrap().clone()
    }

    /// Something happened; for the summary.
    pub(crate) fn count(&self, what: &str) {
        *self.counts.lock().unwrap().entry(what.to_owned()).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, u64> {
        self.counts.lock().unwrap().clone()
    }

    /// What processes logged as errors, in their own words, with how often.
    pub(crate) fn logged_errors(&self) -> BTreeMap<String, u64> {
        let mut errors = BTreeMap::new();
        for slot in &self.slots {
            let log = fs::read_to_string(&slot.launch.log).unwrap_or_default();
            for line in log.lines() {
                let told = line.split_once(" ERROR ").map(|(_, told)| told);
                let told = told.or_else(|| line.contains("panicked at").then_some(line));
                if let Some(told) = told {
                    *errors.entry(told.to_owned()).or_default() += 1;
                }
            }
        }
        errors
    }

    /// A channel to some process that runs or is frozen. Waits while there is none.
    pub(crate) async fn somebody(&self, random: &mut Random) -> Channel {
        loop {
            let channels: Vec<Channel> = self.slots.iter().filter_map(Slot::channel).collect();
            if let Some(channel) = random.pick(&channels) {
                return channel.clone();
            }
            pause(Duration::from_millis(20)).await;
        }
    }

    /// Starts the process of a slot.
    pub(crate) async fn start(&self, slot: &Slot) {
        match Process::start(&slot.launch).await {
            Ok(process) => {
                *slot.channel.lock().unwrap() = Some(process.channel.clone());
                *slot.process.lock().await = Some(process);
            }
            Err(why) => self.find(format!("{} does not start: {why}", slot.name)),
        }
    }

    /// Kills the process of a slot, frozen or not.
    pub(crate) async fn kill(&self, slot: &Slot) {
        slot.channel.lock().unwrap().take();
        if let Some(process) = slot.process.lock().await.take() {
            process.kill().await;
        }
    }

    /// Sends a signal to the process of a slot.
    pub(crate) async fn signal(&self, slot: &Slot, name: &str) {
        if let Some(process) = slot.process.lock().await.as_ref() {
            process.signal(name).await;
        }
    }

    /// Asks the process of a slot to end, and waits for it. It answers until it is gone.
    pub(crate) async fn terminate(&self, slot: &Slot) {
        if let Some(process) = slot.process.lock().await.take() {
            if let Err(why) = process.terminate().await {
                self.find(format!("{} was asked to end: {why}", slot.name));
            }
            slot.channel.lock().unwrap().take();
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.weather.abort();
    }
}

impl Slot {
    fn channel(&self) -> Option<Channel> {
        self.channel.lock().unwrap().clone()
    }
}

fn path_of(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

/// Lets time pass. What happens in a story takes time; nothing waits for something else by this.
#[expect(
    clippy::disallowed_methods,
    reason = "a storm has a length, and a frozen process stays frozen for a time"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
