use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chacha20poly1305::aead::{Aead, OsRng, Payload};
use chacha20poly1305::{AeadCore, KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{CredentialSource, EnvSource, Secret};
use crate::error::{Error, ErrorKind, Result};

const MAGIC: &[u8] = b"VS1";
const ID: usize = 8;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Keys that seal values at rest: the first seals, all open.
///
/// A sealed value is encrypted and authenticated (XChaCha20-Poly1305) together with its context, the name of the place
/// it belongs to, so that it can't be changed, and can't be moved to another place. It names its key, so keys
/// can be rotated: put the new one first, seal everything anew, take the old one out.
///
/// ```
/// use vitesse_core::secret::{KeyRing, Secret};
///
/// let old = KeyRing::generate();
/// let ring = KeyRing::parse(&old)?;
/// let sealed = ring.seal(b"refresh token", b"connections/crm");
/// assert_eq!(&ring.open(&sealed, b"connections/crm")?[..], b"refresh token");
/// assert!(ring.open(&sealed, b"connections/shop").is_err());
///
/// let both = Secret::new(format!("{},{}", KeyRing::generate().expose(), old.expose()));
/// let rotated = KeyRing::parse(&both)?;
/// assert!(rotated.open(&sealed, b"connections/crm").is_ok() && !rotated.is_newest(&sealed));
/// # Ok::<(), vitesse_core::Error>(())
/// ```
pub struct KeyRing {
    keys: Vec<Key>,
}

struct Key {
    id: [u8; ID],
    cipher: XChaCha20Poly1305,
}

impl KeyRing {
    /// Reads keys, the newest first, separated by commas, spaces or lines. Each is 32 random bytes as 64 hexadecimal
    /// digits or in base64. Passphrases are refused: guessing one takes no stolen key, only a stolen file.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] for what isn't such a key, or can't be random.
    pub fn parse(text: &Secret) -> Result<Self> {
        let mut keys: Vec<Key> = Vec::new();
        for (at, word) in
            text.expose().split([',', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty()).enumerate()
        {
            let refused = |message: &'static str| {
                Error::new(ErrorKind::ConfigInvalid, message)
                    .in_operation("secret.keys")
                    .with("key", at + 1)
                    .help("make one with `openssl rand -base64 32` and keep it in SECRET_KEY or SECRET_KEY_FILE")
            };
            let bytes =
                decode(word).ok_or_else(|| refused("a key is not 32 bytes in hexadecimal or base64"))?;
            let distinct = bytes.iter().collect::<std::collections::HashSet<_>>().len();
            // 32 random bytes practically never have fewer than 16 different ones.
            if distinct < 16 {
                return Err(refused("a key is not random"));
            }
            let cipher = XChaCha20Poly1305::new_from_slice(&bytes[..])
                .map_err(|_| refused("a key is not 32 bytes in hexadecimal or base64"))?;
            let key = Key { id: id(&cipher), cipher };
            if keys.iter().all(|known| known.id != key.id) {
                keys.push(key);
            }
        }
        match keys.is_empty() {
            false => Ok(Self { keys }),
            true => Err(no_key()),
        }
    }

    /// The keys of `SECRET_KEY`, or of the file that `SECRET_KEY_FILE` names.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if neither is set, or what they hold is no key.
    pub fn from_env() -> Result<Self> {
        Self::parse(&EnvSource.get("SECRET_KEY")?.ok_or_else(no_key)?)
    }

    /// A new random key, as [`parse`](Self::parse) reads it.
    pub fn generate() -> Secret {
        let key = Zeroizing::new(<[u8; 32]>::from(XChaCha20Poly1305::generate_key(&mut OsRng)));
        Secret::new(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// Seals a value for the place that `context` names, with the newest key.
    pub fn seal(&self, plain: &[u8], context: &[u8]) -> Vec<u8> {
        let key = &self.keys[0];
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let mut sealed = [MAGIC, &key.id, &nonce].concat();
        // The cipher refuses only messages beyond 256 GB; an empty text then can't be opened, so nothing is lost unseen.
        sealed.extend(key.cipher.encrypt(&nonce, Payload { msg: plain, aad: context }).unwrap_or_default());
        sealed
    }

    /// Opens what was sealed for that place; wiped from memory when it is dropped.
    ///
    /// # Errors
    /// [`ErrorKind::ConfigInvalid`] if its key is not in the ring, [`ErrorKind::StoreFailed`] if it was changed, cut or
    /// moved from another place.
    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let damaged = || {
            Error::new(
                ErrorKind::StoreFailed,
                "a sealed value was changed, cut off or moved from another place",
            )
            .in_operation("secret.open")
            .help("restore a backup, or enter the value again")
        };
        let (id, rest) = sealed
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_at_checked(ID))
            .filter(|(_, rest)| rest.len() >= NONCE + TAG)
            .ok_or_else(damaged)?;
        let key = self.keys.iter().find(|key| key.id == id).ok_or_else(|| {
            Error::new(ErrorKind::ConfigInvalid, "a value was sealed with a key that is not there")
                .in_operation("secret.open")
                .with("key id", hex(id))
                .with("keys there", self.keys.iter().map(|key| hex(&key.id)).collect::<Vec<_>>().join(", "))
                .help("add the key it was sealed with to SECRET_KEY, behind the newest and a comma")
        })?;
        let (nonce, cipher) = rest.split_at(NONCE);
        let payload = Payload { msg: cipher, aad: context };
        key.cipher.decrypt(XNonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| damaged())
    }

    /// Whether the value was sealed with the newest key.
    pub fn is_newest(&self, sealed: &[u8]) -> bool {
        sealed.strip_prefix(MAGIC).is_some_and(|rest| rest.starts_with(&self.keys[0].id))
    }
}

/// The ids of the keys, which tell nothing of them.
impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|key| hex(&key.id))).finish()
    }
}

