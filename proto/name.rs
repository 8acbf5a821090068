//! Resource names: how they are written and read.
//!
//! A name says which client a thing belongs to, so permission can be checked before existence.

use alloc::{format, string::String};

/// Longest client id in bytes.
pub const MAX_CLIENT_BYTES: usize = 63;

/// Kinds of things that belong to a client and have a name of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Stored plans; the id is the 64 hexadecimal digits of the digest.
    Plans,
    /// Executions; the id is a UUID.
    Executions,
    /// Images; the id is a UUID.
    Images,
    /// Budgets; the id is `client` or `session-` and a session id.
    Budgets,
    /// Entries of the audit log; the id is a UUID.
    AuditEvents,
    /// Sessions; the id is any text, slashes included.
    Sessions,
}

impl Collection {
    /// The word in a name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plans => "plans",
            Self::Executions => "executions",
            Self::Images => "images",
            Self::Budgets => "budgets",
            Self::AuditEvents => "auditEvents",
            Self::Sessions => "sessions",
        }
    }
}

/// Writes `clients/{client}`.
pub fn client_name(client: &str) -> String {
    format!("clients/{client}")
}

/// Writes `clients/{client}/{collection}/{id}`.
pub fn resource_name(client: &str, collection: Collection, id: &str) -> String {
    format!("clients/{client}/{}/{id}", collection.as_str())
}

/// Reads `clients/{client}` and returns the client, when it is a well-formed one.
pub fn parse_client_name(name: &str) -> Option<&str> {
    name.strip_prefix("clients/")
        .filter(|client| is_client_id(client))
}

/// Reads `clients/{client}/{collection}/{id}` and returns client and id. The id is not checked.
pub fn parse_resource_name(name: &str, collection: Collection) -> Option<(&str, &str)> {
    let mut parts = name.strip_prefix("clients/")?.splitn(3, '/');
    let (client, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    let well_formed =
        is_client_id(client) && kind == collection.as_str() && !id.is_empty() && !id.contains('/');
    well_formed.then_some((client, id))
}

/// Reads `clients/{client}/sessions/{id}` and returns client and id, which is the rest of the name whatever is in it.
pub fn parse_session_name(name: &str) -> Option<(&str, &str)> {
    let (client, id) = name.strip_prefix("clients/")?.split_once("/sessions/")?;
    (is_client_id(client) && !id.is_empty()).then_some((client, id))
}

/// True for a lowercase letter followed by up to 62 lowercase letters, digits or hyphens.
pub fn is_client_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= MAX_CLIENT_BYTES
        && bytes.first().is_some_and(u8::is_ascii_lowercase)
        && bytes.iter().all(|byte| is_id_byte(*byte))
}

/// True for 1 to 63 lowercase letters, digits or hyphens.
pub fn is_step_id(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.bytes().all(is_id_byte)
}

fn is_id_byte(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}
