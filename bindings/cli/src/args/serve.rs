//! What the control plane takes.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

/// What `serve` takes.
#[derive(Debug, Args)]
#[command(after_help = "Programs on this machine need no key as long as there is none; everybody else does.")]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one. VITESSE_HTTP_LISTEN, else 127.0.0.1:9001, if not given.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) listen: Option<SocketAddr>,
}

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a key for somebody, and show it this once.
    Add {
        /// Whose it is: what is done with it is done by this name.
        name: String,
    },
    /// List the keys that count, without themselves.
    List,
    /// Take a key back.
    Revoke {
        /// Its id, the part of it between `vts_` and the next `_`.
        id: String,
    },
}
