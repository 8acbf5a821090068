//! `limn serve`: the same services for everyone on one port.

use limn_server::{app::App, telemetry};
use serde_json::json;
use tokio::net::TcpListener;

use super::{connect::unusable, failure::Failure, flags::ServeArgs, output::Output, settings::Settings};

pub(crate) async fn run(args: ServeArgs, settings: &mut Settings, output: &Output) -> Result<(), Failure> {
    if let Some(address) = args.listen {
        settings.set("server.listen", address);
    }
    let config = settings.load_for_server()?;
    telemetry::init(&config.log, settings.is_quiet());
    // The port first: once the app is open, executions go on, and their calls may be paid.
    let listen = config.server.listen;
    let unbound =
        |error| Failure::unavailable("ADDRESS_IN_USE", format!("cannot listen on {listen}: {error}"));
    let listener = TcpListener::bind(listen).await.map_err(unbound)?;
    let url = format!("http://{}", listener.local_addr().map_err(unbound)?);
    let app = App::open(&config).await.map_err(|error| unusable(&error))?;
    let told = if output.is_json() {
        output.json(&json!({ "address": url }))
    } else {
        output.text(&format!("limn listens on {url}"))
    };
    if let Err(failure) = told {
        app.shutdown().await;
        return Err(failure);
    }
    limn_server::run(app, listener, stopped())
        .await
        .map_err(|error| Failure::internal(error.to_string()))
}

/// Ctrl-C, or the signal that a service manager sends.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => return,
                pressed = tokio::signal::ctrl_c() => if pressed.is_ok() { return },
            }
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
