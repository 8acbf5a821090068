//! The provider's moods: how long each call takes and what comes of it, in the order in which calls arrive.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use limn_fakes::{Case, Fake, Gate};

use crate::{random::Random, stage::pause};

/// Cases that wait for their calls. The fake takes them in order, so case n meets call n.
const AHEAD: u64 = 512;

/// What a call comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mood {
    /// A picture. Charged.
    Image,
    /// Refused for a moment. Not charged.
    RateLimited,
    /// The API failed and says so. Not charged.
    ServerError,
    /// Refused for good. Not charged.
    BadRequest,
    /// The connection is closed without an answer. Charged.
    Disconnect,
    /// A picture that breaks off. Charged.
    Truncated,
    /// A gateway says that it does not know. Charged.
    GatewayPage,
}

impl Mood {
    fn draw(random: &mut Random) -> Self {
        match random.between(0..=99) {
            0..=5 => Self::RateLimited,
            6..=8 => Self::ServerError,
            9..=10 => Self::BadRequest,
            11..=12 => Self::Disconnect,
            13 => Self::Truncated,
            14 => Self::GatewayPage,
            _ => Self::Image,
        }
    }

    fn case(self) -> Case {
        match self {
            Self::Image => Case::Success,
            Self::RateLimited => Case::RateLimited,
            Self::ServerError => Case::ServerError,
            Self::BadRequest => Case::BadRequest,
            Self::Disconnect => Case::Disconnect,
            Self::Truncated => Case::Truncated,
            Self::GatewayPage => Case::GatewayPage(502),
        }
    }

    pub(crate) fn is_charged(self) -> bool {
        self.case().is_charged()
    }
}

/// What the calls came to, in order. Some at the end have not been made yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moods(Arc<Mutex<Vec<Mood>>>);

impl Moods {
    /// Of the call with this number, counted from 1.
    pub(crate) fn of_call(&self, number: usize) -> Option<Mood> {
        let index = number.checked_sub(1)?;
        self.0.lock().unwrap().get(index).copied()
    }
}

/// Makes the weather until it is aborted.
pub(crate) async fn make(provider: Arc<Fake>, moods: Moods, mut random: Random) {
    provider.set_wait(Duration::from_millis(30));
    let mut gates = VecDeque::new();
    for call in 1_u64.. {
        while gates.len() < usize::try_from(AHEAD).unwrap() {
            let (gate, mood) = (Gate::closed(), Mood::draw(&mut random));
            moods.0.lock().unwrap().push(mood);
            provider.next(Case::after(&gate, mood.case()));
            gates.push_back(gate);
        }
        // Some take so long that nearly every kill finds calls in flight.
        let delay = if random.chance(6) {
            random.millis(800..=3000)
        } else {
            random.millis(20..=400)
        };
        provider.wait_for_calls(call).await;
        let gate = gates.pop_front().unwrap();
        tokio::spawn(async move {
            pause(delay).await;
            gate.open();
        });
    }
}
