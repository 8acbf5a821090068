//! The handle: accept an order, cancel, watch, shut down.

use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use limn_proto::{digest, v1};
use tokio::sync::Notify;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use crate::asked::Claiming;
use crate::{
    asked::{Asked, Awaited},
    blob::BlobStore,
    clock::Clock,
    darkroom::Darkroom,
    deletion::{self, DeletionError, Sweep, SweepOrder},
    detection::{self, DetectError, Detected},
    ids::{BootId, ExecutionId, IdSource},
    news::News,
    pace::Pace,
    plan::{Plan, Step},
    previews::Previews,
    providers::Registry,
    records::{
        Acceptance, BudgetShortage, ExecutionMode, ExecutionRecord, ImageDeletion, NewExecution, NewPlan,
        NewStep, RecordError, RecordStore, Resolution, Resolved, Unparked, Unparking,
    },
    references::{self, ImportError, Imported},
    running::Running,
    signals::Signals,
    supervisor, watch,
    watch::{Tails, WatchError},
};

mod settings;

pub use settings::Settings;

/// What an executor works with.
#[derive(Debug)]
pub struct Parts {
    /// What is durable.
    pub records: Arc<dyn RecordStore>,
    /// Where bytes are kept.
    pub blobs: Arc<dyn BlobStore>,
    /// Who draws.
    pub providers: Registry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn IdSource>,
    /// Knobs.
    pub settings: Settings,
}

/// An order: how to run a plan.
#[derive(Clone, Debug)]
pub struct Order {
    /// Idempotency key of the caller; nothing: one is made.
    pub request_id: Option<String>,
    /// What to do about results that exist.
    pub mode: ExecutionMode,
    /// Most steps in progress at once; may only lower the plan's.
    pub max_concurrency: Option<u32>,
    /// Which drawing of the plan.
    pub take: u32,
    /// The caller accepts risen prices; part of what makes two orders the same.
    pub accept_price_drift: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            request_id: None,
            mode: ExecutionMode::Reuse,
            max_concurrency: None,
            take: 0,
            accept_price_drift: false,
        }
    }
}

/// An accepted order.
#[derive(Clone, Debug, PartialEq)]
pub struct Submitted {
    /// The execution as it is now.
    pub execution: ExecutionRecord,
    /// It was there before: by its request id, or because it was running.
    pub existing: bool,
}

/// Why an order was not accepted. Nothing was rendered.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The request id belongs to another order.
    #[error("the request id was used for another order: execution {0}")]
    RequestIdReused(ExecutionId),
    /// Resume, and this execution is still running.
    #[error("execution {0} of the plan is still running: watch it")]
    StillRunning(ExecutionId),
    /// Resume, and there is nothing before.
    #[error("no earlier execution of the plan and take to resume")]
    NothingToResume,
    /// A budget does not leave what the plan is expected to cost.
    #[error(
        "the plan is expected to cost {} nanos more, and budget {} has {} of its {} nanos committed",
        .0.needed_nanos, .0.key.scope, .0.committed_nanos, .0.limit_nanos
    )]
    BudgetExceeded(BudgetShortage),
    /// The plan's `not_after` has passed.
    #[error("the plan was valid until unix second {not_after_unix}: plan again")]
    PlanExpired {
        /// Last second in which it was accepted.
        not_after_unix: i64,
    },
    /// The plan names a provider that this server cannot call.
    #[error("provider {0} is not available on this server")]
    UnknownProvider(String),
    /// The plan asks for a quality score, and this server gives none.
    #[error(
        "the plan has a quality gate, and this server does not score pictures: plan without quality_gate"
    )]
    QualityNotScored,
    /// The executor is shutting down.
    #[error("the executor is shutting down")]
    ShuttingDown,
    /// The database failed.
    #[error(transparent)]
    Records(#[from] RecordError),
}

