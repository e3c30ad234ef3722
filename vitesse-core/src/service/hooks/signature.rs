//! Whether a webhook comes from whom it says: the schemes that providers sign by.

use ::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use super::{Hook, invalid};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::secret::Secret;

/// How a webhook is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// `X-Hub-Signature-256: sha256=HEX` over the body.
    Github,
    /// `Stripe-Signature: t=SECONDS,v1=HEX` over time and body.
    Stripe,
    /// `X-Shopify-Hmac-Sha256: BASE64` over the body.
    Shopify,
    /// `X-Slack-Signature: v0=HEX` over version, time and body.
    Slack,
    /// `webhook-signature: v1,BASE64` over id, time and body; with `svix-` in front of the headers too.
    Standard,
    /// An HMAC with SHA-256 of the body, in a header of its own.
    Hmac {
        /// The header.
        header: String,
        /// Whether it is written in base64, and not in hexadecimal digits.
        base64: bool,
        /// What stands before it.
        prefix: String,
    },
    /// The secret itself in a header. It proves who sends, and nothing about what is sent.
    Token {
        /// The header.
        header: String,
    },
}

const NAMES: [&str; 7] = ["github", "stripe", "shopify", "slack", "standard", "hmac", "token"];

/// A webhook as it came.
pub(in crate::service) struct Incoming<'r> {
    pub(in crate::service) headers: &'r HeaderMap,
    pub(in crate::service) body: &'r [u8],
    /// Seconds since the epoch.
    pub(in crate::service) now: i64,
}

/// What a signature proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::service) struct Proof {
    /// Names this very sending; `None` if nothing does.
    pub(in crate::service) once: Option<String>,
    /// Whether it can't be sent again later, since its time is signed.
    pub(in crate::service) timed: bool,
}

impl Scheme {
    /// The scheme of that name.
    pub(super) fn named(
        name: &str,
        header: Option<String>,
        encoding: Option<String>,
        prefix: Option<String>,
    ) -> Result<Self> {
        let own = matches!(name, "hmac" | "token");
        if !own && (header.is_some() || encoding.is_some() || prefix.is_some()) {
            return Err(invalid("header, encoding and prefix are for the schemes hmac and token"));
        }
        let needed = || {
            let header = header.clone().ok_or_else(|| invalid("this scheme needs the name of a header"))?;
            match ::http::HeaderName::from_bytes(header.as_bytes()) {
                Ok(_) => Ok(header),
                Err(_) => Err(invalid("this can't be the name of a header").with("header", header)),
            }
        };
        Ok(match name {
            "github" => Self::Github,
            "stripe" => Self::Stripe,
            "shopify" => Self::Shopify,
            "slack" => Self::Slack,
            "standard" | "svix" => Self::Standard,
            "hmac" => Self::Hmac {
                header: needed()?,
                base64: match encoding.as_deref() {
                    None | Some("hex") => false,
                    Some("base64") => true,
                    Some(other) => {
                        return Err(invalid("the encoding is hex or base64").with("encoding", other));
                    }
                },
                prefix: prefix.unwrap_or_default(),
            },
            "token" => Self::Token { header: needed()? },
            other => {
                let error = invalid("there is no such scheme").with("scheme", other);
                let known = format!("there are {}", NAMES.join(", "));
                return Err(error.help(did_you_mean(other, NAMES).unwrap_or(known)));
            }
        })
    }

    /// Refuses secrets that could sign nothing.
    pub(super) fn check_secrets(&self, secrets: &[Secret]) -> Result<()> {
        match self {
            Self::Standard => secrets.iter().try_for_each(|secret| key_of(secret).map(drop)),
            _ => Ok(()),
        }
    }
}

