//! Values that don't print, and the places they come from.
//!
//! A [`Secret`] can't be printed, serialised or compared by accident, and is wiped when dropped. A
//! [`CredentialSource`] hands secrets out by name: from the environment ([`EnvSource`]), from files
//! ([`FileSource`]), from an encrypted file (`EncryptedSource`, feature `store`), or from several ([`Layered`]).
//!
//! ```
//! use vitesse_core::secret::Secret;
//! let token = Secret::new("sk_live_123");
//! assert_eq!(format!("{token:?}"), "Secret(…)");
//! assert_eq!(token.expose(), "sk_live_123");
//! ```

#![forbid(unsafe_code)]

#[cfg(feature = "store")]
mod encrypted;
#[cfg(feature = "store")]
mod ring;
mod source;
mod value;

#[cfg(feature = "store")]
pub use encrypted::EncryptedSource;
#[cfg(feature = "store")]
pub use ring::KeyRing;
pub use source::{CredentialSource, EnvSource, FileSource, Layered};
pub use value::Secret;
