//! Pictures to draw from: all of them or none, named by their content, and priced.

use limn_proto::{plan::Reference, reason::Reason, v1::ImageRequest};

use crate::support::{fidelity, image_at, names, planned, primary, refused, single, violations};

fn reference(digit: char, media_type: &str) -> Reference {
    Reference {
        sha256: digit.to_string().repeat(64),
        media_type: media_type.into(),
    }
}

fn drawn_from(provider: &str, references: Vec<Reference>) -> ImageRequest {
    ImageRequest {
        references,
        ..image_at(provider)
    }
}

#[test]
fn references_are_part_of_the_picture_in_their_order() {
    let (a, b) = (reference('a', "image/png"), reference('b', "image/jpeg"));
    let request = single(drawn_from("inkwell", vec![b.clone(), a.clone()]));
    let (spec, notes) = planned(&request);
    assert_eq!(spec.steps[0].targets[0].references, [b.clone(), a.clone()]);
    assert_eq!(fidelity(&notes), ["0 references honoured: 2 sent"]);
    let turned = single(drawn_from("inkwell", vec![a, b]));
    let digest = |request| limn_proto::digest::render_digest(&primary(request));
    assert_ne!(digest(&request), digest(&turned));
}

#[test]
fn references_are_billed_where_tokens_are() {
    let plain = planned(&single(image_at("inkwell"))).0.cost.unwrap();
    let request = single(drawn_from("inkwell", vec![reference('a', "image/png")]));
    let drawn = planned(&request).0.cost.unwrap();
    let units = |line: &limn_proto::plan::CostLine| -> Vec<(String, i64)> {
        let components = line.components.iter();
        components
            .map(|part| (part.unit.clone(), part.quantity_milli))
            .collect()
    };
    assert!(
        !units(&plain.lines[0])
            .iter()
            .any(|(unit, _)| unit == "image_input_token")
    );
    assert_eq!(
        units(&drawn.lines[0])[0],
        ("image_input_token".to_owned(), 1_000_000)
    );
    let ceiling =
        |cost: &limn_proto::plan::CostEstimate| cost.lines[0].attempt_ceiling.as_ref().unwrap().nanos;
    assert!(ceiling(&drawn) > ceiling(&plain));
}

#[test]
fn references_that_a_model_does_not_take_refuse_the_plan_unless_they_are_optional() {
    let png = |digit| reference(digit, "image/png");
    for (provider, references, why) in [
        ("sketch", vec![png('a')], "takes no pictures to draw from"),
        ("inkwell", vec![png('a'), png('b'), png('c')], "at most 2"),
        (
            "inkwell",
            vec![reference('a', "image/webp")],
            "image/webp is not taken",
        ),
    ] {
        let wish = drawn_from(provider, references);
        let error = refused(&single(wish.clone()));
        let [violation] = error.violations.as_slice() else {
            panic!("{error:?}");
        };
        assert_eq!(violation.field, "image.references");
        assert!(violation.description.contains(why), "{violation:?}");
        let optional = ImageRequest {
            optional_fields: names(&["references"]),
            ..wish
        };
        let (spec, notes) = planned(&single(optional));
        assert!(spec.steps[0].targets[0].references.is_empty());
        assert!(
            fidelity(&notes)[0].contains("references refused"),
            "{:?}",
            fidelity(&notes)
        );
    }
}

#[test]
fn references_that_name_nothing_are_refused_at_the_door() {
    let wrong = [
        vec![Reference {
            sha256: "A".repeat(64),
            media_type: "image/png".into(),
        }],
        vec![Reference {
            sha256: "a".repeat(63),
            media_type: "image/png".into(),
        }],
        vec![reference('a', "image/gif")],
        vec![reference('a', "image/png"), reference('a', "image/png")],
        "0123456789abcdef0"
            .chars()
            .map(|digit| reference(digit, "image/png"))
            .collect(),
    ];
    for references in wrong {
        let error = refused(&single(drawn_from("inkwell", references)));
        assert_eq!(
            violations(&error),
            [("image.references", Reason::InvalidRequest)],
            "{error:?}"
        );
    }
}
