//! News of work, sent to the address that a client named.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// One delivery.
#[derive(Clone, Debug)]
pub(crate) struct Hook {
    /// Address with http, a host and a port.
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Hook {
    /// Sends it, and returns the status of the answer.
    pub(crate) async fn send(&self) -> Option<u16> {
        let (host, path) = self.url.strip_prefix("http://")?.split_once('/')?;
        let mut stream = TcpStream::connect(host).await.ok()?;
        let mut head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
             connection: close\r\n",
            self.body.len()
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await.ok()?;
        stream.write_all(&self.body).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer.split(' ').nth(1)?.parse().ok()
    }
}

/// HMAC-SHA256.
pub(crate) fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length fits.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

/// Seconds of the clock: signatures have a time, and whoever checks them looks at the clock.
pub(crate) fn now_unix() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a provider has a clock of its own, and its news are of now"
    )]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
