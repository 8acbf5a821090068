//! Plans as protobuf JSON, strictly: what cannot be kept is refused, never dropped.

use limn_proto::{reason::Reason, v1::ImageGenerationPlan};
use serde_json::error::Category;

use crate::refusal::Refusal;

/// Reads a plan. Unknown and repeated fields, text after the end, and numbers or words out of range are refused.
pub(crate) fn read_plan(text: &str) -> Result<ImageGenerationPlan, Refusal> {
    serde_json::from_str(text).map_err(|error| refusal(&error))
}

/// Writes a plan, indented for people. The wording of JSON is no part of the digest.
pub(crate) fn write_plan(plan: &ImageGenerationPlan) -> Result<String, Refusal> {
    serde_json::to_string_pretty(plan).map_err(Refusal::internal)
}

fn refusal(error: &serde_json::Error) -> Refusal {
    let reason = match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => Reason::MalformedJson,
        Category::Data => Reason::InvalidRequest,
    };
    // The message ends with the place; it stands in the metadata, too, for programs.
    Refusal::field(reason, "json", error.to_string())
        .with("line", error.line())
        .with("column", error.column())
}

#[cfg(test)]
mod tests {
    use limn_proto::plan::PlanSpec;

    use super::*;

    #[test]
    fn a_plan_comes_back_as_it_was() {
        let plan = ImageGenerationPlan {
            digest: "sha256:00".to_owned(),
            spec: Some(PlanSpec {
                client: "alice".to_owned(),
                session_id: "Gruß \u{1F3A8} \"q\" \\ \n".to_owned(),
                not_after_unix: i64::MAX,
                ..PlanSpec::default()
            }),
            notes: None,
        };
        let text = write_plan(&plan).unwrap();
        assert_eq!(read_plan(&text).unwrap(), plan);
    }

    #[test]
    fn broken_json_is_refused_with_its_place() {
        for (text, line, column) in [
            ("", "1", "0"),
            ("{\n  \"digest\": }", "2", "13"),
            ("{\"digest\": \"a\"} x", "1", "17"),
            ("{\"digest\": \"\\ud800\"}", "1", "19"),
            ("{\"digest\": \"\\ud800\\u0041\"}", "1", "24"),
            ("{\"digest\": \"a\nb\"}", "2", "0"),
            ("{\"digest\": 'a'}", "1", "12"),
        ] {
            let refusal = read_plan(text).unwrap_err();
            assert_eq!(refusal.reason, Reason::MalformedJson, "{text:?}");
            let place = (
                refusal.details.metadata["line"].as_str(),
                refusal.details.metadata["column"].as_str(),
            );
            assert_eq!(place, (line, column), "{text:?}");
        }
    }

    #[test]
    fn json_that_is_no_plan_is_refused_with_its_place() {
        for text in [
            "[]",
            "{\"digest\": 7}",
            "{\"colour\": 1}",
            "{\"spec\": {\"format\": \"a\", \"format\": \"b\"}}",
            "{\"spec\": {\"steps\": [{\"alt\": \"\"}]}}",
            "{\"spec\": {\"kind\": \"PLAN_KIND_NOVEL\"}}",
            "{\"spec\": {\"variation\": -1}}",
            "{\"spec\": {\"notAfterUnix\": \"9223372036854775808\"}}",
        ] {
            let refusal = read_plan(text).unwrap_err();
            assert_eq!(refusal.reason, Reason::InvalidRequest, "{text}");
            assert_eq!(refusal.details.metadata["line"], "1", "{text}");
            assert_eq!(refusal.details.violations[0].subject, "json");
        }
    }
}
