//! What a target costs: integers, rounded up to a nano, never an unknown price taken for zero.
//!
//! Pictures of token-priced models have a known number of tokens at the sizes that were observed. Elsewhere
//! the number is estimated: tokens grow more slowly than the area, and more slowly still in wide pictures,
//! so a straight line from 1,048,576 pixels is too much and the line through the observed (mostly wide)
//! sizes too little. The expected number lies in the middle of the two; the ceiling stands on the upper one.

use alloc::{vec, vec::Vec};

use limn_proto::plan::{CostComponent, Money, RenderSpec};

use crate::{
    catalog::{Model, OutputTokens, Pricing, Size, TokenPricing},
    money::{amount_nanos, money, sum_nanos},
};

/// Units of cost components, in ascending order.
pub(crate) mod unit {
    pub(crate) const IMAGE: &str = "image";
    pub(crate) const IMAGE_INPUT_TOKEN: &str = "image_input_token";
    pub(crate) const IMAGE_OUTPUT_TOKEN: &str = "image_output_token";
    pub(crate) const MEGAPIXEL: &str = "megapixel";
    pub(crate) const SECOND: &str = "second";
    pub(crate) const TEXT_INPUT_TOKEN: &str = "text_input_token";
    pub(crate) const TEXT_OUTPUT_TOKEN: &str = "text_output_token";
    /// Every unit that a plan can hold.
    pub(crate) const ALL: [&str; 7] = [
        IMAGE,
        IMAGE_INPUT_TOKEN,
        IMAGE_OUTPUT_TOKEN,
        MEGAPIXEL,
        SECOND,
        TEXT_INPUT_TOKEN,
        TEXT_OUTPUT_TOKEN,
    ];
}

/// Pixels of a megapixel, and of the size at which base tokens are stated.
const MEGAPIXEL_PIXELS: u64 = 1_048_576;
/// Bytes of text to a token, as expected. A tokenizer needs at most one token for a byte.
const TEXT_BYTES_PER_TOKEN: u64 = 4;
/// Tokens that a provider may wrap around the text, counted in the ceiling only.
const TEXT_WRAPPING_TOKENS: u64 = 256;

/// Price of one call, in nanos.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TargetPrice {
    /// What is billed, in ascending order of the unit.
    pub charges: Vec<Charge>,
    /// Sum of the amounts.
    pub expected_nanos: i64,
    /// Most that one attempt can be billed.
    pub ceiling_nanos: i64,
}

/// One billed unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub unit: &'static str,
    pub quantity_milli: i64,
    pub unit_price_nanos: i64,
    pub amount_nanos: i64,
}

/// Why there is no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPrice {
    /// The catalog has none.
    Unknown,
    /// It does not fit into an amount of money.
    TooLarge,
}

/// Expected quantity and the most that can be billed, in thousandths of the unit.
struct Usage {
    unit: &'static str,
    unit_price_nanos: i64,
    expected_milli: u64,
    ceiling_milli: u64,
}

impl Charge {
    /// The charge as a message.
    pub(crate) fn to_component(&self, currency: &str) -> CostComponent {
        CostComponent {
            unit: self.unit.into(),
            quantity_milli: self.quantity_milli,
            unit_price: Some(money(currency, self.unit_price_nanos)),
            amount: Some(money(currency, self.amount_nanos)),
        }
    }
}

/// Prices one call. The seed plays no part in it.
pub(crate) fn price(model: &Model, render: &RenderSpec) -> Result<TargetPrice, NoPrice> {
    let usages = usages(model, render)?;
    let mut charges = Vec::with_capacity(usages.len());
    let mut ceilings = Vec::with_capacity(usages.len());
    for usage in usages {
        let ceiling_milli = i64::try_from(usage.ceiling_milli).map_err(|_| NoPrice::TooLarge)?;
        let quantity_milli = i64::try_from(usage.expected_milli).map_err(|_| NoPrice::TooLarge)?;
        let amount = amount_nanos(quantity_milli, usage.unit_price_nanos).ok_or(NoPrice::TooLarge)?;
        ceilings.push(amount_nanos(ceiling_milli, usage.unit_price_nanos).ok_or(NoPrice::TooLarge)?);
        charges.push(Charge {
            unit: usage.unit,
            quantity_milli,
            unit_price_nanos: usage.unit_price_nanos,
            amount_nanos: amount,
        });
    }
    let expected_nanos =
        sum_nanos(charges.iter().map(|charge| charge.amount_nanos)).ok_or(NoPrice::TooLarge)?;
    let ceiling_nanos = sum_nanos(ceilings).ok_or(NoPrice::TooLarge)?;
    Ok(TargetPrice {
        charges,
        expected_nanos,
        ceiling_nanos,
    })
}

