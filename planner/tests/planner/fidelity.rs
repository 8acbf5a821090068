//! Every requested field is honoured, mapped or refused, and says so.

use limn_proto::{
    plan::{Quality, SeedMode, Style},
    v1::ImageRequest,
};

use crate::support::{batch, fidelity, image, image_at, map, names, planned, primary, single};

/// A wish for everything that a field can ask for.
fn everything(provider: &str) -> ImageRequest {
    ImageRequest {
        negative_prompt: "fog".into(),
        quality: Quality::High.into(),
        style: Style::Cinematic.into(),
        seed: Some(7),
        guidance: Some(7.25),
        media_type: "image/webp".into(),
        options: map(&[("background", "opaque"), ("moderation", "none")]),
        optional_fields: names(&[
            "negative_prompt",
            "quality",
            "style",
            "seed",
            "guidance",
            "options",
        ]),
        ..image_at(provider)
    }
}

#[test]
fn optional_fields_are_honoured_mapped_or_refused_with_what_is_used_instead() {
    let (spec, notes) = planned(&single(everything("aurora")));
    assert_eq!(
        fidelity(&notes),
        [
            "0 negative_prompt honoured: sent in a field of its own",
            "0 quality honoured: \"hd\"",
            "0 style honoured: \"cinematic\"",
            "0 seed honoured: 7",
            "0 guidance honoured: 7.25",
            "0 media_type honoured: image/webp",
            "0 options refused: the model takes no options; none is sent",
        ]
    );
    let target = &spec.steps[0].targets[0];
    assert_eq!(
        (target.negative_prompt.as_str(), target.prompt.as_str()),
        ("fog", "a lighthouse")
    );
    assert_eq!(
        (target.seed_mode(), target.seed, target.guidance_milli),
        (SeedMode::Given, 7, Some(7_250))
    );
    assert!(target.options.is_empty());

    let (spec, notes) = planned(&single(everything("inkwell")));
    assert_eq!(
        fidelity(&notes),
        [
            "0 negative_prompt mapped: appended to the prompt as \"Avoid: ...\"",
            "0 quality honoured: \"high\"",
            "0 style mapped: appended to the prompt: \"Style: a still of a film.\"",
            "0 seed refused: the model takes no seed; it is not sent and only names the picture",
            "0 guidance refused: the model takes no guidance scale; the provider's default is used",
            "0 media_type honoured: image/webp",
            "0 options refused: \"moderation\" takes auto, low; background=opaque is sent",
        ]
    );
    let target = &spec.steps[0].targets[0];
    assert_eq!(
        target.prompt,
        "a lighthouse\n\nStyle: a still of a film.\n\nAvoid: fog."
    );
    assert_eq!(
        (target.style(), target.style_token.as_str()),
        (Style::Cinematic, "")
    );
    assert_eq!(
        (target.seed_mode(), target.seed, target.guidance_milli),
        (SeedMode::Unsupported, 7, None)
    );
    assert_eq!(target.options.len(), 1);

    let (spec, notes) = planned(&single(everything("mega")));
    let refused = fidelity(&notes)
        .iter()
        .filter(|note| note.contains(" refused: "))
        .count();
    assert_eq!(refused, 5, "negative prompt, quality, style, guidance, options");
    let target = &spec.steps[0].targets[0];
    assert_eq!(
        (target.quality(), target.style()),
        (Quality::Unspecified, Style::Unspecified)
    );
}

#[test]
fn a_fallback_has_notes_of_its_own() {
    let request = single(ImageRequest {
        fallback_providers: names(&["aurora"]),
        negative_prompt: "Fog!".into(),
        ..image_at("inkwell")
    });
    let (spec, notes) = planned(&request);
    assert_eq!(
        fidelity(&notes),
        [
            "0 negative_prompt mapped: appended to the prompt as \"Avoid: ...\"",
            "1 negative_prompt honoured: sent in a field of its own",
        ]
    );
    let targets = &spec.steps[0].targets;
    assert_eq!(targets[0].prompt, "a lighthouse\n\nAvoid: Fog!");
    assert_eq!(targets[1].prompt, "a lighthouse");
    assert_eq!(
        targets[0].seed, targets[1].seed,
        "the targets of a step share the seed"
    );
    assert_eq!(targets[0].seed_mode(), SeedMode::Unsupported);
    assert_eq!(targets[1].seed_mode(), SeedMode::Derived);
}

#[test]
fn text_is_sent_in_nfc_with_lf_line_ends() {
    let target = primary(&single(image("Cafe\u{301}\r\nat night\rend")));
    assert_eq!(target.prompt, "Caf\u{e9}\nat night\nend");
}

#[test]
fn guidance_is_rounded_half_to_even_to_thousandths() {
    for (guidance, milli) in [(7.0625, 7_062), (7.1875, 7_188), (1.0, 1_000), (9.999_6, 10_000)] {
        let request = single(ImageRequest {
            guidance: Some(guidance),
            ..image_at("aurora")
        });
        assert_eq!(primary(&request).guidance_milli, Some(milli), "{guidance}");
    }
}

#[test]
fn equal_prompts_of_a_batch_and_variations_have_seeds_of_their_own() {
    for provider in ["sketch", "inkwell"] {
        let mut request = batch(vec![image_at(provider); 4]);
        let seeds = |request: &_| -> Vec<u32> {
            planned(request)
                .0
                .steps
                .iter()
                .map(|step| step.targets[0].seed)
                .collect()
        };
        let first = seeds(&request);
        let mut all = first.clone();
        assert_eq!(first, seeds(&request));
        request.variation = 1;
        all.extend(seeds(&request));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 8, "{provider}");
    }
}

#[test]
fn warnings_stand_once_for_a_model_and_once_for_each_step() {
    let large = ImageRequest {
        width_px: 3840,
        height_px: 2160,
        model: "ink-mini".into(),
        ..image("x")
    };
    let (_, notes) = planned(&batch(vec![large.clone(), large]));
    let warnings: Vec<_> = notes
        .warnings
        .iter()
        .map(|warning| (warning.code.as_str(), warning.step_id.as_str()))
        .collect();
    assert_eq!(
        warnings,
        [
            ("SEED_NOT_SUPPORTED", ""),
            ("MODEL_SHUTDOWN_ANNOUNCED", ""),
            ("SIZE_EXPERIMENTAL", "image-1"),
            ("SIZE_EXPERIMENTAL", "image-2"),
        ]
    );
    assert!(notes.warnings[1].message.ends_with("on 2026-12-01"));
}

#[test]
fn equal_prompts_with_one_given_seed_are_one_picture_and_say_so() {
    let seeded = ImageRequest {
        seed: Some(42),
        ..image_at("sketch")
    };
    let (_, notes) = planned(&batch(vec![seeded.clone(), image_at("sketch"), seeded]));
    let same: Vec<_> = notes
        .warnings
        .iter()
        .map(|warning| (warning.code.as_str(), warning.step_id.as_str()))
        .collect();
    assert_eq!(same, [("SAME_PICTURE", "image-3")]);
    assert!(
        notes.warnings[0].message.contains("as image-1"),
        "{}",
        notes.warnings[0].message
    );
}