impl Hook {
    /// Checks who sent a webhook.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] saying what is missing or wrong, but not what would be right.
    pub(in crate::service) fn verify(&self, incoming: &Incoming<'_>) -> Result<Proof> {
        match &self.scheme {
            Scheme::Github => {
                let given = hex(&prefixed(header(incoming, "x-hub-signature-256")?, "sha256=")?)?;
                self.signed(&[incoming.body], &[given], None)
            }
            Scheme::Shopify => {
                let given = base64(header(incoming, "x-shopify-hmac-sha256")?)?;
                self.signed(&[incoming.body], &[given], None)
            }
            Scheme::Slack => {
                let time = header(incoming, "x-slack-request-timestamp")?;
                let given = hex(&prefixed(header(incoming, "x-slack-signature")?, "v0=")?)?;
                let proof = self.signed(&[b"v0:", time.as_bytes(), b":", incoming.body], &[given], None)?;
                self.timed(time, incoming.now, proof)
            }
            Scheme::Stripe => {
                let text = header(incoming, "stripe-signature")?;
                let parts = || text.split(',').filter_map(|part| part.trim().split_once('='));
                let time = parts().find(|(name, _)| *name == "t").map(|(_, value)| value);
                let time = time.ok_or_else(|| refused("the signature has no time"))?;
                let given: Vec<_> = parts()
                    .filter(|(name, _)| *name == "v1")
                    .filter_map(|(_, value)| hex(value).ok())
                    .collect();
                let proof = self.signed(&[time.as_bytes(), b".", incoming.body], &given, None)?;
                self.timed(time, incoming.now, proof)
            }
            Scheme::Standard => {
                let named = |name: &str| {
                    header(incoming, &format!("webhook-{name}"))
                        .or_else(|error| header(incoming, &format!("svix-{name}")).map_err(|_| error))
                };
                let (id, time, text) = (named("id")?, named("timestamp")?, named("signature")?);
                let given: Vec<_> = text
                    .split(' ')
                    .filter_map(|part| part.strip_prefix("v1,"))
                    .filter_map(|part| base64(part).ok())
                    .collect();
                let signed = [id.as_bytes(), b".", time.as_bytes(), b".", incoming.body];
                let proof = self.signed(&signed, &given, Some(id))?;
                self.timed(time, incoming.now, proof)
            }
            Scheme::Hmac { header: name, base64: is_base64, prefix } => {
                let text = prefixed(header(incoming, name)?, prefix)?;
                let given = if *is_base64 { base64(&text)? } else { hex(&text)? };
                self.signed(&[incoming.body], &[given], None)
            }
            Scheme::Token { header: name } => {
                let given = header(incoming, name)?;
                let given = given.strip_prefix("Bearer ").unwrap_or(given);
                // Each is compared, so that the time doesn't tell which it was.
                match self.secrets.iter().fold(false, |found, secret| secret.is(given) | found) {
                    true => Ok(Proof { once: None, timed: false }),
                    false => Err(refused("the token is not the right one")),
                }
            }
        }
    }

    /// Whether one of the secrets made one of the signatures.
    fn signed(&self, parts: &[&[u8]], given: &[Vec<u8>], id: Option<&str>) -> Result<Proof> {
        for secret in &self.secrets {
            let key = match self.scheme {
                Scheme::Standard => key_of(secret)?,
                _ => secret.expose().as_bytes().to_vec(),
            };
            let mac = mac(&key, parts)?;
            // The comparison takes as long wherever they differ.
            if given.iter().any(|given| mac.clone().verify_slice(given).is_ok()) {
                let once = match id {
                    Some(id) => format!("id:{id}"),
                    None => format!("signature:{}", STANDARD.encode(mac.finalize().into_bytes())),
                };
                let once = Sha256::digest(once).iter().map(|byte| format!("{byte:02x}")).collect();
                return Ok(Proof { once: Some(once), timed: false });
            }
        }
        Err(refused("the signature is not the right one")
            .help("check the secret on both ends, and that nothing between changes the body"))
    }

