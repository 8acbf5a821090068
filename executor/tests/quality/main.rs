//! The calibration set of the quality score: what is good ranks above what is bad, and the reason is the right one.
//! `docs/quality.md` shows the table that `LIMN_PRINT_CALIBRATION=1 cargo test -p limn-executor --test quality -- --nocapture`
//! prints.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod pictures;

use image::{DynamicImage, Rgb, RgbImage, imageops::FilterType};
use limn_executor::{
    artifact::encode,
    fingerprint::Fingerprint,
    plan::ImageFormat,
    quality::{MAX_BP, Part, Quality, SCORER},
};

use pictures::{
    blurred, drawing, enlarged, flat, gradient, landscape, leaves, night, noisy, portrait, poster, toned,
};

const WIDTH: u32 = 448;
const HEIGHT: u32 = 384;

/// One picture of the set.
struct Sample {
    name: String,
    pixels: DynamicImage,
    format: ImageFormat,
    /// The fault that it has.
    fault: Option<Part>,
}

impl Sample {
    fn new(name: &str, picture: RgbImage, fault: Option<Part>) -> Self {
        Self {
            name: name.to_owned(),
            pixels: DynamicImage::from(picture),
            format: ImageFormat::Png,
            fault,
        }
    }

    /// As it looks after a JPEG.
    fn jpeg(name: &str, picture: &RgbImage, quality_percent: u8, fault: Option<Part>) -> Self {
        Self {
            format: ImageFormat::Jpeg,
            ..Self::new(name, through_jpeg(picture, quality_percent), fault)
        }
    }

    fn quality(&self) -> Quality {
        Quality::of_pixels(&self.pixels, self.format)
    }
}

fn through_jpeg(picture: &RgbImage, quality_percent: u8) -> RgbImage {
    let pixels = DynamicImage::from(picture.clone());
    let bytes = encode(&pixels, ImageFormat::Jpeg, quality_percent).unwrap();
    image::load_from_memory(&bytes).unwrap().to_rgb8()
}

/// The pictures that faults are made in.
fn scenes() -> Vec<(&'static str, RgbImage)> {
    vec![
        ("landscape", landscape(WIDTH, HEIGHT, 1)),
        ("leaves", leaves(WIDTH, HEIGHT, 2)),
        ("portrait", portrait(WIDTH, HEIGHT, 3)),
    ]
}

fn good() -> Vec<Sample> {
    let mut good = Vec::new();
    for (name, scene) in scenes() {
        good.push(Sample::jpeg(&format!("{name}, JPEG 85"), &scene, 85, None));
        good.push(Sample::new(name, scene, None));
    }
    let others = [
        ("night", night(WIDTH, HEIGHT, 4)),
        ("line drawing", drawing(WIDTH, HEIGHT, 5)),
        ("poster", poster(WIDTH, HEIGHT, 6)),
        ("landscape, 1152x768", landscape(1152, 768, 7)),
    ];
    good.extend(others.map(|(name, picture)| Sample::new(name, picture, None)));
    good
}

