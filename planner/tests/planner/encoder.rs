//! A second encoder of LCE-1, written by hand from the rules and not from prost.
//!
//! The digest stands on prost writing exactly these bytes. `properties.rs` lets the two agree on generated plans.

use limn_proto::plan::{
    CostComponent, CostEstimate, CostLine, DocumentBinding, DocumentSlot, Label, Money, PlanSpec,
    QualityGate, Reference, RenderSpec, RetryPolicy, RunPolicy, Step, ThumbnailSpec,
};

const VARINT: u64 = 0;
const LENGTH_DELIMITED: u64 = 2;

/// The canonical bytes of a plan.
pub(crate) fn encode(spec: &PlanSpec) -> Vec<u8> {
    let mut out = Lce1::default();
    out.text(1, &spec.format);
    out.number(2, u64::from(spec.revision));
    out.text(3, &spec.client);
    out.text(4, &spec.session_id);
    out.enumeration(5, spec.kind);
    out.messages(6, &spec.steps, step);
    out.message(7, spec.policy.as_ref(), policy);
    out.message(8, spec.cost.as_ref(), cost);
    out.messages(9, &spec.labels, label);
    out.number(10, u64::from(spec.variation));
    out.signed(11, spec.not_after_unix);
    out.message(12, spec.document.as_ref(), document);
    out.bytes
}

#[derive(Default)]
struct Lce1 {
    bytes: Vec<u8>,
}

impl Lce1 {
    /// Seven bits to a byte, lowest first, the top bit set on all but the last.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        self.bytes.push(u8::try_from(value).unwrap());
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    /// Left out when zero.
    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.present(field, value);
        }
    }

    /// Written also when zero.
    fn present(&mut self, field: u64, value: u64) {
        self.key(field, VARINT);
        self.varint(value);
    }

    /// Negative numbers take ten bytes: their two's complement in 64 bits.
    fn signed(&mut self, field: u64, value: i64) {
        self.number(field, u64::from_le_bytes(value.to_le_bytes()));
    }

    fn enumeration(&mut self, field: u64, value: i32) {
        self.signed(field, i64::from(value));
    }

    fn flag(&mut self, field: u64, value: bool) {
        self.number(field, u64::from(value));
    }

    fn text(&mut self, field: u64, value: &str) {
        if !value.is_empty() {
            self.block(field, value.as_bytes());
        }
    }

    fn block(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, LENGTH_DELIMITED);
        self.varint(u64::try_from(bytes.len()).unwrap());
        self.bytes.extend_from_slice(bytes);
    }

    /// Written when present, also when empty.
    fn message<M>(&mut self, field: u64, message: Option<&M>, write: fn(&mut Self, &M)) {
        if let Some(message) = message {
            let mut inner = Self::default();
            write(&mut inner, message);
            self.block(field, &inner.bytes);
        }
    }

    fn messages<M>(&mut self, field: u64, messages: &[M], write: fn(&mut Self, &M)) {
        for message in messages {
            self.message(field, Some(message), write);
        }
    }
}

fn step(out: &mut Lce1, step: &Step) {
    out.text(1, &step.step_id);
    out.enumeration(2, step.image_type);
    out.messages(3, &step.targets, render);
    out.messages(4, &step.thumbnails, thumbnail);
    out.text(5, &step.alt_text);
    out.text(6, &step.caption);
    out.messages(7, &step.labels, label);
    out.text(8, &step.post_id);
    out.text(9, &step.prompt_id);
    out.text(10, &step.original_prompt);
    out.text(11, &step.section_title);
    out.number(12, u64::from(step.position));
    out.enumeration(13, step.importance);
    out.message(14, step.slot.as_ref(), slot);
    out.text(15, &step.view);
    // Of repeated text every item is written, also an empty one.
    for anchor in &step.anchors {
        out.block(16, anchor.as_bytes());
    }
}

fn document(out: &mut Lce1, document: &DocumentBinding) {
    out.text(1, &document.media_type);
    out.text(2, &document.sha256);
    out.signed(3, document.size_bytes);
}

