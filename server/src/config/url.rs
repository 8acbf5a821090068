//! Checks of addresses.

use std::net::IpAddr;

/// Reads an address of our own that callers use: `http` or `https`, a host, no query. The slash at the end is cut.
pub(super) fn public(text: &str) -> Result<String, (String, String)> {
    let url = parse(text)?;
    Ok(url.text)
}

/// Reads the address of a provider, to which a key is sent: `https`, or `http` on this machine.
pub(super) fn provider(text: &str) -> Result<String, (String, String)> {
    let url = parse(text)?;
    if url.secure || is_loopback(&url.host) {
        return Ok(url.text);
    }
    Err((
        "would send the key in the clear".to_owned(),
        "use https, or http only for an address of this machine".to_owned(),
    ))
}

struct Url {
    text: String,
    host: String,
    secure: bool,
}

fn parse(text: &str) -> Result<Url, (String, String)> {
    let refused = |what: &str| {
        (
            what.to_owned(),
            "for example https://images.example.org".to_owned(),
        )
    };
    let uri: http::Uri = text.parse().map_err(|_| refused("must be an address"))?;
    let secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(refused("must start with http:// or https://")),
    };
    let authority = uri.authority().ok_or_else(|| refused("must name a host"))?;
    if authority.as_str().contains('@') {
        return Err(refused("must not contain a user or a password"));
    }
    if uri.query().is_some() || text.contains('#') {
        return Err(refused("must not contain a query or a fragment"));
    }
    Ok(Url {
        text: text.trim_end_matches('/').to_owned(),
        host: authority.host().to_owned(),
        secure,
    })
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
