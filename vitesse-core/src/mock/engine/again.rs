//! Idempotency keys.

use std::collections::{HashMap, VecDeque};
use std::sync::PoisonError;

use http::{HeaderName, HeaderValue};

use super::{Asked, Mock};
use crate::mock::answer::{Answer, Problem};
use crate::mock::options::Idempotency;
use crate::mock::random::mix_text;
use crate::spec::Location;

/// The most idempotency keys that are remembered; the oldest is forgotten first.
const MOST_KEYS: usize = 10_000;

/// What was answered to which idempotency key.
#[derive(Debug, Default)]
pub(super) struct Replays {
    answers: HashMap<String, (u64, Answer)>,
    order: VecDeque<String>,
}

impl Mock {
    /// Carries a request out, or gives the answer again that its idempotency key had.
    pub(super) fn once(&self, asked: &Asked<'_>) -> Result<Answer, Problem> {
        let described = asked.endpoint.parameters.iter().find(|parameter| {
            parameter.location == Location::Header
                && parameter.name.to_ascii_lowercase().contains("idempotency")
        });
        let name = match self.options.idempotency {
            _ if !self.options.stateful || asked.endpoint.method.is_safe() => None,
            Idempotency::Ignored => None,
            Idempotency::AsDescribed => described.map(|parameter| &*parameter.name),
            Idempotency::Honoured => Some(described.map_or("idempotency-key", |parameter| &*parameter.name)),
        };
        let Some(key) = name.and_then(|name| asked.carried.header(name)).filter(|key| !key.is_empty()) else {
            return self.carry_out(asked);
        };
        let body = mix_text(0, &String::from_utf8_lossy(asked.request.body()));
        let key = format!("{} {} {key}", asked.request.method(), asked.request.uri().path());
        // Held until the answer is there: the second of two at once waits for the first.
        let mut replays = self.replays.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, answer)) = replays.answers.get(&key) {
            if *known != body {
                let detail = "this idempotency key came before, with another body";
                return Err(Problem::new(422, "Idempotency key reused", detail));
            }
            let mut answer = answer.clone();
            answer
                .response
                .headers_mut()
                .insert(HeaderName::from_static("idempotent-replayed"), HeaderValue::from_static("true"));
            answer.note = "the answer of the same idempotency key again".into();
            return Ok(answer);
        }
        let answer = self.carry_out(asked)?;
        if replays.order.len() >= MOST_KEYS
            && let Some(oldest) = replays.order.pop_front()
        {
            replays.answers.remove(&oldest);
        }
        replays.order.push_back(key.clone());
        replays.answers.insert(key, (body, answer.clone()));
        Ok(answer)
    }
}
