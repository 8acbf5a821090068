//! Words of the catalog files for qualities, styles and the like.

use std::collections::BTreeMap;

use limn_proto::plan::{ImageType, Quality, Style};

use super::section::Section;

/// Quality of a word. "any" stands for every quality that is not listed.
pub(super) fn quality(word: &str) -> Option<Quality> {
    match word {
        "any" => Some(Quality::Unspecified),
        "draft" => Some(Quality::Draft),
        "standard" => Some(Quality::Standard),
        "high" => Some(Quality::High),
        _ => None,
    }
}

/// Style of a word.
pub(super) fn style(word: &str) -> Option<Style> {
    match word {
        "photorealistic" => Some(Style::Photorealistic),
        "editorial" => Some(Style::Editorial),
        "cinematic" => Some(Style::Cinematic),
        "illustration" => Some(Style::Illustration),
        "painterly" => Some(Style::Painterly),
        "line_art" => Some(Style::LineArt),
        _ => None,
    }
}

/// Class of a word.
pub(super) fn image_type(word: &str) -> Option<ImageType> {
    match word {
        "character-portrait" => Some(ImageType::CharacterPortrait),
        "scene" => Some(ImageType::Scene),
        "item" => Some(ImageType::Item),
        "battle-map" => Some(ImageType::BattleMap),
        "product" => Some(ImageType::Product),
        "illustration" => Some(ImageType::Illustration),
        _ => None,
    }
}

/// Text for each style that the section names. Other keys stay, and are reported as unknown.
pub(super) fn style_texts(section: &mut Section<'_>) -> BTreeMap<Style, String> {
    by_word(section, style, |section, key| section.text(key))
}

/// Text for each quality that the section names.
pub(super) fn quality_texts(section: &mut Section<'_>) -> BTreeMap<Quality, String> {
    by_word(section, quality, |section, key| section.text(key))
}

/// A value for each key that is a word.
pub(super) fn by_word<W: Ord, T>(
    section: &mut Section<'_>,
    word: fn(&str) -> Option<W>,
    read: impl Fn(&mut Section<'_>, &str) -> Option<T>,
) -> BTreeMap<W, T> {
    let mut found = BTreeMap::new();
    for key in section.keys() {
        if let Some(word) = word(&key)
            && let Some(value) = read(section, &key)
        {
            found.insert(word, value);
        }
    }
    found
}
