//! The vocabulary of reasons: every error and every failure carries one of these words.
//!
//! Reasons are contract, texts are not. A reason stands in `google.rpc.ErrorInfo.reason` of a gRPC status and
//! in `Failure.reason` of a stored history. Each has one [`Code`], so that the same situation always
//! has the same status.

/// Domain of every `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "limn.dev";

/// The canonical gRPC codes that Limn uses, with their `google.rpc.Code` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Code {
    /// Stopped by the caller.
    Cancelled = 1,
    /// The other side answered with something that says nothing.
    Unknown = 2,
    /// The request is wrong, whatever the state of the system.
    InvalidArgument = 3,
    /// The named thing does not exist.
    NotFound = 5,
    /// The caller may not do this.
    PermissionDenied = 7,
    /// A quota, a budget or a rate.
    ResourceExhausted = 8,
    /// The request is right, but the system is in the wrong state for it.
    FailedPrecondition = 9,
    /// Broken off; a look at the state is needed before another try.
    Aborted = 10,
    /// A cursor past the end.
    OutOfRange = 11,
    /// A bug.
    Internal = 13,
    /// Not now; the same call may work later.
    Unavailable = 14,
    /// Bytes are lost or damaged.
    DataLoss = 15,
    /// No credentials, or wrong ones.
    Unauthenticated = 16,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $code:ident;)+) => {
        /// Why something was refused or failed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the contract.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word that travels.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }

            /// The status code that goes with the reason.
            pub const fn code(self) -> Code {
                match self {
                    $(Self::$name => Code::$code,)+
                }
            }

            /// Reads the word back; nothing for a word of a newer version.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == text)
            }
        }
    };
}

