//! A document: each of its prompts becomes an image like any other.

use alloc::{format, string::String, vec::Vec};

use limn_document::Slot;
use limn_proto::{
    name::is_step_id,
    plan::{DocumentBinding, ImageType, Quality, Style},
    reason::Reason,
    v1::{DocumentRequest, ImageRequest},
};

use super::{
    Context,
    door::{Door, parse_ratio},
    image::ImageWish,
};
use crate::{
    document::{self, alt_of, importance_of, slot_of},
    error::Problems,
    limits::{MAX_KEY_TEXT_BYTES, MAX_STEPS},
    text::normalize,
};

const PATH: &str = "document";

/// The images of a document, and what binds them to it.
#[derive(Debug, Default)]
pub(super) struct Illustrated {
    pub images: Vec<ImageWish>,
    pub binding: Option<DocumentBinding>,
}

/// Reads a document. The defaults hold for each of its prompts, and what a marker says goes before them.
pub(super) fn parse(
    message: &DocumentRequest,
    context: &Context<'_>,
    problems: &mut Problems,
) -> Illustrated {
    let nothing = ImageRequest::default();
    let defaults = message.defaults.as_ref().unwrap_or(&nothing);
    refuse_own_fields(defaults, problems);
    let document = document::read(
        "document.",
        &message.content,
        &message.media_type,
        &message.marker_forms,
        problems,
    );
    let Some(document) = document else {
        return Illustrated::default();
    };
    for problem in &document.found.problems {
        refuse(problem.line, &problem.description, problems);
    }
    let slots = &document.found.slots;
    if slots.len() > MAX_STEPS {
        let description = format!(
            "has {} prompts; a plan has at most {MAX_STEPS} steps",
            slots.len()
        );
        problems.add(Reason::TooManySteps, "document.content", description);
        problems.note("max", format!("{MAX_STEPS}"));
        return Illustrated::default();
    }
    if slots.is_empty() && document.found.problems.is_empty() {
        let description = "has no prompt; write one as [IMAGE: what to draw] where the picture shall stand";
        problems.add(Reason::InvalidRequest, "document.content", description);
    }
    // A marker without a prompt is told already.
    let slots = slots
        .iter()
        .zip(0_u32..)
        .filter(|(slot, _)| !slot.prompt.is_empty());
    let images = slots.map(|(slot, position)| {
        let mut image = defaults.clone();
        if !message.post_id.is_empty() {
            image.post_id.clone_from(&message.post_id);
        }
        wish(slot, position, image, context, problems)
    });
    Illustrated {
        images: images.collect(),
        binding: Some(document.binding),
    }
}

/// Refuses defaults that are each prompt's own.
fn refuse_own_fields(defaults: &ImageRequest, problems: &mut Problems) {
    let own = [
        ("prompt", !defaults.prompt.is_empty()),
        ("step_id", !defaults.step_id.is_empty()),
        ("original_prompt", !defaults.original_prompt.is_empty()),
        ("prompt_id", !defaults.prompt_id.is_empty()),
        ("section_title", !defaults.section_title.is_empty()),
        ("position", defaults.position != 0),
        ("alt_text", !defaults.alt_text.is_empty()),
        ("caption", !defaults.caption.is_empty()),
    ];
    let mut door = Door::new(problems, "document.defaults".into());
    for (field, _) in own.iter().filter(|(_, is_given)| *is_given) {
        door.refuse(field, "is taken from each marker of the document; leave it out");
    }
}

/// One prompt as an image.
fn wish(
    slot: &Slot,
    position: u32,
    mut image: ImageRequest,
    context: &Context<'_>,
    problems: &mut Problems,
) -> ImageWish {
    let own = own_fields(slot, &mut image, problems);
    image.prompt.clone_from(&slot.prompt);
    image.original_prompt.clone_from(&slot.prompt);
    image.step_id = step_id(slot, problems);
    image.prompt_id.clone_from(&slot.id);
    image.section_title = title(&slot.section_title);
    image.position = position;
    image.alt_text = alt_of(slot);
    image.caption.clone_from(&slot.caption);
    if !slot.attributes.importance.is_empty() || image.importance == 0 {
        image.importance = importance_of(slot).into();
    }
    let index = usize::try_from(position).unwrap_or_default();
    // Texts of the document that are refused are reported there.
    let in_document = format!("{PATH}.content (line {})", slot.line);
    let mut texts = Problems::default();
    let path = format!("{PATH}.defaults");
    let mut wish = context.whole_image(&image, path, index, None, &mut texts);
    for field in own {
        wish.stands_at(field, in_document.clone());
    }
    problems.absorb(texts, |field| {
        let name = field.strip_prefix("document.defaults.");
        name.map_or_else(|| field.into(), |name| wish.path_of(name))
    });
    wish.slot = Some(slot_of(slot));
    wish
}

