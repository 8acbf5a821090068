//! What can become of a call, in words that hold for every provider.

use tokio::sync::watch;

/// What becomes of one piece of work. A fake says it in the words of its API.
#[derive(Clone, Debug)]
pub enum Case {
    /// A picture of the size and format that was asked for. Charged.
    Success,
    /// A picture of this width and height in pixels, whatever was asked for. Charged.
    WrongSize(u32, u32),
    /// The content is refused in one of the ways that the API has; see [`Fake::refusals`](crate::Fake::refusals).
    Refusal(&'static str),
    /// Too many calls. Not charged.
    RateLimited,
    /// The account cannot pay. Not charged.
    Quota,
    /// The key is wrong. Not charged.
    BadKey,
    /// The model exists no more. Not charged.
    RetiredModel,
    /// A field of the request is wrong. Not charged.
    BadRequest,
    /// An error of the API itself, in its own words. Not charged.
    ServerError,
    /// Accepted work that fails. Not charged. Only where work has a life of its own.
    JobFailed,
    /// Accepted work that is never done. Only where work has a life of its own.
    JobHangs,
    /// A success without a picture in it. Charged.
    NoPicture,
    /// A success that cannot be read. Charged.
    Malformed,
    /// A success that breaks off in its middle. Charged.
    Truncated,
    /// A success of so many bytes. Charged.
    Oversized(usize),
    /// A picture that claims to be of 100,000 by 100,000 pixels. Charged.
    Bomb,
    /// A page of whatever stands before the API. Charged, as the worst case.
    GatewayPage(u16),
    /// A success whose second half is held back until the gate opens. Charged.
    Halfway(Gate),
    /// A success with these bytes in the place of the picture. Charged.
    Bytes(Vec<u8>),
    /// This answer, whatever the API would say.
    Says {
        /// Status.
        status: u16,
        /// Media type.
        media_type: &'static str,
        /// The body.
        body: String,
        /// Whether it is charged.
        is_charged: bool,
    },
    /// The connection is closed without an answer. Charged, as the worst case.
    Disconnect,
    /// The case behind a gate.
    After(Gate, Box<Case>),
}

impl Case {
    /// This JSON, whatever the API would say. Charged when it is a success.
    pub fn says(status: u16, body: &serde_json::Value) -> Self {
        Self::Says {
            status,
            media_type: "application/json",
            body: body.to_string(),
            is_charged: status == 200,
        }
    }

    /// The case, held back until the gate opens.
    pub fn after(gate: &Gate, case: Self) -> Self {
        Self::After(gate.clone(), Box::new(case))
    }

    /// The case without its gates.
    pub fn inner(&self) -> &Self {
        match self {
            Self::After(_, case) => case.inner(),
            case => case,
        }
    }

    /// True when there is a picture behind it, whatever becomes of it on its way.
    pub fn is_drawn(&self) -> bool {
        matches!(
            self.inner(),
            Self::Success
                | Self::WrongSize(..)
                | Self::Malformed
                | Self::Truncated
                | Self::Oversized(_)
                | Self::Bomb
                | Self::Halfway(_)
                | Self::Bytes(_)
        )
    }
}

impl Case {
    /// True when the provider would charge it, as far as that does not depend on the provider.
    pub fn is_charged(&self) -> bool {
        match self.inner() {
            Self::NoPicture | Self::GatewayPage(_) | Self::Disconnect => true,
            Self::Says { is_charged, .. } => *is_charged,
            case => case.is_drawn(),
        }
    }
}

/// Something that stands before the API and answers in its place, whatever it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gateway {
    /// It refuses with this status, and repeats every header that it was sent wherever an API would say what is wrong.
    Echo(u16),
    /// It sends everybody to this address, with this status.
    Redirect(u16, String),
}

/// Holds answers back until it is opened.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A closed gate.
    pub fn closed() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn pass(&self) {
        let mut opening = self.0.subscribe();
        // It cannot fail: this gate is a sender itself.
        let _opened = opening.wait_for(|is_open| *is_open).await;
    }
}
