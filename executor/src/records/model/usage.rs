//! What was used of each model.

/// What a client used of one model. Sums, so that lines can be added up; the means follow from them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageRecord {
    /// Provider that was called.
    pub provider: String,
    /// Model that was called.
    pub model: String,
    /// Images that came of it.
    pub images: i64,
    /// Provider calls that were begun.
    pub attempts: i64,
    /// Attempts that were rejected, failed although paid, abandoned or written off.
    pub failures: i64,
    /// Attempts whose outcome is unknown now.
    pub unknown: i64,
    /// What was settled, in billionths of the currency.
    pub cost_nanos: i64,
    /// Attempts with a whole answer.
    pub answers: i64,
    /// Time from sending the request to the last byte of the answer, of all answers together.
    pub latency_us: i64,
    /// Images that were scored.
    pub scored: i64,
    /// Quality of all scored images together, in basis points.
    pub quality_bp: i64,
}

impl UsageRecord {
    /// Adds the numbers of another line; sums that do not fit stay at the greatest number.
    pub fn add(&mut self, other: &Self) {
        let sums = [
            (&mut self.images, other.images),
            (&mut self.attempts, other.attempts),
            (&mut self.failures, other.failures),
            (&mut self.unknown, other.unknown),
            (&mut self.cost_nanos, other.cost_nanos),
            (&mut self.answers, other.answers),
            (&mut self.latency_us, other.latency_us),
            (&mut self.scored, other.scored),
            (&mut self.quality_bp, other.quality_bp),
        ];
        for (sum, more) in sums {
            *sum = sum.saturating_add(more);
        }
    }

    /// Mean time of an answer; nothing: no answer came.
    pub fn mean_latency_ms(&self) -> Option<i64> {
        self.latency_us
            .checked_div(self.answers)
            .map(|micros| micros / 1000)
    }

    /// Mean quality of the scored images in basis points; nothing: none was scored.
    pub fn mean_quality_bp(&self) -> Option<i64> {
        self.quality_bp.checked_div(self.scored)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_weighted_and_nothing_has_none() {
        let mut total = UsageRecord::default();
        assert_eq!((total.mean_latency_ms(), total.mean_quality_bp()), (None, None));
        for (answers, latency_us, scored, quality_bp) in [(1, 4_000_000, 0, 0), (3, 6_000_000, 2, 15_000)] {
            total.add(&UsageRecord {
                answers,
                latency_us,
                scored,
                quality_bp,
                ..UsageRecord::default()
            });
        }
        assert_eq!(total.mean_latency_ms(), Some(2500));
        assert_eq!(total.mean_quality_bp(), Some(7500));
    }
}
