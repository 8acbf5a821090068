//! What all calls have in common: a line in the log when they end, and refusals as statuses.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures::Stream;
use limn_proto::{name::is_client_id, reason::Reason};
use tonic::{Response, Status};

use crate::{refusal::Refusal, telemetry::field};

/// Answer of a streaming call.
pub(crate) type Answers<A> = Pin<Box<dyn Stream<Item = Result<A, Status>> + Send>>;

/// A call in progress. Writes its line when it is dropped, so that a call that its caller left has one, too.
#[derive(Debug)]
pub(crate) struct Call {
    method: &'static str,
    client: String,
    started: Instant,
    end: End,
}

#[derive(Clone, Copy, Debug)]
enum End {
    /// Neither answered nor refused: the caller left.
    Left,
    Answered,
    Refused(Reason),
}

impl Call {
    /// Begins a call that is made for `client`; anything that is no client id counts as none.
    pub(crate) fn begin(method: &'static str, client: &str) -> Self {
        let client = if is_client_id(client) { client } else { "" };
        Self {
            method,
            client: client.to_owned(),
            started: Instant::now(),
            end: End::Left,
        }
    }

    /// Runs a call with one answer.
    pub(crate) async fn unary<A>(
        mut self,
        work: impl Future<Output = Result<A, Refusal>>,
    ) -> Result<Response<A>, Status> {
        let result = work.await;
        self.end = match &result {
            Ok(_) => End::Answered,
            Err(refusal) => End::Refused(refusal.reason),
        };
        result.map(Response::new).map_err(Status::from)
    }

    /// Runs a call with many answers: `open` may refuse before the first one, the stream after any.
    pub(crate) async fn streaming<A, S>(
        mut self,
        open: impl Future<Output = Result<S, Refusal>>,
    ) -> Result<Response<Answers<A>>, Status>
    where
        A: 'static,
        S: Stream<Item = Result<A, Refusal>> + Send + 'static,
    {
        match open.await {
            Ok(answers) => Ok(Response::new(Box::pin(Observed {
                answers: Box::pin(answers),
                call: self,
            }))),
            Err(refusal) => {
                self.end = End::Refused(refusal.reason);
                Err(refusal.into())
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (code, reason) = match self.end {
            End::Left => ("Cancelled".to_owned(), ""),
            End::Answered => ("Ok".to_owned(), ""),
            End::Refused(reason) => (format!("{:?}", reason.code()), reason.as_str()),
        };
        let latency_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(
            { field::METHOD } = self.method,
            { field::CODE } = code,
            { field::REASON } = reason,
            { field::LATENCY_MS } = latency_ms,
            { field::CLIENT } = self.client,
            "call"
        );
    }
}

/// A stream that tells its call how it ended.
struct Observed<S> {
    answers: Pin<Box<S>>,
    call: Call,
}

impl<A, S> Stream for Observed<S>
where
    S: Stream<Item = Result<A, Refusal>>,
{
    type Item = Result<A, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = std::task::ready!(self.answers.as_mut().poll_next(context));
        match &next {
            None => self.call.end = End::Answered,
            Some(Err(refusal)) => self.call.end = End::Refused(refusal.reason),
            Some(Ok(_)) => {}
        }
        Poll::Ready(next.map(|answer| answer.map_err(Status::from)))
    }
}
