//! What keeping images costs.

use toml::Table;

use super::super::reader::Section;

/// Price of keeping bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoragePrice {
    /// Price of a gigabyte (1,000,000,000 bytes) for a month, in billionths of the currency.
    pub gb_month_nanos: i64,
    /// ISO 4217 code.
    pub currency: String,
}

impl StoragePrice {
    pub(super) fn read(section: &Section<'_>) -> Option<Self> {
        let currency = section.read("price_currency", |text| {
            let well_formed = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
            match well_formed {
                true => Ok(text.to_owned()),
                false => Err((
                    "must be a code of three capital letters".to_owned(),
                    "for example USD".to_owned(),
                )),
            }
        });
        // A thousand units of currency for a gigabyte is a slip of the pen.
        let price = section.integer("price_per_gb_month_nanos", 0..=1_000_000_000_000);
        Some(Self {
            gb_month_nanos: price?,
            currency: currency.unwrap_or_else(|| "USD".to_owned()),
        })
    }

    pub(super) fn render(&self, table: &mut Table) {
        table.insert("price_per_gb_month_nanos".into(), self.gb_month_nanos.into());
        table.insert("price_currency".into(), self.currency.clone().into());
    }

    /// What keeping so many bytes for a month costs, in billionths of the currency, rounded up.
    pub fn month_nanos(&self, bytes: u64) -> i64 {
        let nanos = i128::from(bytes).saturating_mul(i128::from(self.gb_month_nanos));
        i64::try_from(nanos.saturating_add(999_999_999) / 1_000_000_000).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_costs_what_the_bytes_weigh_rounded_up() {
        let price = StoragePrice {
            gb_month_nanos: 23_000_000,
            currency: "USD".to_owned(),
        };
        assert_eq!(price.month_nanos(0), 0);
        assert_eq!(price.month_nanos(1), 1);
        assert_eq!(price.month_nanos(1_000_000_000), 23_000_000);
        assert_eq!(price.month_nanos(1_500_000_000), 34_500_000);
        assert_eq!(price.month_nanos(u64::MAX), 424_275_113_695_319_688);
    }
}
