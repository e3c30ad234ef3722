use std::fmt;
use std::str::FromStr;

use super::{Error, did_you_mean};

/// Declares the kinds with everything known of them, so that none can lack an id or an explanation.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $name:ident = $id:literal, $status:ident, exit $exit:literal, remedy: $remedy:literal;)+) => {
        /// What kind of failure an [`Error`] is: the thing to match on.
        ///
        /// The id of a kind is stable: it is what HTTP answers, JSON output and logs carry, and it never
        /// changes meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ErrorKind {
            /// Every kind, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable snake_case id.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }

            /// What the kind means, in a sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => concat!($($doc),+).trim_ascii()),+ }
            }

            /// What usually helps.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy),+ }
            }

            /// The code a command exits with. Here, and not in a face, because two commands share it.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$name => $exit),+ }
            }

            /// Whether failures of this kind are usually gone when tried again.
            pub const fn usually_temporary(self) -> bool {
                match self { $(Self::$name => kinds!(@ $status)),+ }
            }
        }
    };
    (@ temporary) => { true };
    (@ permanent) => { false };
}

kinds! {
    /// The request, option or file given is wrong in itself.
    InvalidInput = "invalid_input", permanent, exit 2,
        remedy: "Correct what the message names and call again.";
    /// The configuration or environment of this process is wrong or incomplete.
    ConfigInvalid = "config_invalid", permanent, exit 3,
        remedy: "Set or correct the variable the message names; `vitesse env` lists them all.";
    /// There is no such integration, document, connection or file.
    NotFound = "not_found", permanent, exit 4,
        remedy: "Check the id or the path.";
    /// Somebody else changed or holds the same thing at this moment.
    Conflict = "conflict", temporary, exit 5,
        remedy: "Read the current state and try again.";
    /// A step was called before the one it depends on.
    Prerequisite = "prerequisite", permanent, exit 6,
        remedy: "Run the step the message names first.";
    /// The document is not an API description that can be used.
    SpecInvalid = "spec_invalid", permanent, exit 7,
        remedy: "Check that the address leads to the OpenAPI or Swagger document itself.";
    /// An address could not be reached, or its answer broke off.
    Unreachable = "unreachable", temporary, exit 8,
        remedy: "Check the address, that it is public, and the firewall between.";
    /// An address or redirect is refused by the guard: its scheme, its network or its size.
    AddressRefused = "address_refused", permanent, exit 9,
        remedy: "Use a public http(s) address, or allow this one in the configuration.";
    /// A peer refused the credentials, or they are missing or expired.
    CredentialRefused = "credential_refused", permanent, exit 10,
        remedy: "Check the credentials of the connection the message names.";
    /// A peer asked to slow down for longer than we may wait.
    RateLimited = "rate_limited", temporary, exit 11,
        remedy: "Wait as long as the message says, lower the rate, or use a smaller sample.";
    /// A mapping document breaks a rule, or can't be compiled.
    MappingInvalid = "mapping_invalid", permanent, exit 12,
        remedy: "Correct the lines the message names; the book's page on the mapping document describes it.";
    /// A record is not valid JSON, or a line of the mapping could not be applied to it.
    RecordInvalid = "record_invalid", permanent, exit 13,
        remedy: "Look at the record and byte the message names, or set `on_error` for the line.";
    /// A test ran and did not pass the gate.
    GateFailed = "gate_failed", permanent, exit 14,
        remedy: "Read the issues of the report; each names its field and a fix.";
    /// A target, backend or option can't do what was asked.
    Unsupported = "unsupported", permanent, exit 15,
        remedy: "Choose another target or option; the message names those that can.";
    /// An image or project could not be built.
    BuildFailed = "build_failed", permanent, exit 16,
        remedy: "Read the build log kept with the deployment.";
    /// A target did not bring the deployment up.
    DeployFailed = "deploy_failed", permanent, exit 17,
        remedy: "Read the reason of the target in the message and the deployment's log.";
    /// The caller may not do this.
    Unauthorized = "unauthorized", permanent, exit 18,
        remedy: "Send a valid key.";
    /// Something is larger, deeper or longer than its limit.
    LimitExceeded = "limit_exceeded", permanent, exit 19,
        remedy: "Send less, or raise the limit the message names.";
    /// The work took longer than its deadline.
    Timeout = "timeout", temporary, exit 20,
        remedy: "Try again, or raise the deadline the message names.";
    /// The work was cancelled before it ended.
    Cancelled = "cancelled", temporary, exit 130,
        remedy: "Start it again; what was finished is kept.";
    /// The store can't be reached or is held by another process.
    StoreUnavailable = "store_unavailable", temporary, exit 21,
        remedy: "Check that the database runs, or that no other process has the store open.";
    /// The store could not read or write, or what it holds is damaged.
    StoreFailed = "store_failed", permanent, exit 22,
        remedy: "Check the disk; restore a backup if the message says that data is damaged.";
    /// Reading or writing a file or stream failed.
    Io = "io", permanent, exit 23,
        remedy: "Check the path, its permissions and the space left.";
    /// A run of a deployment stopped before its end; what was delivered stays.
    RunFailed = "run_failed", temporary, exit 24,
        remedy: "Mend what the message names; the next run goes on from there.";
    /// A fault of Vitesse itself.
    Internal = "internal", permanent, exit 70,
        remedy: "Please report it with the message.";
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Reads an id back.
///
/// ```
/// use vitesse_core::ErrorKind;
/// assert_eq!("not_found".parse::<ErrorKind>().unwrap(), ErrorKind::NotFound);
/// assert!("not_fuond".parse::<ErrorKind>().unwrap_err().to_string().contains("not_found"));
/// ```
impl FromStr for ErrorKind {
    type Err = Error;

    fn from_str(id: &str) -> Result<Self, Error> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id).ok_or_else(|| {
            let error = Error::new(Self::NotFound, format!("there is no error id {id:?}"));
            match did_you_mean(id, Self::ALL.iter().map(|kind| kind.id())) {
                Some(hint) => error.help(hint),
                None => error.help("`vitesse errors` lists them"),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_stable_in_form_and_read_back() {
        let mut ids: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.id()).collect();
        for (kind, id) in ErrorKind::ALL.iter().zip(&ids) {
            assert!(id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{id}");
            assert_eq!(id.parse::<ErrorKind>().unwrap(), *kind);
            assert!(kind.meaning().ends_with('.') && kind.remedy().ends_with('.'), "{id}");
        }
        let mut codes: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        codes.sort_unstable();
        codes.dedup();
        // 0 is success, 1 is what a crashing process may leave.
        assert!(codes.len() == ErrorKind::ALL.len() && codes[0] > 1, "{codes:?}");
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), ErrorKind::ALL.len());
    }
}
