//! Runs fakes by hand.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use limn_fakes::Fake;

/// Providers on the loopback interface, to try Limn without a key.
#[derive(Debug, Parser)]
#[command(name = "limn-fakes", version)]
struct Flags {
    /// Names of the providers, or `all`.
    #[arg(required = true)]
    providers: Vec<String>,
    /// Port of the first one; the others follow. 0: free ports.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// How long work takes, in milliseconds.
    #[arg(long, default_value_t = 500)]
    latency_ms: u64,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let names: Vec<String> = if flags.providers == ["all"] {
        Fake::names().into_iter().map(str::to_owned).collect()
    } else {
        flags.providers
    };
    let mut fakes = Vec::new();
    let mut port = flags.port;
    for name in &names {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let latency = Duration::from_millis(flags.latency_ms);
        let fake = Fake::listen(name, address, latency).await.map_err(|error| {
            let known = Fake::names().join(", ");
            std::io::Error::new(
                error.kind(),
                format!("{name} at {address}: {error} (there are: {known})"),
            )
        })?;
        println!("{}", fake.configuration());
        fakes.push(fake);
        port = if port == 0 { 0 } else { port + 1 };
    }
    println!("# Put this into limn.toml. Ctrl-C ends the fakes.");
    tokio::signal::ctrl_c().await
}
