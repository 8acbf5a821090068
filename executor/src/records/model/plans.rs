//! Plans: what is stored and what comes back.

use limn_proto::plan::PlanKind;

use crate::{clock::UnixMicros, ids::ExecutionId};

/// A plan to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPlan {
    /// Client that owns it.
    pub client: String,
    /// 64 hexadecimal digits.
    pub digest_hex: String,
    /// LCE-1 bytes.
    pub canonical_bytes: Vec<u8>,
    /// Grouping key.
    pub session_id: String,
    /// Kind of request.
    pub kind: PlanKind,
    /// Now.
    pub now: UnixMicros,
}

/// A stored plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanRecord {
    /// Client that owns it.
    pub client: String,
    /// 64 hexadecimal digits.
    pub digest_hex: String,
    /// LCE-1 bytes.
    pub canonical_bytes: Vec<u8>,
    /// When it was stored first.
    pub created_at: UnixMicros,
    /// When it was last ordered.
    pub last_executed_at: Option<UnixMicros>,
}

/// Which plans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// Of this kind.
    pub kind: Option<PlanKind>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanDeletion {
    /// Deleted.
    Deleted,
    /// There was none.
    NotFound,
    /// This execution of it has not ended.
    InUse(ExecutionId),
}
