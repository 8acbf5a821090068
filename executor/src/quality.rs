//! Quality: how good a finished picture is as a picture, 0 to 10000, and which part of it is worst.
//!
//! A score says nothing about taste and nothing about the prompt. It says whether there is a picture at all, whether it
//! is whole, and whether it has the technical faults that providers deliver now and then: blank, cut off, blurred, enlarged
//! from something tiny, blocky, noisy, badly exposed, or the same as its neighbour. docs/quality.md tells what each part
//! means and how a calibration set ranks.
//!
//! The same pixels have the same score on every machine: all arithmetic of a picture's own parts is in integers, on a luma
//! plane of at most [`MAX_EDGE_PX`] on an edge, so that the cost is bounded, too.

use std::collections::BTreeMap;

use image::DynamicImage;

use crate::{fingerprint::Fingerprint, plan::ImageFormat};

mod blocks;
mod detail;
mod filler;
mod histogram;
mod plane;
mod resampling;

pub use plane::MAX_EDGE_PX;

use detail::Detail;
use histogram::Histogram;
use plane::Plane;

/// Who scored. Another way to score has another name, and scores of different names are not compared.
pub const SCORER: &str = "limn.quality/1";

/// Best score, and that of a part without a fault.
pub const MAX_BP: u32 = limn_proto::reroll::MAX_SCORE_BP;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The bytes can be decoded to the last pixel.
    Decoded,
    /// No rows at the bottom are the filler that a decoder puts where data is missing.
    Whole,
    /// There is something in the picture.
    Content,
    /// The detail is that of the size, not of a small picture made large.
    Resolution,
    /// Edges are edges.
    Sharpness,
    /// The tones are not all in the dark or in the light.
    Exposure,
    /// There are tones to tell apart.
    Contrast,
    /// No steps where a strong compression cut the picture into blocks.
    Compression,
    /// No grain over what should be smooth.
    Noise,
    /// No other picture of the same execution looks the same.
    Distinctness,
}

impl Part {
    /// All parts, the more telling first: of equally bad ones the first is the reason.
    pub const ALL: [Self; 10] = [
        Self::Decoded,
        Self::Whole,
        Self::Content,
        Self::Noise,
        Self::Compression,
        Self::Resolution,
        Self::Sharpness,
        Self::Contrast,
        Self::Exposure,
        Self::Distinctness,
    ];

    /// The word that is recorded and served.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Decoded => "decoded",
            Self::Whole => "whole",
            Self::Content => "content",
            Self::Resolution => "resolution",
            Self::Sharpness => "sharpness",
            Self::Exposure => "exposure",
            Self::Contrast => "contrast",
            Self::Compression => "compression",
            Self::Noise => "noise",
            Self::Distinctness => "distinctness",
        }
    }

    /// The part of a word; nothing when this version knows none.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.as_str() == word)
    }
}

/// The score of a picture, with its parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// 0 to 10000.
    pub score_bp: u32,
    /// The parts by their words, each 0 to 10000. By words and not by [`Part`], because another scorer may have written
    /// them.
    pub parts_bp: BTreeMap<String, u32>,
    /// Who scored: [`SCORER`] in this version.
    pub scorer: String,
}

impl Quality {
    /// The quality of bytes that cannot be decoded.
    pub fn undecodable() -> Self {
        Self::of(&BTreeMap::from([(Part::Decoded, 0)]))
    }

    /// Judges a decoded picture. Takes milliseconds: call it off the async threads.
    pub fn of_pixels(pixels: &DynamicImage, format: ImageFormat) -> Self {
        let plane = Plane::overview(pixels);
        let close = Plane::close_up(pixels);
        let histogram = Histogram::of(&plane);
        let detail = Detail::of(&plane);
        let repetition = resampling::repetition(&plane);
        // Squares of equal pixels are no blocks of a compression.
        let compression = match repetition {
            1 => blocks::score(close.as_ref().unwrap_or(&plane)),
            _ => MAX_BP,
        };
        let mut losses = detail.losses(|| resampling::is_enlarged(&plane, format == ImageFormat::Jpeg));
        losses.resolution_bp = losses.resolution_bp.min(detail::enlarged_score(repetition));
        Self::of(&BTreeMap::from([
            (Part::Decoded, MAX_BP),
            (Part::Whole, filler::score(&plane)),
            (
                Part::Content,
                histogram.entropy_score().min(detail.content_score()),
            ),
            (Part::Resolution, losses.resolution_bp),
            (Part::Sharpness, losses.sharpness_bp),
            (Part::Exposure, histogram.exposure_score()),
            (Part::Contrast, histogram.contrast_score()),
            (Part::Compression, compression),
            (Part::Noise, detail.noise_score()),
        ]))
    }