/// Renders plans. Cheap to clone; all clones are the same executor.
#[derive(Clone, Debug)]
pub struct Executor {
    pub(crate) inner: Arc<Inner>,
}

/// What all tasks of an executor share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) parts: Parts,
    pub(crate) boot: BootId,
    pub(crate) signals: Signals,
    /// What watchers share.
    pub(crate) tails: Tails,
    /// Unfinished pictures, for watchers in this process.
    pub(crate) previews: Previews,
    pub(crate) running: Running,
    /// Who waits for news of work.
    pub(crate) news: News,
    /// Who may call which provider.
    pub(crate) pace: Pace,
    /// There may be something to claim.
    pub(crate) work: Notify,
    /// What is claimed.
    pub(crate) asked: Asked,
    pub(crate) awaited: Awaited,
    /// No new work is begun.
    pub(crate) stopping: CancellationToken,
    pub(crate) tasks: TaskTracker,
    /// Bounds how many answers are decoded at once.
    pub(crate) darkroom: Darkroom,
}

impl Inner {
    /// Somebody wants this execution to go on: an executor that takes only what it is asked for takes it, too.
    pub(crate) fn ask(&self, execution: ExecutionId) {
        if self.asked.note(execution) {
            self.work.notify_one();
        }
    }

    /// Tells this process and the others that an execution may be there for whoever claims it.
    pub(crate) fn offer(&self, execution: ExecutionId) {
        self.signals.offer(execution);
        self.work.notify_one();
    }
}

