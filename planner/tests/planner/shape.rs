//! Which pixels a wish becomes.

use limn_proto::v1::{ImageRequest, Resolution};

use crate::support::{fidelity, image_at, names, planned, single};

/// Size, size word and notes of a wish.
fn drawn(image: ImageRequest) -> (u32, u32, String, Vec<String>) {
    let (spec, notes) = planned(&single(image));
    let target = &spec.steps[0].targets[0];
    (
        target.width_px,
        target.height_px,
        target.size_token.clone(),
        fidelity(&notes),
    )
}

fn ratio(provider: &str, ratio: &str, resolution: Resolution) -> ImageRequest {
    ImageRequest {
        aspect_ratio: ratio.into(),
        resolution: resolution.into(),
        ..image_at(provider)
    }
}

#[test]
fn without_a_wish_the_default_is_drawn_and_nothing_is_noted() {
    assert_eq!(drawn(image_at("aurora")), (1024, 1024, "1:1".into(), vec![]));
    assert_eq!(
        drawn(image_at("inkwell")),
        (1024, 1024, "1024x1024".into(), vec![])
    );
}

#[test]
fn pixels_are_taken_exactly() {
    let pixels = ImageRequest {
        width_px: 3840,
        height_px: 2160,
        ..image_at("inkwell")
    };
    let notes = vec![
        "0 width_px honoured: 3840".into(),
        "0 height_px honoured: 2160".into(),
    ];
    assert_eq!(drawn(pixels), (3840, 2160, "3840x2160".into(), notes));
}

#[test]
fn a_ratio_prefers_an_exact_size_near_the_wanted_number_of_pixels() {
    let cases = [
        ("inkwell", "16:9", Resolution::Unspecified, (1280, 720)),
        ("inkwell", "9:16", Resolution::Unspecified, (720, 1280)),
        ("inkwell", "3:1", Resolution::Unspecified, (1776, 592)),
        ("inkwell", "1:1", Resolution::TwoK, (2048, 2048)),
        ("inkwell", "16:9", Resolution::TwoK, (2816, 1584)),
        ("sketch", "16:9", Resolution::HalfK, (688, 387)),
        ("sketch", "1:1", Resolution::FourK, (4096, 4096)),
        ("sketch", "100:1", Resolution::Unspecified, (4000, 40)),
        ("aurora", "1:1", Resolution::TwoK, (2048, 2048)),
    ];
    for (provider, asked, resolution, size) in cases {
        let (width, height, _, notes) = drawn(ratio(provider, asked, resolution));
        assert_eq!((width, height), size, "{provider} {asked}");
        assert!(notes[0].starts_with("0 aspect_ratio honoured"), "{notes:?}");
    }
}

#[test]
fn a_ratio_without_an_exact_size_is_mapped_within_two_percent() {
    let (width, height, token, notes) = drawn(ratio("aurora", "16:9", Resolution::Unspecified));
    assert_eq!((width, height, token.as_str()), (1344, 768, "16:9"));
    assert_eq!(
        notes,
        ["0 aspect_ratio mapped: 1344 x 768 px, 1.57 % off the ratio"]
    );
    // 97:89 has an exact size of 1552 x 1424 only, which is closer to the wish than a smaller inexact one.
    let (width, height, _, notes) = drawn(ratio("inkwell", "97:89", Resolution::Unspecified));
    assert_eq!((width, height), (1552, 1424));
    assert_eq!(notes, ["0 aspect_ratio honoured: 1552 x 1424 px"]);
}

#[test]
fn a_class_alone_keeps_the_shape_of_the_default() {
    let (width, height, _, notes) = drawn(ratio("inkwell", "", Resolution::TwoK));
    assert_eq!((width, height), (2048, 2048));
    assert_eq!(notes, ["0 resolution honoured: 2048 x 2048 px"]);
}

#[test]
fn optional_sizes_give_way_one_by_one() {
    let request = ImageRequest {
        optional_fields: names(&["resolution"]),
        ..ratio("aurora", "16:9", Resolution::FourK)
    };
    let (width, height, _, notes) = drawn(request);
    assert_eq!((width, height), (1344, 768));
    assert!(notes[0].starts_with("0 aspect_ratio mapped"), "{notes:?}");
    assert!(
        notes[1].starts_with("0 resolution refused: no size of that shape"),
        "{notes:?}"
    );

    let request = ImageRequest {
        optional_fields: names(&["aspect_ratio"]),
        ..ratio("aurora", "5:1", Resolution::TwoK)
    };
    let (width, height, _, notes) = drawn(request);
    assert_eq!((width, height), (2048, 2048));
    assert!(
        notes[0].starts_with("0 aspect_ratio refused: no size is within 2 % of 5:1"),
        "{notes:?}"
    );
    assert_eq!(notes[1], "0 resolution honoured: 2048 x 2048 px");

    let request = ImageRequest {
        width_px: 1000,
        height_px: 1000,
        optional_fields: names(&["width_px", "height_px"]),
        ..image_at("inkwell")
    };
    let (width, height, token, notes) = drawn(request);
    assert_eq!((width, height, token.as_str()), (992, 992, "992x992"));
    assert_eq!(notes.len(), 2);
    assert!(
        notes.iter().all(|note| note.ends_with("992 x 992 px is used")),
        "{notes:?}"
    );
}
