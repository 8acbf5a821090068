//! The calls at whose edges something can happen, by the names that they have in the matrix.
//!
//! Verbs of the records have their own names. An end of an attempt is named by its outcome, and a key of the store by
//! what is kept under it.

use crate::{seams::Moment, studio::Promise};

/// Which way out of the process a call takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seam {
    Records,
    Blobs,
    Provider,
}

impl Seam {
    /// The seam of a call.
    pub(crate) fn of(call: &str) -> Self {
        match call {
            "stage" | "stage_partial" | "put_image" | "put_thumbnail" | "read_staged" | "read_stored"
            | "unstage" | "size" => Self::Blobs,
            "submit" | "sending" | "working" | "receiving" | "poll" | "polling" | "lookup" | "looking_up"
            | "cancel" => Self::Provider,
            _ => Self::Records,
        }
    }
}

/// Calls that every process makes in its own time, whatever it is at work on.
pub(crate) const ROUTINE: &[&str] = &["renew", "standing", "prune", "images_without_fingerprint"];

/// The same, but the point of a story in which an answer comes after the end.
pub(crate) const LATE_LOOKS: &[&str] = &["stranded", "leave_stranded"];

/// Calls with which a process goes on from what an earlier one left.
pub(crate) const RECONCILING: &[&str] = &[
    "receipts",
    "read_staged",
    "dispatch_again",
    "lookup",
    "looking_up",
    "submit",
    "working",
    "accepted",
    "poll",
    "stage",
    "received",
    "abandon",
    "unknown",
    "write_off",
];

/// Calls that the stories of every class must come to: the transactions of an execution, and all that is between them.
const ALWAYS: &[&str] = &[
    // T0, C, and the start.
    "accept",
    "claim",
    "open_execution",
    "start_execution",
    "start_step",
    "acquire_unit",
    // T1, T2.
    "prepare",
    "dispatch",
    // The request partly sent, the call in flight, the answer in our hands.
    "submit",
    "sending",
    "working",
    // T4.
    "stage",
    "received",
    // T5.
    "put_image",
    "put_thumbnail",
    "commit",
    "unstage",
    "complete_reused",
    "complete_rejected",
    // T6, T7 and their kin.
    "reject",
    "fail_paid",
    "abandon",
    "unknown",
    // The end.
    "end_step",
    "settle_execution",
    // What a process finds that takes over.
    "receipts",
    "read_staged",
];

/// Calls that the stories of a class must come to besides.
fn of_class(promise: Promise) -> &'static [&'static str] {
    match promise {
        // Part of the answer received; evidence.
        Promise::Key => &["receiving", "stage_partial", "add_receipt", "dispatch_again"],
        // T3, during a poll, and asked by another way.
        Promise::ChosenId => &[
            "accepted",
            "poll",
            "polling",
            "cancel",
            "lookup",
            "dispatch_again",
        ],
        Promise::GivenId => &["accepted", "poll", "polling", "cancel", "lookup", "write_off"],
        Promise::GivenIdOnly => &["accepted", "poll", "polling", "cancel", "write_off"],
        // An answer that comes after the end.
        Promise::Nothing => &[
            "receiving",
            "stage_partial",
            "add_receipt",
            "write_off",
            "salvage",
        ],
    }
}

/// Calls that no story of the class comes to, and should.
pub(crate) fn missing<'t>(
    promise: Promise,
    traces: impl Iterator<Item = &'t [Moment]> + Clone,
) -> Vec<&'static str> {
    let expected = ALWAYS.iter().chain(of_class(promise)).copied();
    expected
        .filter(|call| !traces.clone().flatten().any(|moment| moment.edge.call == *call))
        .collect()
}
