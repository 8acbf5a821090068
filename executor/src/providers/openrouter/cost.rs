//! The charge that an answer tells, from its decimal text.

use serde_json::value::RawValue;

/// Decimals of a dollar that are kept: billionths.
const DECIMALS: i64 = 9;
/// Digits that are looked at. More of them would be less than a billionth of any charge there can be.
const MAX_DIGITS: usize = 40;

/// A charge in billionths of a dollar, rounded half up; nothing when it is no charge. OpenRouter adds up binary fractions, so 0.039 may
/// come as `0.038999999999999996`: what is below a billionth is noise.
pub(super) fn nanos(amount: &RawValue) -> Option<i64> {
    parse(amount.get())
}

/// Reads a JSON number that is not negative, such as `0.04`, `1.5e-05` or `3`, without a binary fraction in between.
fn parse(text: &str) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{units}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // How many of the digits stand before the decimal point, once the amount is in billionths.
    let whole = i64::try_from(units.len())
        .ok()?
        .checked_add(exponent)?
        .checked_add(DECIMALS)?;
    let mut nanos: i64 = 0;
    for (place, digit) in (0_i64..).zip(digits.bytes().take(MAX_DIGITS)) {
        let digit = i64::from(digit - b'0');
        if place < whole {
            nanos = nanos.checked_mul(10)?.checked_add(digit)?;
        } else {
            let rounds_up = place == whole && digit >= 5;
            return nanos.checked_add(i64::from(rounds_up));
        }
    }
    let taken = i64::try_from(digits.len().min(MAX_DIGITS)).ok()?;
    if nanos == 0 {
        return Some(0);
    }
    for _ in taken..whole {
        nanos = nanos.checked_mul(10)?;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_read_without_binary_fractions() {
        for (text, nanos) in [
            ("0", Some(0)),
            ("0.0", Some(0)),
            ("0e999999", Some(0)),
            ("0.04", Some(40_000_000)),
            ("3", Some(3_000_000_000)),
            ("12.000000001", Some(12_000_000_001)),
            ("0.038999999999999996", Some(39_000_000)),
            ("0.03900000000000001", Some(39_000_000)),
            ("0.0000000004", Some(0)),
            ("0.0000000005", Some(1)),
            ("1.5e-05", Some(15_000)),
            ("1.5E-5", Some(15_000)),
            ("4e-10", Some(0)),
            ("5e-10", Some(1)),
            ("9e-11", Some(0)),
            ("2e+1", Some(20_000_000_000)),
            ("9223372036.854775807", Some(i64::MAX)),
            ("9223372036.854775808", None),
            ("1e30", None),
            ("-0.04", None),
            ("null", None),
            ("\"0.04\"", None),
            ("{}", None),
        ] {
            assert_eq!(parse(text), nanos, "{text}");
        }
    }
}
