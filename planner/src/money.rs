//! Amounts in billionths of the currency unit: checked arithmetic, always rounded up.

use alloc::{format, string::String};

use limn_proto::plan::Money;

const NANOS_PER_UNIT: u64 = 1_000_000_000;

/// An amount in the given currency.
pub(crate) fn money(currency: &str, nanos: i64) -> Money {
    Money {
        currency_code: currency.into(),
        nanos,
    }
}

/// Quantity in thousandths times the price of one, rounded up to a nano. Nothing when it does not fit.
pub(crate) fn amount_nanos(quantity_milli: i64, unit_price_nanos: i64) -> Option<i64> {
    let quantity = u128::try_from(quantity_milli).ok()?;
    let price = u128::try_from(unit_price_nanos).ok()?;
    i64::try_from(quantity.checked_mul(price)?.div_ceil(1000)).ok()
}

/// Sum of amounts. Nothing when it does not fit.
pub(crate) fn sum_nanos(amounts: impl IntoIterator<Item = i64>) -> Option<i64> {
    amounts.into_iter().try_fold(0_i64, i64::checked_add)
}

/// The amount as people write it: at least two decimals, no zeros behind them.
pub fn display_nanos(nanos: i64, currency: &str) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let units = nanos.unsigned_abs() / NANOS_PER_UNIT;
    let fraction = format!("{:09}", nanos.unsigned_abs() % NANOS_PER_UNIT);
    let (cents, rest) = fraction.split_at(2);
    format!("{sign}{units}.{cents}{} {currency}", rest.trim_end_matches('0'))
}

/// [`display_nanos`] of a message.
pub(crate) fn display(money: &Money) -> String {
    display_nanos(money.nanos, &money.currency_code)
}

/// True for three uppercase letters.
pub(crate) fn is_currency_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_rounded_up_to_a_nano() {
        assert_eq!(amount_nanos(1_000, 30_000), Some(30_000));
        assert_eq!(amount_nanos(1, 1), Some(1));
        assert_eq!(amount_nanos(1_001, 999), Some(1_000));
        assert_eq!(amount_nanos(0, i64::MAX), Some(0));
    }

    #[test]
    fn amounts_that_do_not_fit_are_nothing() {
        assert_eq!(amount_nanos(i64::MAX, i64::MAX), None);
        assert_eq!(amount_nanos(-1, 5), None);
        assert_eq!(sum_nanos([i64::MAX, 1]), None);
    }

    #[test]
    fn amounts_are_written_without_idle_zeros() {
        assert_eq!(display_nanos(0, "USD"), "0.00 USD");
        assert_eq!(display_nanos(210_720_000, "USD"), "0.21072 USD");
        assert_eq!(display_nanos(-1, "EUR"), "-0.000000001 EUR");
        assert_eq!(display_nanos(i64::MIN, "EUR"), "-9223372036.854775808 EUR");
    }
}
