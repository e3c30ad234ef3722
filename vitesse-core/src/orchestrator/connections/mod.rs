//! Named credential sets, one for an API: kept in the credential source, never in an integration.

mod authorize;
mod loopback;
mod record;
mod test;

pub use authorize::{Authorization, AuthorizeOptions};
pub use record::{Connection, NewConnection};
pub use test::ConnectionTest;

pub(super) use record::secret_name;
