//! LCE-1, the canonical encoding of a plan, and the digests over it.
//!
//! prost writes fields in ascending number, leaves defaults out, packs numbers and cannot hold unknown
//! fields, so for the restricted schema of `limn.plan.v1` its encoding *is* LCE-1. A second encoder, written
//! by hand from the rules, agrees in a property test. Whether lists that are sets are in order is not a
//! matter of encoding; whoever accepts a plan checks that.

use alloc::{format, string::String, vec::Vec};

use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::plan::{PlanSpec, RenderSpec};

/// The constant in [`PlanSpec::format`](crate::plan::PlanSpec).
pub const PLAN_FORMAT: &str = "limn.plan/1";
/// The constant in [`RenderSpec::format`](crate::plan::RenderSpec).
pub const RENDER_FORMAT: &str = "limn.render/1";
/// The highest schema revision that this build knows.
pub const PLAN_REVISION: u32 = 1;
/// What every digest starts with; another function would have another prefix.
pub const PREFIX: &str = "sha256:";

/// The LCE-1 bytes of a plan: what its digest is over.
pub fn canonical_bytes(spec: &PlanSpec) -> Vec<u8> {
    spec.encode_to_vec()
}

/// The digest of a plan.
pub fn plan_digest(spec: &PlanSpec) -> String {
    digest_of(&spec.encode_to_vec())
}

/// The digest of one provider call.
pub fn render_digest(render: &RenderSpec) -> String {
    digest_of(&render.encode_to_vec())
}

/// `"sha256:"` and the lowercase hexadecimal SHA-256 of the bytes.
pub fn digest_of(bytes: &[u8]) -> String {
    format!("{PREFIX}{}", sha256_hex(bytes))
}

/// The lowercase hexadecimal SHA-256 of the bytes.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lowercase hexadecimal digits of the bytes.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The 64 hexadecimal digits of a digest, or nothing when the text is no digest.
pub fn digest_hex(digest: &str) -> Option<&str> {
    digest.strip_prefix(PREFIX).filter(|hex| is_sha256_hex(hex))
}

/// True for 64 lowercase hexadecimal digits.
pub fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