/// The most that a plan can be billed, from the dearest ceiling of each step and the re-rolls that it is allowed.
/// Steps that are drawn again after an unknown outcome are drawn once more, re-rolls or not.
pub(crate) fn worst_case_nanos(
    steps: impl IntoIterator<Item = (i64, u32)>,
    max_duplicate_spend: Option<&Money>,
) -> Option<i64> {
    let (mut once_nanos, mut rerolls_nanos) = (0_i64, 0_i64);
    for (ceiling_nanos, rerolls) in steps {
        once_nanos = once_nanos.checked_add(ceiling_nanos)?;
        rerolls_nanos = rerolls_nanos.checked_add(ceiling_nanos.checked_mul(i64::from(rerolls))?)?;
    }
    let again_nanos = max_duplicate_spend.map_or(0, |limit| limit.nanos.min(once_nanos));
    once_nanos.checked_add(rerolls_nanos)?.checked_add(again_nanos)
}

fn usages(model: &Model, render: &RenderSpec) -> Result<Vec<Usage>, NoPrice> {
    let quality = model.qualities.effective(render.quality()).unwrap_or_default();
    let size = Size::new(render.width_px, render.height_px);
    let exactly = |unit, unit_price_nanos, milli| Usage {
        unit,
        unit_price_nanos,
        expected_milli: milli,
        ceiling_milli: milli,
    };
    match model.pricing.as_ref().ok_or(NoPrice::Unknown)? {
        Pricing::Free => Ok(vec![exactly(unit::IMAGE, 0, 1000)]),
        Pricing::PerImage(prices) => {
            let nanos = prices.get(&quality).or_else(|| prices.get(&Default::default()));
            Ok(vec![exactly(unit::IMAGE, *nanos.ok_or(NoPrice::Unknown)?, 1000)])
        }
        Pricing::PerMegapixel { first_nanos, nanos } => {
            let milli = u128::from(size.pixels()) * 1000;
            let milli = u64::try_from(milli.div_ceil(u128::from(MEGAPIXEL_PIXELS)));
            let milli = milli.map_err(|_| NoPrice::TooLarge)?;
            let Some(first_nanos) = first_nanos else {
                return Ok(vec![exactly(unit::MEGAPIXEL, *nanos, milli)]);
            };
            let further = milli.saturating_sub(1000);
            Ok(vec![
                exactly(unit::IMAGE, *first_nanos, 1000),
                Usage {
                    unit: unit::MEGAPIXEL,
                    unit_price_nanos: *nanos,
                    expected_milli: further,
                    // Providers that bill like this count begun megapixels.
                    ceiling_milli: further.div_ceil(1000).saturating_mul(1000),
                },
            ])
        }
        Pricing::PerSecond {
            nanos,
            expected_milli,
            ceiling_milli,
        } => Ok(vec![Usage {
            unit: unit::SECOND,
            unit_price_nanos: *nanos,
            expected_milli: *expected_milli,
            ceiling_milli: *ceiling_milli,
        }]),
        Pricing::Tokens(tokens) => {
            let by_quality = &tokens.output_tokens;
            let output = by_quality
                .get(&quality)
                .or_else(|| by_quality.get(&Default::default()));
            let reference_tokens = model.references.as_ref().map_or(0, |rule| rule.max_tokens);
            token_usages(
                tokens,
                output.ok_or(NoPrice::Unknown)?,
                size,
                render,
                reference_tokens,
            )
        }
    }
}

