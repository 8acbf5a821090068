//! The record seam: what is durable, and the transactions that change it.
//!
//! Every verb is one transaction. It changes state by compare-and-set, moves money in the same commit, and
//! appends the events that tell about it; when it returns, all of that survives a power cut. A verb may be
//! repeated: a repetition finds the state it made and changes nothing. Verbs with a [`Fence`] do nothing for
//! a process that no longer owns the execution and answer [`RecordError::Fenced`].
//!
//! Times of events and records are those of the caller. Leases, and everything else that decides between processes,
//! go by the clock of the database.

use std::{collections::BTreeMap, fmt, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use uuid::Uuid;

mod migrations;
mod model;
mod money;
mod period;
pub mod postgres;
mod sql;
pub mod sqlite;
mod state;

pub use model::*;
pub use money::{Movement, scopes};
pub use state::*;

use crate::{
    clock::UnixMicros,
    failure::Failure,
    fingerprint::Fingerprint,
    ids::{AttemptId, BootId, ExecutionId, ImageId, TurnId},
};

/// Why a record operation failed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Another process owns the execution now, or it ended. The caller stops at once.
    #[error("the execution is no longer owned by this process")]
    Fenced,
    /// The transition is not allowed from the present state. A bug in the caller.
    #[error("{subject} is {found}, which does not allow this")]
    WrongState {
        /// What was to change, for example `attempt 0190…`.
        subject: String,
        /// The state it is in.
        found: String,
    },
    /// The database cannot be reached or refuses.
    #[error("the database failed: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database holds something that no version wrote.
    #[error("the database holds a damaged record: {0}")]
    Damaged(String),
}

/// Result of a record operation.
pub type Result<T> = std::result::Result<T, RecordError>;

/// Proof of ownership of an execution: every write of its owner carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The execution.
    pub execution: ExecutionId,
    /// The process that claimed it.
    pub boot: BootId,
    /// Grows with every claim.
    pub epoch: i64,
}

/// Keeps plans, executions, attempts, money, events and images.
#[async_trait]
pub trait RecordStore: fmt::Debug + Send + Sync {
    // Plans.

    /// Stores a plan unless it is there; returns the record either way.
    async fn save_plan(&self, plan: &NewPlan) -> Result<PlanRecord>;

    /// The plan of a client by the 64 hexadecimal digits of its digest.
    async fn plan(&self, client: &str, digest_hex: &str) -> Result<Option<PlanRecord>>;

    /// Plans of a client, newest first.
    async fn plans(&self, client: &str, filter: &PlanFilter, page: &Page) -> Result<Vec<PlanRecord>>;

    /// Deletes a plan unless an execution of it has not ended. A plan that was there leaves an entry in the audit log, with
    /// this id and this time.
    async fn delete_plan(
        &self,
        client: &str,
        digest_hex: &str,
        audit_id: Uuid,
        now: UnixMicros,
    ) -> Result<PlanDeletion>;

    // Life of an execution.

    /// T0: stores the plan, the execution as pending, its steps, and the first event (state pending); or
    /// finds the execution that already stands for the order. The rules, in this order: the same request id
    /// with the same `request_hash` is that execution, with another hash is refused; with mode resume, no
    /// earlier execution of (client, plan, take) or a running one is refused; a running execution of (client,
    /// plan, take) is joined, and remembered under this request id too; else a new one begins, unless a budget
    /// does not leave what the pictures that do not exist yet are expected to cost.
    async fn accept(&self, order: &NewExecution) -> Result<Acceptance>;

    /// C: takes up to `limit` executions that have not ended, and that nobody owns or whose lease has passed, oldest
    /// first, but none of `running`: what the caller is at work on stays as it is, however late its lease. Each gets
    /// this owner, a higher epoch and a new lease. Taking one over from another boot adds to its crash count, which a
    /// step that ends sets back. Executions in `needs_decision` are parked: they are taken once their time to be
    /// looked at has come, at most as many as half of the places, and the claim alone does not change their state.
    async fn claim(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        running: &[ExecutionId],
    ) -> Result<Vec<Claim>>;

