//! Names as people type them: full names, bare ids, digests, pairs and durations.

use limn_proto::{
    digest,
    name::{Collection, parse_resource_name, resource_name},
};

use super::failure::Failure;

/// The full name of an execution or image from its name or its id alone.
pub(crate) fn full_name(text: &str, client: &str, collection: Collection) -> Result<String, Failure> {
    if parse_resource_name(text, collection).is_some() {
        return Ok(text.to_owned());
    }
    if text.is_empty() || text.contains('/') {
        return Err(Failure::usage(format!(
            "\"{text}\" is no name in clients/{{client}}/{}/{{id}}",
            collection.as_str()
        )));
    }
    Ok(resource_name(client, collection, text))
}

/// The full name of a plan from its name, its digest, or the digits of the digest.
pub(crate) fn plan_name(text: &str, client: &str) -> Result<String, Failure> {
    match digest::digest_hex(text) {
        Some(hex) => Ok(resource_name(client, Collection::Plans, hex)),
        None => full_name(text, client, Collection::Plans),
    }
}

/// The digest of a plan from its name, its digest, or the digits of the digest.
pub(crate) fn plan_digest(text: &str) -> Result<String, Failure> {
    let hex = match parse_resource_name(text, Collection::Plans) {
        Some((_, id)) => id,
        None => digest::digest_hex(text).unwrap_or(text),
    };
    if digest::is_sha256_hex(hex) {
        return Ok(format!("{}{hex}", digest::PREFIX));
    }
    Err(Failure::usage(format!(
        "\"{text}\" is neither a plan name nor a digest"
    )))
}

/// True for what can only be a stored plan, not a file.
pub(crate) fn is_stored_plan(text: &str) -> bool {
    parse_resource_name(text, Collection::Plans).is_some()
        || text.starts_with(digest::PREFIX)
        || digest::is_sha256_hex(text)
}

/// Reads `key=value`; the value may hold more equals signs.
///
/// # Errors
/// Says so when there is no equals sign.
pub(crate) fn parse_pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| format!("\"{text}\" has no equals sign; write key=value"))
}

/// Reads a time to live such as `90s`, `15m`, `2h`, `7d` or plain seconds.
///
/// # Errors
/// Says so when it is no duration.
pub(crate) fn parse_ttl(text: &str) -> Result<i64, String> {
    let (number, seconds_per_unit) = match text.char_indices().next_back() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        Some((at, 'd')) => (&text[..at], 86_400),
        _ => (text, 1),
    };
    number
        .parse::<u32>()
        .map(|number| i64::from(number) * seconds_per_unit)
        .map_err(|_| format!("\"{text}\" is no duration; write it like 90s, 15m, 2h or 7d"))
}

/// A file name from a prompt: lowercase letters and digits, the rest hyphens, at most 48 bytes.
pub(crate) fn slug(prompt: &str) -> String {
    const MAX_BYTES: usize = 48;
    let mut slug = String::new();
    for letter in prompt.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= MAX_BYTES {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        "picture".to_owned()
    } else {
        slug.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_ttl, slug};

    #[test]
    fn durations_take_a_unit_or_are_seconds() {
        assert_eq!(parse_ttl("90"), Ok(90));
        assert_eq!(parse_ttl("15m"), Ok(900));
        assert_eq!(parse_ttl("7d"), Ok(604_800));
        assert!(parse_ttl("soon").is_err());
        assert!(parse_ttl("").is_err());
        assert!(parse_ttl("1ü").is_err());
    }

    #[test]
    fn a_slug_is_safe_as_a_file_name_whatever_the_prompt() {
        assert_eq!(slug("A lighthouse, at dusk!"), "a-lighthouse-at-dusk");
        assert_eq!(slug("../../etc/passwd"), "etc-passwd");
        assert_eq!(slug("灯台"), "picture");
        assert!(slug(&"long ".repeat(100)).len() <= 48);
    }
}
