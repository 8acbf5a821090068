//! A plan in words: what will be drawn, where, and for how much.

use alloc::{format, string::String, vec::Vec};

use limn_proto::{
    digest::plan_digest,
    percent,
    plan::{
        CostEstimate, CostLine, Label, PlanSpec, QualityGate, RenderSpec, RunPolicy, SeedMode, Step,
        UnknownPolicy,
    },
    reroll::{self, MAX_REROLLS},
    v1::{FidelityOutcome, ImageGenerationPlan, PlanNotes},
};

use crate::{
    catalog::milli,
    money::display,
    stages::settings::{quality_name, style_name},
};

mod page;

use page::Page;

/// Describes a plan to people: plain text in English, LF line ends, at most 100 columns.
///
/// The same plan always gives the same text. The digest is the computed one. Nothing is checked, so a broken
/// plan is described as it stands; the wording is no contract.
pub fn explain(plan: &ImageGenerationPlan) -> String {
    let mut page = Page::default();
    let Some(spec) = &plan.spec else {
        page.line(0, "The plan has no content.");
        return page.finish();
    };
    let none = PlanNotes::default();
    let notes = plan.notes.as_ref().unwrap_or(&none);
    page.line(0, &format!("Plan {}", plan_digest(spec)));
    head(&mut page, spec);
    for (index, step) in spec.steps.iter().enumerate() {
        page.blank();
        describe_step(&mut page, index, step, spec, notes);
    }
    if !notes.warnings.is_empty() {
        page.blank();
        page.line(0, "Warnings");
        for warning in &notes.warnings {
            let step = if warning.step_id.is_empty() {
                String::new()
            } else {
                format!(" ({})", warning.step_id)
            };
            page.line(2, &format!("{}{step}: {}", warning.code, warning.message));
        }
    }
    page.finish()
}

fn head(page: &mut Page, spec: &PlanSpec) {
    let images = if spec.steps.len() == 1 { "image" } else { "images" };
    let mut who = format!("{} {images} for {}", spec.steps.len(), spec.client);
    if !spec.session_id.is_empty() {
        who.push_str(&format!(", session {}", spec.session_id));
    }
    if spec.variation > 0 {
        who.push_str(&format!(", variation {}", spec.variation));
    }
    page.line(0, &who);
    if let Some(document) = &spec.document {
        let (kind, size, sha256) = (&document.media_type, document.size_bytes, &document.sha256);
        page.line(
            0,
            &format!("Prompts of a {kind} document of {size} bytes, SHA-256 {sha256}"),
        );
    }
    let amount = |money: Option<&_>| money.map_or_else(|| "an unknown amount".into(), display);
    if let Some(cost) = &spec.cost {
        let (expected, worst_case) = (amount(cost.expected.as_ref()), amount(cost.worst_case.as_ref()));
        page.line(0, &format!("Costs {expected} as expected, {worst_case} at most"));
    }
    if let Some(policy) = &spec.policy {
        page.line(0, &describe_policy(policy));
        if let Some(gate) = &policy.quality_gate {
            page.line(0, &describe_gate(gate));
        }
    }
    if spec.not_after_unix > 0 {
        page.line(
            0,
            &format!("Not accepted after Unix second {}", spec.not_after_unix),
        );
    }
    if !spec.labels.is_empty() {
        page.line(0, &format!("Labels: {}", pairs(&spec.labels)));
    }
}

fn describe_policy(policy: &RunPolicy) -> String {
    let mut parts = alloc::vec![format!("{} at a time", policy.max_concurrency)];
    if let Some(retry) = &policy.retry {
        let attempts = if retry.max_attempts == 1 {
            "attempt"
        } else {
            "attempts"
        };
        parts.push(format!("{} {attempts} per target", retry.max_attempts));
    }
    if policy.attempt_timeout_ms > 0 {
        parts.push(format!("each for at most {} s", milli(policy.attempt_timeout_ms)));
    }
    if policy.stop_on_first_error {
        parts.push("stops on the first error".into());
    }
    if policy.disable_fallback {
        parts.push("no fallbacks".into());
    }
    if let Some(limit) = &policy.max_cost {
        parts.push(format!("stops at {}", display(limit)));
    }
    parts.push(on_unknown(policy));
    let text = parts.join(", ");
    format!("Runs {text}")
}

