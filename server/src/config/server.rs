//! `[server]`: where the server listens.

use std::net::{Ipv4Addr, SocketAddr};

use toml::Table;

use super::{reader::Section, url};

/// Default of `server.max_message_bytes`: room for a plan of 500 steps with long prompts.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Address of the one port. Only a loopback address, because callers are not authenticated yet.
    pub listen: SocketAddr,
    /// Address under which others reach the server, for signed links and for news of providers; no slash at the end. Nothing: links
    /// begin with the address it listens on, and no news come.
    pub public_url: Option<String>,
    /// Largest message that is accepted, in bytes.
    pub max_message_bytes: usize,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 50051)),
            public_url: None,
            max_message_bytes: MAX_MESSAGE_BYTES,
        }
    }
}

impl Server {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let server = Self {
            listen: section.read("listen", listen).unwrap_or(default.listen),
            public_url: section.read("public_url", url::public),
            max_message_bytes: section
                .integer("max_message_bytes", 65_536..=268_435_456)
                .unwrap_or(default.max_message_bytes),
        };
        section.finish();
        server
    }

    pub(super) fn render(&self) -> Table {
        let mut table = Table::new();
        table.insert("listen".into(), self.listen.to_string().into());
        if let Some(url) = &self.public_url {
            table.insert("public_url".into(), url.clone().into());
        }
        table.insert("max_message_bytes".into(), super::number(self.max_message_bytes));
        table
    }
}

fn listen(text: &str) -> Result<SocketAddr, (String, String)> {
    let address: SocketAddr = text.parse().map_err(|_| {
        (
            "must be an IP address and a port".to_owned(),
            "for example 127.0.0.1:50051, or [::1]:50051".to_owned(),
        )
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err((
        "only a loopback address is allowed: callers are not authenticated, so anyone who reaches the \
         port could spend your money"
            .to_owned(),
        format!(
            "listen on 127.0.0.1:{} and put a proxy that authenticates in front of it",
            address.port()
        ),
    ))
}