fn slot(out: &mut Lce1, slot: &DocumentSlot) {
    out.number(1, u64::from(slot.start_byte));
    out.number(2, u64::from(slot.end_byte));
    out.number(3, u64::from(slot.line));
    out.enumeration(4, slot.form);
    out.enumeration(5, slot.place);
}

fn render(out: &mut Lce1, render: &RenderSpec) {
    out.text(1, &render.format);
    out.text(2, &render.provider);
    out.text(3, &render.model);
    out.text(4, &render.model_revision);
    out.text(5, &render.prompt);
    out.text(6, &render.negative_prompt);
    out.number(7, u64::from(render.width_px));
    out.number(8, u64::from(render.height_px));
    out.text(9, &render.size_token);
    out.enumeration(10, render.quality);
    out.text(11, &render.quality_token);
    out.enumeration(12, render.style);
    out.text(13, &render.style_token);
    out.enumeration(14, render.seed_mode);
    out.number(15, u64::from(render.seed));
    if let Some(guidance) = render.guidance_milli {
        out.present(16, u64::from(guidance));
    }
    out.text(17, &render.media_type);
    out.messages(18, &render.options, label);
    out.messages(19, &render.references, reference);
}

fn thumbnail(out: &mut Lce1, thumbnail: &ThumbnailSpec) {
    out.number(1, u64::from(thumbnail.width_px));
    out.number(2, u64::from(thumbnail.height_px));
    out.enumeration(3, thumbnail.fit);
    out.number(4, u64::from(thumbnail.quality_percent));
    out.text(5, &thumbnail.media_type);
}

fn policy(out: &mut Lce1, policy: &RunPolicy) {
    out.number(1, u64::from(policy.max_concurrency));
    out.flag(2, policy.stop_on_first_error);
    out.message(3, policy.retry.as_ref(), retry);
    out.flag(4, policy.disable_fallback);
    out.message(5, policy.max_cost.as_ref(), money);
    out.number(6, u64::from(policy.attempt_timeout_ms));
    out.enumeration(7, policy.on_unknown);
    out.message(8, policy.max_duplicate_spend.as_ref(), money);
    out.message(9, policy.quality_gate.as_ref(), quality_gate);
}

fn quality_gate(out: &mut Lce1, gate: &QualityGate) {
    out.number(1, u64::from(gate.min_score_bp));
    out.number(2, u64::from(gate.max_rerolls));
    out.flag(3, gate.accept_best);
}

fn retry(out: &mut Lce1, retry: &RetryPolicy) {
    out.number(1, u64::from(retry.max_attempts));
    out.number(2, u64::from(retry.initial_backoff_ms));
    out.number(3, u64::from(retry.max_backoff_ms));
    out.number(4, u64::from(retry.multiplier_milli));
}

fn cost(out: &mut Lce1, cost: &CostEstimate) {
    out.message(1, cost.expected.as_ref(), money);
    out.message(2, cost.worst_case.as_ref(), money);
    out.messages(3, &cost.lines, line);
}

fn line(out: &mut Lce1, line: &CostLine) {
    out.text(1, &line.step_id);
    out.number(2, u64::from(line.target));
    out.message(3, line.expected.as_ref(), money);
    out.message(4, line.attempt_ceiling.as_ref(), money);
    out.messages(5, &line.components, component);
}

fn component(out: &mut Lce1, component: &CostComponent) {
    out.text(1, &component.unit);
    out.signed(2, component.quantity_milli);
    out.message(3, component.unit_price.as_ref(), money);
    out.message(4, component.amount.as_ref(), money);
}

fn money(out: &mut Lce1, money: &Money) {
    out.text(1, &money.currency_code);
    out.signed(2, money.nanos);
}

fn reference(out: &mut Lce1, reference: &Reference) {
    out.text(1, &reference.sha256);
    out.text(2, &reference.media_type);
}

fn label(out: &mut Lce1, label: &Label) {
    out.text(1, &label.key);
    out.text(2, &label.value);
}