fn describe_gate(gate: &QualityGate) -> String {
    let otherwise = if gate.accept_best {
        "takes the best that comes"
    } else {
        "fails"
    };
    let rerolls = match gate.max_rerolls {
        0 => "draws nothing again".into(),
        1 => "draws a picture again once".into(),
        most => format!("draws a picture again up to {most} times"),
    };
    format!(
        "Takes pictures with a quality score of at least {}, {rerolls}, and then {otherwise}",
        percent::show(gate.min_score_bp)
    )
}

fn on_unknown(policy: &RunPolicy) -> String {
    match policy.on_unknown() {
        UnknownPolicy::Unspecified | UnknownPolicy::Hold => "holds unknown outcomes".into(),
        UnknownPolicy::WriteOffAndFail => "writes unknown outcomes off and fails".into(),
        UnknownPolicy::WriteOffAndRetryOnce => {
            let limit = policy.max_duplicate_spend.as_ref();
            let limit = limit.map_or_else(|| "an unknown amount".into(), display);
            format!("writes unknown outcomes off and draws once more, for at most {limit}")
        }
    }
}

fn describe_step(page: &mut Page, index: usize, step: &Step, spec: &PlanSpec, notes: &PlanNotes) {
    let cost: Option<&CostEstimate> = spec.cost.as_ref();
    page.line(0, &format!("{}. {}", index + 1, step.step_id));
    describe_origin(page, step);
    for choice in notes
        .choices
        .iter()
        .filter(|choice| choice.step_id == step.step_id)
    {
        page.line(3, &format!("Chosen because {}", choice.explanation));
        for passed in &choice.passed_over {
            page.line(3, &format!("Passed over: {} {}", passed.provider, passed.reason));
        }
    }
    for (target, render) in (0_u32..).zip(&step.targets) {
        let role = if target == 0 {
            "Drawn by".into()
        } else {
            format!("Fallback {target}:")
        };
        page.line(3, &format!("{role} {}", place(render)));
        describe_render(page, render, step.targets.first().filter(|_| target > 0));
        let mut lines = cost.map(|cost| cost.lines.as_slice()).unwrap_or_default().iter();
        if let Some(line) = lines.find(|line| line.step_id == step.step_id && line.target == target) {
            page.line(5, &describe_price(line));
        }
        let fidelity = notes.fidelity.iter();
        for note in fidelity.filter(|note| note.step_id == step.step_id && note.target == target) {
            let outcome = match note.outcome() {
                FidelityOutcome::Unspecified => "unknown",
                FidelityOutcome::Honoured => "honoured",
                FidelityOutcome::Mapped => "mapped",
                FidelityOutcome::Refused => "refused",
            };
            page.line(5, &format!("{} {outcome}: {}", note.field, note.detail));
        }
    }
    let policy = spec.policy.as_ref();
    let gate = policy.and_then(|policy| policy.quality_gate.as_ref());
    let seed = step.targets.first().map(|primary| primary.seed);
    if let (most @ 1.., Some(seed)) = (reroll::most(step, gate), seed) {
        let seeds: Vec<String> = (1..=most.min(MAX_REROLLS))
            .map(|number| format!("{}", reroll::seed(seed, number)))
            .collect();
        page.line(3, &format!("Re-rolls with seed {}", seeds.join(", ")));
    }
    describe_copies(page, step);
}

fn describe_origin(page: &mut Page, step: &Step) {
    let named = [
        ("View", &step.view),
        ("Original prompt", &step.original_prompt),
        ("Post", &step.post_id),
        ("Prompt id", &step.prompt_id),
        ("Section", &step.section_title),
        ("Alternative text", &step.alt_text),
        ("Caption", &step.caption),
    ];
    for (name, text) in named {
        if !text.is_empty() {
            page.line(3, &format!("{name}: {text}"));
        }
    }
    if let Some(slot) = &step.slot {
        let (line, start, end) = (slot.line, slot.start_byte, slot.end_byte);
        page.line(3, &format!("Stands on line {line}, bytes {start} to {end}"));
    }
    if !step.anchors.is_empty() {
        page.line(3, &format!("Anchors: {}", step.anchors.join(", ")));
    }
    if !step.labels.is_empty() {
        page.line(3, &format!("Labels: {}", pairs(&step.labels)));
    }
}