fn bad() -> Vec<Sample> {
    let mut bad = Vec::new();
    for (name, scene) in &scenes() {
        let mut add = |what: &str, picture: RgbImage, fault: Part| {
            bad.push(Sample::new(&format!("{name}, {what}"), picture, Some(fault)));
        };
        add("blurred, radius 3", blurred(scene, 3), Part::Sharpness);
        add("blurred, radius 6", blurred(scene, 6), Part::Sharpness);
        add("grain of 25 tones", noisy(scene, 25.0, 9), Part::Noise);
        add("grain of 50 tones", noisy(scene, 50.0, 9), Part::Noise);
        add(
            "enlarged 8 times, squares",
            enlarged(scene, 8, FilterType::Nearest),
            Part::Resolution,
        );
        add(
            "cut off after two thirds",
            cut_off(scene, HEIGHT * 2 / 3),
            Part::Whole,
        );
        add("nearly black", toned(scene, |tone| tone / 12.0), Part::Exposure);
        add(
            "nearly white",
            toned(scene, |tone| 222.0 + tone / 8.0),
            Part::Exposure,
        );
        add(
            "hardly any contrast",
            toned(scene, |tone| 118.0 + tone / 16.0),
            Part::Contrast,
        );
        for quality in [10, 5] {
            let name = format!("{name}, JPEG {quality}");
            bad.push(Sample::jpeg(&name, scene, quality, Some(Part::Compression)));
        }
    }
    let [.., (_, leaves), (_, portrait)] = &scenes()[..] else {
        panic!("there are three scenes")
    };
    for (name, scene) in [("leaves", leaves), ("portrait", portrait)] {
        for (how, filter) in [
            ("smooth", FilterType::Triangle),
            ("bicubic", FilterType::CatmullRom),
        ] {
            let name = format!("{name}, enlarged 8 times, {how}");
            bad.push(Sample::new(
                &name,
                enlarged(scene, 8, filter),
                Some(Part::Resolution),
            ));
        }
    }
    let blank = [
        ("white", flat(WIDTH, HEIGHT, [255; 3])),
        ("black", flat(WIDTH, HEIGHT, [0; 3])),
        ("grey", flat(WIDTH, HEIGHT, [128; 3])),
        ("colour gradient", gradient(WIDTH, HEIGHT)),
    ];
    bad.extend(blank.map(|(name, picture)| Sample::new(name, picture, Some(Part::Content))));
    let static_noise = noisy(&flat(WIDTH, HEIGHT, [128; 3]), 60.0, 1);
    bad.push(Sample::new("nothing but noise", static_noise, Some(Part::Noise)));
    bad
}

/// With the grey that decoders put where data is missing.
fn cut_off(picture: &RgbImage, from: u32) -> RgbImage {
    let mut cut = picture.clone();
    for y in from..picture.height() {
        for x in 0..picture.width() {
            cut.put_pixel(x, y, Rgb([128; 3]));
        }
    }
    cut
}

#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the table of the documentation is printed for who asks"
)]
fn print(sample: &Sample, quality: &Quality) {
    if std::env::var_os("LIMN_PRINT_CALIBRATION").is_some() {
        let worst = quality.worst_part().map_or("-", Part::as_str);
        println!("| {} | {} | {worst} |", sample.name, quality.score_bp);
    }
}

#[test]
fn every_good_picture_ranks_above_every_bad_one_and_the_reason_is_right() {
    let mut worst_good = MAX_BP;
    for sample in good() {
        let quality = sample.quality();
        print(&sample, &quality);
        assert!(quality.score_bp >= 8_000, "{}: {quality:?}", sample.name);
        worst_good = worst_good.min(quality.score_bp);
    }
    for sample in bad() {
        let quality = sample.quality();
        print(&sample, &quality);
        assert!(quality.score_bp <= 5_000, "{}: {quality:?}", sample.name);
        assert!(quality.score_bp < worst_good, "{}: {quality:?}", sample.name);
        assert_eq!(quality.worst_part(), sample.fault, "{}: {quality:?}", sample.name);
    }
}

#[test]
fn more_of_a_fault_is_never_better() {
    let scene = leaves(WIDTH, HEIGHT, 2);
    let by_blur = [0, 1, 2, 4].map(|radius| match radius {
        0 => Sample::new("", scene.clone(), None),
        radius => Sample::new("", blurred(&scene, radius), None),
    });
    let by_grain = [0.0, 10.0, 20.0, 40.0].map(|grain| Sample::new("", noisy(&scene, grain, 1), None));
    let by_bits = [90, 40, 20, 5].map(|quality| Sample::jpeg("", &scene, quality, None));
    for series in [by_blur, by_grain, by_bits] {
        let scores: Vec<u32> = series.iter().map(|sample| sample.quality().score_bp).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        assert!(scores.first() > scores.last(), "{scores:?}");
    }
}

