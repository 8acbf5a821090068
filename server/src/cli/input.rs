//! Files and stdin as input: requests and plans.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use limn_proto::{digest, plan, reason::Reason, v1};
use prost::Message as _;
use serde::de::DeserializeOwned;

use super::failure::Failure;

/// Largest file that is read: far above the largest plan, far below what would hurt.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads a file, or stdin for `-`.
///
/// # Errors
/// The file cannot be read or is too large.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            let mut failure = Failure::usage(format!("there is no file \"{shown}\""));
            failure.exit = super::failure::Exit::NotFound;
            failure
        }
        _ => Failure::usage(format!("\"{shown}\" cannot be read: {error}")),
    };
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
    }
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MAX_BYTES) {
        return Err(Failure::usage(format!(
            "\"{shown}\" is larger than {} MiB",
            MAX_BYTES >> 20
        )));
    }
    Ok(bytes)
}

/// Reads protobuf JSON; unknown fields are refused.
///
/// # Errors
/// `MALFORMED_JSON` with the place.
pub(crate) fn parse_json<T: DeserializeOwned>(bytes: &[u8], what: &str) -> Result<T, Failure> {
    serde_json::from_slice(bytes).map_err(|error| {
        Failure::new(
            Reason::MalformedJson,
            format!("{what} is not the JSON it should be: {error}"),
        )
    })
}

/// Reads a plan: JSON, an answer that holds one, or canonical bytes. The digest is checked by whoever takes it.
///
/// # Errors
/// It is none of these.
pub(crate) fn parse_plan(bytes: &[u8]) -> Result<v1::ImageGenerationPlan, Failure> {
    let starts_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    if !starts_json {
        return from_canonical_bytes(bytes);
    }
    // `limn plan --json` prints the answer of the planner, so that is taken as well.
    if let Ok(v1::PlanResponse { plan: Some(plan) }) = serde_json::from_slice(bytes) {
        return Ok(plan);
    }
    parse_json(bytes, "the plan")
}

/// Only bytes that encode to themselves are canonical, so the digest of the message is the digest of the bytes.
fn from_canonical_bytes(bytes: &[u8]) -> Result<v1::ImageGenerationPlan, Failure> {
    let refused = || {
        Failure::new(
            Reason::PlanNotCanonical,
            "the file holds neither JSON nor the canonical bytes of a plan",
        )
    };
    let spec = plan::PlanSpec::decode(bytes).map_err(|_| refused())?;
    if bytes.is_empty() || digest::canonical_bytes(&spec) != bytes {
        return Err(refused());
    }
    Ok(v1::ImageGenerationPlan {
        digest: digest::plan_digest(&spec),
        spec: Some(spec),
        notes: None,
    })
}
