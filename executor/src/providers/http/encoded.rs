//! Pictures in text.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads base64, with or without padding and with or without the head of a data URL.
pub(in crate::providers) fn decode(text: &str) -> Result<Bytes, String> {
    let text = match text.strip_prefix("data:") {
        Some(url) => url
            .split_once(";base64,")
            .map(|(_, data)| data)
            .ok_or("a data URL without base64")?,
        None => text,
    };
    let decoded = LENIENT.decode(text.trim()).map_err(|error| error.to_string())?;
    Ok(Bytes::from(decoded))
}

/// Writes a data URL.
pub(in crate::providers) fn data_url(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", encode(bytes))
}

/// Writes base64 with padding.
pub(in crate::providers) fn encode(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
