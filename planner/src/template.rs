//! Templates of prompts: text with places that are filled.
//!
//! `{name}` is a place. `[...]` is a section that is left out when a place in it has nothing to show, so that
//! "a {category} product" does not become "a  product". Sections do not hold sections. What is filled in is never
//! read as a template: a description with braces or brackets stays as it is.

use alloc::{format, string::String};

/// Fills the places. A place without a value among these stays as it is written.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((section, after)) = after.split_once(']') else {
            break;
        };
        filled.push_str(&fill_places(before, values).0);
        let (text, all_shown) = fill_places(section, values);
        if all_shown {
            filled.push_str(&text);
        }
        rest = after;
    }
    filled.push_str(&fill_places(rest, values).0);
    filled
}

/// The text with its places filled, and whether each of them had something to show.
fn fill_places(text: &str, values: &[(&str, &str)]) -> (String, bool) {
    let mut filled = String::new();
    let mut all_shown = true;
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let value = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, after))
        });
        filled.push_str(before);
        match value {
            Some((value, after)) => {
                all_shown &= !value.is_empty();
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    (filled, all_shown)
}

/// What someone wrote, as part of a sentence that goes on: without the space and the full stop at its end.
pub(crate) fn subject(text: &str) -> &str {
    let subject = text.trim().trim_end_matches('.');
    if subject.is_empty() { text } else { subject }
}

/// Says what is wrong with a template: every place must be among `known`, and `required` must stand outside of the
/// sections, so that it is always shown.
pub(crate) fn check(template: &str, known: &[&str], required: &str) -> Result<(), String> {
    let mut always = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((section, after)) = after.split_once(']') else {
            return Err("has a section without an end; write [...]".into());
        };
        if before.contains(']') || section.contains('[') {
            return Err("has a section inside a section, or an end without a beginning".into());
        }
        if check_places(section, known)? == 0 {
            return Err(format!(
                "has the section \"[{}]\" without a place: it would always be shown",
                section.escape_debug()
            ));
        }
        always.push_str(before);
        rest = after;
    }
    if rest.contains(']') {
        return Err("has the end of a section without a beginning".into());
    }
    always.push_str(rest);
    check_places(&always, known)?;
    if !always.contains(&format!("{{{required}}}")) {
        return Err(format!("must hold {{{required}}} outside of its sections"));
    }
    Ok(())
}

/// Number of places in a text, each of them a known one.
fn check_places(text: &str, known: &[&str]) -> Result<usize, String> {
    let mut count = 0;
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (_, tail) = rest.split_at(at);
        let place = tail
            .strip_prefix('{')
            .and_then(|tail| tail.split_once('}'))
            .filter(|(name, _)| known.contains(name));
        let Some((_, after)) = place else {
            let shown: String = tail.chars().take(32).collect();
            let places = known.join("}, {");
            return Err(format!(
                "has \"{}\", which is no place; there are {{{places}}}",
                shown.escape_debug()
            ));
        };
        count += 1;
        rest = after;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 2] = ["what", "look"];

    #[test]
    fn a_section_is_left_out_when_a_place_in_it_is_empty() {
        let template = "Front view of {what}[, {look}]. White background.";
        let filled = |look| fill(template, &[("what", "a shoe"), ("look", look)]);
        assert_eq!(filled("matte"), "Front view of a shoe, matte. White background.");
        assert_eq!(filled(""), "Front view of a shoe. White background.");
    }

    #[test]
    fn what_is_filled_in_is_never_read_as_a_template() {
        let values = [("what", "a {look} [shoe] }{"), ("look", "red")];
        assert_eq!(
            fill("{what}[, {look}, {what}]", &values),
            "a {look} [shoe] }{, red, a {look} [shoe] }{"
        );
    }

    #[test]
    fn a_sentence_goes_on_after_its_subject() {
        assert_eq!(subject(" A red shoe. "), "A red shoe");
        assert_eq!(subject("Who is it?"), "Who is it?");
        assert_eq!(subject("..."), "...");
    }

    #[test]
    fn broken_templates_are_told_apart() {
        assert_eq!(check("{what}[ in {look}] {look}", &KNOWN, "what"), Ok(()));
        for (template, why) in [
            ("a shoe", "must hold {what}"),
            ("[{what}]", "must hold {what}"),
            ("{what} {colour}", "no place"),
            ("{what} {", "no place"),
            ("{what} }", "no place"),
            ("{what} [a]", "without a place"),
            ("{what} [{look}", "without an end"),
            ("{what} {look}]", "without a beginning"),
            ("{what} [{look} [{look}]]", "inside a section"),
        ] {
            let error = check(template, &KNOWN, "what").expect_err(template);
            assert!(error.contains(why), "{template}: {error}");
        }
    }
}
