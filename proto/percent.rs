//! Basis points as people read them.

use alloc::{format, string::String};

/// A percentage without idle zeros: 6050 is "60.5 %".
pub fn show(basis_points: u32) -> String {
    let text = format!("{}.{:02}", basis_points / 100, basis_points % 100);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}
