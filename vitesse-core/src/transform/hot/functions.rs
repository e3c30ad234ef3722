//! The functions that have a fast form; all others give no fast plan.

use super::program::Value as Write;
use crate::mapping::FieldPath;
use crate::mapping::functions::Ready;

/// How the result of a function is written, and the literal bytes if it is always the same.
pub(super) fn known(function: &Ready, sources: &[FieldPath]) -> Option<(Write, Option<Box<[u8]>>)> {
    let param = |name: &str| function.params.get(name);
    match function.name.as_str() {
        _ if function.from_host => None,
        "constant" if sources.is_empty() => {
            Some((Write::Nothing, Some(param("value")?.to_string().into_bytes().into())))
        }
        _ => None,
    }
}