#[test]
fn a_score_is_the_same_on_every_machine() {
    let quality = Quality::of_pixels(
        &DynamicImage::from(noisy(&leaves(200, 160, 2), 12.0, 3)),
        ImageFormat::Png,
    );
    assert_eq!(quality.scorer, SCORER);
    assert_eq!(quality.score_bp, 8047);
    assert_eq!(quality.part_bp(Part::Noise), Some(7625));
}

#[test]
fn pictures_of_every_shape_and_depth_have_a_score() {
    for (width, height) in [
        (1, 1),
        (1, 900),
        (900, 1),
        (3, 3),
        (31, 33),
        (64, 64),
        (1025, 3),
        (2049, 40),
    ] {
        let picture = DynamicImage::from(landscape(width, height, 1));
        for pixels in [
            picture.clone(),
            DynamicImage::from(picture.to_rgba8()),
            DynamicImage::from(picture.to_luma8()),
            DynamicImage::from(picture.to_luma_alpha8()),
            DynamicImage::from(picture.to_rgb16()),
            DynamicImage::from(picture.to_rgba16()),
        ] {
            let quality = Quality::of_pixels(&pixels, ImageFormat::Png);
            assert!(quality.score_bp <= MAX_BP, "{width}x{height}: {quality:?}");
            assert_eq!(quality.parts_bp.len(), Part::ALL.len() - 1);
        }
    }
    assert_eq!(Quality::undecodable().score_bp, 0);
    assert_eq!(Quality::undecodable().worst_part(), Some(Part::Decoded));
}

#[test]
fn what_is_transparent_counts_as_white() {
    let seen = drawing(200, 200, 1);
    let mut paper = DynamicImage::from(seen.clone()).to_rgba8();
    for pixel in paper.pixels_mut() {
        let ink = 255 - pixel.0[0];
        pixel.0 = [0, 0, 0, ink];
    }
    let score = |pixels: &DynamicImage| Quality::of_pixels(pixels, ImageFormat::Png);
    assert_eq!(
        score(&DynamicImage::from(paper)),
        score(&DynamicImage::from(seen))
    );
}

#[test]
fn fingerprints_stay_through_what_does_not_change_the_look() {
    let scenes = scenes();
    let print_of = |picture: &RgbImage| Fingerprint::of(&DynamicImage::from(picture.clone()));
    for (name, scene) in &scenes {
        let own = print_of(scene);
        let smaller = DynamicImage::from(scene.clone())
            .thumbnail_exact(WIDTH / 2, HEIGHT / 2)
            .to_rgb8();
        for same in [through_jpeg(scene, 60), noisy(scene, 4.0, 1), smaller] {
            assert!(own.distance(print_of(&same)) <= 4, "{name}");
        }
        for (other_name, other) in scenes.iter().filter(|(other, _)| other != name) {
            assert!(own.distance(print_of(other)) >= 14, "{name} and {other_name}");
        }
    }
}

#[test]
fn a_picture_that_is_there_already_is_no_other_one() {
    let first = DynamicImage::from(leaves(WIDTH, HEIGHT, 2));
    let again = DynamicImage::from(through_jpeg(&first.to_rgb8(), 80));
    let other = DynamicImage::from(landscape(WIDTH, HEIGHT, 8));
    let [first, again, other] = [first, again, other].map(|pixels| {
        (
            Quality::of_pixels(&pixels, ImageFormat::Png),
            Fingerprint::of(&pixels),
        )
    });
    let alone = first.0.clone().beside(first.1, []);
    assert_eq!(alone.part_bp(Part::Distinctness), Some(MAX_BP));
    let beside_other = first.0.clone().beside(first.1, [other.1]);
    assert_eq!(beside_other, alone);
    let beside_itself = again.0.beside(again.1, [other.1, first.1]);
    assert_eq!(beside_itself.worst_part(), Some(Part::Distinctness));
    assert!(beside_itself.score_bp < 3_000, "{beside_itself:?}");
}
