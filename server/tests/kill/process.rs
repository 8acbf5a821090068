//! One `limn serve`, and the signals that it is sent.

use std::{fs::OpenOptions, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    time::timeout,
};
use tonic::transport::{Channel, Endpoint};

/// How long a process may take to say its address, or to end when it is asked to. Far more than it needs: a machine
/// may be busy.
const PATIENCE: Duration = Duration::from_secs(180);

/// How to start a process.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) settings: Vec<(String, String)>,
    pub(crate) home: PathBuf,
    pub(crate) log: PathBuf,
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pub(crate) channel: Channel,
}

impl Process {
    /// Returns when the process says that it listens; what it says otherwise is the error.
    pub(crate) async fn start(launch: &Launch) -> Result<Self, String> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&launch.log)
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_limn"));
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("HOME", &launch.home)
            .current_dir(&launch.home)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        for (key, value) in &launch.settings {
            command.args(["--set", &format!("{key}={value}")]);
        }
        let mut child = command.spawn().unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = match timeout(PATIENCE, told.next_line()).await {
            Ok(line) => line.unwrap().unwrap_or_default(),
            Err(_) => return Err(format!("it says nothing for {PATIENCE:?}")),
        };
        let Some(at) = line.find("http://") else {
            let ended = child.wait().await.unwrap();
            return Err(format!("it ended with {ended} and {line:?}"));
        };
        let url = line[at..].trim().to_owned();
        let endpoint = Endpoint::from_shared(url).unwrap();
        Ok(Self {
            child,
            channel: endpoint.connect_timeout(Duration::from_secs(2)).connect_lazy(),
        })
    }

    /// Sends a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success(), "kill -s {name} {id}");
    }

    /// SIGKILL. Returns when the process is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM. Returns what the process said about its end.
    pub(crate) async fn terminate(mut self) -> Result<(), String> {
        self.signal("TERM").await;
        match timeout(PATIENCE, self.child.wait()).await {
            Err(_) => Err(format!("it does not end for {PATIENCE:?}")),
            Ok(status) if status.as_ref().unwrap().success() => Ok(()),
            Ok(status) => Err(format!("it ended with {}", status.unwrap())),
        }
    }
}