/// Writes what the marker says into the image, and names the fields.
fn own_fields(slot: &Slot, image: &mut ImageRequest, problems: &mut Problems) -> Vec<&'static str> {
    let mut own = alloc::vec![
        "prompt",
        "original_prompt",
        "step_id",
        "prompt_id",
        "alt_text",
        "caption"
    ];
    let attributes = &slot.attributes;
    if !attributes.size.is_empty() {
        own.extend(["aspect_ratio", "width_px", "height_px", "resolution"]);
        set_size(slot, image, problems);
    }
    if !attributes.style.is_empty() {
        own.push("style");
        let names = "photorealistic, editorial, cinematic, illustration, painterly or line-art";
        let style = Style::from_str_name(&enumerated("STYLE", &attributes.style));
        image.style = known(style, slot, "style", &attributes.style, names, problems);
    }
    if !attributes.quality.is_empty() {
        own.push("quality");
        let quality = Quality::from_str_name(&enumerated("QUALITY", &attributes.quality));
        let names = "draft, standard or high";
        image.quality = known(quality, slot, "quality", &attributes.quality, names, problems);
    }
    if !attributes.image_type.is_empty() {
        own.push("image_type");
        let image_type = ImageType::from_str_name(&enumerated("IMAGE_TYPE", &attributes.image_type));
        let names = "character-portrait, scene, item, battle-map, product or illustration";
        image.image_type = known(image_type, slot, "type", &attributes.image_type, names, problems);
    }
    if !attributes.negative.is_empty() {
        own.push("negative_prompt");
        image.negative_prompt.clone_from(&attributes.negative);
    }
    if !attributes.seed.is_empty() {
        own.push("seed");
        match attributes.seed.parse() {
            Ok(seed) => image.seed = Some(seed),
            Err(_) => refuse(
                slot.line,
                &format!("seed is \"{}\"; must be a whole number from 0", attributes.seed),
                problems,
            ),
        }
    }
    own
}

/// A marker says all of the size: a ratio keeps the size class of the defaults, pixels keep nothing of theirs.
fn set_size(slot: &Slot, image: &mut ImageRequest, problems: &mut Problems) {
    let size = slot.attributes.size.as_str();
    let pixels = size
        .split_once(['x', 'X', '×'])
        .and_then(|(width, height)| Some((width.trim().parse().ok()?, height.trim().parse().ok()?)))
        .filter(|(width, height)| *width > 0 && *height > 0);
    (image.width_px, image.height_px) = (0, 0);
    image.aspect_ratio = String::new();
    if let Some((width_px, height_px)) = pixels {
        (image.width_px, image.height_px) = (width_px, height_px);
        image.resolution = 0;
    } else if parse_ratio(size).is_some() {
        image.aspect_ratio = size.into();
    } else {
        let description =
            format!("size is \"{size}\"; must be a ratio such as 16:9, or pixels such as 1024x768");
        refuse(slot.line, &description, problems);
    }
}

fn step_id(slot: &Slot, problems: &mut Problems) -> String {
    if slot.id.is_empty() || is_step_id(&slot.id) {
        return slot.id.clone();
    }
    let description = format!(
        "id is \"{}\"; must be 1 to 63 lowercase letters, digits or hyphens",
        slot.id.escape_debug()
    );
    refuse(slot.line, &description, problems);
    String::new()
}

/// A title of the document is shortened, not refused.
fn title(title: &str) -> String {
    let mut title = normalize(&title.replace('\0', "\u{fffd}"));
    title.truncate(title.floor_char_boundary(MAX_KEY_TEXT_BYTES));
    title.truncate(title.trim_end().len());
    title
}

/// The name of a value: `line-art` is `STYLE_LINE_ART`.
fn enumerated(prefix: &str, word: &str) -> String {
    let word = word.to_ascii_uppercase().replace(['-', ' '], "_");
    format!("{prefix}_{word}")
}

fn known<E: Into<i32>>(
    value: Option<E>,
    slot: &Slot,
    name: &str,
    word: &str,
    names: &str,
    problems: &mut Problems,
) -> i32 {
    let number = value.map_or(0, Into::into);
    if number == 0 {
        let description = format!("{name} is \"{}\"; must be {names}", word.escape_debug());
        refuse(slot.line, &description, problems);
    }
    number
}

fn refuse(line: usize, description: &str, problems: &mut Problems) {
    let path = format!("{PATH}.content (line {line})");
    problems.add(Reason::InvalidRequest, path, description);
}
