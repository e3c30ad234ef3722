use std::fmt;
use std::str::FromStr;

use super::number::number_length;
use super::{Number, Object, Value};
use crate::error::{Error, ErrorKind, Result};

/// How deep arrays and objects may nest unless told otherwise.
pub const MAX_DEPTH: usize = 128;

/// Reads one JSON text, strictly by RFC 8259 and nothing more lenient.
///
/// Refused besides broken grammar: invalid UTF-8, escapes that leave half of a surrogate pair, anything
/// but white space behind the value, a byte order mark, and nesting deeper than [`MAX_DEPTH`].
///
/// # Errors
/// Says what is wrong at which byte, counted from 0.
///
/// ```
/// use vitesse_core::mapping::value::read;
/// let error = read(br#"{"a": 01}"#).unwrap_err();
/// assert_eq!(error.byte, 7);
/// ```
pub fn read(text: &[u8]) -> Result<Value, ReadError> {
    read_within(text, MAX_DEPTH)
}

/// The same with a nesting limit of the caller's choice.
///
/// # Errors
/// As [`read`].
pub fn read_within(text: &[u8], max_depth: usize) -> Result<Value, ReadError> {
    let mut reader = Reader { text, at: 0, depth: 0, max_depth };
    reader.skip_white_space();
    let value = reader.value()?;
    reader.skip_white_space();
    if reader.at < text.len() {
        return Err(reader.wrong("there is more behind the end of the value"));
    }
    Ok(value)
}

/// Why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// Which byte, counted from 0.
    pub byte: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.byte)
    }
}

impl std::error::Error for ReadError {}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        Error::new(ErrorKind::RecordInvalid, error.what)
            .in_operation("mapping.read_json")
            .with("byte", error.byte)
    }
}

impl FromStr for Value {
    type Err = ReadError;

