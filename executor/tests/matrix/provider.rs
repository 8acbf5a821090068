//! The provider seam of a process: the way to a [`Studio`], with all the places at which it can break off.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use limn_executor::{
    plan::Render,
    provider::{
        Answer, Bill, Billing, Call, CallError, CapabilityClass, ImageProvider, InterpretError, Lookup, Poll,
        Rejection, Rendered, Submission,
    },
};
use limn_proto::reason::Reason;

use crate::{
    plan::PRICE_NANOS,
    seams::{Injected, Seams, Side},
    studio::{Act, Job, Promise, Studio, Taken},
    world::Client,
};

/// How long the provider asks to wait between two questions.
const POLL_DELAY: Duration = Duration::from_secs(2);
/// How much of an answer comes before it breaks off.
const PARTIAL_BYTES: usize = 20;

/// A way to the provider.
#[derive(Debug)]
pub(crate) struct FaultyProvider {
    pub(crate) studio: Arc<Studio>,
    pub(crate) seams: Arc<Seams>,
    pub(crate) client: Arc<Client>,
}

impl FaultyProvider {
    /// Comes to a place on the way. A network that fails there leaves everything open.
    async fn pass(&self, place: &'static str, side: Side) -> Result<(), CallError> {
        let passed = self.seams.pass(place, side).await;
        passed.map_err(|Injected| broken_off(Bytes::new()))
    }

    /// The name that a job has at the provider.
    fn job_id(&self, job: &Job) -> String {
        match self.studio.promise {
            Promise::ChosenId => job.attempt.to_string(),
            _ => format!("job-{}", job.number),
        }
    }

    /// The job of that name.
    fn number(&self, call: &Call<'_>, job_id: &str) -> Option<usize> {
        match job_id.strip_prefix("job-") {
            Some(number) => number.parse().ok(),
            None => self.studio.job_of(call.attempt).map(|job| job.number),
        }
    }

    /// The answer of a drawn job, on its way to us.
    async fn receive(
        &self,
        job: &Job,
        call: &'static str,
        receiving: &'static str,
    ) -> Result<Answer, CallError> {
        let answer = job.answer();
        let part = || answer.body.slice(..PARTIAL_BYTES);
        self.seams
            .pass(receiving, Side::Before)
            .await
            .map_err(|Injected| broken_off(part()))?;
        // The fault of the last moment is that of our side: the answer has come.
        self.pass(call, Side::After).await?;
        self.studio.delivered(job.number);
        Ok(answer)
    }
}

fn broken_off(partial_body: Bytes) -> CallError {
    CallError::Unknown {
        message: "the connection broke off".to_owned(),
        http_status: None,
        request_id: String::new(),
        partial_body,
    }
}

fn refusal(reason: Reason, billing: Billing) -> CallError {
    CallError::Rejected(Rejection {
        reason,
        message: "refused".to_owned(),
        http_status: Some(if reason == Reason::ContentBlocked {
            400
        } else {
            503
        }),
        request_id: String::new(),
        retry_after: None,
        billing,
        metadata: Default::default(),
    })
}

#[async_trait]
impl ImageProvider for FaultyProvider {
    fn id(&self) -> &str {
        self.studio.id
    }

    fn class(&self) -> CapabilityClass {
        match self.studio.promise {
            Promise::Key => CapabilityClass::A,
            Promise::ChosenId => CapabilityClass::B,
            Promise::GivenId | Promise::GivenIdOnly => CapabilityClass::C,
            Promise::Nothing => CapabilityClass::D,
        }
    }

    fn deadline(&self, _render: &Render) -> Duration {
        Duration::from_secs(600)
    }

    async fn submit(&self, call: &Call<'_>) -> Result<Submission, CallError> {
        self.pass("submit", Side::Before).await?;
        self.pass("sending", Side::Before).await?;
        let job = match self.studio.take(call) {
            Taken::Job(job) => job,
            Taken::Refused(Act::LoseRequest) => return Err(broken_off(Bytes::new())),
            Taken::Refused(Act::RefuseContent) => {
                return Err(refusal(Reason::ContentBlocked, Billing::Unknown));
            }
            Taken::Refused(_) => return Err(refusal(Reason::ProviderUnavailable, Billing::No)),
        };
        if job.act == Act::DrawWhileCancelled && job.requests == 1 {
            self.client.cancel().await;
        }
        self.pass("working", Side::Before).await?;
        match self.studio.promise {
            Promise::Key | Promise::Nothing => {
                // Only the first answer is lost: who may ask again gets it.
                if job.act == Act::LoseAnswer && job.requests == 1 {
                    return Err(broken_off(job.answer().body.slice(..PARTIAL_BYTES)));
                }
                let answer = self.receive(&job, "submit", "receiving").await?;
                Ok(Submission::Received(answer))
            }
            Promise::ChosenId | Promise::GivenId | Promise::GivenIdOnly => {
                if job.act == Act::LoseAnswer && job.requests == 1 {
                    return Err(broken_off(Bytes::new()));
                }
                self.pass("submit", Side::After).await?;
                Ok(Submission::Accepted {
                    job_id: self.job_id(&job),
                })
            }
        }
    }

    async fn poll(&self, call: &Call<'_>, job_id: &str) -> Result<Poll, CallError> {
        self.pass("poll", Side::Before).await?;
        let number = self.number(call, job_id);
        let Some(job) = number.and_then(|number| self.studio.poll(number)) else {
            return Err(broken_off(Bytes::new()));
        };
        let refusal = match job.act {
            _ if job.is_stopped => Some(refusal(Reason::CancelledByClient, Billing::No)),
            Act::FailJob if job.is_done() => Some(refusal(Reason::ProviderUnavailable, Billing::No)),
            _ => None,
        };
        if let Some(refusal) = refusal {
            self.pass("poll", Side::After).await?;
            return Err(refusal);
        }
        if !job.is_done() {
            self.pass("poll", Side::After).await?;
            return Ok(Poll::Pending(POLL_DELAY));
        }
        let answer = self.receive(&job, "poll", "polling").await?;
        Ok(Poll::Received(answer))
    }

    async fn lookup(&self, call: &Call<'_>) -> Result<Lookup, CallError> {
        let can_be_asked = matches!(self.studio.promise, Promise::ChosenId | Promise::GivenId);
        if !can_be_asked {
            return Ok(Lookup::Impossible);
        }
        self.pass("lookup", Side::Before).await?;
        let found = match self.studio.job_of(call.attempt) {
            None => Lookup::Absent,
            Some(job) if job.is_done() && job.act != Act::FailJob && !job.is_stopped => {
                let answer = self.receive(&job, "lookup", "looking_up").await?;
                return Ok(Lookup::Received(answer));
            }
            Some(job) => Lookup::Pending {
                job_id: self.job_id(&job),
            },
        };
        self.pass("lookup", Side::After).await?;
        Ok(found)
    }

    async fn cancel(&self, call: &Call<'_>, job_id: &str) -> Result<(), CallError> {
        self.pass("cancel", Side::Before).await?;
        if let Some(number) = self.number(call, job_id) {
            self.studio.stop(number);
        }
        self.pass("cancel", Side::After).await
    }

    fn interpret(&self, _render: &Render, answer: &Answer) -> Result<Rendered, InterpretError> {
        self.seams.monitor().act();
        Ok(Rendered {
            image: answer.body.clone(),
            bill: Bill {
                cost_nanos: Some(PRICE_NANOS),
                ..Bill::default()
            },
            ..Rendered::default()
        })
    }

    async fn check(&self) -> Result<String, String> {
        Ok("faulty".to_owned())
    }
}
