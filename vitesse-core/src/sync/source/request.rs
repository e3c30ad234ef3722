//! The requests that read.

use crate::error::{Error, ErrorKind, Result};
use crate::mapping::{FieldPath, ParamPlace, Step, Value, value::Object};
use crate::net::{Method, RequestBuilder, Url};

use super::super::connection::Peer;
use super::super::json::plain;

/// A request being put together.
#[derive(Clone, Debug)]
pub(super) struct ReadRequest {
    pub(super) method: String,
    pub(super) url: Url,
    headers: Vec<(String, String)>,
    body: Option<Value>,
}

impl ReadRequest {
    /// A request for a path under the peer's base URL.
    pub(super) fn new(
        peer: &Peer,
        method: &str,
        path: &str,
        params: &Object,
        headers: &Object,
        body: Option<&Value>,
    ) -> Result<Self> {
        let text = format!("{}{path}", peer.base_url);
        let url = Url::parse(&text).map_err(|error| {
            Error::new(ErrorKind::InvalidInput, format!("the source's address is not a URL: {error}"))
                .in_operation("sync.read")
                .help("check base_url and path of the mapping's source")
        })?;
        let mut request = Self { method: method.to_owned(), url, headers: Vec::new(), body: body.cloned() };
        for (name, value) in params.iter() {
            match value {
                Value::Array(many) => {
                    many.iter().filter_map(plain).for_each(|value| {
                        request.url.query_pairs_mut().append_pair(name, &value);
                    });
                }
                one => request.set(ParamPlace::Query, name, &plain(one).unwrap_or_default()),
            }
        }
        request.headers =
            headers.iter().filter_map(|(name, value)| Some((name.to_owned(), plain(value)?))).collect();
        Ok(request)
    }

    /// Sets a parameter, in place of one of that name.
    pub(super) fn set(&mut self, place: ParamPlace, name: &str, value: &str) {
        match place {
            ParamPlace::Query => {
                let others: Vec<(String, String)> = self
                    .url
                    .query_pairs()
                    .filter(|(known, _)| known != name)
                    .map(|(name, value)| (name.into_owned(), value.into_owned()))
                    .collect();
                self.url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
            }
            ParamPlace::Header => {
                self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
                self.headers.push((name.to_owned(), value.to_owned()));
            }
            ParamPlace::Body => {
                let path = name.parse().unwrap_or_else(|_| FieldPath::new([Step::Key(name.to_owned())]));
                // A number that was written as one in the document stays one.
                let value = match crate::mapping::Number::new(value) {
                    Some(number) => Value::Number(number),
                    None => Value::from(value),
                };
                let body = self.body.get_or_insert_with(|| Value::Object(Object::new()));
                put(body, path.steps(), value);
            }
        }
    }

    /// Ready to be sent.
    pub(super) fn build(&self, peer: &Peer) -> Result<RequestBuilder> {
        let method = Method::from_bytes(self.method.as_bytes()).map_err(|_| {
            Error::new(ErrorKind::MappingInvalid, format!("{:?} is no HTTP method", self.method))
        })?;
        let mut request = peer.client.request(method, self.url.as_str()).header("accept", "application/json");
        if let Some(auth) = &peer.auth {
            request = request.auth(auth);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &self.body {
            request = request.body("application/json", body.to_string().into_bytes());
        }
        // Listing changes nothing, whatever its method.
        Ok(request.repeatable(true))
    }
}

/// Puts a value at a path of keys, making objects on the way.
pub(in crate::sync) fn put(target: &mut Value, path: &[Step], value: Value) {
    let Some((step, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    let Step::Key(key) = step else { return };
    if !matches!(target, Value::Object(_)) {
        *target = Value::Object(Object::new());
    }
    if let Value::Object(object) = target {
        if !object.contains_key(key) {
            object.insert(key.clone(), Value::Null);
        }
        if let Some(inner) = object.get_mut(key) {
            put(inner, rest, value);
        }
    }
}

/// Fills `{name}` places of a path.
pub(in crate::sync) fn fill(template: &str, value_of: impl Fn(&str) -> Option<String>) -> Result<String> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        text.push_str(before);
        let Some(close) = from.find('}') else {
            text.push_str(from);
            return Ok(text);
        };
        let name = &from[1..close];
        let value = value_of(name).ok_or_else(|| {
            Error::new(ErrorKind::RecordInvalid, format!("there is no value for {{{name}}}"))
                .with("in", template)
        })?;
        text.push_str(&value);
        rest = &from[close + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

/// A text as one segment of a path.
pub(in crate::sync) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    // A segment of dots would lead to another path.
    if encoded.bytes().all(|byte| byte == b'.') { encoded.replace('.', "%2E") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_and_nothing_leaves_its_segment() {
        let value = |name: &str| (name == "id").then(|| segment("a/b?c"));
        assert_eq!(fill("/x/{id}/y", value).unwrap(), "/x/a%2Fb%3Fc/y");
        assert!(fill("/x/{other}", value).is_err());
        assert_eq!(segment(".."), "%2E%2E");
    }

    #[test]
    fn values_are_put_into_a_body() {
        let mut body: Value = r#"{"query":"x"}"#.parse().unwrap();
        put(&mut body, "variables.after".parse::<FieldPath>().unwrap().steps(), "c1".into());
        assert_eq!(body.to_string(), r#"{"query":"x","variables":{"after":"c1"}}"#);
    }
}
