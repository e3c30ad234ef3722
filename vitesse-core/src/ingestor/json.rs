//! JSON text to a [`Tree`], in one pass and without recursion.

use std::borrow::Cow;

use super::tree::{Kind, MAX_DEPTH, Node, Tree};
use crate::spec::{Action, DiagnosticKind};

/// Where and why a text is no JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: String,
}

pub(crate) fn parse(text: &str) -> Result<Tree<'_>, SyntaxError> {
    let mut tree = Tree::over(Cow::Borrowed(text));
    // Real documents have a node for every 12 to 20 bytes; growing is cheaper than guessing too high.
    tree.nodes.reserve(text.len() / 16);
    let mut parser = Parser { bytes: text.as_bytes(), at: 0, tree };
    match parser.document() {
        Ok(()) => Ok(parser.tree),
        Err(message) => Err(error_at(text, parser.at, message)),
    }
}

fn error_at(text: &str, at: usize, message: &str) -> SyntaxError {
    let before = &text.as_bytes()[..at.min(text.len())];
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    SyntaxError { line, column: before.len() - start + 1, message: message.to_owned() }
}

struct Parser<'t> {
    bytes: &'t [u8],
    at: usize,
    tree: Tree<'t>,
}

type Step<T = ()> = Result<T, &'static str>;

impl Parser<'_> {
    fn document(&mut self) -> Step {
        let mut open: Vec<usize> = Vec::with_capacity(32);
        self.space();
        'value: loop {
            // A value begins here.
            let node = self.tree.nodes.len();
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(c @ (b'{' | b'[')) => {
                    if open.len() >= MAX_DEPTH {
                        self.too_deep()?;
                    } else {
                        let kind = if c == b'{' { Kind::Object } else { Kind::List };
                        self.tree.nodes.push(Node::new(kind, self.at, 0));
                        self.at += 1;
                        self.space();
                        if self.peek() == Some(c + 2) {
                            self.at += 1;
                            self.tree.nodes[node].set_len(node + 1);
                        } else {
                            open.push(node);
                            if c == b'{' {
                                self.key()?;
                            }
                            continue 'value;
                        }
                    }
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true", Kind::True)?,
                Some(b'f') => self.word(b"false", Kind::False)?,
                Some(b'n') => self.word(b"null", Kind::Null)?,
                None => return Err("the text ends where a value should be"),
                Some(_) => return Err("a value should be here"),
            }
            // A value ended here.
            loop {
                self.space();
                let Some(&container) = open.last() else {
                    return if self.at == self.bytes.len() {
                        Ok(())
                    } else {
                        Err("there is more after the value")
                    };
                };
                let object = self.tree.nodes[container].kind() == Kind::Object;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                        }
                        continue 'value;
                    }
                    Some(b'}') if object => {
                        self.close(container);
                        self.tree.drop_duplicates(container);
                    }
                    Some(b']') if !object => self.close(container),
                    None => return Err("the text ends inside an object or list"),
                    Some(_) if object => return Err("a comma or } should be here"),
                    Some(_) => return Err("a comma or ] should be here"),
                }
                open.pop();
            }
        }
    }

    fn close(&mut self, container: usize) {
        self.at += 1;
        let end = self.tree.nodes.len();
        self.tree.nodes[container].set_len(end);
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn key(&mut self) -> Step {
        if self.peek() != Some(b'"') {
            return Err("a key in double quotes should be here");
        }
        self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err("a colon should be here");
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    fn string(&mut self) -> Step {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        let start = self.at + 1;
        let mut at = start;
        let mut kind = Kind::Text;
        loop {
            // Eight bytes at a time, as long as none of them is a quote, a backslash or a control.
            while let Some(word) = self.bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()) {
                let word = u64::from_le_bytes(word);
                let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
                let special = zero(word ^ (ONES * u64::from(b'"')))
                    | zero(word ^ (ONES * u64::from(b'\\')))
                    | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS);
                if special != 0 {
                    at += special.trailing_zeros() as usize / 8;
                    break;
                }
                at += 8;
            }
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    kind = Kind::Escaped;
                    let end = match self.bytes.get(at + 1) {
                        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => at + 2,
                        Some(b'u') => at + 6,
                        _ => {
                            self.at = at;
                            return Err("the backslash begins no escape");
                        }
                    };
                    let hex = self.bytes.get(at + 2..end).unwrap_or_default();
                    if end == at + 6 && (hex.len() < 4 || !hex.iter().all(u8::is_ascii_hexdigit)) {
                        self.at = at;
                        return Err("the escape \\u needs four hex digits");
                    }
                    at = end;
                }
                None => {
                    self.at = self.bytes.len();
                    return Err("the text ends inside a string");
                }
                Some(0..0x20) => {
                    let node = self.tree.nodes.len();
                    let message = "a control character stands in a string without an escape";
                    self.tree.fault(node, DiagnosticKind::LooseSyntax, Action::Repaired, message);
                    at += 1;
                }
                Some(_) => at += 1,
            }
        }
        self.tree.nodes.push(Node::new(kind, start, at - start));
        self.at = at + 1;
        Ok(())
    }

    fn number(&mut self) -> Step {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if !is_number(&self.bytes[start..self.at]) {
            self.at = start;
            return Err("this isn't a number");
        }
        self.tree.nodes.push(Node::new(Kind::Number, start, self.at - start));
        Ok(())
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Step {
        if !self.bytes[self.at..].starts_with(word) {
            return Err("a value should be here");
        }
        self.tree.nodes.push(Node::new(kind, self.at, word.len()));
        self.at += word.len();
        Ok(())
    }

    /// Passes over a container that is nested too deep, leaving a null.
    fn too_deep(&mut self) -> Step {
        let node = self.tree.nodes.len();
        let message = format!("nested deeper than {MAX_DEPTH}");
        self.tree.fault(node, DiagnosticKind::TooDeep, Action::Skipped, message);
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') => depth -= 1,
                Some(b'"') => {
                    self.string()?;
                    self.tree.nodes.truncate(node);
                    self.at -= 1;
                }
                Some(_) => {}
                None => return Err("the text ends inside an object or list"),
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
        self.tree.nodes.push(Node::new(Kind::Null, start, 0));
        Ok(())
    }
}

