//! Where requests come in and answers leave, on either side.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use http::{Request, Response};
use hyper::body::Incoming;

use super::admin::Admin;
use super::answer::Reply;
use super::data::Data;
use super::listen::Answers;
use super::pulse::Pulse;
use crate::service::shared::Shared;

/// Whom a listener is for.
#[derive(Clone, Copy)]
pub(in crate::service) enum Whom {
    Callers,
    Operators,
}

/// A listener of either side. Both are of one type, so that what carries requests is there once, and inlined where it
/// is used.
#[derive(Clone)]
pub(in crate::service) struct Door {
    shared: Arc<Shared>,
    whom: Whom,
}

impl Door {
    pub(in crate::service) fn new(shared: &Arc<Shared>, whom: Whom) -> Self {
        Self { shared: shared.clone(), whom }
    }
}

impl Answers for Door {
    type Body = Reply;

    async fn answer(
        &self,
        request: Request<Incoming>,
        pulse: &Arc<Pulse>,
    ) -> Result<Response<Reply>, Infallible> {
        let (head, body) = request.into_parts();
        let answer = match self.whom {
            Whom::Callers => Data(&self.shared).answer(&head, body, pulse).await,
            // What operators ask takes much room while it is worked on, and no request for data needs to carry that.
            Whom::Operators => Box::pin(Admin(&self.shared).answer(&head, body, pulse)).await,
        };
        // From here on it is the caller's turn to take the answer, and to ask again.
        pulse.beat();
        Ok(answer.into_response(head.headers))
    }

    fn open(&self) -> &AtomicI64 {
        match self.whom {
            Whom::Callers => &self.shared.metrics.data_connections,
            Whom::Operators => &self.shared.metrics.admin_connections,
        }
    }

    /// Records are transformed before anybody could go away, and what a webhook brought is kept either way.
    fn gives_up(&self) -> bool {
        matches!(self.whom, Whom::Operators)
    }
}