    /// Whether a time that was signed is near enough.
    fn timed(&self, time: &str, now: i64, proof: Proof) -> Result<Proof> {
        let time: i64 = time.parse().map_err(|_| refused("the time is no number of seconds"))?;
        let apart = now.abs_diff(time);
        if apart > self.tolerance.as_secs() {
            return Err(refused("the time is too far from ours")
                .with("seconds", apart)
                .help("set the clocks right, or raise the hook's `tolerance`"));
        }
        Ok(Proof { timed: true, ..proof })
    }
}

/// The signature that Standard Webhooks gives to a message.
pub(in crate::service) fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Result<String> {
    let time = seconds.to_string();
    let mac = mac(&key_of(secret)?, &[id.as_bytes(), b".", time.as_bytes(), b".", body])?;
    Ok(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Result<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .map_err(|_| Error::new(ErrorKind::Internal, "the key can't sign"))?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac)
}

/// `whsec_` and base64, or any other text as it is.
fn key_of(secret: &Secret) -> Result<Vec<u8>> {
    match secret.expose().strip_prefix("whsec_") {
        None => Ok(secret.expose().as_bytes().to_vec()),
        Some(encoded) => {
            STANDARD.decode(encoded).map_err(|_| invalid("what follows whsec_ in the secret is not base64"))
        }
    }
}

fn header<'r>(incoming: &Incoming<'r>, name: &str) -> Result<&'r str> {
    let found = incoming.headers.get(name).and_then(|value| value.to_str().ok());
    found.map(str::trim).filter(|value| !value.is_empty()).ok_or_else(|| {
        refused("a header of the signature is missing").with("header", name.to_ascii_lowercase())
    })
}

fn prefixed(text: &str, prefix: &str) -> Result<String> {
    let rest = text.strip_prefix(prefix).ok_or_else(|| refused("the signature is written in another way"))?;
    Ok(rest.to_owned())
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    let bytes: Option<Vec<u8>> = match text.len() % 2 {
        0 => pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect(),
        _ => None,
    };
    bytes.ok_or_else(|| refused("the signature is not hexadecimal"))
}

fn base64(text: &str) -> Result<Vec<u8>> {
    STANDARD.decode(text).map_err(|_| refused("the signature is not base64"))
}

