//! The four workloads, generated: the same seed gives the same bytes everywhere.
//!
//! | | what | bytes | keys |
//! |---|---|---|---|
//! | `a` | a flat CRM contact, nearly every field wanted | 665 | 29 |
//! | `b` | an order with five line items, unicode and escapes | 4,000 | nested |
//! | `c` | a wide record of which ten fields are wanted | 5,200 | 150 |
//! | `d` | a small event with a date and parses | 124 | 7 |

use std::fmt::Write as _;

/// How the records of a workload are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// Compact, every record in the same order.
    #[default]
    Plain,
    /// The members of every object in an order of their own.
    Shuffled,
    /// Three in ten members absent at random.
    Optional,
    /// Indented, as a pretty printer does it.
    Spaced,
    /// Keys longer than one vector register.
    LongKeys,
}

impl Variant {
    /// Every variant with its name on the command line.
    pub const ALL: [(&'static str, Self); 5] = [
        ("plain", Self::Plain),
        ("shuffled", Self::Shuffled),
        ("optional", Self::Optional),
        ("spaced", Self::Spaced),
        ("longkeys", Self::LongKeys),
    ];
}

/// A small generator of numbers with a fixed sequence (splitmix64).
pub struct Dice(u64);

impl Dice {
    /// The sequence of `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % bound as u64) as usize
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    fn letters(&mut self, from: usize, to: usize) -> String {
        let count = from + self.below(to - from + 1);
        (0..count).map(|_| (b'a' + self.below(26) as u8) as char).collect()
    }

