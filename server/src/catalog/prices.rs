//! Prices: decimal text in the currency of the catalog, turned into whole billionths.

use limn_planner::catalog::{OutputTokens, Pricing, TextOutput, TokenPricing};

use super::{
    section::{Section, parse_size},
    words,
};

/// Decimals of a unit of currency that are kept: billionths.
const DECIMALS: usize = 9;
/// Ceiling of an attempt when the catalog gives none, in percent of what is expected at most.
const DEFAULT_CEILING_PERCENT: u32 = 120;
const TOKENS_PER_MILLION: i64 = 1_000_000;

/// Reads a pricing table. Nothing for the kind "unknown".
pub(super) fn pricing(section: &mut Section<'_>) -> Option<Pricing> {
    match section.required_text("kind").as_str() {
        "free" => Some(Pricing::Free),
        "unknown" => None,
        "per_image" => {
            let prices = section.within("prices", |prices| words::by_word(prices, words::quality, amount));
            if prices.is_none() {
                section.problem("prices", "is missing");
            }
            Some(Pricing::PerImage(prices.unwrap_or_default()))
        }
        "per_megapixel" => Some(Pricing::PerMegapixel {
            first_nanos: amount(section, "first_price"),
            nanos: required_amount(section, "price"),
        }),
        "per_second" => Some(Pricing::PerSecond {
            nanos: required_amount(section, "price"),
            expected_milli: section.required_number("expected_ms"),
            ceiling_milli: section.required_number("ceiling_ms"),
        }),
        "tokens" => Some(Pricing::Tokens(tokens(section))),
        kind => {
            if !kind.is_empty() {
                section.problem(
                    "kind",
                    "must be free, per_image, per_megapixel, per_second, tokens or unknown",
                );
            }
            None
        }
    }
}

fn tokens(section: &mut Section<'_>) -> TokenPricing {
    let output = section.within("output_tokens", |section| {
        words::by_word(section, words::quality, output_tokens)
    });
    if output.is_none() {
        section.problem("output_tokens", "is missing");
    }
    let text_input_nanos = required_per_million(section, "text_input_per_million");
    let image_input_nanos = per_million(section, "image_input_per_million");
    let image_output_nanos = required_per_million(section, "image_output_per_million");
    let tokens_per_option = section.within("tokens_per_option", |options| {
        let keys = options.keys().into_iter();
        keys.filter_map(|key| Some((key.clone(), options.number(&key)?)))
            .collect()
    });
    TokenPricing {
        text_input_nanos,
        image_input_nanos,
        image_output_nanos,
        text_output: text_output(section),
        output_tokens: output.unwrap_or_default(),
        tokens_per_option: tokens_per_option.unwrap_or_default(),
        ceiling_percent: section
            .number("ceiling_percent")
            .unwrap_or(DEFAULT_CEILING_PERCENT),
    }
}

/// Words and thoughts: their price and their number go together.
fn text_output(section: &mut Section<'_>) -> Option<TextOutput> {
    let nanos = per_million(section, "text_output_per_million");
    let counts = section.within("text_output_tokens", |counts| {
        (counts.required_number("expected"), counts.required_number("most"))
    });
    match (nanos, counts) {
        (None, None) => None,
        (Some(nanos), Some((expected, most))) => Some(TextOutput {
            nanos,
            expected,
            most,
        }),
        (Some(_), None) => {
            section.problem(
                "text_output_tokens",
                "is missing: text_output_per_million needs it",
            );
            None
        }
        (None, Some(_)) => {
            section.problem(
                "text_output_per_million",
                "is missing: text_output_tokens needs it",
            );
            None
        }
    }
}

fn output_tokens(section: &mut Section<'_>, quality: &str) -> Option<OutputTokens> {
    section.within(quality, |section| {
        let base = section.required_number("base");
        let observed = section.within("observed", |observed| {
            let keys = observed.keys().into_iter();
            let sized = keys.filter_map(|key| Some((parse_size(&key)?, observed.number(&key)?)));
            sized.collect()
        });
        OutputTokens {
            base,
            observed: observed.unwrap_or_default(),
            is_exact: section.flag("exact"),
        }
    })
}

/// A price in nanos, if there is one.
fn amount(section: &mut Section<'_>, key: &str) -> Option<i64> {
    section.take(
        key,
        "a price as text with at most nine decimals, for example \"0.04\"",
        |value| parse_nanos(value.as_str()?),
    )
}

fn required_amount(section: &mut Section<'_>, key: &str) -> i64 {
    let missing = !section.keys().iter().any(|known| known == key);
    if missing {
        section.problem(key, "is missing");
    }
    amount(section, key).unwrap_or_default()
}

/// Nanos of one token from the price of a million of them, if there is one.
fn per_million(section: &mut Section<'_>, key: &str) -> Option<i64> {
    let nanos = amount(section, key)?;
    Some(one_of_a_million(section, key, nanos))
}

fn required_per_million(section: &mut Section<'_>, key: &str) -> i64 {
    let nanos = required_amount(section, key);
    one_of_a_million(section, key, nanos)
}

fn one_of_a_million(section: &mut Section<'_>, key: &str, nanos: i64) -> i64 {
    if nanos % TOKENS_PER_MILLION != 0 {
        section.problem(
            key,
            "must give whole billionths for one token, so at most three decimals",
        );
    }
    nanos / TOKENS_PER_MILLION
}

/// Reads a decimal number such as "0.04" exactly. Signs and exponents are no part of a price.
fn parse_nanos(text: &str) -> Option<i64> {
    let (units, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits_only = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits_only(units) || !digits_only(fraction) || fraction.len() > DECIMALS {
        return None;
    }
    let nanos: i64 = format!("{fraction:0<DECIMALS$}").parse().ok()?;
    units
        .parse::<i64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::parse_nanos;

    #[test]
    fn prices_are_read_exactly() {
        assert_eq!(parse_nanos("5"), Some(5_000_000_000));
        assert_eq!(parse_nanos("0.04"), Some(40_000_000));
        assert_eq!(parse_nanos("0.000000001"), Some(1));
        for bad in [
            "",
            ".5",
            "5.",
            "-1",
            "+1",
            "1e3",
            "0.0000000001",
            "1,5",
            "99999999999999999999",
        ] {
            assert_eq!(parse_nanos(bad), None, "{bad}");
        }
    }
}
