//! Calls to whichever process answers. A process that is gone, frozen or on its way out is no reason to give up: the
//! call is made again, at another one.

use std::{fmt::Debug, time::Duration};

use tokio::time::timeout;
use tonic::{Code, Response, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    random::Random,
    stage::{Stage, pause},
};

/// Longest silence before a caller turns to another process. Streams say once a second that they are alive.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);

/// What a failed call means to its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing is known: call again.
    Again,
    /// The server's own word, with its reason.
    Refused(String),
}

/// Reads a failure. Whatever is not the server's own refusal is the doing of the nemesis.
pub(crate) fn verdict(stage: &Stage, status: &Status) -> Verdict {
    match status.get_details_error_info() {
        None => {
            stage.count("calls that broke off");
            Verdict::Again
        }
        Some(info) if status.code() == Code::Unavailable => {
            stage.count(&format!("calls refused with {}", info.reason));
            Verdict::Again
        }
        Some(info) => Verdict::Refused(info.reason),
    }
}

/// Calls until somebody answers. The error is the reason of a refusal.
pub(crate) async fn call<T, F>(
    stage: &Stage,
    random: &mut Random,
    call: impl Fn(Channel) -> F,
) -> Result<T, String>
where
    T: Debug,
    F: Future<Output = Result<Response<T>, Status>>,
{
    loop {
        let channel = stage.somebody(random).await;
        match timeout(PATIENCE, call(channel)).await {
            Err(_) => stage.count("calls without an answer"),
            Ok(Ok(answer)) => return Ok(answer.into_inner()),
            Ok(Err(status)) => {
                if let Verdict::Refused(reason) = verdict(stage, &status) {
                    return Err(reason);
                }
            }
        }
        pause(random.millis(10..=100)).await;
    }
}