    fn words(&mut self, bytes: usize) -> String {
        const WORDS: [&str; 16] = [
            "steel", "frame", "with", "soft", "grip", "and", "a", "year", "of", "warranty", "made", "for",
            "daily", "use", "outdoors", "indoors",
        ];
        let mut text = String::new();
        while text.len() < bytes {
            text.push_str(self.one(&WORDS));
            text.push(' ');
        }
        text.truncate(bytes.max(1) - 1);
        text
    }
}

/// A value to be written: text as it stands in JSON, or a container.
enum Json {
    Raw(String),
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
}

fn text(value: impl std::fmt::Display) -> Json {
    Json::Raw(format!("\"{value}\""))
}

fn raw(value: impl std::fmt::Display) -> Json {
    Json::Raw(value.to_string())
}

fn object<const N: usize>(members: [(&str, Json); N]) -> Json {
    Json::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// At least `bytes` bytes of NDJSON (indented documents for [`Variant::Spaced`]) of workload `name`.
pub fn generate(name: char, variant: Variant, bytes: usize) -> Option<Vec<u8>> {
    let record = match name {
        'a' => contact,
        'b' => order,
        'c' => wide,
        'd' => event,
        _ => return None,
    };
    let mut dice = Dice::new(u64::from(name as u32));
    let mut out = String::with_capacity(bytes + 8192);
    let mut index = 0;
    while out.len() < bytes {
        let mut value = record(&mut dice, index);
        vary(&mut value, variant, &mut dice);
        write(&value, variant, 0, &mut out);
        out.push('\n');
        index += 1;
    }
    Some(out.into_bytes())
}

fn vary(value: &mut Json, variant: Variant, dice: &mut Dice) {
    match value {
        Json::Raw(_) => {}
        Json::Array(items) => items.iter_mut().for_each(|item| vary(item, variant, dice)),
        Json::Object(members) => {
            members.iter_mut().for_each(|(_, value)| vary(value, variant, dice));
            match variant {
                Variant::Shuffled => {
                    for i in (1..members.len()).rev() {
                        members.swap(i, dice.below(i + 1));
                    }
                }
                Variant::Optional => members.retain(|_| dice.below(10) >= 3),
                Variant::LongKeys => members.iter_mut().for_each(|(key, _)| {
                    key.push_str("_with_a_name_that_is_longer_than_a_register");
                }),
                Variant::Plain | Variant::Spaced => {}
            }
        }
    }
}

fn write(value: &Json, variant: Variant, depth: usize, out: &mut String) {
    let spaced = variant == Variant::Spaced;
    let line = |out: &mut String, depth: usize| {
        if spaced {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    match value {
        Json::Raw(text) => out.push_str(text),
        Json::Object(members) => {
            out.push('{');
            for (i, (key, value)) in members.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                let _ = write!(out, "\"{key}\":{}", if spaced { " " } else { "" });
                write(value, variant, depth + 1, out);
            }
            line(out, depth);
            out.push('}');
        }
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write(item, variant, depth + 1, out);
            }
            line(out, depth);
            out.push(']');
        }
    }
}

fn contact(dice: &mut Dice, index: usize) -> Json {
    let (first, last) = (dice.letters(4, 9), dice.letters(5, 11));
    let company = if dice.below(10) == 0 {
        format!("The \\\"{}\\\" Company\\u00e9", dice.letters(4, 9))
    } else {
        format!("{} & Sons GmbH", dice.letters(5, 10))
    };
    let mut members = object([
        ("id", raw(10_000_000 + index)),
        ("external_ref", text(format!("crm-{:08}", dice.below(100_000_000)))),
        ("first_name", text(&first)),
        ("last_name", text(&last)),
        ("email", text(format!("{first}.{last}@example.com"))),
        ("phone", text(format!("+49 30 {:07}", dice.below(10_000_000)))),
        ("mobile", text(format!("+49 170 {:07}", dice.below(10_000_000)))),
        ("company_name", text(company)),
        ("job_title", text(dice.one(&["Head of Sales", "Engineer", "Buyer", "Chief Executive Officer"]))),
        ("department", text(dice.one(&["sales", "procurement", "it", "management"]))),
        ("street", text(format!("{} Street {}", dice.letters(5, 12), 1 + dice.below(200)))),
        ("street2", text(format!("Floor {}", 1 + dice.below(30)))),
        ("city", text(dice.one(&["Berlin", "San Francisco", "Rio de Janeiro", "Oslo", "Kyoto"]))),
        ("region", text(dice.one(&["BE", "CA", "RJ", "OS"]))),
        ("postal_code", text(format!("{:05}", dice.below(100_000)))),
        ("country_code", text(dice.one(&["DE", "US", "BR", "NO", "JP"]))),
        ("locale", text(dice.one(&["de-DE", "en-US", "pt-BR"]))),
        ("timezone", text(dice.one(&["Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo"]))),
        ("website", text(format!("https://www.{}.example.com/", dice.letters(5, 12)))),
        ("age", text(18 + dice.below(70))),
        ("credit_limit", text(format!("{}.{:02}", dice.below(100_000), dice.below(100)))),
        ("opted_in", text(dice.below(2) == 0)),
        ("score", raw(dice.below(100))),
        ("created_at", raw(1_500_000_000 + dice.below(200_000_000))),
        ("updated_at", text(iso(1_700_000_000 + dice.below(50_000_000) as i64))),
        ("owner_id", raw(dice.below(100_000))),
        ("source", text(dice.one(&["web", "fair", "phone", "partner"]))),
        ("lead_status", text(dice.one(&["new", "qualified", "won", "lost"]))),
        ("rating", raw(format!("{}.{}", dice.below(5), dice.below(10)))),
    ]);
    if let Json::Object(members) = &mut members
        && dice.below(10) == 0
    {
        // Only keys whose absence is plain to see in the output.
        members.remove([5, 6, 8, 9, 13, 16, 18][dice.below(7)]);
    }
    members
}

fn order(dice: &mut Dice, index: usize) -> Json {
    let address = |dice: &mut Dice| {
        object([
            ("street", text(format!("{} straße {}", dice.letters(5, 12), 1 + dice.below(200)))),
            ("city", text(dice.one(&["München", "Köln", "東京", "São Paulo"]))),
            ("zip", text(format!("{:05}", dice.below(100_000)))),
            ("country", text(dice.one(&["DE", "JP", "BR"]))),
        ])
    };
    let items = (0..5)
        .map(|position| {
            object([
                ("line_id", raw(index * 10 + position)),
                ("sku", text(format!("SKU-{:06}", dice.below(1_000_000)))),
                ("title", text(format!("{} \\u2122 {}", dice.letters(5, 10), dice.words(20)))),
                ("description", text(format!("{} – {}\\n{}", dice.words(90), "größe", dice.words(110)))),
                ("quantity", raw(1 + dice.below(9))),
                (
                    "price",
                    object([
                        ("amount", text(format!("{}.{:02}", dice.below(1000), dice.below(100)))),
                        ("currency", text("EUR")),
                    ]),
                ),
                (
                    "attributes",
                    object([
                        ("color", text(dice.one(&["rouge", "grün", "青", "black"]))),
                        ("weight_g", raw(dice.below(5000))),
                        ("dimensions", Json::Array((0..3).map(|_| raw(dice.below(500))).collect())),
                        (
                            "image",
                            text(format!("https://img.example.com/p/{:08}.jpg", dice.below(100_000_000))),
                        ),
                    ]),
                ),
                ("taxes", Json::Array(vec![object([("name", text("VAT")), ("rate", raw("0.19"))])])),
                ("gift", raw(dice.below(2) == 0)),
            ])
        })
        .collect();
    object([
        ("id", raw(900_000_000 + index)),
        ("number", text(format!("#{}", 1000 + index))),
        ("created_at", text(iso(1_700_000_000 + dice.below(50_000_000) as i64))),
        ("currency", text("EUR")),
        ("total", text(format!("{}.{:02}", dice.below(10_000), dice.below(100)))),
        ("note", text(format!("Bitte \\\"{}\\\" klingeln ☎", dice.letters(4, 9)))),
        (
            "customer",
            object([
                ("id", raw(dice.below(1_000_000))),
                ("name", text(format!("{} Müller", dice.letters(4, 9)))),
                ("email", text(format!("{}@example.org", dice.letters(6, 14)))),
                ("addresses", Json::Array(vec![address(dice), address(dice)])),
                ("preferences", object([("newsletter", raw(true)), ("language", text("de"))])),
            ]),
        ),
        (
            "shipping",
            object([("method", text("express")), ("address", address(dice)), ("price", raw("4.90"))]),
        ),
        ("line_items", Json::Array(items)),
        ("tags", Json::Array(vec![text("web"), text("b2c")])),
        ("client", object([("ip", text("203.0.113.9")), ("agent", text(dice.words(80)))])),
        (
            "history",
            Json::Array(
                (0..3).map(|i| object([("at", raw(1_700_000_000 + i)), ("event", text("paid"))])).collect(),
            ),
        ),
    ])
}

fn wide(dice: &mut Dice, index: usize) -> Json {
    let members = (0..150)
        .map(|i| {
            let value = match i % 5 {
                0 => text(dice.letters(4, 24)),
                1 => raw(dice.below(1_000_000_000)),
                2 => text(format!("{} {}", dice.letters(4, 12), dice.letters(4, 14))),
                3 => [raw(true), raw(false), raw("null")]
                    .into_iter()
                    .nth(dice.below(3))
                    .unwrap_or_else(|| raw(0)),
                _ => raw(format!("{}.{:03}", dice.below(10_000), dice.below(1000))),
            };
            (format!("{}_field_{i:03}", ["customer", "billing", "meta"][i % 3]), value)
        })
        .map(
            |(key, value)| {
                if key == "customer_field_000" { ("id".to_owned(), raw(index)) } else { (key, value) }
            },
        )
        .collect();
    Json::Object(members)
}

fn event(dice: &mut Dice, index: usize) -> Json {
    object([
        ("ts", raw(1_700_000_000 + index)),
        ("type", text(dice.one(&["click", "view", "purchase", "add_to_cart"]))),
        ("user", text(format!("u_{:06}", dice.below(1_000_000)))),
        ("amount", text(format!("{}.{:02}", dice.below(1000), dice.below(100)))),
        ("count", text(dice.below(50))),
        ("ok", text(dice.below(2) == 0)),
        ("session", text(format!("{:012x}", dice.below(1 << 48)))),
    ])
}

/// Seconds since 1970 as ISO 8601 in UTC.
fn iso(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_come_each_time_and_records_have_the_size_described() {
        for (name, size) in [('a', 665), ('b', 4000), ('c', 5200), ('d', 124)] {
            let bytes = generate(name, Variant::Plain, 200_000).unwrap();
            assert_eq!(bytes, generate(name, Variant::Plain, 200_000).unwrap());
            let records = bytes.iter().filter(|byte| **byte == b'\n').count();
            let mean = bytes.len() / records;
            assert!(mean * 10 > size * 9 && mean * 10 < size * 11, "{name}: {mean} bytes a record");
        }
    }
}
