//! Results in a word, for the trace.

use limn_executor::records::{
    Acceptance, AttemptRecord, AuditEvent, Balance, BegunDeletion, BudgetChange, BudgetKey, BudgetRecord,
    Claim, Dispatch, ExecutionRecord, ExecutionState, GateRecord, ImageEdited, ImageRecord, LookAlike,
    PlanDeletion, PlanRecord, Preparation, Pruned, PrunedExecution, Receipt, Renewal, Resolved, Reviewed,
    SessionRecord, Standing, StoredBytes, StoredEvent, StoredImage, Stranded, Turn, UnitGrant, Unparked,
    UsageRecord, Verification,
};
use limn_executor::{
    clock::UnixMicros,
    ids::{ExecutionId, ImageId},
};
use std::collections::BTreeMap;

use crate::desk::about;

pub(crate) trait Brief {
    fn brief(&self) -> String;
}

impl Brief for () {
    fn brief(&self) -> String {
        "ok".to_owned()
    }
}

impl Brief for String {
    fn brief(&self) -> String {
        self.clone()
    }
}

macro_rules! by_debug {
    ($($type:ty),+) => {$(
        impl Brief for $type {
            fn brief(&self) -> String {
                format!("{self:?}")
            }
        }
    )+};
}

by_debug!(
    Pruned,
    Turn,
    GateRecord,
    (Vec<GateRecord>, UnixMicros),
    PrunedExecution,
    Preparation,
    Dispatch,
    PlanDeletion,
    Balance,
    BudgetRecord,
    BudgetChange,
    UsageRecord,
    Verification,
    BegunDeletion,
    StoredImage,
    StoredBytes,
    Reviewed,
    ImageEdited,
    ImageId
);

impl Brief for PlanRecord {
    fn brief(&self) -> String {
        "plan".to_owned()
    }
}

impl Brief for ImageRecord {
    fn brief(&self) -> String {
        "image".to_owned()
    }
}

impl Brief for LookAlike {
    fn brief(&self) -> String {
        format!("image at distance {}", self.distance)
    }
}

impl Brief for SessionRecord {
    fn brief(&self) -> String {
        format!("session {}", self.id)
    }
}

impl Brief for AuditEvent {
    fn brief(&self) -> String {
        self.action.as_str().to_owned()
    }
}

impl Brief for bool {
    fn brief(&self) -> String {
        self.to_string()
    }
}

impl Brief for Receipt {
    fn brief(&self) -> String {
        self.kind.as_str().to_owned()
    }
}

impl Brief for Stranded {
    fn brief(&self) -> String {
        about(self.execution.id)
    }
}

impl Brief for (ExecutionId, AttemptRecord) {
    fn brief(&self) -> String {
        format!("{} of {}", self.1.state.as_str(), about(self.0))
    }
}

impl Brief for ExecutionState {
    fn brief(&self) -> String {
        self.as_str().to_owned()
    }
}

impl Brief for ExecutionRecord {
    fn brief(&self) -> String {
        format!("{} {}", about(self.id), self.state.as_str())
    }
}

impl Brief for Standing {
    fn brief(&self) -> String {
        format!("{} at {}", self.state.as_str(), self.last_sequence)
    }
}

impl Brief for StoredEvent {
    fn brief(&self) -> String {
        self.sequence.to_string()
    }
}

impl Brief for Claim {
    fn brief(&self) -> String {
        let crashes = self.crash_count;
        format!(
            "{} epoch {} crashes {crashes}",
            about(self.fence.execution),
            self.fence.epoch
        )
    }
}

impl Brief for Renewal {
    fn brief(&self) -> String {
        let cancel = if self.cancel_requested { " cancel" } else { "" };
        format!("{}{cancel}", about(self.execution))
    }
}

impl Brief for UnitGrant {
    fn brief(&self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Completed(_) => "completed".to_owned(),
            Self::Busy { execution, hold } => format!("busy {} {hold:?}", about(*execution)),
        }
    }
}

impl Brief for Acceptance {
    fn brief(&self) -> String {
        match self {
            Self::New(id) => format!("new {}", about(*id)),
            Self::SameRequest(id) => format!("same request {}", about(*id)),
            Self::Joined(id) => format!("joined {}", about(*id)),
            Self::RequestIdReused(id) => format!("request id of {}", about(*id)),
            Self::StillRunning(id) => format!("still running {}", about(*id)),
            Self::NothingToResume => "nothing to resume".to_owned(),
            Self::BudgetExceeded(shortage) => format!("budget {} exceeded", shortage.key.scope),
        }
    }
}

impl Brief for Resolved {
    fn brief(&self) -> String {
        match self {
            Self::Done(execution) => execution.brief(),
            other => format!("{other:?}"),
        }
    }
}

impl Brief for Unparked {
    fn brief(&self) -> String {
        match self {
            Self::Done(execution) => execution.brief(),
            other => format!("{other:?}"),
        }
    }
}

impl<T: Brief> Brief for Option<T> {
    fn brief(&self) -> String {
        self.as_ref().map_or_else(|| "nothing".to_owned(), Brief::brief)
    }
}

impl<T: Brief> Brief for Vec<T> {
    fn brief(&self) -> String {
        let all: Vec<String> = self.iter().map(Brief::brief).collect();
        format!("[{}]", all.join(", "))
    }
}

impl Brief for BTreeMap<BudgetKey, Balance> {
    fn brief(&self) -> String {
        format!("{} budgets", self.len())
    }
}
