//! What follows from a model: how lists are paged, where records are, what belongs together.

mod auth;
mod pagination;
mod rate;
mod records;
mod resources;

pub(crate) use rate::said;

use crate::spec::ApiSpec;

/// Derives everything, in the order in which one fact leads to the next.
pub(crate) fn all(spec: &mut ApiSpec) {
    auth::derive(spec);
    records::derive(spec);
    resources::derive(spec);
    pagination::derive(spec);
    rate::derive(spec);
}
