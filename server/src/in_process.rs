//! A channel to services in the same process, over memory instead of a port.

use std::io;

use futures::StreamExt as _;
use hyper_util::rt::TokioIo;
use tokio::{io::DuplexStream, sync::mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    service::Routes,
    transport::{Channel, Endpoint, Server},
};

/// Bytes on their way in each direction before the writer waits.
const BUFFER_BYTES: usize = 64 * 1024;

/// Serves the routes to the channel alone, for as long as the channel or a clone of it lives.
pub(crate) fn channel(routes: Routes) -> Channel {
    let (connections, accepted) = mpsc::channel::<DuplexStream>(1);
    let incoming = ReceiverStream::new(accepted).map(Ok::<_, io::Error>);
    tokio::spawn(async move {
        let served = Server::builder()
            .add_routes(routes)
            .serve_with_incoming(incoming)
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the services in this process ended");
        }
    });
    let connect = tower::service_fn(move |_| {
        let connections = connections.clone();
        async move {
            let (near, far) = tokio::io::duplex(BUFFER_BYTES);
            let gone = |_| io::Error::new(io::ErrorKind::ConnectionRefused, "the services have ended");
            connections.send(far).await.map_err(gone)?;
            Ok::<_, io::Error>(TokioIo::new(near))
        }
    });
    // The connector ignores the address.
    Endpoint::from_static("http://in-process").connect_with_connector_lazy(connect)
}