    fn from_str(text: &str) -> Result<Self, ReadError> {
        read(text.as_bytes())
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
    max_depth: usize,
}

type Read<T> = Result<T, ReadError>;

impl Reader<'_> {
    fn value(&mut self) -> Read<Value> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true", Value::Bool(true)),
            Some(b'f') => self.word(b"false", Value::Bool(false)),
            Some(b'n') => self.word(b"null", Value::Null),
            Some(_) => Err(self.wrong("a value was expected")),
            None => Err(self.wrong("the text ends where a value was expected")),
        }
    }

    fn nested(&mut self, inner: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        if self.depth == self.max_depth {
            return Err(self.wrong("the nesting is deeper than the limit"));
        }
        self.depth += 1;
        self.at += 1;
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn object(&mut self) -> Read<Value> {
        let mut object = Object::new();
        self.skip_white_space();
        if self.eat(b'}') {
            return Ok(Value::Object(object));
        }
        loop {
            self.skip_white_space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in quotes was expected"));
            }
            let key = self.string()?;
            self.skip_white_space();
            if !self.eat(b':') {
                return Err(self.wrong("a colon was expected"));
            }
            self.skip_white_space();
            // A repeated key replaces what stood there, wholly.
            let value = self.value()?;
            object.insert(key, value);
            self.skip_white_space();
            if self.eat(b'}') {
                return Ok(Value::Object(object));
            }
            if !self.eat(b',') {
                return Err(self.wrong("a comma or the end of the object was expected"));
            }
        }
    }

    fn array(&mut self) -> Read<Value> {
        let mut items = Vec::new();
        self.skip_white_space();
        if self.eat(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.skip_white_space();
            items.push(self.value()?);
            self.skip_white_space();
            if self.eat(b']') {
                return Ok(Value::Array(items));
            }
            if !self.eat(b',') {
                return Err(self.wrong("a comma or the end of the array was expected"));
            }
        }
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut bytes = Vec::new();
        let mut plain = self.at;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.plain_part(plain, &mut bytes)?;
                    self.at += 1;
                    // Each part was checked when it was taken, so this can't fail.
                    return String::from_utf8(bytes).map_err(|_| self.wrong("the string is not valid UTF-8"));
                }
                Some(b'\\') => {
                    self.plain_part(plain, &mut bytes)?;
                    let character = self.escape()?;
                    bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                    plain = self.at;
                }
                Some(0..=0x1f) => {
                    self.plain_part(plain, &mut bytes)?;
                    return Err(self.wrong("a control character in a string must be escaped"));
                }
                Some(_) => self.at += 1,
                None => {
                    self.plain_part(plain, &mut bytes)?;
                    return Err(self.wrong("the text ends within a string"));
                }
            }
        }
    }

    fn plain_part(&self, start: usize, bytes: &mut Vec<u8>) -> Read<()> {
        let part = &self.text[start..self.at];
        match std::str::from_utf8(part) {
            Ok(_) => {
                bytes.extend_from_slice(part);
                Ok(())
            }
            Err(error) => {
                Err(ReadError { byte: start + error.valid_up_to(), what: "the string is not valid UTF-8" })
            }
        }
    }

    fn escape(&mut self) -> Read<char> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(start),
            Some(_) => return Err(self.wrong("there is no such escape")),
            None => return Err(self.wrong("the text ends within a string")),
        };
        self.at += 1;
        Ok(simple)
    }

    fn unicode_escape(&mut self, start: usize) -> Read<char> {
        const LONE: &str = "the escape is half of a surrogate pair without its other half";
        let lone = Err(ReadError { byte: start, what: LONE });
        self.at += 1;
        let first = self.four_hex_digits()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !self.text[self.at..].starts_with(b"\\u") {
                    return lone;
                }
                self.at += 2;
                match self.four_hex_digits()? {
                    second @ 0xdc00..=0xdfff => 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00),
                    _ => return lone,
                }
            }
            code => code,
        };
        // The only codes left that are no character are the second halves of pairs.
        char::from_u32(code).ok_or(ReadError { byte: start, what: LONE })
    }

    fn four_hex_digits(&mut self) -> Read<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.wrong("four hexadecimal digits were expected"));
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }

    fn number(&mut self) -> Read<Value> {
        let rest = &self.text[self.at..];
        match number_length(rest) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&rest[..length]).into_owned();
                self.at += length;
                if matches!(self.peek(), Some(b'0'..=b'9')) {
                    return Err(self.wrong("a number can't start with a zero and go on"));
                }
                Ok(Value::Number(Number::from_valid(text)))
            }
            Err(at) => {
                self.at += at;
                Err(self.wrong("a digit was expected"))
            }
        }
    }

    fn word(&mut self, word: &'static [u8], value: Value) -> Read<Value> {
        for expected in word {
            if self.peek() != Some(*expected) {
                return Err(self.wrong("a value was expected"));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn skip_white_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn wrong(&self, what: &'static str) -> ReadError {
        ReadError { byte: self.at, what }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: impl AsRef<[u8]>, expect: Result<&str, usize>) {
        let found = read(text.as_ref()).map(|value| value.to_string()).map_err(|error| error.byte);
        assert_eq!(found, expect.map(str::to_owned), "{}", String::from_utf8_lossy(text.as_ref()));
    }

    #[test]
    fn what_is_valid_comes_through_as_it_is() {
        for text in ["null", "-0", "1.0", "1e400", "123456789012345678901234567890", "\"é\"", "[]", "{}"] {
            check(text, Ok(text));
        }
        check(" { \"a\" : [ 1 , true ] }\r\n", Ok(r#"{"a":[1,true]}"#));
        check(r#""\u00e9\ud83d\ude00\/\u0000""#, Ok("\"é😀/\\u0000\""));
        check(r#"{"a":{"x":1,"y":2},"b":1,"a":{"x":3}}"#, Ok(r#"{"a":{"x":3},"b":1}"#));
    }

    #[test]
    fn what_is_not_is_refused_at_its_byte() {
        check("", Err(0));
        check("01", Err(1));
        check("-", Err(1));
        check("1.", Err(2));
        check("1e+", Err(3));
        check("+1", Err(0));
        check("tru", Err(3));
        check("[1,]", Err(3));
        check("{\"a\":1,}", Err(7));
        check("{a:1}", Err(1));
        check("[1] x", Err(4));
        check("\"a", Err(2));
        check("\"\t\"", Err(1));
        check("\"\\x\"", Err(2));
        check(r#""ab\ud800""#, Err(3));
        check(r#""ab\udc00""#, Err(3));
        check(r#""\ud800\u0041""#, Err(1));
        check(r#""\u00g0""#, Err(5));
        check(b"\"a\xff\"", Err(2));
        check(b"\"\xed\xa0\x80\"", Err(1));
        check("\u{feff}1", Err(0));
        check("NaN", Err(0));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(read(nested(MAX_DEPTH).as_bytes()).is_ok());
        check(nested(MAX_DEPTH + 1), Err(MAX_DEPTH));
        check("[".repeat(100_000), Err(MAX_DEPTH));
        assert!(read_within(b"[[]]", 1).is_err());
    }

    #[test]
    fn many_keys_stay_quick_and_in_order() {
        let text = (0..20_000).map(|n| format!("\"k{n}\":{n}")).collect::<Vec<_>>().join(",");
        let value = read(format!("{{{text},\"k7\":null}}").as_bytes()).unwrap();
        let object = value.as_object().unwrap();
        assert_eq!((object.len(), object.get("k7")), (20_000, Some(&Value::Null)));
        assert_eq!(object.keys().nth(7), Some("k7"));
    }
}

#[cfg(test)]
mod laws {
    use proptest::prelude::*;

    use super::*;

    /// JSON-like bytes: pieces of JSON, right and wrong, in any order.
    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"a\"", "\"\"", "1", "-0", "01", "1.5", "1.", "-",
                "1e5", "true", "false", "null", " ", "\n", "\\", "\"", "\"\\u00e9\"", "\"\\ud83d\\ude00\"",
                "\"\\ud800\"", "\"\\udc00x\"", "\"\\x\"", "\u{c}", "nul", "{\"a\":[1]}", "é"])
                .prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..3),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn serde_json_accepts_and_refuses_the_same(text in any_text()) {
            let ours = read(&text);
            let judge = serde_json::from_slice::<serde_json::Value>(&text);
            // Digits are kept here and a float there: 1e501 is a number that only the judge can't hold.
            if judge.as_ref().is_err_and(|error| error.to_string().starts_with("number out of range")) {
                return Ok(());
            }
            prop_assert_eq!(ours.is_ok(), judge.is_ok(), "{:?} {:?}", ours, judge);
            if let (Ok(ours), Ok(judge)) = (ours, judge) {
                let again: serde_json::Value = serde_json::from_str(&ours.to_string()).unwrap();
                prop_assert_eq!(again, judge);
                prop_assert_eq!(read(ours.to_string().as_bytes()).unwrap(), ours);
            }
        }
    }
}
