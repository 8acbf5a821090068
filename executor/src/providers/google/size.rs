//! Sizes in the words of Google: a ratio, and where a model has several, a class such as `2K` after a slash.

/// A size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::providers) struct Size<'a> {
    /// The ratio, for example `16:9`.
    pub(in crate::providers) ratio: &'a str,
    /// `512`, `1K`, `2K` or `4K`; nothing: the only one that the model has.
    pub(in crate::providers) class: Option<&'a str>,
}

impl<'a> Size<'a> {
    /// Reads the word that the catalog has for a size, such as `16:9` or `16:9/2K`.
    pub(in crate::providers) fn parse(token: &'a str) -> Result<Self, String> {
        let (ratio, class) = match token.split_once('/') {
            Some((ratio, class)) => (ratio, Some(class)),
            None => (token, None),
        };
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_ratio = ratio
            .split_once(':')
            .is_some_and(|(width, height)| is_number(width) && is_number(height));
        if !is_ratio || class == Some("") {
            return Err(format!(
                "{token:?} is no size of google: it takes a ratio such as 16:9, and a class such as 2K after a slash"
            ));
        }
        Ok(Self { ratio, class })
    }
}