fn refused(message: &'static str) -> Error {
    Error::new(ErrorKind::Unauthorized, message).in_operation("service.hook")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Hooks;
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn hook(written: &str) -> Hook {
        let text = format!(r#"{{"h": {written}}}"#);
        Hooks::parse(&Secret::new(text)).unwrap().get("h").unwrap().clone()
    }

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
            })
            .collect()
    }

    fn verify(hook: &Hook, pairs: &[(&str, &str)], body: &str) -> Result<Proof> {
        hook.verify(&Incoming { headers: &headers(pairs), body: body.as_bytes(), now: NOW })
    }

    fn hex_of(key: &str, text: &str) -> String {
        let mac = mac(key.as_bytes(), &[text.as_bytes()]).unwrap().finalize().into_bytes();
        mac.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn the_mac_is_that_of_the_standard() {
        // RFC 4231, test case 2.
        assert_eq!(
            hex_of("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn what_providers_publish_is_taken() {
        // GitHub's own example.
        let github = hook(r#"{"scheme": "github", "secret": "It's a Secret to Everybody"}"#);
        let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let proof = verify(&github, &[("X-Hub-Signature-256", signature)], "Hello, World!").unwrap();
        assert!(proof.once.is_some() && !proof.timed);
        // Standard Webhooks' own example.
        let standard = hook(
            r#"{"scheme": "svix", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "tolerance": "999999h"}"#,
        );
        let given = [
            ("svix-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("svix-timestamp", "1614265330"),
            ("svix-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        assert!(verify(&standard, &given, r#"{"test": 2432232314}"#).unwrap().timed);
        // Slack's own example.
        let slack = hook(
            r#"{"scheme": "slack", "secret": "8f742231b10e8888abcd99yyyzzz85a5", "tolerance": "999999h"}"#,
        );
        let body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
        let given = [
            ("x-slack-request-timestamp", "1531420618"),
            ("x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"),
        ];
        assert!(verify(&slack, &given, body).unwrap().timed);
    }

    #[test]
    fn stripe_takes_any_of_several_signatures_and_secrets() {
        let stripe = hook(r#"{"scheme": "stripe", "secret": ["new", "old"]}"#);
        let right = hex_of("old", &format!("{NOW}.{{}}"));
        let given = format!("t={NOW}, v1={}, v1={right},v0=00", "0".repeat(64));
        let proof = verify(&stripe, &[("stripe-signature", &given)], "{}").unwrap();
        let late = verify(&stripe, &[("stripe-signature", &given)], "{ }").unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Unauthorized);
        // However else it is dressed up, it is the same sending.
        let again = format!("v1={right},t={NOW}");
        assert_eq!(verify(&stripe, &[("stripe-signature", &again)], "{}").unwrap(), proof);
        let old = NOW - 301;
        let given = format!("t={old},v1={}", hex_of("new", &format!("{old}.{{}}")));
        let error = verify(&stripe, &[("stripe-signature", &given)], "{}").unwrap_err();
        assert!(error.to_string().contains("301"), "{error}");
    }

    #[test]
    fn what_is_missing_or_wrong_is_refused() {
        let github = hook(r#"{"scheme": "github", "secret": "s"}"#);
        let shopify = hook(r#"{"scheme": "shopify", "secret": "s"}"#);
        let token = hook(r#"{"scheme": "token", "header": "X-Gitlab-Token", "secret": "s"}"#);
        let right = hex_of("s", "{}");
        let wrong: Vec<(&Hook, Vec<(&str, &str)>)> = vec![
            (&github, vec![]),
            (&github, vec![("x-hub-signature-256", &right)]),
            (&github, vec![("x-hub-signature-256", "sha256=")]),
            (&github, vec![("x-hub-signature-256", "sha256=zz")]),
            (&github, vec![("x-hub-signature-256", "sha256=é")]),
            (&shopify, vec![("x-shopify-hmac-sha256", "AAAA")]),
            (&shopify, vec![("x-shopify-hmac-sha256", "*")]),
            (&token, vec![("x-gitlab-token", "")]),
            (&token, vec![("x-gitlab-token", "ss")]),
        ];
        for (hook, given) in wrong {
            let error = verify(hook, &given, "{}").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized, "{given:?}");
            assert!(!error.to_string().contains(&right));
        }
        verify(&token, &[("x-gitlab-token", "s")], "{}").unwrap();
        let own = hook(r#"{"scheme": "hmac", "header": "X-Sig", "prefix": "hmac ", "secret": "s"}"#);
        verify(&own, &[("x-sig", &format!("hmac {right}"))], "{}").unwrap();
    }

    proptest! {
        #[test]
        fn what_we_sign_we_take_and_nothing_else(
            body in ".{0,200}", id in "[a-z0-9]{1,20}", at in 0usize..200, time in -299i64..299,
        ) {
            let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
            let hook = hook(r#"{"scheme": "standard", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}"#);
            let seconds = (NOW + time).to_string();
            let signature = sign(&secret, &id, NOW + time, body.as_bytes()).unwrap();
            let given = [
                ("webhook-id", id.as_str()),
                ("webhook-timestamp", seconds.as_str()),
                ("webhook-signature", signature.as_str()),
            ];
            prop_assert!(verify(&hook, &given, &body).is_ok());
            let mut other = body.clone().into_bytes();
            other.insert(at.min(other.len()), b'x');
            let all = headers(&given);
            let changed = Incoming { headers: &all, body: &other, now: NOW };
            prop_assert!(hook.verify(&changed).is_err());
        }
    }
}