    /// The same for these executions alone; each is taken or not by the same rules.
    async fn claim_these(
        &self,
        boot: BootId,
        lease: Duration,
        limit: u32,
        executions: &[ExecutionId],
    ) -> Result<Vec<Claim>>;

    /// Extends the leases of this boot's executions; returns those that it still owns, and whether their clients
    /// asked for a stop meanwhile, perhaps through another process.
    async fn renew(&self, boot: BootId, executions: &[ExecutionId], lease: Duration) -> Result<Vec<Renewal>>;

    /// Gives an execution back without ending it, so that any process can claim it at once, parked or not.
    async fn release(&self, fence: &Fence) -> Result<()>;

    /// Steps with their attempts, as they are now: what an owner starts from after a claim.
    async fn open_execution(&self, fence: &Fence) -> Result<ExecutionRecord>;

    /// Parks an execution that cannot be run: to `needs_decision`, without an owner, with the failure in its record.
    /// It is looked at again `next_check` from now; nothing: when somebody unparks or cancels it. Calls in flight stay
    /// as they are. An execution that was parked for the same reason before is told of no second time.
    async fn park(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<()>;

    /// Pending execution to processing, with the start time; parked execution back to processing, or to cancelling
    /// when that was asked for. A repetition changes nothing.
    async fn start_execution(&self, fence: &Fence, now: UnixMicros) -> Result<()>;

    /// Pending or parked step to processing.
    async fn start_step(&self, fence: &Fence, step_id: &str, now: UnixMicros) -> Result<()>;

    /// Decides who draws. The first completed unit of `render_digests` satisfies the step; else the first one
    /// that another execution or step has open makes it wait; else the unit of `render_digests[first]` is
    /// opened for this step, or stays open for it. Any other unit that the step had open is let go first,
    /// whatever the answer, unless an open attempt is on it. A parked step may ask; it stays parked. An unknown attempt
    /// of its own makes it wait as well.
    async fn acquire_unit(
        &self,
        fence: &Fence,
        step_id: &str,
        render_digests: &[String],
        first: usize,
    ) -> Result<UnitGrant>;

    /// T1: attempt prepared under the unit that the step has open, with its ceiling reserved in the ledger;
    /// refused when settled, reserved and held amounts of the execution plus the ceiling would pass
    /// `max_cost_nanos`, or those of a budget in its current period the limit of the budget. What is free always
    /// passes. Sends nothing.
    async fn prepare(&self, fence: &Fence, attempt: &NewAttempt) -> Result<Preparation>;

    /// T2: prepared to dispatching; the first byte may leave for `send_margin` from now. Nothing may be sent when
    /// a cancel was requested, and `Fenced` is the answer when the lease ends before that. A repetition is
    /// granted under the same epoch only: after a takeover the call may be on its way.
    async fn dispatch(
        &self,
        fence: &Fence,
        attempt: AttemptId,
        send_margin: Duration,
        now: UnixMicros,
    ) -> Result<Dispatch>;

    /// T2 of the same call again, where the provider takes all calls of an attempt for one: a dispatching or unknown
    /// attempt may have a first byte sent for `send_margin` from now, by this owner. Nothing is told. `Fenced` is the
    /// answer when the lease ends before that.
    async fn dispatch_again(&self, fence: &Fence, attempt: AttemptId, send_margin: Duration) -> Result<()>;

    /// T3: dispatching or unknown to accepted, with the provider's job id; before the first poll. What was held is
    /// reserved again.
    async fn accepted(&self, fence: &Fence, attempt: AttemptId, job_id: &str, now: UnixMicros) -> Result<()>;

    /// Adds evidence about an attempt. Not fenced: a process that lost its lease may still know something. When the
    /// attempt is open and the evidence can tell what became of it, its execution is looked at as soon as nobody
    /// owns it, ended or not; a part of an answer cannot.
    async fn add_receipt(&self, receipt: &Receipt) -> Result<()>;

    /// An attempt, whoever owns it, and the execution that it is of. Nothing: there is none.
    async fn attempt(&self, attempt: AttemptId) -> Result<Option<(ExecutionId, AttemptRecord)>>;

    /// The evidence about an attempt, in the order in which it came.
    async fn receipts(&self, attempt: AttemptId) -> Result<Vec<Receipt>>;

    /// T4: dispatching or accepted or unknown to received; the answer is staged under the receipt's key.
    /// Writes the receipt; what was held is reserved again. Whenever an attempt is unknown no longer, executions of the
    /// client that are parked for a picture of somebody else are looked at again.
    async fn received(&self, fence: &Fence, attempt: AttemptId, receipt: &Receipt) -> Result<()>;

    /// T5: received to committed. Blob and image rows, unit completed, step completed, actual cost settled,
    /// the rest of the reservation released. The image is the one of the attempt, not a reused one. With a rejection the
    /// step goes on: the failure is written to the attempt, and the image says that it was rejected.
    async fn commit(&self, fence: &Fence, commit: &Commit) -> Result<()>;

    /// T6, T7 and their kin: an attempt ends without an image. Money follows [`AttemptOutcome`]. The unit
    /// stays open for the step, which goes on with a retry or a fallback, or ends.
    async fn end_attempt(&self, fence: &Fence, attempt: AttemptId, end: &AttemptEnd) -> Result<()>;

    /// The step completes with a picture that was drawn before: a new image record on the same blob, at no
    /// cost, that keeps the attempt of the one that paid. The completed unit stays as it is; one that the
    /// step had open is let go.
    async fn complete_reused(&self, fence: &Fence, reuse: &Reuse) -> Result<()>;

    /// The step completes with a picture that was drawn for it in this execution and rejected: the best that there is.
    /// The image is rejected no longer, and a unit that the step had open is let go.
    async fn complete_rejected(
        &self,
        fence: &Fence,
        step_id: &str,
        image: ImageId,
        now: UnixMicros,
    ) -> Result<()>;

    /// A step ends without an image, or is parked. Its open unit is let go, unless the step is parked or an
    /// open attempt is on the unit: an unknown attempt keeps it even after the end of the execution.
    async fn end_step(&self, fence: &Fence, end: &StepEnd) -> Result<()>;

    /// Ends, parks or keeps the execution, by the state of its steps and a requested cancel; returns the
    /// state. A step still pending or processing: unchanged, but a parked execution is processing again. A parked
    /// step and no cancel: `needs_decision`, which also gives up ownership; it is looked at again `next_check` from
    /// now, at once when evidence came since the claim, never by itself when there is none. That is told when it was
    /// not parked already. Every step completed: completed. Else failed or, after a cancel,
    /// cancelled; `failure` says why, and a step that is parked still ends as cancelled. Held money stays
    /// held, and its unit busy. Refused while an attempt of a step that ended is in flight.
    async fn settle_execution(
        &self,
        fence: &Fence,
        failure: &Failure,
        next_check: Option<Duration>,
        now: UnixMicros,
    ) -> Result<ExecutionState>;

    /// Takes up to `limit` executions that have ended with unknown attempts and are due to be looked at: right after the
    /// end, when evidence came, and when the time has come that [`leave_stranded`](RecordStore::leave_stranded) set.
    /// Nobody else is given them for `lease`.
    async fn stranded(&self, lease: Duration, limit: u32) -> Result<Vec<Stranded>>;

    /// Leaves an ended execution, taken until `until`, to be looked at `next_look` from now. Nothing changes when
    /// evidence came since it was taken, or somebody else took it: then that look counts.
    async fn leave_stranded(
        &self,
        execution: ExecutionId,
        until: UnixMicros,
        next_look: Duration,
    ) -> Result<()>;

    /// Books the answer to an unknown attempt of an execution that has ended: the image, if there is one, its unit
    /// and the money, once, whoever else does the same. The attempt is `committed` or `failed_paid`. Step and execution
    /// stay as they are, and nothing is told. False, and nothing changes, when there is nothing to book any more.
    async fn salvage(&self, salvage: &Salvage) -> Result<bool>;

    /// Ends an unknown attempt of an execution that has ended, of which is proven that it was never sent or was
    /// refused: money follows the outcome as in [`end_attempt`](RecordStore::end_attempt), the unit is let go, and
    /// who waits for the picture is looked at again. Step and execution stay as they are, and nothing is told. False, and
    /// nothing changes, when the attempt is not unknown or the execution goes on. Other outcomes are refused.
    async fn end_stranded(
        &self,
        execution: ExecutionId,
        attempt: AttemptId,
        end: &AttemptEnd,
    ) -> Result<bool>;

    /// Asks for a stop: a pending, running or parked execution becomes cancelling, so a parked one can be
    /// claimed again, and its crashes are forgotten; an ended one is returned unchanged. Nothing when the execution
    /// does not exist.
    async fn request_cancel(
        &self,
        client: &str,
        execution: ExecutionId,
        now: UnixMicros,
    ) -> Result<Option<ExecutionRecord>>;

    // Turns at providers. They keep calls within what a provider takes; no money and no state of an execution depends
    // on them.

    /// Asks for a turn to call a provider. Granted when, of all processes together, fewer calls than
    /// `max_concurrency` are in progress, fewer than `calls_per_minute` were begun in the last minute, nobody asked
    /// before who still waits, the provider did not ask for a pause, and its breaker is closed; of an open one whose
    /// time is over, one call at a time is let through. Else the turn waits in line, by the time at which it was first
    /// asked for, and is asked for again later; while the breaker is open there is no line. A turn that is granted
    /// stays so. A call that is in progress already is granted in any case.
    async fn take_turn(&self, request: &TurnRequest) -> Result<Turn>;

    /// Extends the leases of this boot's turns. What is unknown, or was given back, stays so.
    async fn renew_turns(&self, boot: BootId, turns: &[TurnId], lease: Duration) -> Result<()>;

    /// Gives a turn back, or its place in line. `counts` says that its call counts in the minute in which it began.
    async fn leave_turn(&self, turn: TurnId, counts: bool) -> Result<()>;

    /// Notes what was learnt about a provider, for all processes, and returns how it does now.
    async fn note_sign(&self, provider: &str, sign: &Sign) -> Result<GateRecord>;

    /// How providers do, in order of their ids, and the time by the database's clock. Of one that is missing nothing
    /// is known, which is the usual state.
    async fn gates(&self) -> Result<(Vec<GateRecord>, UnixMicros)>;

    /// Notes something about a step that is in progress, and tells it; of any other step nothing. A wait is over with
    /// the next attempt, and with every change of the step.
    async fn note_step(&self, fence: &Fence, step_id: &str, note: &StepNote, now: UnixMicros) -> Result<()>;

    // Decisions of people.

    /// Decides about an attempt whose outcome, or whose bill, is unknown, and writes that into the audit log.
    ///
    /// | attempt | not charged | charged |
    /// | --- | --- | --- |
    /// | unknown | rejected; what is held is released | written off; the cost is settled, the rest released |
    /// | rejected, its bill held | the same, without a step | the cost is settled, the rest released |
    /// | written off by a policy | rejected; what was settled is refunded | refused |
    ///
    /// An unknown attempt lets its unit go, and executions that are parked for the picture of another are woken. The
    /// step that waits for it goes back to pending or fails; other steps of the execution that wait for a picture
    /// which no attempt of their own draws go back to pending too. An execution that was parked and now has
    /// something to do, or nothing to wait for, is processing and can be claimed. One that ended stays as it is,
    /// without an event: only its money, its attempt and the unit change. Who owns an execution stays its owner.
    /// The same resolution again changes nothing.
    async fn resolve_attempt(&self, resolution: &Resolution) -> Result<Resolved>;

    /// Lets an execution run again that is parked although it has steps to draw, because its owners died too often:
    /// forgets the crashes, makes it processing, or pending when it never started, and writes that into the audit
    /// log. An execution that is parked for an unknown outcome alone stays parked.
    async fn unpark(&self, unparking: &Unparking) -> Result<Unparked>;

    // Retention.

    /// Removes what is older than `retention` allows, oldest first: the events of executions, and executions with
    /// their steps, attempts, receipts, events and request ids. Of a removed execution a [`PrunedExecution`] stays. An
    /// execution that has not ended, that holds money, or that has an attempt with an unknown outcome is passed over,
    /// and so is one that another process is removing. One call is one short transaction: it removes at most `limit`
    /// events, or those of one execution when that has more. To be called until nothing is left.
    async fn prune(&self, retention: &Retention, limit: u32) -> Result<Pruned>;

    /// What stays known of an execution of a client that [`prune`](RecordStore::prune) removed.
    async fn pruned(&self, client: &str, execution: ExecutionId) -> Result<Option<PrunedExecution>>;

    // Reading.

    /// One execution of a client with steps, attempts and cost.
    async fn execution(&self, client: &str, execution: ExecutionId) -> Result<Option<ExecutionRecord>>;

    /// Where an execution of a client stands: what a watcher asks again and again, without steps and attempts.
    async fn standing(&self, client: &str, execution: ExecutionId) -> Result<Option<Standing>>;

    /// Executions of a client, newest first.
    async fn executions(
        &self,
        client: &str,
        filter: &ExecutionFilter,
        page: &Page,
    ) -> Result<Vec<ExecutionRecord>>;

    /// At most `limit` stored events with a greater sequence, in order: encoded `limn.v1.ExecutionEvent`s.
    async fn events_after(
        &self,
        execution: ExecutionId,
        sequence: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>>;

    /// One image of a client.
    async fn image(&self, client: &str, image: ImageId) -> Result<Option<ImageRecord>>;

    /// Images of a client, newest first.
    async fn images(&self, client: &str, filter: &ImageFilter, page: &Page) -> Result<Vec<ImageRecord>>;

    /// Images of a client whose stored bytes have this SHA-256, newest first.
    async fn images_of_content(&self, client: &str, sha256: &str) -> Result<Vec<ImageRecord>>;

    /// Images of a client that look like a fingerprint, the most similar first: *all* that differ from it in at most
    /// [`LookAlike::MAX_DISTANCE`] bits, up to the limit, and none that is flat. An image that was reused is told of
    /// once, by its first record.
    async fn look_alikes(
        &self,
        client: &str,
        fingerprint: Fingerprint,
        limit: usize,
    ) -> Result<Vec<LookAlike>>;

    /// Images of any client that have no fingerprint of this version yet, in the order of their ids, after one.
    async fn images_without_fingerprint(
        &self,
        after: Option<ImageId>,
        limit: u32,
    ) -> Result<Vec<ImageRecord>>;

    /// Keeps the fingerprint of an image that has none yet. May be repeated.
    async fn keep_fingerprint(&self, image: &ImageRecord, fingerprint: Fingerprint) -> Result<()>;

    // People and images.

    /// Gives a verdict on images of a client, or withdraws it, and writes that into the audit log, one entry for each
    /// image that changes. When the client does not have one of them, or it is deleted, nothing changes at all. The same
    /// again changes nothing.
    async fn review_images(&self, order: &ReviewOrder) -> Result<Reviewed>;

    /// Corrects what people may correct of an image, and writes the names of the fields into the audit log. Refused when
    /// the image is not as the caller knows it; but what already is as it should be succeeds, whatever the tag, so the
    /// same again changes nothing.
    async fn edit_image(&self, edit: &ImageEdit) -> Result<ImageEdited>;

    // Sessions.

    /// What has this grouping key, summed up in one state of the database. Nothing: there never was anything.
    async fn session(&self, client: &str, session_id: &str) -> Result<Option<SessionRecord>>;

    /// The sessions of a client, newest activity first; the place of a page is that of the last activity, and the id.
    async fn sessions(&self, client: &str, page: &Page) -> Result<Vec<SessionRecord>>;

    /// Entries of the audit log of a client, newest first.
    async fn audit_events(&self, client: &str, filter: &AuditFilter, page: &Page) -> Result<Vec<AuditEvent>>;

    // Deleting images.

    /// Marks an image as to be deleted, once, and writes that into the audit log; from then on nobody finds it. Says
    /// which objects are to be removed: those on which no other image stands, and on which none will from now on. Its
    /// unit goes to another image of the same picture; without one it is idle, and the picture can be drawn, and paid,
    /// again. Attempts and ledger stay as they are. Nothing: the client has no such image.
    async fn begin_deletion(&self, deletion: &ImageDeletion) -> Result<Option<BegunDeletion>>;

    /// Makes a marked image a tombstone, whose objects are gone. Of any other nothing changes.
    async fn finish_deletion(&self, client: &str, image: ImageId, now: UnixMicros) -> Result<()>;

    /// At most `limit` images of all clients that are no tombstones, in order of their ids, after one.
    async fn stored_images(&self, after: Option<ImageId>, limit: u32) -> Result<Vec<StoredImage>>;

    /// Those of the keys on which no image stands, and no small copy of one.
    async fn unrecorded(&self, keys: &[String]) -> Result<Vec<String>>;

    /// Images that may be recorded yet: those of executions that have not ended, and of attempts that may still come
    /// to something.
    async fn unfinished_images(&self) -> Result<Vec<ImageId>>;

    /// How much of a client is kept.
    async fn stored_bytes(&self, client: &str) -> Result<StoredBytes>;

    // Money.

    /// A budget as it stands in its current period.
    async fn budget(&self, key: &BudgetKey) -> Result<Option<BudgetRecord>>;

    /// At most `limit` budgets of a client, in order of scope and currency, from the one after `after` on.
    async fn budgets(&self, client: &str, after: Option<&BudgetKey>, limit: u32)
    -> Result<Vec<BudgetRecord>>;

    /// Changes limit or period of a budget, which is made when it does not exist, and writes it into the audit log.
    /// Calls that are under way are not touched: a limit below what is committed only stops further ones.
    async fn update_budget(&self, update: &BudgetUpdate) -> Result<BudgetChange>;

    /// What a client used since then, by provider and model, in one currency. Attempts count when they began.
    async fn usage(&self, client: &str, currency: &str, since: UnixMicros) -> Result<Vec<UsageRecord>>;

    /// Compares, in one state of the database, everything that is kept with the ledger: budgets and their days,
    /// executions and attempts; makes sure that what ended has nothing reserved, and that histories have no gap.
    /// Of one client, or of all.
    async fn verify(&self, client: Option<&str>) -> Result<Verification>;

    /// Sums of the ledger by budget, of all time. A budget with nothing spent, reserved or held is left out.
    async fn ledger_sums(&self) -> Result<BTreeMap<BudgetKey, Balance>>;

    /// Balances by budget, of all time. A budget with nothing spent, reserved or held is left out.
    async fn balances(&self) -> Result<BTreeMap<BudgetKey, Balance>>;

    /// Asks whether the database works. For `limn doctor`; says what it is.
    async fn check(&self) -> Result<String>;

    // Hints between processes.

    /// Lets other processes know soon that they might look at an execution again. Returns at once, and the hint may be
    /// lost: nobody may depend on it. Nothing happens where only one process works with the database.
    fn announce(&self, _hint: Hint) {}

    /// The hints of other processes, not one's own. The stream has no end, and begins with [`Hint::Missed`]. Nothing
    /// where there are no other processes.
    fn listen(&self) -> Option<BoxStream<'static, Hint>> {
        None
    }
}