fn no_key() -> Error {
    Error::new(ErrorKind::ConfigInvalid, "there is no key to seal sensitive values with")
        .in_operation("secret.keys")
        .help("set SECRET_KEY, or SECRET_KEY_FILE, to a key made with `openssl rand -base64 32`")
}

/// What the key makes of a fixed message: the same for ever, and no way back to the key.
fn id(cipher: &XChaCha20Poly1305) -> [u8; ID] {
    let sealed = cipher.encrypt(&XNonce::default(), &b"vitesse key id"[..]).unwrap_or_default();
    let mut id = [0; ID];
    id.iter_mut().zip(sealed).for_each(|(to, from)| *to = from);
    id
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(word: &str) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = if word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        (0..64)
            .step_by(2)
            .map(|at| u8::from_str_radix(&word[at..at + 2], 16).ok())
            .collect::<Option<Vec<_>>>()
    } else {
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        [&STANDARD, &URL_SAFE]
            .iter()
            .find_map(|alphabet| GeneralPurpose::new(alphabet, config).decode(word).ok())
    };
    bytes.map(Zeroizing::new).filter(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() -> KeyRing {
        KeyRing::parse(&KeyRing::generate()).unwrap()
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let ring = ring();
        let sealed = ring.seal(b"secret", b"here");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(ring.open(&changed, b"here").is_err(), "byte {at}");
            assert!(ring.open(&sealed[..at], b"here").is_err(), "cut at {at}");
        }
        assert_eq!(ring.open(&sealed, b"there").unwrap_err().kind(), ErrorKind::StoreFailed);
        assert_ne!(sealed, ring.seal(b"secret", b"here"), "the same value never seals alike");
    }

    #[test]
    fn a_missing_key_is_named_not_shown() {
        let sealed = ring().seal(b"secret", b"here");
        let error = ring().open(&sealed, b"here").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConfigInvalid);
        assert!(error.to_string().contains("SECRET_KEY"), "{error}");
    }

    #[test]
    fn weak_keys_are_refused_without_being_repeated() {
        for weak in
            ["", " , ", "your_secret_key", "correct horse battery staple", &"00".repeat(32), &"ab".repeat(31)]
        {
            let error = KeyRing::parse(&Secret::new(weak)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConfigInvalid, "{weak}");
            assert!(error.to_string().contains("openssl rand"), "{error}");
            assert!(
                weak.trim_matches([' ', ',']).is_empty() || !format!("{error:?}").contains(weak),
                "{error:?}"
            );
        }
    }

    #[test]
    fn hexadecimal_and_base64_of_either_alphabet_are_the_same_key() {
        let bytes: Vec<u8> = (0..32).map(|n| 255 - n * 3).collect();
        let standard = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new()).encode(&bytes);
        let forms = [
            hex(&bytes),
            hex(&bytes).to_uppercase(),
            standard.clone(),
            standard.replace('=', ""),
            standard.replace('+', "-").replace('/', "_"),
        ];
        let sealed = KeyRing::parse(&Secret::new(&*standard)).unwrap().seal(b"x", b"");
        for form in forms {
            assert!(KeyRing::parse(&Secret::new(form)).unwrap().open(&sealed, b"").is_ok());
        }
    }
}
