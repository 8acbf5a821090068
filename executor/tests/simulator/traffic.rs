//! Calls on their way to the vendors and back: who may send one, what becomes of it on the way, and what is billed for it.

use std::time::Duration;

use limn_executor::{clock::UnixMicros, provider::CapabilityClass};

use crate::{
    acts::Act,
    check::Violation,
    market::{Reaction, shown},
    reply::{Reply, timed_out, unsent},
    vendor::{CLASSES, Question, VendorCall},
    world::{Stage, World},
};

/// Longest time from the last look at the clock to the first byte of a call, in a process that is not frozen: a bit
/// less than the margin that executors leave for it.
pub(crate) const CONNECT_MOST_MS: u64 = 1_900;

impl World {
    /// May this process send this call?
    pub(crate) fn check_permission(&mut self, process: u32, call: &VendorCall) -> Result<(), Violation> {
        let Question::Submit(_) = call.question else {
            return Ok(());
        };
        let Some(grant) = self.grants.get_mut(&call.attempt) else {
            return Err(Violation::new(
                "a call was sent without permission",
                shown(call.attempt),
            ));
        };
        if grant.process == process && !grant.used {
            grant.used = true;
            if self.now > grant.send_by {
                return Err(Violation::new("a call was sent too late", shown(call.attempt)));
            }
            let is_again = grant.is_again;
            return self.check_turn(process, call, is_again);
        }
        // Again: where that is the same call, or where the first one never came.
        let may_repeat = match CLASSES[call.vendor] {
            CapabilityClass::A => true,
            CapabilityClass::B => self.absent.contains(&(process, call.attempt)),
            CapabilityClass::C | CapabilityClass::D => false,
        };
        if may_repeat {
            return Ok(());
        }
        Err(Violation::new("a call was sent twice", shown(call.attempt)))
    }

    /// The first byte of a call to a vendor leaves, or does not.
    pub(crate) fn leave(&mut self, number: u32, label: String, call: VendorCall) -> Result<(), Violation> {
        let connect_most = Duration::from_millis(CONNECT_MOST_MS);
        // The process was frozen after its last look at the clock. Connecting took too long, mostly; what leaves
        // nevertheless is what no executor can prevent, and only where others may have gone on without it.
        let is_late = self.now.since(call.submitted) > connect_most;
        let is_excused = is_late && matches!(CLASSES[call.vendor], CapabilityClass::A | CapabilityClass::B);
        if self.rng.chance(if is_late { 800 } else { self.faults.unsent }) {
            self.trace
                .step(self.now, format_args!("p{number} {label}: not sent"));
            return self.reply(number, label, call, Reply::Error(unsent()), self.now);
        }
        let reaction = self
            .market
            .arrive(&mut self.rng, &self.faults, self.now, &call, is_excused);
        let late = if is_late { ", late" } else { "" };
        self.trace
            .step(self.now, format_args!("p{number} {label}: arrived{late}"));
        self.note_charges()?;
        if let Some((job, done_at)) = reaction.job {
            self.enter(None, done_at, String::new(), Stage::Act(Act::Done(job)));
        }
        let (reply, at) = self.on_the_way_back(&call, reaction);
        self.reply(number, label, call, reply, at)
    }

    /// What may happen to an answer before it is there.
    fn on_the_way_back(&mut self, call: &VendorCall, reaction: Reaction) -> (Reply, UnixMicros) {
        let Reaction { reply, at, .. } = reaction;
        let is_submit = matches!(call.question, Question::Submit(_));
        let deadline = call.submitted.plus(call.timeout).max(self.now);
        if is_submit && self.rng.chance(self.faults.cut_off) {
            (reply.broken(&mut self.rng, true), at)
        } else if is_submit && self.rng.chance(self.faults.lost) {
            (reply.broken(&mut self.rng, false), at)
        } else if at > deadline && !self.rng.chance(self.faults.late) {
            (Reply::Error(timed_out()), deadline)
        } else {
            (reply, at)
        }
    }

    fn reply(
        &mut self,
        number: u32,
        label: String,
        call: VendorCall,
        reply: Reply,
        at: UnixMicros,
    ) -> Result<(), Violation> {
        if matches!(call.question, Question::Submit(_)) {
            self.end_call(call.attempt);
        }
        if self.process(number).is_none() {
            return Ok(());
        }
        let paid = matches!(reply, Reply::Answer(_)).then_some(call.attempt);
        let absent = matches!(reply, Reply::Absent).then_some(call.attempt);
        let (brief, deliver) = reply.deliver(call.question);
        let due = at.plus(Duration::from_millis(self.rng.pick(&[0, 3, 200])));
        let stage = Stage::Answer {
            brief,
            deliver,
            paid,
            absent,
            idle: false,
            decodes: false,
        };
        self.enter(Some(number), due, label, stage);
        Ok(())
    }

    /// Tells the checker what vendors billed meanwhile.
    pub(crate) fn note_charges(&mut self) -> Result<(), Violation> {
        let new: Vec<_> = self.market.charges()[self.charges_noted..].to_vec();
        if new.is_empty() {
            return Ok(());
        }
        self.charges_noted += new.len();
        for charge in new {
            self.trace.note(format_args!(
                "{} is billed {}",
                shown(charge.attempt),
                charge.nanos
            ));
            self.database
                .charged(charge.attempt, charge.nanos, charge.excused);
        }
        self.database.check()
    }
}
