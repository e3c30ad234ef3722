use super::integration::{Integration, Status};

/// Which integrations to list; everything that is `None` doesn't matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only at this status.
    pub status: Option<Status>,
    /// Only with this text in the name, in any case.
    pub name: Option<String>,
    /// Only made by this person.
    pub created_by: Option<String>,
    /// Only for this target.
    pub deployment_target: Option<String>,
}

impl Filter {
    pub(super) fn takes(&self, integration: &Integration) -> bool {
        let Self { status, name, created_by, deployment_target } = self;
        let named = |part: &String| integration.name.to_lowercase().contains(&part.to_lowercase());
        status.is_none_or(|status| status == integration.status)
            && name.as_ref().is_none_or(named)
            && created_by.as_ref().is_none_or(|by| *by == integration.created_by)
            && deployment_target.as_ref().is_none_or(|target| *target == integration.deployment_target)
    }
}

/// Which part of a list to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    /// The [`Listed::next`] of the page before; `None` for the first page.
    pub after: Option<String>,
    /// At most this many items; at least one is given if there is one.
    pub limit: usize,
}

impl Default for Paging {
    fn default() -> Self {
        Self { after: None, limit: 50 }
    }
}

/// A page of a list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// Pass it as [`Paging::after`] for the next page; `None` at the end.
    pub next: Option<String>,
}
