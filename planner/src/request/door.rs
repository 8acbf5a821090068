//! Checks that many fields share.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};

use limn_proto::{plan::Label, reason::Reason};

use crate::{
    error::Problems,
    limits::{MAX_LABEL_KEY_BYTES, MAX_LABEL_VALUE_BYTES, MAX_LABELS},
    text::{char_count, normalize},
};

/// Takes fields of one message and knows where it stands in the request.
pub(crate) struct Door<'p> {
    problems: &'p mut Problems,
    path: String,
}

impl<'p> Door<'p> {
    /// A door for the message at this path; the request itself has an empty path.
    pub(crate) fn new(problems: &'p mut Problems, path: String) -> Self {
        Self { problems, path }
    }

    /// Reports a wrong field.
    pub(crate) fn refuse(&mut self, field: &str, description: impl Into<String>) {
        let path = if self.path.is_empty() {
            field.into()
        } else {
            format!("{}.{field}", self.path)
        };
        self.problems.add(Reason::InvalidRequest, path, description);
    }

    /// Takes text of a limited number of bytes.
    pub(crate) fn text(&mut self, field: &str, value: &str, max_bytes: usize) -> String {
        let text = normalize(value);
        self.limited(field, text, |text| text.len(), max_bytes, "bytes")
    }

    /// Takes text of a limited number of characters.
    pub(crate) fn long_text(&mut self, field: &str, value: &str, max_chars: usize) -> String {
        let text = normalize(value);
        self.limited(field, text, char_count, max_chars, "characters")
    }

    fn limited(
        &mut self,
        field: &str,
        text: String,
        measure: fn(&str) -> usize,
        most: usize,
        unit: &str,
    ) -> String {
        let length = measure(&text);
        if length > most {
            self.refuse(field, format!("has {length} {unit}; at most {most} are taken"));
            return String::new();
        }
        if text.contains('\0') {
            self.refuse(field, "contains U+0000, which no provider takes");
            return String::new();
        }
        text
    }

    /// Takes a number inside a range. Zero stands for the default.
    pub(crate) fn number(&mut self, field: &str, value: u32, default: u32, least: u32, most: u32) -> u32 {
        if value == 0 {
            return default;
        }
        if !(least..=most).contains(&value) {
            self.refuse(
                field,
                format!("is {value}; must be {least} to {most}, or 0 for the default"),
            );
            return default;
        }
        value
    }

    /// Takes a known number of an enumeration.
    pub(crate) fn known<E: TryFrom<i32> + Default>(&mut self, field: &str, value: i32) -> E {
        E::try_from(value).unwrap_or_else(|_| {
            self.refuse(
                field,
                format!("is {value}, which is no value of this enumeration"),
            );
            E::default()
        })
    }

    /// Takes a map as labels in order of the key.
    pub(crate) fn labels(&mut self, field: &str, map: &BTreeMap<String, String>) -> Vec<Label> {
        if map.len() > MAX_LABELS {
            self.refuse(
                field,
                format!("has {} entries; at most {MAX_LABELS} are taken", map.len()),
            );
            return Vec::new();
        }
        // Normalising can change the order and can make two keys equal.
        let mut labels = BTreeMap::new();
        for (key, value) in map {
            let key = self.text(field, key, MAX_LABEL_KEY_BYTES);
            let value = self.text(field, value, MAX_LABEL_VALUE_BYTES);
            if key.is_empty() {
                self.refuse(
                    field,
                    "has an entry without a usable key; keys have 1 to 63 bytes",
                );
            } else if labels.insert(key.clone(), value).is_some() {
                self.refuse(
                    field,
                    format!("has the key \"{}\" twice in NFC", key.escape_debug()),
                );
            }
        }
        labels
            .into_iter()
            .map(|(key, value)| Label { key, value })
            .collect()
    }
}

/// Width and height of a ratio such as "16:9".
pub(crate) fn parse_ratio(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(':')?;
    Some((ratio_side(width)?, ratio_side(height)?))
}

fn ratio_side(text: &str) -> Option<u32> {
    let side: u32 = text.parse().ok().filter(|side| (1..=100).contains(side))?;
    // "+16" and "016" parse too, but there shall be one way to write a ratio.
    (side.to_string() == text).then_some(side)
}

/// Thousandths of a guidance scale, rounded half to even. Nothing for what is negative, above
/// a thousand, or no number.
///
/// Works on the exact binary value in integers, so no platform's floating point takes part.
pub(crate) fn guidance_milli(value: f64) -> Option<u32> {
    if !(0.0..=1000.0).contains(&value) {
        return None;
    }
    let bits = value.to_bits();
    let exponent = u32::try_from((bits >> 52) & 0x7ff).ok()?;
    let fraction = bits & ((1 << 52) - 1);
    let mantissa = if exponent == 0 {
        fraction
    } else {
        fraction | (1 << 52)
    };
    // value = mantissa / 2^shift; the range above keeps the shift at 43 or more.
    let shift = 1075_u32.checked_sub(exponent.max(1))?;
    if shift > 100 {
        return Some(0);
    }
    let scaled = u128::from(mantissa) * 1000;
    let whole = scaled >> shift;
    let rest = scaled - (whole << shift);
    let half = 1_u128 << (shift - 1);
    let up = rest > half || (rest == half && whole % 2 == 1);
    u32::try_from(whole + u128::from(up)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guidance_is_rounded_half_to_even_on_its_exact_value() {
        let cases = [
            (0.0, Some(0)),
            (-0.0, Some(0)),
            (7.5, Some(7_500)),
            (0.0625, Some(62)),
            (0.1875, Some(188)),
            (0.0005, Some(1)),
            (f64::MIN_POSITIVE, Some(0)),
            (4.9e-324, Some(0)),
            (1000.0, Some(1_000_000)),
            (1000.5, None),
            (-0.001, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ];
        for (value, milli) in cases {
            assert_eq!(guidance_milli(value), milli, "{value}");
        }
    }

    #[test]
    fn a_ratio_has_one_spelling() {
        assert_eq!(parse_ratio("16:9"), Some((16, 9)));
        assert_eq!(parse_ratio("100:1"), Some((100, 1)));
        for bad in [
            "", "16", "16:", ":9", "0:1", "101:1", "+16:9", "016:9", "16:9:1", "1.5:1", "16 : 9", "-1:1",
        ] {
            assert_eq!(parse_ratio(bad), None, "{bad}");
        }
    }
}