fn token_usages(
    pricing: &TokenPricing,
    output: &OutputTokens,
    size: Size,
    render: &RenderSpec,
    reference_tokens: u64,
) -> Result<Vec<Usage>, NoPrice> {
    let milli = |tokens: u64| tokens.checked_mul(1000).ok_or(NoPrice::TooLarge);
    let more = option_tokens(pricing, render);
    let expected = expected_tokens(output, size).saturating_add(more);
    let most = if output.is_exact && observed_tokens(output, size).is_some() {
        expected
    } else {
        expected
            .max(linear_tokens(output.base, size.pixels()).saturating_add(more))
            .max(output.base.saturating_add(more))
    };
    let ceiling = u128::from(most) * u128::from(pricing.ceiling_percent.max(100));
    let ceiling = u64::try_from(ceiling.div_ceil(100)).map_err(|_| NoPrice::TooLarge)?;
    let bytes = u64::try_from(render.prompt.len().saturating_add(render.negative_prompt.len()));
    let bytes = bytes.map_err(|_| NoPrice::TooLarge)?;
    let references = u64::try_from(render.references.len()).map_err(|_| NoPrice::TooLarge)?;
    let input = if references == 0 {
        None
    } else {
        let price = pricing.image_input_nanos.filter(|_| reference_tokens > 0);
        let tokens = references
            .checked_mul(reference_tokens)
            .ok_or(NoPrice::TooLarge)?;
        // Without both nobody knows what the references cost.
        let unit_price_nanos = price.ok_or(NoPrice::Unknown)?;
        let tokens_milli = milli(tokens)?;
        Some(Usage {
            unit: unit::IMAGE_INPUT_TOKEN,
            unit_price_nanos,
            expected_milli: tokens_milli,
            ceiling_milli: tokens_milli,
        })
    };
    let mut usages: Vec<Usage> = input.into_iter().collect();
    usages.extend([
        Usage {
            unit: unit::IMAGE_OUTPUT_TOKEN,
            unit_price_nanos: pricing.image_output_nanos,
            expected_milli: milli(expected)?,
            ceiling_milli: milli(ceiling)?,
        },
        Usage {
            unit: unit::TEXT_INPUT_TOKEN,
            unit_price_nanos: pricing.text_input_nanos,
            expected_milli: milli(bytes.div_ceil(TEXT_BYTES_PER_TOKEN))?,
            ceiling_milli: milli(bytes.saturating_add(TEXT_WRAPPING_TOKENS))?,
        },
    ]);
    if let Some(words) = &pricing.text_output {
        usages.push(Usage {
            unit: unit::TEXT_OUTPUT_TOKEN,
            unit_price_nanos: words.nanos,
            expected_milli: milli(words.expected)?,
            ceiling_milli: milli(words.most)?,
        });
    }
    Ok(usages)
}

/// Tokens that were observed at this size, which count the same when it is turned.
fn observed_tokens(output: &OutputTokens, size: Size) -> Option<u64> {
    let observed = output.observed.get(&size);
    observed.or_else(|| output.observed.get(&size.turned())).copied()
}

/// Tokens that the options of a render add to the picture. A value that counts nothing adds none.
fn option_tokens(pricing: &TokenPricing, render: &RenderSpec) -> u64 {
    let counted = render.options.iter().filter_map(|option| {
        let each = pricing.tokens_per_option.get(&option.key)?;
        let count: u64 = option.value.parse().ok()?;
        Some(each.saturating_mul(count))
    });
    counted.fold(0, u64::saturating_add)
}

/// Tokens that a picture of this size should have.
///
/// Exact at the observed sizes, which count the same when turned, and at 1,048,576 square pixels. Elsewhere
/// the middle of two lines: through the origin and the base, and through the observed sizes made
/// monotone. Never fewer than the base, although smaller pictures may have fewer.
fn expected_tokens(output: &OutputTokens, size: Size) -> u64 {
    if let Some(tokens) = observed_tokens(output, size) {
        return tokens;
    }
    let pixels = size.pixels();
    let through_observed = u128::from(envelope_tokens(output, pixels));
    let straight = u128::from(linear_tokens(output.base, pixels).max(output.base));
    u64::try_from((through_observed + straight).div_ceil(2)).unwrap_or(u64::MAX)
}

/// The base in proportion to the area, rounded up.
fn linear_tokens(base: u64, pixels: u64) -> u64 {
    scaled(base, pixels, MEGAPIXEL_PIXELS)
}

/// Linear between the observed sizes by area, flat before them and proportional behind them, never falling.
fn envelope_tokens(output: &OutputTokens, pixels: u64) -> u64 {
    let mut points: Vec<(u64, u64)> = vec![(MEGAPIXEL_PIXELS, output.base)];
    points.extend(
        output
            .observed
            .iter()
            .map(|(size, tokens)| (size.pixels(), *tokens)),
    );
    points.sort_unstable();
    let mut highest = 0;
    let mut before: Option<(u64, u64)> = None;
    for (at, tokens) in points {
        highest = highest.max(tokens);
        if pixels <= at {
            let Some((from, lower)) = before else {
                return highest;
            };
            let rise = scaled(highest - lower, pixels - from, at.saturating_sub(from).max(1));
            return lower.saturating_add(rise);
        }
        before = Some((at, highest));
    }
    before.map_or(0, |(from, tokens)| scaled(tokens, pixels, from))
}