reasons! {
    // Planning: nothing happened.
    /// Fields of a request are wrong; all of them are listed.
    InvalidRequest = "INVALID_REQUEST", InvalidArgument;
    /// Text is not the JSON that was asked for.
    MalformedJson = "MALFORMED_JSON", InvalidArgument;
    /// The catalog has no provider of that name.
    UnknownProvider = "UNKNOWN_PROVIDER", InvalidArgument;
    /// The catalog has no model of that name.
    UnknownModel = "UNKNOWN_MODEL", InvalidArgument;
    /// The model was retired by its provider; the answer names its replacement.
    ModelRetired = "MODEL_RETIRED", InvalidArgument;
    /// The chosen target cannot honour a field that is not optional.
    UnsupportedParameter = "UNSUPPORTED_PARAMETER", InvalidArgument;
    /// The provider is named but switched off.
    ProviderDisabled = "PROVIDER_DISABLED", FailedPrecondition;
    /// The rules leave no provider.
    NoEligibleProvider = "NO_ELIGIBLE_PROVIDER", FailedPrecondition;
    /// The catalog has no price for the target: a price that is unknown is never taken as zero.
    PriceUnknown = "PRICE_UNKNOWN", FailedPrecondition;
    /// A picture to draw from was not imported.
    ReferenceNotFound = "REFERENCE_NOT_FOUND", FailedPrecondition;
    /// The expected cost is above max_cost.
    MaxCostExceeded = "MAX_COST_EXCEEDED", FailedPrecondition;
    /// More steps than a plan may have.
    TooManySteps = "TOO_MANY_STEPS", InvalidArgument;
    /// The plan was made by a newer version.
    PlanRevisionUnsupported = "PLAN_REVISION_UNSUPPORTED", FailedPrecondition;
    /// The plan is not in canonical form, or breaks its own rules.
    PlanNotCanonical = "PLAN_NOT_CANONICAL", InvalidArgument;

    // Starting an execution: nothing was rendered.
    /// The plan does not have the digest it claims.
    PlanDigestMismatch = "PLAN_DIGEST_MISMATCH", InvalidArgument;
    /// No stored plan has that name.
    PlanNotFound = "PLAN_NOT_FOUND", NotFound;
    /// An execution of the plan is running.
    PlanInUse = "PLAN_IN_USE", FailedPrecondition;
    /// A price, a model or a limit moved since planning.
    PlanStale = "PLAN_STALE", FailedPrecondition;
    /// The not_after of the plan has passed.
    PlanExpired = "PLAN_EXPIRED", FailedPrecondition;
    /// The document is not the one that the plan binds.
    DocumentChanged = "DOCUMENT_CHANGED", FailedPrecondition;
    /// The request id was used with another order.
    RequestIdReused = "REQUEST_ID_REUSED", InvalidArgument;
    /// The execution to resume is still running.
    ExecutionRunning = "EXECUTION_RUNNING", FailedPrecondition;
    /// There is no execution to resume.
    NoEarlierExecution = "NO_EARLIER_EXECUTION", NotFound;
    /// The name belongs to another client.
    ClientMismatch = "CLIENT_MISMATCH", PermissionDenied;
    /// No execution has that name.
    ExecutionNotFound = "EXECUTION_NOT_FOUND", NotFound;
    /// No image has that name.
    ImageNotFound = "IMAGE_NOT_FOUND", NotFound;
    /// Nothing has that session id.
    SessionNotFound = "SESSION_NOT_FOUND", NotFound;
    /// A cursor is past the last event or byte.
    CursorOutOfRange = "CURSOR_OUT_OF_RANGE", OutOfRange;
    /// The page token is not one of ours, or belongs to another query.
    BadPageToken = "BAD_PAGE_TOKEN", InvalidArgument;
    /// The budget of the client or the session does not cover the next call. Also while running.
    BudgetExceeded = "BUDGET_EXCEEDED", ResourceExhausted;
    /// The execution was there, and its record was removed after the retention time.
    ExecutionPruned = "EXECUTION_PRUNED", NotFound;
    /// The image of the unit was deleted; a higher take draws, and pays, again.
    ResultDeleted = "RESULT_DELETED", FailedPrecondition;
    /// The watcher reads more slowly than events come; watching again with the last sequence goes on.
    WatcherTooSlow = "WATCHER_TOO_SLOW", Aborted;
    /// The database or the store cannot be reached.
    StoreUnavailable = "STORE_UNAVAILABLE", Unavailable;
    /// The server is shutting down.
    ShuttingDown = "SHUTTING_DOWN", Unavailable;
    /// A bug.
    Internal = "INTERNAL", Internal;

    // Deciding and accounting: nothing was changed.
    /// The execution has no attempt of that id.
    AttemptNotFound = "ATTEMPT_NOT_FOUND", NotFound;
    /// The outcome of the attempt is known, or was decided otherwise.
    AttemptNotUnknown = "ATTEMPT_NOT_UNKNOWN", FailedPrecondition;
    /// The execution is not parked because of its owners.
    ExecutionNotParked = "EXECUTION_NOT_PARKED", FailedPrecondition;
    /// No budget has that name and currency.
    BudgetNotFound = "BUDGET_NOT_FOUND", NotFound;
    /// The thing was changed since its etag was read.
    EtagMismatch = "ETAG_MISMATCH", Aborted;
    /// The update mask is empty, or names what cannot be changed.
    BadUpdateMask = "BAD_UPDATE_MASK", InvalidArgument;

    // While running: data in the history.
    /// The provider is down, and the call is proven not accepted.
    ProviderUnavailable = "PROVIDER_UNAVAILABLE", Unavailable;
    /// The provider asked for fewer calls.
    ProviderRateLimited = "PROVIDER_RATE_LIMITED", ResourceExhausted;
    /// Nobody can say whether the provider did the work and billed it.
    OutcomeUnknown = "OUTCOME_UNKNOWN", Aborted;
    /// An unknown outcome was given up, as the policy of the plan says, and counts as billed.
    OutcomeWrittenOff = "OUTCOME_WRITTEN_OFF", Aborted;
    /// The processes that owned the execution died too often; it is parked until somebody looks.
    ExecutionPoisoned = "EXECUTION_POISONED", Aborted;
    /// The provider refused the parameters.
    ProviderRejected = "PROVIDER_REJECTED", InvalidArgument;
    /// The key is bad, or the account has no credit.
    ProviderAccount = "PROVIDER_ACCOUNT", FailedPrecondition;
    /// The provider refused the content.
    ContentBlocked = "CONTENT_BLOCKED", FailedPrecondition;
    /// The provider answered without an image.
    NoImage = "NO_IMAGE", Unknown;
    /// The bytes are no image, or not the one of the plan.
    ImageInvalid = "IMAGE_INVALID", DataLoss;
    /// No picture of the step reached the threshold of the plan; what was drawn and paid is kept.
    QualityBelowThreshold = "QUALITY_BELOW_THRESHOLD", FailedPrecondition;
    /// The plan asks for a quality score, and this server gives none.
    QualityNotScored = "QUALITY_NOT_SCORED", FailedPrecondition;
    /// The next attempt could pass max_cost.
    CostLimitReached = "COST_LIMIT_REACHED", ResourceExhausted;
    /// A step before this one failed.
    StoppedByPolicy = "STOPPED_BY_POLICY", Aborted;
    /// CancelExecution was called.
    CancelledByClient = "CANCELLED_BY_CLIENT", Cancelled;
    /// At least one step did not complete.
    StepsFailed = "STEPS_FAILED", Aborted;
}