    /// The same with how far the picture is from the nearest other one of its execution. Of what another one scored,
    /// nothing is changed.
    #[must_use]
    pub fn beside(mut self, own: Fingerprint, others: impl IntoIterator<Item = Fingerprint>) -> Self {
        if self.scorer != SCORER {
            return self;
        }
        let nearest = others
            .into_iter()
            .filter_map(|other| unlikeness(own, other))
            .min();
        let distinctness = nearest.map_or(MAX_BP, distinctness);
        self.parts_bp
            .insert(Part::Distinctness.as_str().to_owned(), distinctness);
        self.score_bp = total(self.parts_bp.values().copied());
        self
    }

    /// The part that is worst, which is the reason for a low score. Nothing when all parts are as good as can be, or
    /// only words are worse that this version does not know.
    pub fn worst_part(&self) -> Option<Part> {
        let known = Part::ALL
            .into_iter()
            .filter_map(|part| Some((*self.parts_bp.get(part.as_str())?, part)));
        let worst = known.min_by_key(|(score_bp, _)| *score_bp);
        worst.and_then(|(score_bp, part)| (score_bp < MAX_BP).then_some(part))
    }

    /// One part, 0 to 10000; nothing when it was not looked at.
    pub fn part_bp(&self, part: Part) -> Option<u32> {
        self.parts_bp.get(part.as_str()).copied()
    }

    fn of(parts: &BTreeMap<Part, u32>) -> Self {
        Self {
            score_bp: total(parts.values().copied()),
            parts_bp: parts
                .iter()
                .map(|(part, score_bp)| (part.as_str().to_owned(), *score_bp))
                .collect(),
            scorer: SCORER.to_owned(),
        }
    }
}

/// The worst part counts four times as much as the mean of all: one bad fault spoils a picture whatever else is
/// right, and of two with the same worst fault the one with fewer others is better.
fn total(parts: impl IntoIterator<Item = u32>) -> u32 {
    let (mut worst, mut sum, mut count) = (MAX_BP, 0_u32, 0_u32);
    for part in parts {
        worst = worst.min(part);
        sum = sum.saturating_add(part);
        count += 1;
    }
    let mean = sum.checked_div(count).unwrap_or_default();
    (4 * worst + mean) / 5
}

/// How far two pictures are from each other, in bits of their fingerprints. All of one colour are the same; nothing: one of
/// two is of one colour, and they have nothing in common.
fn unlikeness(one: Fingerprint, other: Fingerprint) -> Option<u32> {
    match (one.is_flat(), other.is_flat()) {
        (true, true) => Some(0),
        (false, false) => Some(one.distance(other)),
        _ => None,
    }
}

/// Up to two bits of a fingerprint are what encoding changes; from twelve on the pictures have little in common.
fn distinctness(distance: u32) -> u32 {
    ramp(u64::from(distance), 2, 12)
}

/// 0 at `bad` and below, 10000 at `good` and above, straight between. `good` is greater than `bad`.
fn ramp(value: u64, bad: u64, good: u64) -> u32 {
    let above = value.saturating_sub(bad).min(good - bad);
    u32::try_from(above * u64::from(MAX_BP) / (good - bad)).unwrap_or(MAX_BP)
}

/// 10000 at `good` and below, 0 at `bad` and above.
fn falling_ramp(value: u64, good: u64, bad: u64) -> u32 {
    MAX_BP - ramp(value, good, bad)
}
