//! Money between people and nanos, without floating point.

use limn_proto::plan::Money;

/// Currency of an amount without one.
const DEFAULT_CURRENCY: &str = "USD";
const NANOS_PER_UNIT: u128 = 1_000_000_000;
const NANO_DIGITS: usize = 9;

/// Reads `0.10`, `$0.10`, `0.10 EUR` or `0.10EUR` exactly.
///
/// # Errors
/// Says what is wrong: no number, a sign, more than nine decimals, an amount that does not fit.
pub(crate) fn parse(text: &str) -> Result<Money, String> {
    let trimmed = text.trim();
    let (number, currency) = split_currency(trimmed)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || !digits_only(whole) || !digits_only(decimals) {
        return Err(no_amount(text));
    }
    if decimals.len() > NANO_DIGITS {
        return Err(format!(
            "\"{text}\" has more than nine decimals, the smallest amount is 0.000000001"
        ));
    }
    let too_large = || format!("\"{text}\" is too large");
    let units: u128 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| too_large())?
    };
    let fraction: u128 = format!("{decimals:0<NANO_DIGITS$}")
        .parse()
        .map_err(|_| too_large())?;
    let nanos = units
        .checked_mul(NANOS_PER_UNIT)
        .and_then(|nanos| nanos.checked_add(fraction))
        .and_then(|nanos| i64::try_from(nanos).ok())
        .ok_or_else(too_large)?;
    Ok(Money {
        currency_code: currency.to_owned(),
        nanos,
    })
}

fn no_amount(text: &str) -> String {
    format!("\"{text}\" is no amount of money; write it like 0.10 or \"0.10 EUR\"")
}

fn split_currency(text: &str) -> Result<(&str, &str), String> {
    if let Some(number) = text.strip_prefix('$') {
        return Ok((number.trim_start(), DEFAULT_CURRENCY));
    }
    let start = text
        .find(|letter: char| letter.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (number, currency) = text.split_at(start);
    match currency {
        _ if number.is_empty() => Err(no_amount(text)),
        "" => Ok((number.trim_end(), DEFAULT_CURRENCY)),
        code if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
            Ok((number.trim_end(), code))
        }
        other => Err(format!(
            "\"{other}\" is no currency; write three uppercase letters, for example EUR"
        )),
    }
}

/// Writes `$0.053` for US dollars and `0.053 EUR` for the rest, without trailing zeros.
pub(crate) fn show(money: &Money) -> String {
    let sign = if money.nanos < 0 { "-" } else { "" };
    let nanos = u128::from(money.nanos.unsigned_abs());
    let decimals = format!("{:09}", nanos % NANOS_PER_UNIT);
    let decimals = decimals.trim_end_matches('0');
    let dot = if decimals.is_empty() { "" } else { "." };
    let number = format!("{}{dot}{decimals}", nanos / NANOS_PER_UNIT);
    match money.currency_code.as_str() {
        "USD" => format!("{sign}${number}"),
        other => format!("{sign}{number} {other}"),
    }
}

/// Like [`show`], and `unknown` for an amount that is absent: absent is never zero.
pub(crate) fn show_known(money: Option<&Money>) -> String {
    money.map_or_else(|| "unknown".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::{parse, show};

    fn nanos(text: &str) -> i64 {
        parse(text).unwrap().nanos
    }

    #[test]
    fn amounts_are_read_exactly_to_the_nano() {
        assert_eq!(nanos("0.10"), 100_000_000);
        assert_eq!(nanos("0.000000001"), 1);
        assert_eq!(nanos(".5"), 500_000_000);
        assert_eq!(nanos("3."), 3_000_000_000);
        assert_eq!(nanos("9223372036.854775807"), i64::MAX);
    }

    #[test]
    fn the_currency_is_dollars_unless_it_is_written() {
        assert_eq!(parse("1").unwrap().currency_code, "USD");
        assert_eq!(parse("$1").unwrap().currency_code, "USD");
        assert_eq!(parse("1 EUR").unwrap().currency_code, "EUR");
        assert_eq!(parse("1EUR").unwrap().currency_code, "EUR");
    }

    #[test]
    fn what_is_no_exact_amount_is_refused() {
        for text in [
            "",
            ".",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "0.0000000001",
            "9223372036.854775808",
            "1 euro",
            "NaN",
        ] {
            assert!(parse(text).is_err(), "{text} was read as an amount");
        }
    }

    #[test]
    fn amounts_are_shown_without_trailing_zeros() {
        for (text, shown) in [
            ("0.053", "$0.053"),
            ("0", "$0"),
            ("12.50", "$12.5"),
            ("0.053 EUR", "0.053 EUR"),
        ] {
            assert_eq!(show(&parse(text).unwrap()), shown);
        }
    }
}
