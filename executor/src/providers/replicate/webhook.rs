//! Signatures of webhooks: HMAC-SHA256 over `{id}.{timestamp}.{body}`, in base64 after `v1,`; several stand side by side
//! while a secret is changed.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::SecretBox;

use crate::{
    clock::UnixMicros,
    provider::{Webhook, WebhookRefused},
    providers::http::is_signed,
};

/// How far the time of a webhook may be from ours, in seconds. One that was recorded is of no use for longer.
const TOLERANCE_SECONDS: i64 = 300;

/// The key of a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
pub(super) fn key(secret: &str) -> Result<SecretBox<Vec<u8>>, String> {
    let encoded = secret.trim();
    let encoded = encoded.strip_prefix("whsec_").unwrap_or(encoded);
    let decoded = STANDARD.decode(encoded).ok().filter(|key| !key.is_empty());
    let key =
        decoded.ok_or("webhook_secret is no signing secret: it begins with whsec_, and base64 follows")?;
    Ok(SecretBox::new(Box::new(key)))
}

/// Fails when the webhook is not proven to be signed with the key, or its time is not about now.
pub(super) fn verify(key: &[u8], webhook: &Webhook<'_>) -> Result<(), WebhookRefused> {
    let header = |name: &str| webhook.headers.get(name).map_or("", String::as_str);
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let signatures: Vec<Vec<u8>> = header("webhook-signature")
        .split_ascii_whitespace()
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix("v1,")?).ok())
        .collect();
    let parts: [&[u8]; 5] = [id.as_bytes(), b".", timestamp.as_bytes(), b".", webhook.body];
    let is_ours = is_signed(key, &parts, signatures.iter().map(Vec::as_slice));
    if is_ours && is_recent(timestamp, webhook.now) {
        return Ok(());
    }
    Err(WebhookRefused::BadSignature)
}

fn is_recent(timestamp: &str, now: UnixMicros) -> bool {
    let sent: Option<i64> = timestamp.parse().ok();
    sent.is_some_and(|sent| sent.saturating_sub(now.seconds()).saturating_abs() <= TOLERANCE_SECONDS)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;
    use secrecy::ExposeSecret as _;

    use super::*;

    /// The example of <https://docs.svix.com/receiving/verifying-payloads/how-manual>, whose scheme it is.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const SENT: i64 = 1_614_265_330;
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn verified(id: &str, signature: &str, body: &'static [u8], now: i64) -> bool {
        let headers = BTreeMap::from([
            ("webhook-id".to_owned(), id.to_owned()),
            ("webhook-timestamp".to_owned(), SENT.to_string()),
            ("webhook-signature".to_owned(), signature.to_owned()),
        ]);
        let webhook = Webhook {
            headers: &headers,
            body: &Bytes::from_static(body),
            now: UnixMicros(now * 1_000_000),
        };
        verify(key(SECRET).unwrap().expose_secret(), &webhook).is_ok()
    }

    #[test]
    fn only_what_is_signed_and_of_now_is_taken() {
        assert!(verified(ID, SIGNATURE, BODY, SENT));
        assert!(verified(ID, &format!("v1,AAAA {SIGNATURE}"), BODY, SENT + 300));
        assert!(!verified(ID, SIGNATURE, BODY, SENT + 301));
        assert!(!verified(ID, SIGNATURE, BODY, SENT - 301));
        assert!(!verified("msg_other", SIGNATURE, BODY, SENT));
        assert!(!verified(ID, SIGNATURE, b"{}", SENT));
        assert!(!verified(ID, "", BODY, SENT));
        assert!(!verified(ID, &SIGNATURE.replace("v1,", "v2,"), BODY, SENT));
        let verdict = verify(
            b"key",
            &Webhook {
                headers: &BTreeMap::new(),
                body: &Bytes::new(),
                now: UnixMicros(0),
            },
        );
        assert_eq!(verdict, Err(WebhookRefused::BadSignature));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        for secret in ["", "whsec_", "whsec_not base64"] {
            let refused = key(secret).unwrap_err();
            assert!(refused.contains("webhook_secret"), "{refused}");
        }
    }
}
