//! The audit log: who did what to money and executions.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::super::state::AuditAction;
use crate::clock::UnixMicros;

/// An entry of the audit log. Entries are only ever added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Id, time-ordered.
    pub id: Uuid,
    /// Client that it is about.
    pub client: String,
    /// When.
    pub at: UnixMicros,
    /// Who: the name that a person gave, or `policy` for what the plan asked for.
    pub actor: String,
    /// What was done.
    pub action: AuditAction,
    /// Resource name of what it was done to.
    pub subject: String,
    /// Why, in the words of the actor.
    pub reason: String,
    /// Facts by name.
    pub details: BTreeMap<String, String>,
}

/// Which audit events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this action.
    pub action: Option<AuditAction>,
}
