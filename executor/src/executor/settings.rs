//! What an operator may choose about an executor.

use std::{sync::Arc, time::Duration};

use crate::{
    artifact::{Limits, Optimised},
    asked::Claiming,
    provenance::Marker,
    records::{Breaker, Retention},
    score::{PixelScorer, Scorer},
};

/// Knobs of an executor.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which executions are taken.
    pub claiming: Claiming,
    /// Most executions in progress at once; further ones wait as pending, but for those whose pictures these wait for.
    pub max_running_executions: u32,
    /// How long a claim holds without a heartbeat. Renewed each third of it.
    pub lease: Duration,
    /// How often to look for work and for changes that no signal told of.
    pub poll: Duration,
    /// How long after writing down a dispatch its first byte may leave.
    pub send_margin: Duration,
    /// How long a shutdown waits for calls in flight.
    pub drain: Duration,
    /// How often a quiet stream says that it is alive.
    pub keep_alive: Duration,
    /// How long an unknown outcome is asked about before the policy of the plan decides. Never before the last moment
    /// at which the call may have been sent.
    pub unknown_grace: Duration,
    /// When calls to a provider that does not work stop.
    pub breaker: Breaker,
    /// Most owners that may be lost between two steps that end; after one more the execution is parked.
    pub max_crashes: u32,
    /// How often to look for what became of calls whose execution ended while their outcome was unknown.
    pub reconcile: Duration,
    /// What a picture may need.
    pub limits: Limits,
    /// Most memory of all pictures together that are decoded at once, in bytes. One that alone needs more is let
    /// through when no other is.
    pub decoding_bytes: u64,
    /// Which copy of the size of the picture is made of each.
    pub optimised: Optimised,
    /// How long histories are kept.
    pub retention: Retention,
    /// How often to look for histories that are too old.
    pub prune_every: Duration,
    /// Who says how good a picture is. Nothing: pictures have no score, and plans that ask for one are refused.
    pub scorer: Option<Arc<dyn Scorer>>,
    /// Address under which providers reach this server; no slash at the end. Nothing: they send no news.
    pub public_url: Option<String>,
    /// What tells pictures where they come from, before they are stored. Nothing: they are stored as they came.
    pub marker: Option<Arc<dyn Marker>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            claiming: Claiming::Everything,
            max_running_executions: 64,
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            send_margin: Duration::from_secs(5),
            drain: Duration::from_secs(600),
            keep_alive: Duration::from_secs(15),
            unknown_grace: Duration::from_secs(60),
            breaker: Breaker::default(),
            max_crashes: 5,
            reconcile: Duration::from_secs(60),
            limits: Limits::default(),
            decoding_bytes: 128 << 20,
            optimised: Optimised::None,
            retention: Retention::default(),
            prune_every: Duration::from_secs(3600),
            scorer: Some(Arc::new(PixelScorer)),
            public_url: None,
            marker: None,
        }
    }
}
