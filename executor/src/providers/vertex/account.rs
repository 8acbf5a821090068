//! Access tokens from the key of a service account: an assertion is signed here and exchanged for one, for an hour.

use std::{fmt, net::IpAddr, time::Duration};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use reqwest::{Url, header::CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::{
    clock::{Clock, SystemClock, UnixMicros},
    providers::http::Api,
};

/// What the token may be used for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long an assertion is good for: the most that is taken.
const ASSERTION_SECONDS: i64 = 3600;
/// A token is used no longer than until so long before its end, so that it does not end on the way.
const MARGIN: Duration = Duration::from_secs(300);
/// The form of an exchange, before the assertion.
const FORM: &str = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";

/// The file that Google gives for a key of a service account, as far as it is needed.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    project_id: String,
    #[serde(default)]
    private_key_id: String,
    #[serde(default)]
    private_key: String,
    #[serde(default)]
    client_email: String,
    #[serde(default)]
    token_uri: String,
}

/// A service account that calls are made as.
pub(super) struct ServiceAccount {
    key: RsaKeyPair,
    key_id: String,
    email: String,
    pub(super) project: String,
    token_uri: Url,
    /// Held during an exchange, so that there is one at a time.
    token: Mutex<Option<Token>>,
}

/// An access token.
struct Token {
    secret: SecretString,
    use_until: UnixMicros,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ServiceAccount")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

impl ServiceAccount {
    /// Reads a key file. An error shows nothing of the key.
    pub(super) fn read(file: &str) -> Result<Self, String> {
        // The error of the parser would quote the file.
        let file: KeyFile = serde_json::from_str(file).map_err(|_| "it is no JSON of a key".to_owned())?;
        if file.r#type != "service_account" {
            return Err(format!(
                "its type is {:?}, and only \"service_account\" is taken: make a key of a service account",
                file.r#type
            ));
        }
        let required = [
            ("client_email", &file.client_email),
            ("private_key", &file.private_key),
            ("token_uri", &file.token_uri),
        ];
        if let Some((name, _)) = required.iter().find(|(_, value)| value.is_empty()) {
            return Err(format!("{name} is missing from it"));
        }
        let key = pkcs8(&file.private_key).and_then(|der| RsaKeyPair::from_pkcs8(&der).ok());
        Ok(Self {
            key: key.ok_or("its private_key is no RSA key in PKCS #8")?,
            key_id: file.private_key_id,
            email: file.client_email,
            project: file.project_id,
            token_uri: token_uri(&file.token_uri)?,
            token: Mutex::new(None),
        })
    }

    /// A token that is good for some minutes at least, asked for where there is none. An error says that nobody gave one.
    pub(super) async fn token(&self, api: &Api) -> Result<SecretString, String> {
        let mut token = self.token.lock().await;
        let now = SystemClock.now();
        if let Some(secret) = usable(token.as_ref(), now) {
            return Ok(secret);
        }
        let fresh = self.exchange(api, now).await?;
        let secret = fresh.secret.clone();
        *token = Some(fresh);
        Ok(secret)
    }

    /// The token that was given before, while it is good.
    pub(super) async fn kept(&self) -> Option<SecretString> {
        usable(self.token.lock().await.as_ref(), SystemClock.now())
    }

    /// Forgets the token, if it is still this one: it was refused.
    pub(super) async fn refused(&self, secret: &SecretString) {
        let mut token = self.token.lock().await;
        token.take_if(|token| token.secret.expose_secret() == secret.expose_secret());
    }

    async fn exchange(&self, api: &Api, now: UnixMicros) -> Result<Token, String> {
        let host = self.token_uri.host_str().unwrap_or_default();
        let asked = format!("{host} gave no access token to {}", self.email);
        let request = api
            .client
            .post(self.token_uri.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(format!("{FORM}{}", self.assertion(now)?))
            .timeout(api.question_timeout());
        let received = api.send(request).await;
        let received = received.map_err(|error| format!("{asked}: {error}"))?;
        let answer: Value = serde_json::from_slice(&received.body).unwrap_or_default();
        let secret = answer["access_token"].as_str().filter(|secret| is_token(secret));
        let Some(secret) = secret.filter(|_| received.status == 200) else {
            let said = ["error", "error_description"].map(|name| answer[name].as_str().unwrap_or_default());
            return Err(format!(
                "{asked}: it answered {} {}",
                received.status,
                said.join(": ")
            ));
        };
        let expires_in_seconds = answer["expires_in"].as_u64().unwrap_or(0);
        Ok(Token {
            secret: SecretString::from(secret),
            use_until: use_until(now, expires_in_seconds),
        })
    }

    /// A signed statement that it is us who ask.
    fn assertion(&self, now: UnixMicros) -> Result<String, String> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email,
            "scope": SCOPE,
            "aud": self.token_uri.as_str(),
            "iat": now.seconds(),
            "exp": now.seconds().saturating_add(ASSERTION_SECONDS),
        });
        let [header, claims] =
            [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                signed.as_bytes(),
                &mut signature,
            )
            .map_err(|_| "the private key does not sign".to_owned())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The token, while it is good for some minutes at least.
fn usable(token: Option<&Token>, now: UnixMicros) -> Option<SecretString> {
    let token = token.filter(|token| now < token.use_until);
    token.map(|token| token.secret.clone())
}

fn use_until(now: UnixMicros, expires_in_seconds: u64) -> UnixMicros {
    now.plus(Duration::from_secs(expires_in_seconds).saturating_sub(MARGIN))
}

/// The bytes of a key between its first and its last line.
fn pkcs8(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (encoded, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let encoded: String = encoded.split_whitespace().collect();
    STANDARD.decode(encoded).ok()
}

/// Where tokens are. The assertion is as good as a token, so it does not go in the clear to another machine.
fn token_uri(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("its token_uri {text:?} is no address: {error}"))?;
    let host = url.host_str().unwrap_or_default();
    let address = host
        .trim_start_matches('[')
        .trim_end_matches(']')
        .parse::<IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_here => Ok(url),
        _ => Err(format!("its token_uri {text:?} is not https")),
    }
}

/// True when it can stand in a header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_used_until_some_minutes_before_its_end() {
        let now = UnixMicros(1_000_000);
        let until = |seconds: u64| use_until(now, seconds).since(now).as_secs();
        assert_eq!(until(3599), 3299);
        // One that is shorter than that is used once.
        assert_eq!((until(300), until(10), until(0)), (0, 0, 0));
    }
}
