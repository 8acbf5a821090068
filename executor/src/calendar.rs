//! Days and dates in UTC, by the Gregorian calendar without leap seconds.

use crate::clock::UnixMicros;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Days of 400 years, after which the calendar repeats.
const DAYS_OF_ERA: i64 = 146_097;
/// Days from the first of March of the year 0 to the Unix epoch.
const EPOCH: i64 = 719_468;

impl UnixMicros {
    /// The day it lies in, counted from the Unix epoch.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY_US)
    }

    /// Midnight at which a day begins, saturating.
    pub fn of_day(day: i64) -> Self {
        Self(day.saturating_mul(DAY_US))
    }

    /// Date and time as RFC 3339 writes them, in UTC and whole seconds, for example `2026-05-01T00:00:00Z`.
    pub fn rfc3339(self) -> String {
        let (year, month, day) = date_of(self.day());
        let second = self.seconds().rem_euclid(86_400);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Year, month and day of month of a day. Years are counted from March, so that the leap day is the last of one.
pub(crate) fn date_of(day: i64) -> (i64, i64, i64) {
    let since = day + EPOCH;
    let era = since.div_euclid(DAYS_OF_ERA);
    let day_of_era = since.rem_euclid(DAYS_OF_ERA);
    // Days that leap days added before this one: one in 4 years, none in 100, one in 400.
    let leaps = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leaps) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // From March on, 153 days are five months.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_month)
}

/// The day of a date; the month may be 13, which is the next January.
pub(crate) fn day_of(year: i64, month: i64, day_of_month: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month_from_march = (month + 9) % 12;
    let year = year - i64::from(month_from_march >= 10);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * month_from_march + 2) / 5 + day_of_month - 1;
    era * DAYS_OF_ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_other_s_inverse() {
        // From the year 1 to the year 3000, and every day is the one after the day before.
        let mut before = date_of(-719_163);
        for day in -719_162..376_200 {
            let (year, month, day_of_month) = date_of(day);
            assert_eq!(day_of(year, month, day_of_month), day);
            let next_of_month = (before.0, before.1, before.2 + 1);
            let next_month = (before.0, before.1 + 1, 1);
            let next_year = (before.0 + 1, 1, 1);
            assert!([next_of_month, next_month, next_year].contains(&(year, month, day_of_month)));
            before = (year, month, day_of_month);
        }
    }

    #[test]
    fn known_dates_have_known_days() {
        assert_eq!(date_of(0), (1970, 1, 1));
        assert_eq!(date_of(-1), (1969, 12, 31));
        assert_eq!(date_of(11_016), (2000, 2, 29));
        assert_eq!(date_of(20_454), (2026, 1, 1));
        assert_eq!(day_of(2025, 13, 1), 20_454);
        assert_eq!(date_of(day_of(2100, 2, 28) + 1), (2100, 3, 1));
    }

    #[test]
    fn times_are_written_as_rfc_3339_says() {
        assert_eq!(UnixMicros(0).rfc3339(), "1970-01-01T00:00:00Z");
        assert_eq!(
            UnixMicros(1_700_000_000_999_999).rfc3339(),
            "2023-11-14T22:13:20Z"
        );
        assert_eq!(UnixMicros(-1).rfc3339(), "1969-12-31T23:59:59Z");
    }
}
