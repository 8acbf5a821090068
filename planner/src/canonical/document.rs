//! Rules of a document and its slots.

use alloc::format;

use limn_document::Format;
use limn_proto::{
    digest::is_sha256_hex,
    plan::{DocumentBinding, MarkerForm, PlanKind, PlanSpec, SlotPlace},
};

use super::rules::Rules;
use crate::limits::MAX_DOCUMENT_BYTES;

/// Checks that a plan of a document, and no other, binds it, and that its slots can be filled.
pub(super) fn check(spec: &PlanSpec, rules: &mut Rules<'_>) {
    let is_of_document = spec.kind == i32::from(PlanKind::Document);
    rules.hold(
        spec.document.is_some() == is_of_document,
        "document",
        "must be present in a plan of a document, and in no other",
    );
    if let Some(document) = &spec.document {
        check_binding(document, rules);
    }
    let size = spec.document.as_ref().map_or(0, |document| document.size_bytes);
    let mut end = 0;
    for (index, step) in spec.steps.iter().enumerate() {
        let path = format!("steps[{index}].slot");
        rules.hold(
            step.slot.is_some() == spec.document.is_some(),
            &path,
            "must be present exactly when the plan has a document",
        );
        let Some(slot) = &step.slot else {
            continue;
        };
        let fits =
            end <= slot.start_byte && slot.start_byte < slot.end_byte && i64::from(slot.end_byte) <= size;
        rules.hold(
            fits,
            &path,
            "must be a range of the document behind the slots before it",
        );
        end = slot.end_byte;
        rules.hold(slot.line > 0, &format!("{path}.line"), "must be at least 1");
        rules.known::<MarkerForm>(&format!("{path}.form"), slot.form, true);
        rules.known::<SlotPlace>(&format!("{path}.place"), slot.place, true);
    }
}

fn check_binding(document: &DocumentBinding, rules: &mut Rules<'_>) {
    rules.hold(
        Format::from_media_type(&document.media_type).is_some(),
        "document.media_type",
        "must be text/markdown or text/html",
    );
    rules.hold(
        is_sha256_hex(&document.sha256),
        "document.sha256",
        "must be 64 lowercase hexadecimal digits",
    );
    let size_fits =
        usize::try_from(document.size_bytes).is_ok_and(|size| (1..=MAX_DOCUMENT_BYTES).contains(&size));
    rules.hold(
        size_fits,
        "document.size_bytes",
        &format!("must be 1 to {MAX_DOCUMENT_BYTES}"),
    );
}
