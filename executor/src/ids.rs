//! Identifiers of executions, attempts, images and processes.

use std::fmt;

use uuid::Uuid;

macro_rules! uuid_ids {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the hyphenated lowercase form; nothing for any other text.
            pub fn parse(text: &str) -> Option<Self> {
                let uuid = Uuid::try_parse(text).ok()?;
                (uuid.to_string() == text).then_some(Self(uuid))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

uuid_ids! {
    /// One run of one plan. Time-ordered.
    ExecutionId;
    /// One provider call. Time-ordered.
    AttemptId;
    /// One image record; follows from execution and step.
    ImageId;
    /// One life of one process. Random, so that a restarted process is never taken for the one before.
    BootId;
    /// One turn at a provider: a call, or the wait for one.
    TurnId;
}

/// Namespace of image ids; any fixed random UUID does.
const IMAGE_NAMESPACE: Uuid = Uuid::from_u128(0x6a1c_70de_52f3_4b57_9a0e_4f7d_0b7c_91a4);

impl ImageId {
    /// The id of the image of a step. It follows from its parts, so a crash between store and database
    /// cannot make two.
    pub fn of_step(execution: ExecutionId, step_id: &str) -> Self {
        Self::named(&format!("{execution}/{step_id}"))
    }

    /// The id of the image of a re-roll of a step, in the same way. Number zero is the first drawing.
    pub fn of_reroll(execution: ExecutionId, step_id: &str, number: u32) -> Self {
        match number {
            0 => Self::of_step(execution, step_id),
            // No step id has a slash.
            _ => Self::named(&format!("{execution}/{step_id}/{number}")),
        }
    }

    fn named(name: &str) -> Self {
        Self(Uuid::new_v5(&IMAGE_NAMESPACE, name.as_bytes()))
    }
}

/// Makes ids.
pub trait IdSource: fmt::Debug + Send + Sync {
    /// A fresh id, greater than those made before it in this process.
    fn next(&self) -> Uuid;
}

/// UUIDs of version 7: time-ordered and random.
#[derive(Debug, Default)]
pub struct TimeOrderedIds;

impl IdSource for TimeOrderedIds {
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}
