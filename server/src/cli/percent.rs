//! Percentages on the command line, which are basis points everywhere else.

/// Reads a percentage with at most two decimals, for example `60%`, `60.5%` or `60`, as basis points.
///
/// # Errors
/// Anything else, with an example of what is meant.
pub(crate) fn parse(text: &str) -> Result<u32, String> {
    let wrong = || {
        format!(
            "\"{}\" is no percentage with at most two decimals, such as 60% or 62.5%",
            text.escape_debug()
        )
    };
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "00"));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(whole) || !is_number(decimals) || decimals.len() > 2 {
        return Err(wrong());
    }
    let hundredths: u32 = format!("{decimals:0<2}").parse().map_err(|_| wrong())?;
    let whole: u32 = whole.parse().map_err(|_| wrong())?;
    let basis_points = whole
        .checked_mul(100)
        .and_then(|whole| whole.checked_add(hundredths));
    basis_points.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use limn_proto::percent::show;

    use super::*;

    #[test]
    fn percentages_are_read_as_basis_points() {
        for (text, basis_points) in [
            ("60%", 6_000),
            ("60 %", 6_000),
            ("60", 6_000),
            ("62.5%", 6_250),
            ("0.05%", 5),
            ("100.00%", 10_000),
            ("101%", 10_100),
        ] {
            assert_eq!(parse(text), Ok(basis_points), "{text}");
        }
        for text in [
            "",
            "%",
            "-1%",
            "sixty",
            "60.%",
            ".5%",
            "60.123%",
            "0x10",
            "99999999999%",
            "60%%",
        ] {
            let refused = parse(text).unwrap_err();
            assert!(refused.contains("such as 60%"), "{text}: {refused}");
        }
    }

    #[test]
    fn basis_points_are_shown_without_idle_zeros() {
        for (basis_points, text) in [(0, "0 %"), (5, "0.05 %"), (6_000, "60 %"), (6_250, "62.5 %")] {
            assert_eq!(show(basis_points), text);
        }
    }
}