impl Executor {
    /// Starts the tasks that claim and run executions. Needs a tokio runtime.
    pub fn start(parts: Parts) -> Self {
        let boot = BootId(uuid::Uuid::new_v4());
        let inner = Arc::new(Inner {
            signals: Signals::new(Arc::clone(&parts.records)),
            asked: Asked::new(parts.settings.claiming),
            awaited: Awaited::default(),
            darkroom: Darkroom::new(parts.settings.decoding_bytes),
            parts,
            boot,
            tails: Tails::default(),
            previews: Previews::default(),
            running: Running::default(),
            news: News::default(),
            pace: Pace::default(),
            work: Notify::new(),
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        supervisor::spawn(&inner);
        Self { inner }
    }

    /// What is durable.
    pub fn records(&self) -> &Arc<dyn RecordStore> {
        &self.inner.parts.records
    }

    /// Where bytes are kept.
    pub fn blobs(&self) -> &Arc<dyn BlobStore> {
        &self.inner.parts.blobs
    }

    /// Takes in a picture to draw from, which plans of the client may name from then on. The same picture may be
    /// taken in any number of times.
    ///
    /// # Errors
    /// It is no picture, or it cannot be kept now.
    pub async fn import_reference(&self, client: &str, bytes: Bytes) -> Result<Imported, ImportError> {
        let parts = &self.inner.parts;
        references::import(
            &parts.blobs,
            &self.inner.darkroom,
            &parts.settings.limits,
            client,
            bytes,
        )
        .await
    }

    /// The images of a client that a picture is, or seems to be, even re-encoded or resized; the strongest evidence
    /// first. None: it is not known here.
    ///
    /// # Errors
    /// It is no picture within the limits, or the database fails.
    pub async fn detect(&self, client: &str, picture: Bytes) -> Result<Vec<Detected>, DetectError> {
        detection::detect(&self.inner, client, picture).await
    }

    /// Deletes an image: marks its record, removes the objects that no other image stands on, and leaves a tombstone.
    /// False when the client has no such image. Safe to repeat.
    ///
    /// # Errors
    /// Records or store cannot be used now; what was done stays done.
    pub async fn delete_image(&self, deletion: &ImageDeletion) -> Result<bool, DeletionError> {
        deletion::delete(&self.inner, deletion).await
    }

    /// Looks for objects without a record and records without an object, of all clients, and removes them unless it is
    /// a dry run. Any number of processes may do so at once, while pictures are drawn.
    ///
    /// # Errors
    /// Records or store cannot be used now; what was done stays done.
    pub async fn sweep(&self, order: SweepOrder) -> Result<Sweep, DeletionError> {
        deletion::sweep(&self.inner, order).await
    }

    /// Who draws.
    pub fn providers(&self) -> &Registry {
        &self.inner.parts.providers
    }

    /// Accepts an order. When this returns, the order survives a crash; the work goes on by itself.
    pub async fn submit(&self, plan: &Plan, order: &Order) -> Result<Submitted, SubmitError> {
        let inner = &self.inner;
        if inner.stopping.is_cancelled() {
            return Err(SubmitError::ShuttingDown);
        }
        let now = inner.parts.clock.now();
        if let Some(not_after_unix) = plan.not_after_unix.filter(|end| *end < now.seconds()) {
            return Err(SubmitError::PlanExpired { not_after_unix });
        }
        if plan.policy.quality_gate.is_some() && inner.parts.settings.scorer.is_none() {
            return Err(SubmitError::QualityNotScored);
        }
        let targets = plan.steps.iter().flat_map(|step| &step.targets);
        for provider in targets.map(|target| &target.render.provider) {
            if inner.parts.providers.get(provider).is_none() {
                return Err(SubmitError::UnknownProvider(provider.clone()));
            }
        }
        let acceptance = inner
            .parts
            .records
            .accept(&self.new_execution(plan, order))
            .await?;
        let (id, existing) = match acceptance {
            Acceptance::New(id) => (id, false),
            Acceptance::SameRequest(id) | Acceptance::Joined(id) => (id, true),
            Acceptance::RequestIdReused(id) => return Err(SubmitError::RequestIdReused(id)),
            Acceptance::StillRunning(id) => return Err(SubmitError::StillRunning(id)),
            Acceptance::NothingToResume => return Err(SubmitError::NothingToResume),
            Acceptance::BudgetExceeded(shortage) => return Err(SubmitError::BudgetExceeded(shortage)),
        };
        inner.ask(id);
        if !existing {
            inner.offer(id);
        }
        let execution = inner.parts.records.execution(&plan.client, id).await?;
        let execution = execution
            .ok_or_else(|| RecordError::Damaged(format!("execution {id} was accepted and is gone")))?;
        Ok(Submitted { execution, existing })
    }

    fn new_execution(&self, plan: &Plan, order: &Order) -> NewExecution {
        let parts = &self.inner.parts;
        let now = parts.clock.now();
        let request_id = order
            .request_id
            .clone()
            .unwrap_or_else(|| parts.ids.next().to_string());
        let lowered = order.max_concurrency.unwrap_or(plan.policy.max_concurrency);
        let max_concurrency = lowered.min(plan.policy.max_concurrency).max(1);
        let identity = format!(
            "limn.order/1\n{}\n{}\n{}\n{max_concurrency}\n{}",
            plan.digest,
            order.take,
            order.mode.as_str(),
            order.accept_price_drift,
        );
        NewExecution {
            id: ExecutionId(parts.ids.next()),
            plan: plan.to_new(now),
            currency: plan.currency.clone(),
            steps: plan.steps.iter().map(Step::to_new).collect(),
            take: order.take,
            request_id,
            request_hash: digest::sha256_hex(identity.as_bytes()),
            mode: order.mode,
            max_concurrency,
            now,
        }
    }

    /// Progress of an execution, from a cursor or from a snapshot; see [`WatchError`] for its ends. The stream
    /// is read from the database as it is polled: a slow reader holds up nobody. Dropping it stops nothing.
    pub fn watch(
        &self,
        client: &str,
        execution: ExecutionId,
        after: Option<u64>,
    ) -> BoxStream<'static, Result<v1::ExecutionEvent, WatchError>> {
        self.watch_with(client, execution, after, watch::Sights::Events)
    }

    /// The same, with the unfinished pictures that providers send while they draw in this process. They may be missing, and
    /// none of them is ever sent again.
    pub fn watch_with_previews(
        &self,
        client: &str,
        execution: ExecutionId,
        after: Option<u64>,
    ) -> BoxStream<'static, Result<v1::ExecutionEvent, WatchError>> {
        self.watch_with(client, execution, after, watch::Sights::Previews)
    }

