//! Reading requests: every wrong field is noted, and all of them are told at once.

use limn_executor::{
    clock::UnixMicros,
    ids::{ExecutionId, ImageId},
};
use limn_proto::{
    digest::{digest_hex, is_sha256_hex},
    name::{Collection, is_client_id, parse_client_name, parse_resource_name, parse_session_name},
    reason::Reason,
};
use pbjson_types::Timestamp;

use crate::{
    paging,
    refusal::{Refusal, Violation},
};

/// Longest session id, post id and label value in bytes.
const MAX_TEXT_BYTES: usize = 256;
/// Currency of amounts when nobody says.
const DEFAULT_CURRENCY: &str = "USD";

/// Wrong fields found so far.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    violations: Vec<Violation>,
}

impl Fields {
    /// Notes a wrong field.
    pub(crate) fn wrong(&mut self, field: &str, description: impl Into<String>) {
        self.wrong_as(Reason::InvalidRequest, field, description);
    }

    /// Notes a wrong field with a reason of its own.
    pub(crate) fn wrong_as(&mut self, reason: Reason, field: &str, description: impl Into<String>) {
        self.violations.push(Violation {
            subject: field.to_owned(),
            description: description.into(),
            class: reason.as_str().to_owned(),
        });
    }

    /// The value, unless some field was wrong. A wrong field leaves `None` behind, a right one never does.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Refusal> {
        let Some(first) = self.violations.first() else {
            return value.ok_or_else(|| Refusal::internal("a field was refused without a violation"));
        };
        let message = match self.violations.len() {
            1 => format!("{}: {}", first.subject, first.description),
            count => format!(
                "{}: {} (and {} more)",
                first.subject,
                first.description,
                count - 1
            ),
        };
        // A reason of its own counts where nothing else is wrong.
        let is_alone = self
            .violations
            .iter()
            .all(|violation| violation.class == first.class);
        let reason = Reason::parse(&first.class).filter(|_| is_alone);
        let mut refusal = Refusal::new(reason.unwrap_or(Reason::InvalidRequest), message);
        refusal.details.violations = self.violations;
        Err(refusal)
    }

    /// Reads `clients/{client}`.
    pub(crate) fn client<'a>(&mut self, field: &str, name: &'a str) -> Option<&'a str> {
        let client = parse_client_name(name);
        if client.is_none() {
            self.wrong(field, format!("must be clients/{{client}}, not {name:?}"));
        }
        client
    }

    /// Reads the name of a plan: the client and 64 hexadecimal digits.
    pub(crate) fn plan<'a>(&mut self, field: &str, name: &'a str) -> Option<(&'a str, &'a str)> {
        let parsed = parse_resource_name(name, Collection::Plans).filter(|(_, hex)| is_sha256_hex(hex));
        if parsed.is_none() {
            self.wrong(
                field,
                format!("must be clients/{{client}}/plans/{{64 lowercase hexadecimal digits}}, not {name:?}"),
            );
        }
        parsed
    }

    /// Reads the name of an execution.
    pub(crate) fn execution<'a>(&mut self, field: &str, name: &'a str) -> Option<(&'a str, ExecutionId)> {
        let parsed = parse_resource_name(name, Collection::Executions)
            .and_then(|(client, id)| Some((client, ExecutionId::parse(id)?)));
        if parsed.is_none() {
            self.wrong(
                field,
                format!("must be clients/{{client}}/executions/{{uuid}}, not {name:?}"),
            );
        }
        parsed
    }

    /// Reads the name of an image.
    pub(crate) fn image<'a>(&mut self, field: &str, name: &'a str) -> Option<(&'a str, ImageId)> {
        let parsed = parse_resource_name(name, Collection::Images)
            .and_then(|(client, id)| Some((client, ImageId::parse(id)?)));
        if parsed.is_none() {
            self.wrong(
                field,
                format!("must be clients/{{client}}/images/{{uuid}}, not {name:?}"),
            );
        }
        parsed
    }

    /// Reads the name of a session, whose id is any text.
    pub(crate) fn session<'a>(&mut self, field: &str, name: &'a str) -> Option<(&'a str, &'a str)> {
        let parsed = parse_session_name(name).filter(|(_, id)| id.len() <= MAX_TEXT_BYTES);
        if parsed.is_none() {
            self.wrong(
                field,
                format!("must be clients/{{client}}/sessions/{{session id}}, not {name:?}"),
            );
        }
        parsed
    }

    /// Reads the name of a budget: its client, and what it covers. The id of a session is any text.
    pub(crate) fn budget<'a>(&mut self, field: &str, name: &'a str) -> Option<(&'a str, &'a str)> {
        let covers = |scope: &str| {
            let session_id = scope.strip_prefix("session-").unwrap_or_default();
            scope == "client" || (1..=MAX_TEXT_BYTES).contains(&session_id.len())
        };
        let parsed = name
            .strip_prefix("clients/")
            .and_then(|rest| rest.split_once("/budgets/"))
            .filter(|(client, scope)| is_client_id(client) && covers(scope));
        if parsed.is_none() {
            self.wrong(
                field,
                format!(
                    "must be clients/{{client}}/budgets/client or clients/{{client}}/budgets/session-{{id}}, \
                     not {name:?}"
                ),
            );
        }
        parsed
    }

    /// Reads a currency; empty is the one that amounts have when nobody says.
    pub(crate) fn currency(&mut self, field: &str, code: &str) -> Option<String> {
        if code.is_empty() {
            return Some(DEFAULT_CURRENCY.to_owned());
        }
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_code {
            self.wrong(
                field,
                format!("must be three uppercase letters, for example EUR, not {code:?}"),
            );
        }
        is_code.then(|| code.to_owned())
    }

    /// Reads a page size.
    pub(crate) fn page_size(&mut self, asked: i32) -> Option<u32> {
        let size = paging::page_size(asked);
        if size.is_none() {
            self.wrong("page_size", format!("must not be negative, but is {asked}"));
        }
        size
    }

    /// Reads an optional text of a filter.
    pub(crate) fn text(&mut self, field: &str, text: &str) -> Option<String> {
        if text.len() > MAX_TEXT_BYTES {
            self.wrong(field, format!("must have at most {MAX_TEXT_BYTES} bytes"));
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Reads words that are kept as they are: required, and at most so many characters.
    pub(crate) fn words<'a>(&mut self, field: &str, text: &'a str, max_chars: usize) -> Option<&'a str> {
        let count = text.chars().count();
        if text.trim().is_empty() {
            self.wrong(field, format!("is required, 1 to {max_chars} characters"));
            return None;
        }
        if count > max_chars {
            self.wrong(
                field,
                format!("must have at most {max_chars} characters, but has {count}"),
            );
            return None;
        }
        Some(text)
    }

    /// Reads words that may be missing, and have at most so many characters.
    pub(crate) fn note<'a>(&mut self, field: &str, text: &'a str, max_chars: usize) -> &'a str {
        let count = text.chars().count();
        if count > max_chars {
            self.wrong(
                field,
                format!("must have at most {max_chars} characters, but has {count}"),
            );
        }
        text
    }

    /// Reads an optional digest of a filter.
    pub(crate) fn digest(&mut self, field: &str, digest: &str) -> Option<String> {
        if !digest.is_empty() && digest_hex(digest).is_none() {
            self.wrong(
                field,
                format!("must be \"sha256:\" and 64 lowercase hexadecimal digits, not {digest:?}"),
            );
        }
        (!digest.is_empty()).then(|| digest.to_owned())
    }

    /// Reads an enumeration: a value that this version does not know is wrong.
    pub(crate) fn known<E: TryFrom<i32>>(&mut self, field: &str, number: i32) -> Option<E> {
        let value = E::try_from(number).ok();
        if value.is_none() {
            self.wrong(field, format!("{number} is no value of this enumeration"));
        }
        value
    }

    /// Reads an optional time.
    pub(crate) fn time(&mut self, field: &str, time: Option<&Timestamp>) -> Option<UnixMicros> {
        let time = time?;
        let seconds = time.seconds.checked_mul(1_000_000);
        match seconds {
            Some(micros) if (0..1_000_000_000).contains(&time.nanos) => {
                Some(UnixMicros(micros.saturating_add(i64::from(time.nanos / 1000))))
            }
            _ => {
                self.wrong(field, "is no time");
                None
            }
        }
    }
}

/// The client in a name of any kind, for the log: what stands there may be wrong.
pub(crate) fn client_of(name: &str) -> &str {
    let rest = name.strip_prefix("clients/").unwrap_or_default();
    rest.split('/').next().unwrap_or_default()
}

/// Two names in one request must be of one client.
pub(crate) fn same_client(field: &str, expected: &str, found: &str) -> Result<(), Refusal> {
    if expected == found {
        return Ok(());
    }
    Err(Refusal::field(
        Reason::ClientMismatch,
        field,
        format!("belongs to another client than clients/{expected}"),
    ))
}