/// Value times numerator by denominator, rounded up.
fn scaled(value: u64, numerator: u64, denominator: u64) -> u64 {
    let product = u128::from(value) * u128::from(numerator);
    u64::try_from(product.div_ceil(u128::from(denominator.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeMap;

    use limn_proto::plan::Label;

    use super::*;
    use crate::catalog::TextOutput;

    fn observed() -> OutputTokens {
        let observed = [
            (Size::new(1536, 1024), 5488),
            (Size::new(1792, 1024), 5063),
            (Size::new(3584, 2048), 12_329),
        ];
        OutputTokens {
            base: 7024,
            observed: observed.into_iter().collect(),
            is_exact: false,
        }
    }

    #[test]
    fn observed_sizes_are_exact_in_both_orientations() {
        assert_eq!(expected_tokens(&observed(), Size::new(1536, 1024)), 5488);
        assert_eq!(expected_tokens(&observed(), Size::new(1024, 1536)), 5488);
        assert_eq!(expected_tokens(&observed(), Size::new(1024, 1024)), 7024);
    }

    #[test]
    fn what_options_count_is_added_to_the_expectation_and_to_the_ceiling() {
        let pricing = TokenPricing {
            text_input_nanos: 0,
            image_input_nanos: None,
            image_output_nanos: 1,
            text_output: None,
            output_tokens: BTreeMap::new(),
            tokens_per_option: [("partial_images".into(), 100)].into(),
            ceiling_percent: 150,
        };
        let output = OutputTokens {
            base: 196,
            ..OutputTokens::default()
        };
        let tokens = |options: &[(&str, &str)]| {
            let options = options.iter().map(|(name, value)| Label {
                key: (*name).into(),
                value: (*value).into(),
            });
            let render = RenderSpec {
                options: options.collect(),
                ..RenderSpec::default()
            };
            let usages = token_usages(&pricing, &output, Size::new(1024, 1024), &render, 0).unwrap();
            (usages[0].expected_milli, usages[0].ceiling_milli)
        };
        assert_eq!(tokens(&[]), (196_000, 294_000));
        assert_eq!(tokens(&[("partial_images", "3")]), (496_000, 744_000));
        assert_eq!(tokens(&[("partial_images", "all")]), (196_000, 294_000));
        assert_eq!(tokens(&[("moderation", "3")]), (196_000, 294_000));
    }

    #[test]
    fn words_that_come_back_have_a_ceiling_of_their_own() {
        let pricing = TokenPricing {
            text_input_nanos: 0,
            image_input_nanos: None,
            image_output_nanos: 30_000,
            text_output: Some(TextOutput {
                nanos: 7_500,
                expected: 400,
                most: 4_000,
            }),
            output_tokens: BTreeMap::new(),
            tokens_per_option: BTreeMap::new(),
            ceiling_percent: 150,
        };
        let output = OutputTokens {
            base: 1120,
            ..OutputTokens::default()
        };
        let render = RenderSpec::default();
        let usages = token_usages(&pricing, &output, Size::new(1024, 1024), &render, 0).unwrap();
        let units: Vec<&str> = usages.iter().map(|usage| usage.unit).collect();
        assert_eq!(
            units,
            [
                unit::IMAGE_OUTPUT_TOKEN,
                unit::TEXT_INPUT_TOKEN,
                unit::TEXT_OUTPUT_TOKEN
            ]
        );
        assert_eq!(
            (
                usages[2].unit_price_nanos,
                usages[2].expected_milli,
                usages[2].ceiling_milli
            ),
            (7_500, 400_000, 4_000_000),
            "the percentage is one of pictures"
        );
    }

    #[test]
    fn other_sizes_lie_between_the_observed_line_and_the_straight_one() {
        let output = observed();
        for (size, envelope) in [(Size::new(2048, 2048), 9_298), (Size::new(3840, 2160), 13_933)] {
            let straight = linear_tokens(output.base, size.pixels());
            assert_eq!(envelope_tokens(&output, size.pixels()), envelope, "{size}");
            assert_eq!(
                expected_tokens(&output, size),
                (envelope + straight).div_ceil(2),
                "{size}"
            );
        }
        assert_eq!(
            expected_tokens(&output, Size::new(832, 800)),
            7024,
            "never below the base"
        );
    }
}
