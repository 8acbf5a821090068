//! Delay arithmetic of retries: exponential growth with full jitter. Nothing here sleeps.

use std::time::Duration;

/// How delays between attempts grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Upper bound of the first delay.
    pub initial: Duration,
    /// Upper bound of every delay.
    pub max: Duration,
    /// Growth from one delay to the next, in thousandths.
    pub multiplier_milli: u32,
}

impl Backoff {
    /// Upper bound of the delay after `failures` failed attempts, counted from 1.
    pub fn bound(&self, failures: u32) -> Duration {
        let max_ms = self.max.as_millis();
        let mut bound_ms = self.initial.as_millis().min(max_ms);
        for _ in 1..failures {
            bound_ms = (bound_ms * u128::from(self.multiplier_milli) / 1000).min(max_ms);
        }
        Duration::from_millis(u64::try_from(bound_ms).unwrap_or(u64::MAX))
    }

    /// The delay after `failures` failed attempts. Full jitter: anywhere from zero to the bound, by `random`,
    /// so that callers that failed together do not come back together. What the provider asked for goes before.
    pub fn delay(&self, failures: u32, random: u32, asked_for: Option<Duration>) -> Duration {
        let bound_us = self.bound(failures).as_micros();
        let jittered_us = bound_us * u128::from(random) / u128::from(u32::MAX);
        let jittered = Duration::from_micros(u64::try_from(jittered_us).unwrap_or(u64::MAX));
        asked_for.map_or(jittered, |asked| asked.max(jittered))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff = Backoff {
        initial: Duration::from_secs(1),
        max: Duration::from_secs(5),
        multiplier_milli: 2000,
    };

    #[test]
    fn bounds_double_up_to_the_maximum() {
        let bounds: Vec<u64> = (1..=5)
            .map(|failures| BACKOFF.bound(failures).as_secs())
            .collect();
        assert_eq!(bounds, [1, 2, 4, 5, 5]);
    }

    #[test]
    fn jitter_spans_the_bound_and_the_provider_goes_before() {
        assert_eq!(BACKOFF.delay(2, 0, None), Duration::ZERO);
        assert_eq!(BACKOFF.delay(2, u32::MAX, None), Duration::from_secs(2));
        assert_eq!(
            BACKOFF.delay(1, 0, Some(Duration::from_secs(60))),
            Duration::from_secs(60)
        );
    }
}
