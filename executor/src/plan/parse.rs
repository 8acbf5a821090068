//! The door: from the message to the checked form.

use std::collections::BTreeMap;

use limn_proto::{digest, name, plan as wire, reason::Reason, reroll};

use super::{
    Description, ImageFormat, MAX_AMOUNT_NANOS, MAX_ANCHOR_NAME_BYTES, MAX_ANCHORS, MAX_ATTEMPTS,
    MAX_PER_STEP, MAX_REFERENCES, MAX_STEPS, Plan, Policy, Price, QualityGate, Reference, Render, Step,
    Target, Thumbnail, UnknownPolicy, rerolls,
};

mod policy;

/// One thing that is wrong with a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanProblem {
    /// Path in the plan, for example `steps[0].targets[1].prompt`.
    pub field: String,
    /// What is wrong and what is expected.
    pub description: String,
}

/// A plan that cannot be executed, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PlanRefused {
    /// `PlanNotCanonical` or `PlanRevisionUnsupported`.
    pub reason: Reason,
    /// The refusal in a sentence.
    pub message: String,
    /// Everything that is wrong.
    pub problems: Vec<PlanProblem>,
}

impl Plan {
    /// Checks a plan and computes its digests.
    pub fn parse(spec: &wire::PlanSpec) -> Result<Self, PlanRefused> {
        if spec.revision > digest::PLAN_REVISION {
            return Err(PlanRefused {
                reason: Reason::PlanRevisionUnsupported,
                message: format!(
                    "the plan has revision {}, this server knows up to {}: use a newer server",
                    spec.revision,
                    digest::PLAN_REVISION
                ),
                problems: Vec::new(),
            });
        }
        let mut parser = Parser::new(spec);
        let plan = parser.plan(spec);
        match plan {
            Some(plan) if parser.problems.is_empty() => Ok(plan),
            _ => Err(PlanRefused {
                reason: Reason::PlanNotCanonical,
                message: format!("the plan breaks {} of its own rules", parser.problems.len()),
                problems: parser.problems,
            }),
        }
    }
}

/// Collects every problem; a value that is wrong is replaced by a harmless one.
struct Parser {
    currency: String,
    problems: Vec<PlanProblem>,
}

impl Parser {
    fn new(spec: &wire::PlanSpec) -> Self {
        let expected = spec.cost.as_ref().and_then(|cost| cost.expected.as_ref());
        Self {
            currency: expected
                .map(|money| money.currency_code.clone())
                .unwrap_or_default(),
            problems: Vec::new(),
        }
    }

    fn problem(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.problems.push(PlanProblem {
            field: field.into(),
            description: description.into(),
        });
    }

    fn require(&mut self, holds: bool, field: &str, description: &str) {
        if !holds {
            self.problem(field, description);
        }
    }

