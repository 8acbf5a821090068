//! `[retention]`: how long histories are kept.

use std::time::Duration;

use limn_executor::records;
use toml::Table;

use super::reader::Section;

/// Request ids live as long as their execution, and callers may count on them for this long.
const FEWEST_DAYS_OF_EXECUTIONS: u64 = 7;
const MOST_DAYS: u64 = 36_500;
const SECONDS_OF_A_DAY: u64 = 24 * 60 * 60;

/// How long histories are kept, counted from the end of the execution. Plans, images, the ledger and the audit log
/// are kept for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days for which the events of an execution are kept; nothing: as long as the execution.
    pub events_days: Option<u64>,
    /// Days for which executions are kept, with their request ids; nothing: for ever.
    pub executions_days: Option<u64>,
}

impl Default for Retention {
    fn default() -> Self {
        let days = |kept: Option<Duration>| kept.map(|kept| kept.as_secs() / SECONDS_OF_A_DAY);
        let records::Retention { events, executions } = records::Retention::default();
        Self {
            events_days: days(events),
            executions_days: days(executions),
        }
    }
}

impl Retention {
    pub(super) fn read(section: Section<'_>) -> Self {
        let default = Self::default();
        let days = |key, fewest| {
            section.read(key, |text| {
                let given: Option<u64> = text.replace('_', "").parse().ok();
                given
                    .filter(|days| *days == 0 || (fewest..=MOST_DAYS).contains(days))
                    .ok_or_else(|| {
                        let what = format!("must be a whole number of days from {fewest} to {MOST_DAYS}");
                        (what, "0 keeps everything".to_owned())
                    })
            })
        };
        let or_default = |days: Option<u64>, default| match days {
            None => default,
            Some(0) => None,
            days => days,
        };
        let retention = Self {
            events_days: or_default(days("events_days", 1), default.events_days),
            executions_days: or_default(
                days("executions_days", FEWEST_DAYS_OF_EXECUTIONS),
                default.executions_days,
            ),
        };
        section.finish();
        retention
    }

    pub(super) fn render(&self) -> Table {
        let days = [
            ("events_days", self.events_days),
            ("executions_days", self.executions_days),
        ];
        let rendered = days
            .into_iter()
            .map(|(key, days)| (key.to_owned(), super::number(days.unwrap_or_default())));
        rendered.collect()
    }

    /// The same for the executor.
    pub(crate) fn settings(&self) -> records::Retention {
        let kept = |days: Option<u64>| days.map(|days| Duration::from_secs(days * SECONDS_OF_A_DAY));
        records::Retention {
            events: kept(self.events_days),
            executions: kept(self.executions_days),
        }
    }
}
