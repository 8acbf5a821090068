//! Documents: the limits of the planner around what `limn-document` reads.

use alloc::{format, string::String, vec::Vec};

use limn_document::{Extraction, Form, Format, Importance, Options, Place, Slot, extract};
use limn_proto::{
    digest::sha256_hex,
    plan::{self, DocumentBinding, DocumentSlot, MarkerForm, SlotPlace},
    reason::Reason,
    v1::{ExtractPromptsRequest, ExtractPromptsResponse, ExtractedPrompt, MarkerProblem},
};

use crate::{
    error::{PlanError, Problems},
    limits::MAX_DOCUMENT_BYTES,
};

/// Most markers that are told to be wrong without planning.
const MAX_PROBLEMS: usize = 100;

/// A document that was read.
#[derive(Debug)]
pub(crate) struct Document {
    pub binding: DocumentBinding,
    pub found: Extraction,
}

/// Lists the prompts of a document, without planning.
///
/// # Errors
/// When the document cannot be read. What is wrong with single markers is in the answer.
pub fn extract_prompts(request: &ExtractPromptsRequest) -> Result<ExtractPromptsResponse, PlanError> {
    let mut problems = Problems::default();
    let document = read(
        "",
        &request.content,
        &request.media_type,
        &request.marker_forms,
        &mut problems,
    );
    problems.finish()?;
    let Some(document) = document else {
        return Ok(ExtractPromptsResponse::default());
    };
    let slots = document.found.slots.into_iter().zip(1..);
    let wrong = document.found.problems.into_iter().take(MAX_PROBLEMS);
    Ok(ExtractPromptsResponse {
        prompts: slots.map(|(slot, number)| extracted(slot, number)).collect(),
        problems: wrong
            .map(|problem| MarkerProblem {
                line: number(problem.line),
                description: problem.description,
            })
            .collect(),
        document: Some(document.binding),
    })
}

/// Reads a document whose fields stand below this path.
pub(crate) fn read(
    path: &str,
    content: &[u8],
    media_type: &str,
    forms: &[i32],
    problems: &mut Problems,
) -> Option<Document> {
    let mut refuse = |field: &str, description: String| {
        problems.add(Reason::InvalidRequest, format!("{path}{field}"), description);
    };
    let format = Format::from_media_type(media_type);
    if format.is_none() {
        refuse("media_type", "must be text/markdown or text/html".into());
    }
    let known: Option<Vec<Form>> = forms.iter().map(|form| form_of(*form)).collect();
    if known.is_none() {
        refuse("marker_forms", "has a value that is no form of a marker".into());
    }
    let (format, mut forms) = (format?, known?);
    if forms.is_empty() {
        forms = Form::ALL.into();
    }
    if content.is_empty() {
        refuse("content", "is empty; give the bytes of the document".into());
        return None;
    }
    if content.len() > MAX_DOCUMENT_BYTES {
        let length = content.len();
        refuse(
            "content",
            format!("has {length} bytes; at most {MAX_DOCUMENT_BYTES} are taken: split the document"),
        );
        return None;
    }
    let options = Options {
        forms: forms.into_iter().collect(),
    };
    match extract(content, format, &options) {
        Ok(found) => Some(Document {
            binding: DocumentBinding {
                media_type: media_type.into(),
                sha256: sha256_hex(content),
                size_bytes: i64::try_from(content.len()).unwrap_or(i64::MAX),
            },
            found,
        }),
        Err(unreadable) => {
            refuse("content", format!("{unreadable}"));
            None
        }
    }
}

/// Where a slot stands, as plans say it.
pub(crate) fn slot_of(slot: &Slot) -> DocumentSlot {
    let form = match slot.form {
        Form::Bracket => MarkerForm::Bracket,
        Form::MarkdownImage => MarkerForm::MarkdownImage,
        Form::Comment => MarkerForm::Comment,
        Form::Figure => MarkerForm::Figure,
        Form::Img => MarkerForm::Img,
        Form::ImgAlt => MarkerForm::ImgAlt,
    };
    let place = match slot.place {
        Place::Markdown => SlotPlace::Markdown,
        Place::HtmlBlock => SlotPlace::HtmlBlock,
        Place::HtmlInline => SlotPlace::HtmlInline,
    };
    DocumentSlot {
        start_byte: number(slot.range.start),
        end_byte: number(slot.range.end),
        line: number(slot.line),
        form: form.into(),
        place: place.into(),
    }
}

/// The weight of a slot, as plans say it.
pub(crate) fn importance_of(slot: &Slot) -> plan::Importance {
    match slot.importance {
        Importance::Primary => plan::Importance::Primary,
        Importance::Secondary => plan::Importance::Secondary,
        Importance::Decorative => plan::Importance::Decorative,
    }
}

/// The alternative text of a slot: its own, else one made from the prompt.
pub(crate) fn alt_of(slot: &Slot) -> String {
    if slot.alt.is_empty() {
        limn_document::alt_text(&slot.prompt)
    } else {
        slot.alt.clone()
    }
}

fn extracted(slot: Slot, number: u32) -> ExtractedPrompt {
    ExtractedPrompt {
        step_id: if slot.id.is_empty() {
            format!("image-{number}")
        } else {
            slot.id.clone()
        },
        slot: Some(slot_of(&slot)),
        importance: importance_of(&slot).into(),
        alt_text: alt_of(&slot),
        prompt: slot.prompt,
        section_title: slot.section_title,
        text_before: slot.before,
        text_after: slot.after,
        size: slot.attributes.size,
        style: slot.attributes.style,
        caption: slot.caption,
    }
}

fn form_of(form: i32) -> Option<Form> {
    match MarkerForm::try_from(form).ok()? {
        MarkerForm::Unspecified => None,
        MarkerForm::Bracket => Some(Form::Bracket),
        MarkerForm::MarkdownImage => Some(Form::MarkdownImage),
        MarkerForm::Comment => Some(Form::Comment),
        MarkerForm::Figure => Some(Form::Figure),
        MarkerForm::Img => Some(Form::Img),
        MarkerForm::ImgAlt => Some(Form::ImgAlt),
    }
}

/// A number of bytes or lines: a document has far fewer than the type can hold.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
