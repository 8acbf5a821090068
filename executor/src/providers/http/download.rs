//! Fetching a picture from an address that an answer names.
//!
//! Such an address is not ours to trust. It may point into the network of the operator, redirect there, or never end.
//! So private addresses are refused after the name was resolved, every redirect is looked at again, and the size is
//! bounded. Whoever wants a key to go along says to which origin.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{
    Client, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{HeaderMap, LOCATION},
};

use super::{Connecting, Ending, builder, describe, read};
use crate::providers::Connection;

/// Most redirects that are followed.
const MAX_REDIRECTS: usize = 5;

/// Fetches pictures.
#[derive(Debug)]
pub(in crate::providers) struct Downloads {
    client: Client,
    allow_private: bool,
    max_bytes: usize,
    /// What the operator named is trusted, wherever it is.
    trusted: Vec<Url>,
}

/// What goes along with the request to one origin only.
#[derive(Clone, Debug)]
pub(in crate::providers) struct Credentials<'a> {
    /// Address whose scheme, host and port must be those of the picture.
    pub(in crate::providers) origin: &'a Url,
    /// The headers.
    pub(in crate::providers) headers: HeaderMap,
}

/// A picture as it came.
#[derive(Clone, Debug)]
pub(in crate::providers) struct Downloaded {
    pub(in crate::providers) media_type: String,
    pub(in crate::providers) body: Bytes,
}

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::providers) enum DownloadError {
    /// It is not fetched from there, and never will be.
    #[error("{0}")]
    Refused(String),
    /// It is not there any more.
    #[error("the picture is gone: {0}")]
    Gone(String),
    /// It may be there the next time.
    #[error("{0}")]
    Failed(String),
    /// It is larger than the limit.
    #[error("the picture is larger than {max_bytes} bytes")]
    Oversize {
        /// The limit.
        max_bytes: usize,
    },
}

impl Downloads {
    /// Downloads as an operator set them up. `base_url` is where the API is.
    pub(in crate::providers) fn new(
        connection: &Connection,
        base_url: &Url,
        connect_timeout: Duration,
        max_bytes: usize,
    ) -> Result<Self, String> {
        let connecting = Connecting {
            timeout: connect_timeout,
            proxy: connection.proxy.as_deref().filter(|proxy| !proxy.is_empty()),
        };
        let allow_private = connection.allow_private_addresses;
        let client = builder(&connecting)
            .map(|client| {
                let resolver = PublicNames {
                    trusted_host: base_url.host_str().unwrap_or_default().to_owned(),
                    allow_private,
                };
                client.dns_resolver(std::sync::Arc::new(resolver))
            })
            .and_then(reqwest::ClientBuilder::build)
            .map_err(|error| format!("no HTTP client: {error}"))?;
        Ok(Self {
            client,
            allow_private,
            max_bytes,
            trusted: vec![base_url.clone()],
        })
    }

    /// Asks an address that an answer named, once: whatever it answers is the answer, redirects too.
    ///
    /// # Errors
    /// There is no answer, or the address is not asked.
    pub(in crate::providers) async fn ask(
        &self,
        address: &str,
        timeout: Duration,
        credentials: Option<&Credentials<'_>>,
    ) -> Result<super::Received, DownloadError> {
        let url = Url::parse(address)
            .map_err(|error| DownloadError::Refused(format!("the address is none: {error}")))?;
        self.check(&url)?;
        let mut request = self.client.get(url.clone()).timeout(timeout);
        if let Some(credentials) = credentials.filter(|given| has_origin(&url, given.origin)) {
            request = request.headers(credentials.headers.clone());
        }
        let response = request
            .send()
            .await
            .map_err(|error| DownloadError::Failed(describe(&error.without_url())))?;
        Ok(read(response, self.max_bytes).await)
    }

