//! Enrichment: the template of a class, only when it is asked for, and never in place of what was given.

use limn_proto::{
    plan::{ImageType, Style},
    reason::Reason,
    v1::ImageRequest,
};

use crate::support::{fidelity, image_at, parts, planned, primary, refused, single, violations};

fn enriched(provider: &str, image_type: ImageType) -> ImageRequest {
    ImageRequest {
        image_type: image_type.into(),
        enrich: true,
        ..image_at(provider)
    }
}

#[test]
fn a_class_alone_changes_nothing() {
    let plain = primary(&single(image_at("sketch")));
    let classed = ImageRequest {
        enrich: false,
        ..enriched("sketch", ImageType::BattleMap)
    };
    let (spec, notes) = planned(&single(classed));
    assert_eq!(spec.steps[0].targets[0], plain);
    assert_eq!(spec.steps[0].original_prompt, "");
    assert!(fidelity(&notes).is_empty());
}

#[test]
fn the_template_goes_around_the_prompt_and_fills_what_was_not_given() {
    let (spec, notes) = planned(&single(enriched("aurora", ImageType::BattleMap)));
    let render = &spec.steps[0].targets[0];
    assert_eq!(render.prompt, "Map of a lighthouse, from above.");
    assert_eq!(render.negative_prompt, "text");
    assert_eq!(render.size_token, "1:1");
    assert_eq!(render.style(), Style::LineArt);
    assert_eq!(spec.steps[0].original_prompt, "a lighthouse");
    assert_eq!(
        fidelity(&notes).last().unwrap(),
        "0 enrich mapped: the template of battle-map stands around the prompt, negative prompt \"text\", \
         aspect ratio 1:1, style line art"
    );
}

#[test]
fn what_was_given_stays() {
    let (spec, _) = planned(&single(ImageRequest {
        aspect_ratio: "16:9".into(),
        style: Style::Cinematic.into(),
        negative_prompt: "fog".into(),
        original_prompt: "what I said".into(),
        ..enriched("aurora", ImageType::BattleMap)
    }));
    let render = &spec.steps[0].targets[0];
    assert_eq!(
        (render.size_token.as_str(), render.style()),
        ("16:9", Style::Cinematic)
    );
    assert_eq!(render.negative_prompt, "fog, text");
    assert_eq!(spec.steps[0].original_prompt, "what I said");
    let (pixels, _) = planned(&single(ImageRequest {
        width_px: 512,
        height_px: 256,
        ..enriched("sketch", ImageType::BattleMap)
    }));
    assert_eq!(pixels.steps[0].targets[0].width_px, 512);
}

#[test]
fn defaults_that_a_provider_does_not_take_refuse_nobody() {
    // No style, no negative prompt, and of portraits only sizes that are not there.
    let (spec, notes) = planned(&single(enriched("mega", ImageType::CharacterPortrait)));
    assert_eq!(spec.steps[0].targets[0].prompt, "Portrait: a lighthouse.");
    let refused: Vec<_> = fidelity(&notes)
        .into_iter()
        .filter(|it| it.contains("refused"))
        .collect();
    assert_eq!(refused.len(), 2, "{refused:?}");
    planned(&single(enriched("aurora", ImageType::CharacterPortrait)));
}

#[test]
fn enrichment_needs_a_class_with_a_template() {
    for image_type in [ImageType::Unspecified, ImageType::Scene] {
        let error = refused(&single(enriched("sketch", image_type)));
        assert_eq!(violations(&error), [("image.enrich", Reason::InvalidRequest)]);
    }
}

#[test]
fn templates_are_part_of_the_digest_of_the_catalog() {
    let digest = |parts| limn_planner::Catalog::new(parts).unwrap().digest().to_owned();
    let before = digest(parts());
    let mut changed = parts();
    changed
        .image_types
        .get_mut(&ImageType::Item)
        .unwrap()
        .negative_prompt = "fog".into();
    assert_ne!(digest(changed), before);
    let mut changed = parts();
    changed
        .views
        .templates
        .get_mut("top")
        .unwrap()
        .negative_prompt
        .clear();
    assert_ne!(digest(changed), before);
    let mut changed = parts();
    changed.continuity.hint.push('!');
    assert_ne!(digest(changed), before);
}