fn place(render: &RenderSpec) -> String {
    let revision = match render.model_revision.as_str() {
        "" => String::new(),
        revision => format!(" ({revision})"),
    };
    format!(
        "{} {}{revision}, {} x {} px, {}",
        render.provider, render.model, render.width_px, render.height_px, render.media_type
    )
}

/// What is sent. A fallback does not repeat the prompt that it shares with the primary.
fn describe_render(page: &mut Page, render: &RenderSpec, primary: Option<&RenderSpec>) {
    match primary {
        Some(primary) if primary.prompt == render.prompt => page.line(5, "Prompt: the same"),
        _ => page.line(5, &format!("Prompt: {}", render.prompt)),
    }
    if !render.negative_prompt.is_empty() {
        page.line(5, &format!("Negative prompt: {}", render.negative_prompt));
    }
    let mut settings = Vec::new();
    if !render.quality_token.is_empty() || render.quality != 0 {
        settings.push(format!(
            "quality {}{}",
            quality_name(render.quality()),
            sent(&render.quality_token)
        ));
    }
    if render.style != 0 {
        settings.push(format!(
            "style {}{}",
            style_name(render.style()),
            sent(&render.style_token)
        ));
    }
    if let Some(guidance) = render.guidance_milli {
        settings.push(format!("guidance {}", milli(guidance)));
    }
    if !render.options.is_empty() {
        settings.push(pairs(&render.options));
    }
    if !render.references.is_empty() {
        settings.push(match render.references.len() {
            1 => "1 picture to draw from".into(),
            count => format!("{count} pictures to draw from"),
        });
    }
    settings.push(match render.seed_mode() {
        SeedMode::Given => format!("seed {}, as given", render.seed),
        SeedMode::Derived => format!("seed {}, derived", render.seed),
        SeedMode::Unsupported | SeedMode::Unspecified => format!("no seed is sent; {} names it", render.seed),
    });
    page.line(5, &format!("With {}", settings.join(", ")));
}

fn sent(token: &str) -> String {
    if token.is_empty() {
        String::new()
    } else {
        format!(" as \"{token}\"")
    }
}

fn describe_price(line: &CostLine) -> String {
    let amount = |money: Option<&_>| money.map_or_else(|| "unknown".into(), display);
    let components = line.components.iter().map(|component| {
        let quantity = quantity(component.quantity_milli);
        format!(
            "{quantity} {} at {}",
            component.unit,
            amount(component.unit_price.as_ref())
        )
    });
    let components: Vec<String> = components.collect();
    format!(
        "Costs {} as expected, {} at most: {}",
        amount(line.expected.as_ref()),
        amount(line.attempt_ceiling.as_ref()),
        components.join(", ")
    )
}

/// Thousandths as a decimal number without idle zeros.
fn quantity(milli: i64) -> String {
    let text = format!("{}.{:03}", milli / 1000, (milli % 1000).unsigned_abs());
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn describe_copies(page: &mut Page, step: &Step) {
    let copies = step.thumbnails.iter();
    let copies: Vec<String> = copies
        .map(|copy| {
            let fit = copy
                .fit()
                .as_str_name()
                .trim_start_matches("THUMBNAIL_FIT_")
                .to_ascii_lowercase();
            format!(
                "{} x {} px {fit} {}",
                copy.width_px, copy.height_px, copy.media_type
            )
        })
        .collect();
    if !copies.is_empty() {
        page.line(3, &format!("Thumbnails: {}", copies.join(", ")));
    }
}

fn pairs(labels: &[Label]) -> String {
    let pairs = labels
        .iter()
        .map(|label| format!("{}={}", label.key, label.value));
    pairs.collect::<Vec<_>>().join(", ")
}
