//! Signatures of news that providers send: HMAC-SHA256, compared in constant time.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Block of the hash, in bytes: what HMAC pads keys to.
const BLOCK_BYTES: usize = 64;

/// True when one of the signatures is that of the parts, one after the other, under the key. A key of no bytes signs
/// nothing.
pub(in crate::providers) fn is_signed<'s>(
    key: &[u8],
    parts: &[&[u8]],
    signatures: impl IntoIterator<Item = &'s [u8]>,
) -> bool {
    if key.is_empty() {
        return false;
    }
    let mut padded = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        padded[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        padded[..key.len()].copy_from_slice(key);
    }
    let mut mac = Hmac::<Sha256>::new((&padded).into());
    for part in parts {
        mac.update(part);
    }
    let mut signatures = signatures.into_iter();
    signatures.any(|signature| mac.clone().verify_slice(signature).is_ok())
}

/// Reads hexadecimal digits.
pub(in crate::providers) fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = digits.chunks_exact(2);
    pairs
        .map(|pair| Some(digit(pair[0])? * 16 + digit(pair[1])?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_signature_is_recognised() {
        // RFC 4231, test cases 2 and 6.
        let short = hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        let parts: &[&[u8]] = &[b"what do ya want ", b"for nothing?"];
        assert!(is_signed(b"Jefe", parts, [b"no".as_slice(), &short]));
        assert!(!is_signed(b"jefe", parts, [short.as_slice()]));
        assert!(!is_signed(b"Jefe", &[b"what"], [short.as_slice()]));
        assert!(!is_signed(b"Jefe", parts, []));
        let long = hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54").unwrap();
        let text: &[u8] = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert!(is_signed(&[0xaa; 131], &[text], [long.as_slice()]));
    }

    #[test]
    fn no_key_signs_nothing() {
        let empty = hex("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad").unwrap();
        assert!(!is_signed(b"", &[b""], [empty.as_slice()]));
    }

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!(hex("00fFa1"), Some(vec![0, 255, 0xa1]));
        for bad in ["0", "0g", "é0", "+1"] {
            assert_eq!(hex(bad), None, "{bad}");
        }
    }
}
