//! Documents become plans like any other request.

use limn_planner::{canonical, extract_prompts};
use limn_proto::{
    plan::{ImageType, Importance, MarkerForm, PlanKind, PlanSpec, Quality, SlotPlace, Style},
    reason::Reason::{InvalidRequest, PlanNotCanonical, TooManySteps, UnknownModel},
    v1::{DocumentRequest, ExtractPromptsRequest, ImageRequest, PlanRequest, plan_request::Work},
};

use crate::support::{image_at, plan, planned, refused, violations};

const POST: &str = "# Harbour\r\n\r\n[IMAGE: a harbour at dawn, 8k | size=16:9 | id=hero]\r\n\r\nText.\r\n\r\n\
                    ## Boats\r\n\r\n- ![prompt: a blue boat | style=line-art | quality=high | type=item | seed=7](x \"Old boat\")\r\n\
                    - <!-- image: nets | negative=people | importance=decorative | alt=Nets -->\r\n";

/// A request for this document.
pub(crate) fn of_document(content: &str, defaults: ImageRequest) -> PlanRequest {
    PlanRequest {
        parent: "clients/demo".into(),
        work: Some(Work::Document(DocumentRequest {
            content: content.to_owned().into(),
            media_type: "text/markdown".into(),
            defaults: Some(defaults),
            post_id: "post-7".into(),
            ..DocumentRequest::default()
        })),
        ..PlanRequest::default()
    }
}

/// The post above, with defaults.
pub(crate) fn post() -> PlanRequest {
    let defaults = ImageRequest {
        style: Style::Cinematic.into(),
        aspect_ratio: "1:1".into(),
        prompt: String::new(),
        ..image_at("aurora")
    };
    of_document(POST, defaults)
}

#[test]
fn each_prompt_is_a_step_with_its_place_in_the_document() {
    let (spec, _) = planned(&post());
    assert_eq!(spec.kind, i32::from(PlanKind::Document));
    let document = spec.document.as_ref().unwrap();
    assert_eq!(document.size_bytes, i64::try_from(POST.len()).unwrap());
    let ids: Vec<&str> = spec.steps.iter().map(|step| step.step_id.as_str()).collect();
    assert_eq!(ids, ["hero", "image-2", "image-3"]);
    let [hero, boat, nets] = spec.steps.as_slice() else {
        panic!("three steps");
    };
    let slot = hero.slot.unwrap();
    let marker = &POST[usize::try_from(slot.start_byte).unwrap()..usize::try_from(slot.end_byte).unwrap()];
    assert_eq!(marker, "[IMAGE: a harbour at dawn, 8k | size=16:9 | id=hero]");
    assert_eq!(
        (slot.line, slot.form(), slot.place()),
        (3, MarkerForm::Bracket, SlotPlace::Markdown)
    );
    assert_eq!(
        (hero.alt_text.as_str(), hero.original_prompt.as_str()),
        ("A harbour at dawn", "a harbour at dawn, 8k")
    );
    assert_eq!(
        (hero.section_title.as_str(), hero.importance()),
        ("Harbour", Importance::Primary)
    );
    assert_eq!(
        (boat.section_title.as_str(), boat.importance()),
        ("Boats", Importance::Secondary)
    );
    assert_eq!(
        (boat.caption.as_str(), boat.position, boat.image_type()),
        ("Old boat", 1, ImageType::Item)
    );
    assert_eq!(
        (nets.alt_text.as_str(), nets.importance()),
        ("Nets", Importance::Decorative)
    );
    assert!(spec.steps.iter().all(|step| step.post_id == "post-7"));
}

#[test]
fn what_a_marker_says_goes_before_the_defaults() {
    let (spec, _) = planned(&post());
    let [hero, boat, nets] = [0, 1, 2].map(|index: usize| &spec.steps[index].targets[0]);
    assert_eq!(
        (hero.style(), boat.style(), nets.style()),
        (Style::Cinematic, Style::LineArt, Style::Cinematic)
    );
    assert!(hero.width_px > hero.height_px && nets.width_px == nets.height_px);
    assert_eq!((boat.quality(), boat.seed), (Quality::High, 7));
    assert!(nets.negative_prompt.contains("people") || nets.prompt.contains("people"));
}

#[test]
fn every_wrong_marker_is_told_with_its_line() {
    let document = "[IMAGE: a | size=big]\n\n[IMAGE: b | style=nice | seed=-1]\n\n[IMAGE: c | id=Two Words]\n\n[IMAGE: ]\n\n\
                    [IMAGE: d | type=poem | quality=ultra | importance=x]\n";
    let error = refused(&of_document(document, ImageRequest::default()));
    let fields: Vec<&str> = violations(&error).iter().map(|(field, _)| *field).collect();
    let lines = [1, 3, 3, 5, 7, 9, 9, 9];
    let mut told: Vec<String> = lines
        .iter()
        .map(|line| format!("document.content (line {line})"))
        .collect();
    told.sort();
    let mut fields: Vec<String> = fields.into_iter().map(String::from).collect();
    fields.sort();
    assert_eq!(fields, told);
}