    /// Fetches what is at an address.
    pub(in crate::providers) async fn fetch(
        &self,
        address: &str,
        timeout: Duration,
        credentials: Option<&Credentials<'_>>,
    ) -> Result<Downloaded, DownloadError> {
        let mut url = Url::parse(address).map_err(|error| {
            DownloadError::Refused(format!("the address of the picture is none: {error}"))
        })?;
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let mut request = self.client.get(url.clone()).timeout(timeout);
            if let Some(credentials) = credentials.filter(|given| has_origin(&url, given.origin)) {
                request = request.headers(credentials.headers.clone());
            }
            let response = request
                .send()
                .await
                .map_err(|error| DownloadError::Failed(describe(&error.without_url())))?;
            let received = read(response, self.max_bytes).await;
            match received.status {
                200 => return self.downloaded(received),
                301 | 302 | 303 | 307 | 308 => {
                    let target = received
                        .headers
                        .get(LOCATION)
                        .and_then(|value| value.to_str().ok());
                    let next = target.and_then(|target| url.join(target).ok()).ok_or_else(|| {
                        DownloadError::Failed("the picture was moved to nowhere".to_owned())
                    })?;
                    if url.scheme() == "https" && next.scheme() != "https" && !self.is_trusted(&next) {
                        return Err(DownloadError::Refused(
                            "the picture was moved from https to http".to_owned(),
                        ));
                    }
                    url = next;
                }
                status @ (403 | 404 | 410) => {
                    return Err(DownloadError::Gone(format!("the store answered {status}")));
                }
                status => return Err(DownloadError::Failed(format!("the store answered {status}"))),
            }
        }
        Err(DownloadError::Refused(format!(
            "the picture was moved more than {MAX_REDIRECTS} times"
        )))
    }

    fn downloaded(&self, received: super::Received) -> Result<Downloaded, DownloadError> {
        match &received.ending {
            Ending::Whole if image::guess_format(&received.body).is_ok() => Ok(Downloaded {
                media_type: received.header("content-type").to_owned(),
                body: received.body,
            }),
            Ending::Whole => Err(DownloadError::Failed(
                "what is at the address of the picture is no picture".to_owned(),
            )),
            Ending::Oversize => Err(DownloadError::Oversize {
                max_bytes: self.max_bytes,
            }),
            Ending::Broken(cause) => Err(DownloadError::Failed(format!("the picture broke off: {cause}"))),
        }
    }

    /// Names are looked at when they are resolved; here is what can be seen before.
    fn check(&self, url: &Url) -> Result<(), DownloadError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(DownloadError::Refused(format!(
                "pictures are not fetched by {}",
                url.scheme()
            )));
        }
        let Some(host) = url.host_str() else {
            return Err(DownloadError::Refused(
                "the address of the picture has no host".to_owned(),
            ));
        };
        let literal: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        if literal.is_none_or(is_public) || self.allow_private || self.is_trusted(url) {
            return Ok(());
        }
        Err(DownloadError::Refused(private_refused()))
    }

    fn is_trusted(&self, url: &Url) -> bool {
        self.trusted.iter().any(|trusted| has_origin(url, trusted))
    }
}

fn has_origin(url: &Url, origin: &Url) -> bool {
    url.origin() == origin.origin()
}

fn private_refused() -> String {
    "the address of the picture is a private one: set allow_private_addresses if that is meant".to_owned()
}

/// Resolves names to addresses of the public internet only. What is checked is what is connected to, so that a name
/// cannot change in between.
#[derive(Clone, Debug)]
struct PublicNames {
    /// Host that the operator named.
    trusted_host: String,
    allow_private: bool,
}

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let all_are_fine = self.allow_private || name.as_str().eq_ignore_ascii_case(&self.trusted_host);
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let fine: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| all_are_fine || is_public(address.ip()))
                .collect();
            if fine.is_empty() {
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, private_refused()).into());
            }
            Ok(Box::new(fine.into_iter()) as Addrs)
        })
    }
}

/// True for addresses of the public internet, by the special-purpose registries of IANA.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        // Shared between a carrier and its customers.
        || (a == 100 && (64..128).contains(&b))
        // Protocol assignments and benchmarks.
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !is_special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(embedded) = address.to_ipv4() {
        // Also `::1` and `::`, which are 0.0.0.1 and 0.0.0.0 then.
        return is_public_v4(embedded);
    }
    let segments = address.segments();
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // Translated to an IPv4 address.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Only global unicast is assigned, without the block for documentation.
        [0x2001, 0xdb8, ..] => false,
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_told_from_public_ones() {
        let private = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "2001:db8::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ];
        for text in private {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.128.0.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }
}