/// Whether the bytes are a number of JSON.
pub(crate) fn is_number(bytes: &[u8]) -> bool {
    let digits = |bytes: &[u8]| bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let mut rest = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix(b".") {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
        let count = digits(exponent);
        if count == 0 {
            return false;
        }
        rest = &exponent[count..];
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn back(text: &str) -> Value {
        let tree = parse(text).unwrap();
        serde_json::from_str(&tree.root().to_json(usize::MAX).unwrap()).unwrap()
    }

    #[test]
    fn faults_are_located() {
        let fault = |text: &str| parse(text).map(|_| ()).unwrap_err();
        assert_eq!(
            fault("{\n  \"a\": 1,\n  b: 2\n}"),
            SyntaxError { line: 3, column: 3, message: "a key in double quotes should be here".into() }
        );
        for bad in [
            "", "{", "[1,]", "[1 2]", "{\"a\"}", "01", "1.", "tru", "\"\\x\"", "\"\\u12", "[}", "1 2",
            "{\"a\":1",
        ] {
            fault(bad);
            assert!(serde_json::from_str::<Value>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_last_of_equal_keys_counts_and_is_told() {
        let tree = parse(r#"{"a":1,"b":{"x":1,"\u0078":2},"a":3}"#).unwrap();
        assert_eq!(tree.root().get("a").unwrap().as_number(), Some("3"));
        assert_eq!(tree.root().get("b").unwrap().to_json(99).unwrap(), r#"{"x":2}"#);
        let pointers: Vec<_> = tree.faults.iter().map(|fault| tree.pointer(fault.node)).collect();
        assert_eq!(pointers, ["#/b/x", "#/a"]);
    }

    #[test]
    fn depth_is_bounded_and_costs_only_what_is_too_deep() {
        let deep = format!("{{\"deep\":{}{},\"b\":1}}", "[".repeat(100_000), "]".repeat(100_000));
        let tree = parse(&deep).unwrap();
        assert_eq!(tree.root().get("b").unwrap().as_number(), Some("1"));
        assert_eq!(tree.faults.len(), 1);
    }

    #[test]
    fn pointers_lines_and_large_objects() {
        let members: Vec<_> = (0..100).map(|n| format!("\"k/{n}\": [0, {{\"x\": {n}}}]")).collect();
        let text = format!("{{\n{}\n}}", members.join(",\n"));
        let tree = parse(&text).unwrap();
        let x = tree.root().get("k/77").unwrap().items().nth(1).unwrap().get("x").unwrap();
        assert_eq!(x.as_number(), Some("77"));
        assert_eq!(tree.pointer(x.node()), "#/k~177/1/x");
        assert_eq!(tree.lines_of(&[x.node()]), [79]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            // Eighths are exact: serde_json reads other fractions to the last digit but one.
            any::<i32>().prop_map(|n| Value::from(f64::from(n) / 8.0)),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..8)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in value()) {
            prop_assert_eq!(back(&value.to_string()), value.clone());
            prop_assert_eq!(back(&serde_json::to_string_pretty(&value).unwrap()), value);
        }

        #[test]
        fn agrees_with_serde_json_on_what_is_json(text in r#"[\[\]{}",:\\u0-9a-e .+\-tfn]{0,24}"#) {
            let ours = parse(&text);
            let theirs = serde_json::from_str::<Value>(&text);
            // A number beyond f64 is a fault to serde_json, and kept as digits here.
            if let Ok(theirs) = theirs {
                prop_assert_eq!(serde_json::from_str::<Value>(&ours.unwrap().root().to_json(999).unwrap()).unwrap(), theirs);
            }
        }
    }

    #[test]
    fn escapes() {
        assert_eq!(back(r#""\u00e9\n\ud83d\ude00\/""#), json!("é\n😀/"));
        assert_eq!(back(r#""\ud83dx""#), json!("\u{fffd}x"));
    }
}
