//! The periods of budgets: which days belong together.

use std::ops::Range;

use super::Period;
use crate::{
    calendar::{date_of, day_of},
    clock::UnixMicros,
};

impl Period {
    /// The days of the period that a day lies in, counted from the Unix epoch in UTC; nothing: all of them.
    pub fn days(self, day: i64) -> Option<Range<i64>> {
        match self {
            Self::Day => Some(day..day + 1),
            Self::Month => {
                let (year, month, _) = date_of(day);
                Some(day_of(year, month, 1)..day_of(year, month + 1, 1))
            }
            Self::Never => None,
        }
    }

    /// When the period that a day lies in begins; nothing: it always was.
    pub fn start(self, day: i64) -> Option<UnixMicros> {
        self.days(day).map(|days| UnixMicros::of_day(days.start))
    }

    /// When the next period begins; nothing: there is none.
    pub fn reset_at(self, day: i64) -> Option<UnixMicros> {
        self.days(day).map(|days| UnixMicros::of_day(days.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_own_days_and_no_others() {
        let february = day_of(2024, 2, 1);
        for day in february..february + 29 {
            assert_eq!(Period::Month.days(day), Some(february..february + 29));
        }
        let december = day_of(2025, 12, 31);
        assert_eq!(
            Period::Month.reset_at(december).map(UnixMicros::rfc3339),
            Some("2026-01-01T00:00:00Z".to_owned())
        );
    }

    #[test]
    fn a_day_is_a_day_and_never_has_no_end() {
        assert_eq!(Period::Day.days(7), Some(7..8));
        assert_eq!((Period::Never.start(7), Period::Never.reset_at(7)), (None, None));
    }
}
