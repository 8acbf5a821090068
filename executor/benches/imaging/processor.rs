//! What work costs, whatever else the machine does meanwhile.

use std::{fs, time::Duration};

/// Time that this thread was on a processor.
pub(crate) fn time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}