#[test]
fn a_wrong_default_is_told_once_and_at_its_field() {
    let document = "[IMAGE: a]\n\n[IMAGE: b]\n\n[IMAGE: a | id=image-1]\n";
    let defaults = ImageRequest {
        model: "nothing".into(),
        prompt: "all".into(),
        position: 1,
        ..ImageRequest::default()
    };
    let error = refused(&of_document(document, defaults));
    assert_eq!(
        violations(&error),
        [
            ("document.defaults.prompt", InvalidRequest),
            ("document.defaults.position", InvalidRequest),
            ("document.content (line 5)", InvalidRequest),
            ("document.defaults.model", UnknownModel),
        ]
    );
}

#[test]
fn documents_have_limits() {
    let too_many = "[IMAGE: a]\n\n".repeat(501);
    let cases = [
        (String::new(), InvalidRequest),
        ("no prompt".into(), InvalidRequest),
        ("x".repeat(5 * 1024 * 1024 + 1), InvalidRequest),
        (too_many, TooManySteps),
    ];
    for (document, reason) in cases {
        let error = refused(&of_document(&document, ImageRequest::default()));
        assert_eq!(violations(&error), [("document.content", reason)]);
    }
    let (spec, _) = planned(&of_document(
        &"[IMAGE: a]\n\n".repeat(500),
        ImageRequest::default(),
    ));
    assert_eq!(spec.steps.len(), 500);
    let mut request = post();
    if let Some(Work::Document(document)) = &mut request.work {
        document.media_type = "text/plain".into();
        document.marker_forms = vec![99];
    }
    let error = refused(&request);
    assert_eq!(
        violations(&error),
        [
            ("document.media_type", InvalidRequest),
            ("document.marker_forms", InvalidRequest)
        ]
    );
}

#[test]
fn forms_that_are_not_asked_for_are_text() {
    let mut request = post();
    if let Some(Work::Document(document)) = &mut request.work {
        document.marker_forms = vec![MarkerForm::Comment.into()];
    }
    let (spec, _) = planned(&request);
    assert_eq!(spec.steps.len(), 1);
    assert_eq!(spec.steps[0].original_prompt, "nets");
}

#[test]
fn a_changed_document_is_another_plan_and_the_same_pictures() {
    let first = plan(&post()).unwrap();
    let mut request = post();
    if let Some(Work::Document(document)) = &mut request.work {
        document.content = POST.replace("Text.", "Other text.").into();
    }
    let second = plan(&request).unwrap();
    assert_ne!(first.digest, second.digest);
    let targets = |spec: Option<PlanSpec>| -> Vec<_> {
        spec.unwrap().steps.into_iter().map(|step| step.targets).collect()
    };
    assert_eq!(targets(first.spec), targets(second.spec));
}

#[test]
fn slots_are_part_of_what_is_canonical() {
    type Breakage = (&'static str, fn(&mut PlanSpec));
    let breakages: [Breakage; 10] = [
        ("document", |spec| spec.document = None),
        ("document", |spec| spec.kind = PlanKind::Batch.into()),
        ("document.media_type", |spec| {
            spec.document.as_mut().unwrap().media_type.clear();
        }),
        ("document.sha256", |spec| {
            spec.document.as_mut().unwrap().sha256 = "AB".into();
        }),
        ("document.size_bytes", |spec| {
            spec.document.as_mut().unwrap().size_bytes = 6_000_000;
        }),
        ("steps[1].slot", |spec| spec.steps[1].slot = None),
        ("steps[1].slot", |spec| spec.steps[1].slot = spec.steps[0].slot),
        ("steps[2].slot", |spec| {
            spec.document.as_mut().unwrap().size_bytes = 10;
        }),
        ("steps[0].slot.line", |spec| {
            spec.steps[0].slot.as_mut().unwrap().line = 0;
        }),
        ("steps[0].slot.form", |spec| {
            spec.steps[0].slot.as_mut().unwrap().form = 9;
        }),
    ];
    for (field, change) in breakages {
        let (mut spec, _) = planned(&post());
        change(&mut spec);
        let error = canonical::verify(&spec).unwrap_err();
        assert!(
            violations(&error).contains(&(field, PlanNotCanonical)),
            "{field}: {error:#?}"
        );
    }
}

#[test]
fn prompts_are_listed_without_a_plan() {
    let answer = extract_prompts(&ExtractPromptsRequest {
        content: POST.into(),
        media_type: "text/markdown".into(),
        marker_forms: Vec::new(),
    })
    .unwrap();
    let (spec, _) = planned(&post());
    assert_eq!(answer.document, spec.document);
    assert_eq!(answer.prompts.len(), 3);
    for (prompt, step) in answer.prompts.iter().zip(&spec.steps) {
        assert_eq!((&prompt.step_id, prompt.slot), (&step.step_id, step.slot));
        assert_eq!(
            (&prompt.alt_text, &prompt.prompt),
            (&step.alt_text, &step.original_prompt)
        );
    }
    assert_eq!(answer.prompts[1].text_before, "Harbour Text. Boats");
    let wrong = extract_prompts(&ExtractPromptsRequest::default()).unwrap_err();
    assert_eq!(violations(&wrong), [("media_type", InvalidRequest)]);
}