    fn plan(&mut self, spec: &wire::PlanSpec) -> Option<Plan> {
        self.require(
            spec.format == digest::PLAN_FORMAT,
            "format",
            "must be \"limn.plan/1\"",
        );
        self.require(spec.revision >= 1, "revision", "must be at least 1");
        self.require(name::is_client_id(&spec.client), "client", "is no client id");
        let is_steps = (1..=MAX_STEPS).contains(&spec.steps.len());
        self.require(is_steps, "steps", "must be 1 to 500 steps");
        self.require(
            self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase()),
            "cost.expected.currency_code",
            "must be three uppercase letters",
        );
        let kind = wire::PlanKind::try_from(spec.kind).unwrap_or_default();
        self.require(kind != wire::PlanKind::Unspecified, "kind", "is not known");
        self.document(spec, kind);
        let cost = spec.cost.clone().unwrap_or_default();
        let prices = self.prices(&cost.lines);
        let gate = spec.policy.as_ref().and_then(|policy| policy.quality_gate);
        let gate = gate.filter(|gate| self.is_gate(gate));
        let steps: Vec<Step> = spec
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| self.step(index, step, kind, gate.as_ref(), &spec.labels, &prices))
            .collect();
        for (index, step) in steps.iter().enumerate() {
            let repeated = steps[..index].iter().any(|other| other.step_id == step.step_id);
            self.require(!repeated, &format!("steps[{index}].step_id"), "is used twice");
        }
        let dearest_nanos = prices.values().map(|price| price.ceiling_nanos).max();
        let policy = self.policy(spec.policy.as_ref(), dearest_nanos.unwrap_or(0));
        let canonical_bytes = digest::canonical_bytes(spec);
        Some(Plan {
            digest: digest::digest_of(&canonical_bytes),
            canonical_bytes,
            client: spec.client.clone(),
            session_id: spec.session_id.clone(),
            kind,
            steps,
            policy,
            currency: self.currency.clone(),
            expected_nanos: self.amount("cost.expected", cost.expected.as_ref()),
            worst_case_nanos: self.amount("cost.worst_case", cost.worst_case.as_ref()),
            not_after_unix: (spec.not_after_unix != 0).then_some(spec.not_after_unix),
        })
    }

    fn step(
        &mut self,
        index: usize,
        step: &wire::Step,
        kind: wire::PlanKind,
        gate: Option<&wire::QualityGate>,
        plan_labels: &[wire::Label],
        prices: &BTreeMap<(String, u32), Price>,
    ) -> Step {
        let path = format!("steps[{index}]");
        self.require(
            name::is_step_id(&step.step_id),
            &format!("{path}.step_id"),
            "is no step id",
        );
        let few = |count: usize| count <= MAX_PER_STEP;
        let is_targets = !step.targets.is_empty() && few(step.targets.len());
        self.require(is_targets, &format!("{path}.targets"), "must be 1 to 32 targets");
        let thumbnails_path = format!("{path}.thumbnails");
        self.require(few(step.thumbnails.len()), &thumbnails_path, "must be at most 32");
        let max_rerolls = reroll::most(step, gate);
        let mut targets = Vec::with_capacity(step.targets.len());
        for (number, render) in (0..).zip(&step.targets) {
            let target_path = format!("{path}.targets[{number}]");
            let price = prices.get(&(step.step_id.clone(), number)).cloned();
            self.require(
                price.is_some(),
                &target_path,
                "has no cost line: a price that is unknown is refused",
            );
            targets.push(Target {
                render: self.render(&target_path, render),
                render_digest: digest::render_digest(render),
                reroll_digests: rerolls::digests(render, max_rerolls),
                price: price.unwrap_or(Price {
                    expected_nanos: 0,
                    ceiling_nanos: 0,
                    unit_nanos: Vec::new(),
                }),
            });
        }
        self.view_and_anchors(&path, step, kind);
        let thumbnails = (0..)
            .zip(&step.thumbnails)
            .filter_map(|(number, spec): (usize, _)| {
                self.thumbnail(&format!("{path}.thumbnails[{number}]"), spec)
            })
            .collect();
        let mut labels: BTreeMap<String, String> = BTreeMap::new();
        for label in plan_labels.iter().chain(&step.labels) {
            labels.insert(label.key.clone(), label.value.clone());
        }
        let image_type = wire::ImageType::try_from(step.image_type);
        self.require(image_type.is_ok(), &format!("{path}.image_type"), "is not known");
        let importance = wire::Importance::try_from(step.importance);
        self.require(importance.is_ok(), &format!("{path}.importance"), "is not known");
        Step {
            step_id: step.step_id.clone(),
            targets,
            thumbnails,
            labels: labels.into_iter().collect(),
            description: Description {
                image_type: image_type.unwrap_or_default(),
                alt_text: step.alt_text.clone(),
                caption: step.caption.clone(),
                post_id: step.post_id.clone(),
                prompt_id: step.prompt_id.clone(),
                original_prompt: step.original_prompt.clone(),
                section_title: step.section_title.clone(),
                position: step.position,
                importance: importance.unwrap_or_default(),
            },
            max_rerolls,
            reroll: 0,
        }
    }

    /// A document changes no picture; it is carried for who puts the pictures into it, and must say what it can mean.
    fn document(&mut self, spec: &wire::PlanSpec, kind: wire::PlanKind) {
        let is_of_document = kind == wire::PlanKind::Document;
        let document = spec.document.as_ref();
        self.require(
            document.is_some() == is_of_document,
            "document",
            "must be present in a plan of a document, and in no other",
        );
        let is_bound = document.is_none_or(|document| digest::is_sha256_hex(&document.sha256));
        self.require(
            is_bound,
            "document.sha256",
            "must be 64 lowercase hexadecimal digits",
        );
        let size = document.map_or(0, |document| document.size_bytes);
        let mut end = 0;
        for (index, step) in spec.steps.iter().enumerate() {
            let fits = match &step.slot {
                None => !is_of_document,
                Some(slot) => {
                    let is_behind = end <= slot.start_byte;
                    end = slot.end_byte;
                    is_of_document && is_behind && slot.start_byte < end && i64::from(end) <= size
                }
            };
            let description =
                "must be a range of the document behind the slots before it, in a plan of a document";
            self.require(fits, &format!("steps[{index}].slot"), description);
        }
    }

    /// A view and anchors change no pixels: the prompts carry them. They must only say what they can mean.
    fn view_and_anchors(&mut self, path: &str, step: &wire::Step, kind: wire::PlanKind) {
        let view_fits = match kind {
            wire::PlanKind::ViewSet => name::is_step_id(&step.view),
            _ => step.view.is_empty(),
        };
        self.require(
            view_fits,
            &format!("{path}.view"),
            "must name the view in a view set, and nothing elsewhere",
        );
        let name_fits = |name: &String| (1..=MAX_ANCHOR_NAME_BYTES).contains(&name.len());
        let repeated = (1..).zip(&step.anchors).any(|(next, name)| {
            let mut later = step.anchors.iter().skip(next);
            later.any(|other| other == name)
        });
        self.require(
            step.anchors.len() <= MAX_ANCHORS && step.anchors.iter().all(name_fits) && !repeated,
            &format!("{path}.anchors"),
            "must be at most 16 different names of 1 to 64 bytes",
        );
    }

    fn render(&mut self, path: &str, render: &wire::RenderSpec) -> Render {
        let field = |name: &str| format!("{path}.{name}");
        self.require(
            render.format == digest::RENDER_FORMAT,
            &field("format"),
            "must be \"limn.render/1\"",
        );
        self.require(
            !render.provider.is_empty(),
            &field("provider"),
            "must not be empty",
        );
        self.require(!render.model.is_empty(), &field("model"), "must not be empty");
        self.require(!render.prompt.is_empty(), &field("prompt"), "must not be empty");
        self.require(render.width_px > 0, &field("width_px"), "must not be zero");
        self.require(render.height_px > 0, &field("height_px"), "must not be zero");
        self.require(
            render.seed <= i32::MAX.unsigned_abs(),
            &field("seed"),
            "must be at most 2147483647",
        );
        let seed_mode = wire::SeedMode::try_from(render.seed_mode).unwrap_or_default();
        self.require(
            seed_mode != wire::SeedMode::Unspecified,
            &field("seed_mode"),
            "is not known",
        );
        let format = ImageFormat::from_media_type(&render.media_type);
        self.require(
            format.is_some(),
            &field("media_type"),
            "must be image/png, image/jpeg or image/webp",
        );
        Render {
            provider: render.provider.clone(),
            model: render.model.clone(),
            model_revision: render.model_revision.clone(),
            prompt: render.prompt.clone(),
            negative_prompt: render.negative_prompt.clone(),
            width_px: render.width_px,
            height_px: render.height_px,
            size_token: render.size_token.clone(),
            quality_token: render.quality_token.clone(),
            style_token: render.style_token.clone(),
            seed_mode,
            seed: render.seed,
            guidance_milli: render.guidance_milli,
            format: format.unwrap_or(ImageFormat::Png),
            options: render
                .options
                .iter()
                .map(|option| (option.key.clone(), option.value.clone()))
                .collect(),
            references: self.references(&field("references"), &render.references),
        }
    }

    fn references(&mut self, path: &str, references: &[wire::Reference]) -> Vec<Reference> {
        self.require(references.len() <= MAX_REFERENCES, path, "must be at most 16");
        let mut parsed = Vec::new();
        for reference in references {
            let format = ImageFormat::from_media_type(&reference.media_type);
            self.require(
                digest::is_sha256_hex(&reference.sha256) && format.is_some(),
                path,
                "must have a SHA-256 in lowercase hexadecimal and a media type of a picture",
            );
            parsed.push(Reference {
                sha256: reference.sha256.clone(),
                format: format.unwrap_or(ImageFormat::Png),
            });
        }
        parsed
    }

    fn thumbnail(&mut self, path: &str, spec: &wire::ThumbnailSpec) -> Option<Thumbnail> {
        let box_px = 16..=2048;
        let sides_fit = box_px.contains(&spec.width_px) && box_px.contains(&spec.height_px);
        self.require(sides_fit, path, "must have sides of 16 to 2048 px");
        let format =
            ImageFormat::from_media_type(&spec.media_type).filter(|format| *format != ImageFormat::Webp);
        self.require(
            format.is_some(),
            &format!("{path}.media_type"),
            "must be image/jpeg or image/png",
        );
        let fit = wire::ThumbnailFit::try_from(spec.fit).unwrap_or_default();
        self.require(
            fit != wire::ThumbnailFit::Unspecified,
            &format!("{path}.fit"),
            "is not known",
        );
        let quality = u8::try_from(spec.quality_percent)
            .ok()
            .filter(|quality| (1..=100).contains(quality));
        self.require(
            quality.is_some(),
            &format!("{path}.quality_percent"),
            "must be 1 to 100",
        );
        Some(Thumbnail {
            width_px: spec.width_px,
            height_px: spec.height_px,
            cover: fit == wire::ThumbnailFit::Cover,
            quality_percent: quality?,
            format: format?,
        })
    }

    fn prices(&mut self, lines: &[wire::CostLine]) -> BTreeMap<(String, u32), Price> {
        let mut prices = BTreeMap::new();
        for (index, line) in lines.iter().enumerate() {
            let path = format!("cost.lines[{index}]");
            self.require(
                !line.components.is_empty(),
                &format!("{path}.components"),
                "must not be empty",
            );
            let mut unit_nanos = Vec::with_capacity(line.components.len());
            for (number, component) in line.components.iter().enumerate() {
                let price_path = format!("{path}.components[{number}].unit_price");
                unit_nanos.push((
                    component.unit.clone(),
                    self.amount(&price_path, component.unit_price.as_ref()),
                ));
            }
            let price = Price {
                expected_nanos: self.amount(&format!("{path}.expected"), line.expected.as_ref()),
                ceiling_nanos: self.amount(&format!("{path}.attempt_ceiling"), line.attempt_ceiling.as_ref()),
                unit_nanos,
            };
            let earlier = prices.insert((line.step_id.clone(), line.target), price);
            self.require(
                earlier.is_none(),
                &path,
                "prices a target that another line prices already",
            );
        }
        prices
    }

    /// An amount in the plan's currency. Absent is unknown, and what is unknown is refused.
    fn amount(&mut self, path: &str, money: Option<&wire::Money>) -> i64 {
        let Some(money) = money else {
            self.problem(path, "must be present: a price that is unknown is refused");
            return 0;
        };
        if money.currency_code != self.currency {
            self.problem(path, "must be in the currency of cost.expected");
        }
        if !(0..=MAX_AMOUNT_NANOS).contains(&money.nanos) {
            self.problem(path, "must be 0 to a million units");
        }
        money.nanos
    }
}
