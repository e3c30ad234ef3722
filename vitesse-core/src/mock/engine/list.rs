//! A page of a list.

use std::sync::{Arc, PoisonError};

use http::{HeaderValue, header};
use serde_json::Value;

use super::example::content_type;
use super::{Asked, Mock};
use crate::mock::answer::{Answer, Problem, response};
use crate::mock::negotiate;
use crate::mock::page::{self, Page, set};
use crate::mock::random::mix_text;
use crate::mock::state::{Filter, Kind, Place, Within};
use crate::spec::{Media, PaginationKind, StatusResponse};

impl Mock {
    pub(super) fn list(
        &self,
        asked: &Asked<'_>,
        described: &StatusResponse,
        media: Option<&Media>,
        place: &Place,
        kind: &Kind,
        within: &Within,
    ) -> Result<Answer, Problem> {
        let endpoint = asked.endpoint;
        let schemas = &self.spec.schemas;
        let (Some(media), Some(records)) = (media, endpoint.records.as_deref()) else {
            return self.example(described, asked.request, &asked.wishes, asked.seed);
        };
        let record = records.schema.and_then(|id| schemas.get(id));
        let filter =
            record.map(|record| Filter::of(endpoint, kind, record, &asked.taken.query)).unwrap_or_default();
        let all = self.state.list(place, within, &filter);
        let page = page::cut(endpoint, &asked.carried, all, filter.is_backwards(), &kind.key)?;
        let uri = asked.request.uri();
        let next = page.next_url(&asked.origin, uri.path(), uri.query().unwrap_or_default());
        let body = self.envelope(asked, media, &records.path, &page, next.as_deref());
        let mut answer = self.with_headers(
            Answer::new(response(negotiate::status(described), &content_type(media), body)),
            described,
            asked.seed,
        );
        let linked =
            endpoint.pagination.as_deref().is_some_and(|paging| paging.kind == PaginationKind::LinkHeader);
        if linked {
            answer.response.headers_mut().remove(header::LINK);
            if let Some(link) =
                next.and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok())
            {
                answer.response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(answer)
    }

    /// The whole body of a page: the records as they are, in what the description puts around them.
    fn envelope(
        &self,
        asked: &Asked<'_>,
        media: &Media,
        path: &str,
        page: &Page,
        next: Option<&str>,
    ) -> String {
        /// Stands for the records until their texts are put there.
        const MARK: &str = "\u{1}records\u{1}";
        const MARK_TEXT: &str = "\"\\u0001records\\u0001\"";
        let joined = page.records.iter().map(|record| &*record.text).collect::<Vec<_>>().join(",");
        if path == "[]" || path.is_empty() {
            return format!("[{joined}]");
        }
        let known =
            self.envelopes.lock().unwrap_or_else(PoisonError::into_inner).get(&asked.position).cloned();
        let template = known.unwrap_or_else(|| {
            let mut made = match (&media.example, media.schema) {
                (Some(example), _) => example.value(),
                (None, Some(schema)) => {
                    self.samples.sample(schema, mix_text(self.options.seed, &asked.endpoint.path))
                }
                (None, None) => Value::Null,
            };
            set(&mut made, path, Some(MARK.into()));
            let made = Arc::new(made);
            self.envelopes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(asked.position, made.clone());
            made
        });
        let mut envelope = (*template).clone();
        page.tell(&self.spec.schemas, asked.endpoint, &mut envelope, media.schema, next);
        envelope.to_string().replacen(MARK_TEXT, &format!("[{joined}]"), 1)
    }
}
