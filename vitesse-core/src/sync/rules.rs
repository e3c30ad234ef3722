//! What to do on which answer: the rules of the mapping, made ready.

use std::time::Duration;

use crate::error::Result;
use crate::mapping::{Functions, Predicate, Problem, Problems, ResponseAction, ResponseRule, Value};
use crate::net::{HeaderMap, StatusCode};

/// The rules of one side; the first that applies counts.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    statuses: Option<Vec<Status>>,
    header: Option<(String, Option<regex_lite::Regex>)>,
    body: Option<Predicate>,
    verdict: Ruled,
}

/// What a rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruled {
    pub(super) action: ResponseAction,
    pub(super) after: Option<Duration>,
    pub(super) max_tries: Option<u64>,
}

#[derive(Debug)]
enum Status {
    Code(u64),
    Class(u16),
}

impl Rules {
    /// Makes the rules ready; they were checked with the mapping.
    pub(super) fn new(rules: &[ResponseRule], pointer: &str, functions: &Functions) -> Result<Self> {
        let mut problems = Vec::new();
        let mut ready = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            let pointer = format!("{pointer}/{at}/when");
            let statuses = rule.when.status.as_ref().map(|status| match status {
                Value::Array(many) => many.iter().filter_map(Status::of).collect(),
                one => Status::of(one).into_iter().collect(),
            });
            let pattern = match rule.when.header_matches.as_deref().map(regex_lite::Regex::new).transpose() {
                Ok(pattern) => pattern,
                Err(error) => {
                    problems.push(Problem::new(format!("{pointer}/header_matches"), error.to_string()));
                    None
                }
            };
            ready.push(Rule {
                statuses,
                header: rule.when.header.clone().map(|name| (name, pattern)),
                body: rule.when.body.as_ref().and_then(|body| {
                    Predicate::new(body, &format!("{pointer}/body"), functions, &mut problems)
                }),
                verdict: Ruled { action: rule.action, after: rule.after, max_tries: rule.max_tries },
            });
        }
        if problems.is_empty() { Ok(Self(ready)) } else { Err(Problems(problems).into()) }
    }

    /// What is to be done with an answer, if a rule is for it.
    ///
    /// # Errors
    /// If a rule's jq expression fails.
    pub(super) fn for_answer(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        body: impl Fn() -> Option<Value>,
    ) -> Result<Option<Ruled>> {
        // Read once, and only if a rule asks for it.
        let mut read: Option<Option<Value>> = None;
        for rule in &self.0 {
            let by_status =
                rule.statuses.as_ref().is_none_or(|wanted| wanted.iter().any(|one| one.is(status)));
            let by_header = rule.header.as_ref().is_none_or(|(name, pattern)| {
                headers.get_all(name).iter().any(|value| {
                    let text = String::from_utf8_lossy(value.as_bytes());
                    pattern.as_ref().is_none_or(|pattern| pattern.is_match(&text))
                })
            });
            if !by_status || !by_header {
                continue;
            }
            if let Some(predicate) = &rule.body
                && !predicate.holds(read.get_or_insert_with(&body).as_ref())?
            {
                continue;
            }
            return Ok(Some(rule.verdict));
        }
        Ok(None)
    }
}

impl Status {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_u64().map(Self::Code),
            Value::String(class) => {
                class.bytes().next().map(|digit| Self::Class(u16::from(digit.wrapping_sub(b'0'))))
            }
            _ => None,
        }
    }

    fn is(&self, status: StatusCode) -> bool {
        match self {
            Self::Code(code) => u64::from(status.as_u16()) == *code,
            Self::Class(class) => status.as_u16() / 100 == *class,
        }
    }
}
