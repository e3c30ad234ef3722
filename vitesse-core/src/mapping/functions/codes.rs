//! Hashes, identifiers, encodings.

use super::convert;
use super::{Function, Param, ParamKind, ex, fails, optional, refused, single, text::of_text};
use crate::mapping::Value;
use crate::mapping::functions::args::wrong;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::Digest as _;

const URL_SAFE: Param = optional(
    "url_safe",
    ParamKind::Bool,
    "false",
    "Whether the alphabet for addresses is used, without padding.",
);

pub(super) const TABLE: &[Function] = &[
    Function {
        name: "hash",
        aliases: &["sha256", "checksum"],
        params: &[optional(
            "algorithm",
            ParamKind::OneOf(&["sha256", "sha1", "md5"]),
            r#""sha256""#,
            "Which hash; sha1 and md5 are for systems that expect them, not for security.",
        )],
        summary: "The hash of a text, in hexadecimal digits.",
        doc: "Of a value that isn't text its compact JSON is hashed.",
        examples: &[
            ex("{}", &[r#""abc""#], r#""ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad""#),
            ex(r#"{"algorithm": "md5"}"#, &[r#""abc""#], r#""900150983cd24fb0d6963f7d28e17f72""#),
            ex(r#"{"algorithm": "sha1"}"#, &[r#""abc""#], r#""a9993e364706816aba3e25717850c26c9cd0d89d""#),
        ],
        build: |args| {
            let algorithm = args.text("algorithm").to_owned();
            single(move |value| {
                let text = convert::stringify(value);
                let bytes = text.as_str().unwrap_or_default().as_bytes();
                Ok(match algorithm.as_str() {
                    "sha1" => hex(&sha1::Sha1::digest(bytes)),
                    "md5" => hex(&md5::Md5::digest(bytes)),
                    _ => hex(&sha2::Sha256::digest(bytes)),
                }
                .into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "uuid_v5",
        aliases: &["uuid", "uuid5"],
        params: &[optional(
            "namespace",
            ParamKind::String,
            r#""6ba7b812-9dad-11d1-80b4-00c04fd430c8""#,
            "The namespace, a UUID, or one of the names dns, url, oid and x500.",
        )],
        summary: "A UUID that is always the same for the same text.",
        examples: &[
            ex(
                r#"{"namespace": "dns"}"#,
                &[r#""www.example.com""#],
                r#""2ed6657d-e927-568b-95e1-2665a8aea6a2""#,
            ),
            fails(r#"{"namespace": "shop"}"#, &["1"]),
        ],
        build: |args| {
            let namespace = match args.text("namespace") {
                "dns" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                "url" => "6ba7b811-9dad-11d1-80b4-00c04fd430c8",
                "oid" => "6ba7b812-9dad-11d1-80b4-00c04fd430c8",
                "x500" => "6ba7b814-9dad-11d1-80b4-00c04fd430c8",
                other => other,
            };
            let namespace = uuid_bytes(namespace).ok_or_else(|| wrong("namespace", "it is not a UUID"))?;
            single(move |value| {
                let text = convert::stringify(value);
                let mut hash = sha1::Sha1::new();
                hash.update(namespace);
                hash.update(text.as_str().unwrap_or_default());
                let mut bytes = hash.finalize();
                bytes[6] = (bytes[6] & 0x0f) | 0x50;
                bytes[8] = (bytes[8] & 0x3f) | 0x80;
                let hex = hex(&bytes[..16]);
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                Ok(parts.join("-").into())
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "base64_encode",
        params: &[URL_SAFE],
        summary: "Writes a text in base64.",
        examples: &[
            ex("{}", &[r#""héllo?""#], r#""aMOpbGxvPw==""#),
            ex(r#"{"url_safe": true}"#, &[r#""héllo?""#], r#""aMOpbGxvPw""#),
        ],
        inverse: Some("base64_decode"),
        build: |args| {
            let engine = if args.flag("url_safe") { URL_SAFE_NO_PAD } else { STANDARD };
            of_text(move |text| Ok(engine.encode(text).into()))
        },
        ..Function::DEFAULT
    },
    Function {
        name: "base64_decode",
        params: &[URL_SAFE],
        summary: "Reads a text in base64.",
        doc: "What comes out must be valid UTF-8.",
        examples: &[
            ex("{}", &[r#""aMOpbGxvPw==""#], r#""héllo?""#),
            fails("{}", &[r#""/w==""#]),
            fails("{}", &[r#""?""#]),
        ],
        inverse: Some("base64_encode"),
        build: |args| {
            let engine = if args.flag("url_safe") { URL_SAFE_NO_PAD } else { STANDARD };
            of_text(move |text| {
                let bytes = engine.decode(text).map_err(|_| refused("it is not base64"))?;
                String::from_utf8(bytes).map(Value::from).map_err(|_| refused("what it holds is not text"))
            })
        },
        ..Function::DEFAULT
    },
    Function {
        name: "url_encode",
        aliases: &["percent_encode"],
        summary: "Writes a text so that it can stand in an address.",
        doc: "Letters, digits and - . _ ~ stay; every other byte becomes %XX.",
        examples: &[ex("{}", &[r#""a b&é""#], r#""a%20b%26%C3%A9""#)],
        build: |_| {
            of_text(|text| {
                let mut out = String::new();
                for byte in text.bytes() {
                    match byte {
                        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                            out.push(char::from(byte))
                        }
                        _ => {
                            out.push('%');
                            out.push_str(&hex(&[byte]).to_uppercase());
                        }
                    }
                }
                Ok(out.into())
            })
        },
        ..Function::DEFAULT
    },
];

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let shaped = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    let digits: String = text.chars().filter(|character| *character != '-').collect();
    shaped.then(|| u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)).flatten()
}