    fn watch_with(
        &self,
        client: &str,
        execution: ExecutionId,
        after: Option<u64>,
        sights: watch::Sights,
    ) -> BoxStream<'static, Result<v1::ExecutionEvent, WatchError>> {
        self.inner.ask(execution);
        watch::stream(
            Arc::clone(&self.inner),
            client.to_owned(),
            execution,
            after,
            sights,
        )
    }

    /// Asks for a stop; calls in flight are still settled. An ended execution is returned unchanged; nothing
    /// when there is none. Once begun it is done, even when the caller goes away.
    pub async fn cancel(
        &self,
        client: &str,
        execution: ExecutionId,
    ) -> Result<Option<ExecutionRecord>, RecordError> {
        let inner = Arc::clone(&self.inner);
        let client = client.to_owned();
        let cancel = async move {
            let now = inner.parts.clock.now();
            let record = inner
                .parts
                .records
                .request_cancel(&client, execution, now)
                .await?;
            if record.is_some() {
                inner.running.cancel(execution);
                inner.ask(execution);
                inner.offer(execution);
            }
            Ok(record)
        };
        // A caller that goes away between the write and the words after it would leave the execution running on until
        // the next renewal of its lease.
        let done = self.inner.tasks.spawn(cancel).await;
        done.unwrap_or_else(|stopped| Err(RecordError::Damaged(format!("a cancel stopped: {stopped}"))))
    }

    /// Decides about an attempt, as [`RecordStore::resolve_attempt`] says, and lets the work that follows begin.
    pub async fn resolve_attempt(&self, resolution: &Resolution) -> Result<Resolved, RecordError> {
        let resolved = self.records().resolve_attempt(resolution).await?;
        if matches!(resolved, Resolved::Done(_)) {
            self.inner.offer(resolution.execution);
        }
        Ok(resolved)
    }

    /// Lets a stuck execution run again, as [`RecordStore::unpark`] says.
    pub async fn unpark(&self, unparking: &Unparking) -> Result<Unparked, RecordError> {
        let unparked = self.records().unpark(unparking).await?;
        if matches!(unparked, Unparked::Done(_)) {
            self.inner.offer(unparking.execution);
        }
        Ok(unparked)
    }

    /// Begins no new work, waits for calls in flight up to `settings.drain`, then returns. What is left is
    /// reconciled by the next process.
    pub async fn shutdown(&self) {
        let inner = &self.inner;
        inner.stopping.cancel();
        inner.tasks.close();
        tokio::select! {
            biased;
            () = inner.tasks.wait() => {}
            () = inner.parts.clock.sleep(inner.parts.settings.drain) => {
                tracing::warn!("shutdown did not wait for every call in flight");
            }
        }
    }
}

impl Plan {
    /// The plan as it is stored.
    pub fn to_new(&self, now: crate::clock::UnixMicros) -> NewPlan {
        NewPlan {
            client: self.client.clone(),
            digest_hex: digest::digest_hex(&self.digest).unwrap_or_default().to_owned(),
            canonical_bytes: self.canonical_bytes.clone(),
            session_id: self.session_id.clone(),
            kind: self.kind,
            now,
        }
    }
}

impl Step {
    /// The step as it is ordered. What it is expected to cost is the price of its first target.
    fn to_new(&self) -> NewStep {
        NewStep {
            step_id: self.step_id.clone(),
            render_digests: self
                .targets
                .iter()
                .map(|target| target.render_digest.clone())
                .collect(),
            expected_nanos: self
                .targets
                .first()
                .map_or(0, |target| target.price.expected_nanos),
        }
    }
}
