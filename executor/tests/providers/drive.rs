//! Drives a call to its end, as the executor does, without waiting.

use std::time::Duration;

use limn_executor::{
    ids::AttemptId,
    plan::Render,
    provider::{
        Answer, Call, CallError, ImageProvider, InterpretError, Poll, Reference, Rejection, Rendered,
        Submission,
    },
};

/// Most questions after a job; a job that is not done by then hangs.
const MAX_POLLS: u32 = 8;
/// Most questions in a row that are answered with nothing.
const MAX_LOST: u32 = 3;

/// How a call ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// With a picture.
    Drawn(Box<Answer>, Box<Rendered>),
    /// With an answer that has no usable picture.
    Unusable(InterpretError),
    /// With a refusal.
    Rejected(Rejection),
    /// Nobody knows.
    Unknown(String),
    /// Nothing was sent.
    Unsent(String),
    /// Accepted, and not done after many questions.
    Pending,
}

/// Everything about one call but the provider.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) render: Render,
    pub(crate) references: Vec<Reference>,
    pub(crate) timeout: Duration,
}

impl Order {
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            attempt: AttemptId(uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001)),
            render: &self.render,
            timeout: self.timeout,
            references: &self.references,
            ready: &[],
            webhook_url: None,
            previews: None,
        }
    }
}

/// Makes the call ready, and sends it.
pub(crate) async fn submit(provider: &dyn ImageProvider, call: &Call<'_>) -> Result<Submission, CallError> {
    let ready = provider.get_ready(call).await?;
    let call = Call {
        ready: &ready,
        ..*call
    };
    provider.submit(&call).await
}

/// From the order to the picture.
pub(crate) async fn draw(provider: &dyn ImageProvider, order: &Order) -> Ended {
    let submitted = submit(provider, &order.call()).await;
    match submitted {
        Ok(Submission::Received(answer)) => read(provider, order, answer),
        Ok(Submission::Accepted { job_id }) => follow(provider, order, &job_id).await,
        Err(error) => failed(error),
    }
}

/// From an accepted job to the picture.
pub(crate) async fn follow(provider: &dyn ImageProvider, order: &Order, job_id: &str) -> Ended {
    let mut lost = 0;
    for _ in 0..MAX_POLLS {
        match provider.poll(&order.call(), job_id).await {
            Ok(Poll::Received(answer)) => return read(provider, order, answer),
            Ok(Poll::Pending(_)) => {}
            Err(CallError::Rejected(rejection)) => return Ended::Rejected(rejection),
            Err(CallError::Unsent { message } | CallError::Unknown { message, .. }) => {
                lost += 1;
                if lost == MAX_LOST {
                    return Ended::Unknown(message);
                }
            }
        }
    }
    Ended::Pending
}

/// What an answer contains.
pub(crate) fn read(provider: &dyn ImageProvider, order: &Order, answer: Answer) -> Ended {
    match provider.interpret(&order.render, &answer) {
        Ok(rendered) => Ended::Drawn(Box::new(answer), Box::new(rendered)),
        Err(error) => Ended::Unusable(error),
    }
}

fn failed(error: CallError) -> Ended {
    match error {
        CallError::Rejected(rejection) => Ended::Rejected(rejection),
        CallError::Unknown { message, .. } => Ended::Unknown(message),
        CallError::Unsent { message } => Ended::Unsent(message),
    }
}
