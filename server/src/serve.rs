//! One port: gRPC, health, reflection and signed links.

use std::{io, net::SocketAddr, time::Duration};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::ServingStatus;

use crate::app::App;

/// How often a quiet connection is asked whether the other end lives, and how long that may take.
const PING: Duration = Duration::from_secs(20);
/// How long open connections may take to finish once nothing is left to do.
const GOODBYE: Duration = Duration::from_secs(5);

/// Why a server ended.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The listener is open to the network, and callers are not authenticated.
    #[error("{0} is no loopback address: callers are not authenticated, so anyone could spend your money")]
    NotLoopback(SocketAddr),
    /// The listener or the lock file failed.
    #[error("cannot serve: {0}")]
    Io(#[from] io::Error),
    /// The description of the services is damaged.
    #[error("cannot describe the services: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("cannot serve: {0}")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `shutdown` resolves, then says so to health checks, refuses new executions, waits for calls in
/// flight within the bound of the configuration, and closes the connections.
///
/// # Errors
///
/// The listener is open to the network, or the transport fails.
pub async fn run(
    app: App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    let served = serve(&app, listener, shutdown).await;
    // Also when serving failed: a call in flight may be paid. A second time returns at once.
    app.shutdown().await;
    tracing::info!("shut down");
    served
}

async fn serve(
    app: &App,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), RunError> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        return Err(RunError::NotLoopback(address));
    }
    if app.public_url.is_none() {
        app.links.set_base_url(&format!("http://{address}"));
    }
    let closing = CancellationToken::new();
    let serving = Server::builder()
        // Signed links are opened by browsers and plain HTTP clients.
        .accept_http1(true)
        .http2_keepalive_interval(Some(PING))
        .http2_keepalive_timeout(Some(PING))
        .add_routes(Routes::from(app.router()?))
        .serve_with_incoming_shutdown(
            // Without it a small message waits 40 ms for the next one.
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            closing.clone().cancelled_owned(),
        );
    tokio::pin!(serving);
    app.report(ServingStatus::Serving).await;
    app.lock.announce(address)?;
    tracing::info!(%address, "serving");

    tokio::select! {
        ended = &mut serving => return Ok(ended?),
        () = shutdown => {}
    }
    tracing::info!("shutting down: waiting for calls in flight");
    app.report(ServingStatus::NotServing).await;
    // Questions are still answered while the work in flight is finished.
    tokio::select! {
        ended = &mut serving => ended?,
        () = app.shutdown() => {
            closing.cancel();
            match tokio::time::timeout(GOODBYE, &mut serving).await {
                Ok(ended) => ended?,
                Err(_) => tracing::warn!("some connections were cut"),
            }
        }
    }
    Ok(())
}
