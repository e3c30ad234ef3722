//! Texts by meaning, format and length.

use super::data::{COLORS, JOBS, PRODUCTS, SENTENCES, WORDS};
use super::draw::Person;
use super::meaning::Meaning;
use super::random::Random;

/// A text of a format that not every text of its meaning has; `None` for formats that say nothing of form.
pub(super) fn of_format(format: &str, random: &mut Random, person: &Person, moment: i64) -> Option<String> {
    Some(match format {
        "date-time" | "datetime" => date_time(random, moment),
        "date" | "full-date" => date(moment),
        "time" => format!("{}Z", &clock(moment)),
        "duration" => format!("P{}DT{}H", random.below(30), 1 + random.below(23)),
        "email" | "idn-email" => email(person),
        "hostname" | "idn-hostname" => person.host.to_owned(),
        "ipv4" | "ip" => ip(random),
        "ipv6" => format!("2001:db8::{:x}:{:x}", 1 + random.below(65_000), 1 + random.below(65_000)),
        "uri" | "url" | "iri" => url(random, person),
        "uri-reference" | "iri-reference" => format!("/items/{}", random.below(10_000)),
        "uuid" | "guid" => uuid(random),
        "json-pointer" => "/items/0/name".to_owned(),
        "relative-json-pointer" => "1/name".to_owned(),
        "uri-template" => "/items/{id}".to_owned(),
        "regex" => "^[a-z]+$".to_owned(),
        "byte" | "base64" => ["aGVsbG8=", "w6l0w6k=", "AAECAwQ="]
            .map(str::to_owned)
            .into_iter()
            .nth(random.below(3) as usize)?,
        "phone" | "e164" | "phone-number" => format!("{}{:06}", person.place.phone, random.below(1_000_000)),
        "decimal" | "money" => money(random),
        "int32" | "int64" | "integer" => random.below(100_000).to_string(),
        _ => return None,
    })
}

/// A text of a meaning.
pub(super) fn of_meaning(
    meaning: Meaning,
    random: &mut Random,
    person: &Person,
    moment: i64,
) -> Option<String> {
    let place = &person.place;
    Some(match meaning {
        Meaning::Any => return None,
        Meaning::Email => email(person),
        Meaning::FirstName => person.first.to_owned(),
        Meaning::LastName => person.last.to_owned(),
        Meaning::PersonName => format!("{} {}", person.first, person.last),
        Meaning::Company => person.company.to_owned(),
        Meaning::Phone => format!("{} {:03} {:03}", place.phone, random.below(1000), random.below(1000)),
        Meaning::Street => format!("{} {}", place.street, 1 + random.below(180)),
        Meaning::StreetMore => format!("{}. etg", 1 + random.below(9)),
        Meaning::City => place.city.to_owned(),
        Meaning::Region => place.region.to_owned(),
        Meaning::Zip => place.zip.to_owned(),
        Meaning::Country => place.country.to_owned(),
        Meaning::CountryCode => place.code.to_owned(),
        Meaning::Currency => place.currency.to_owned(),
        Meaning::Money => money(random),
        Meaning::Cents => (100 + random.below(500_000)).to_string(),
        Meaning::Date => date(moment),
        Meaning::DateTime => date_time(random, moment),
        Meaning::Time => clock(moment),
        Meaning::Unix => moment.to_string(),
        Meaning::UnixMillis => (moment * 1000).to_string(),
        Meaning::Id => format!("{}{}", ["", "id_", "r-"][random.below(3) as usize], token(random, 8)),
        Meaning::Sku => format!("SKU-{:04}", random.below(10_000)),
        Meaning::Url => url(random, person),
        Meaning::Uuid => uuid(random),
        Meaning::Ip => ip(random),
        Meaning::Host => person.host.to_owned(),
        Meaning::Product => random.pick(PRODUCTS).to_owned(),
        Meaning::Text => random.pick(SENTENCES).to_owned(),
        Meaning::Language => place.locale[..2].to_owned(),
        Meaning::Locale => place.locale.to_owned(),
        Meaning::Zone => place.zone.to_owned(),
        Meaning::Color => random.pick(COLORS).to_owned(),
        Meaning::UserName => person.plain.split('@').next().unwrap_or_default().to_owned(),
        Meaning::Job => random.pick(JOBS).to_owned(),
        Meaning::Tag => random.pick(WORDS).to_owned(),
        Meaning::Flag => random.pick(&["true", "false"]).to_owned(),
        Meaning::Quantity | Meaning::Ordinal => (1 + random.below(40)).to_string(),
        Meaning::Percent => random.below(101).to_string(),
        Meaning::Year => (1990 + random.below(36)).to_string(),
        Meaning::Age => (18 + random.below(60)).to_string(),
        Meaning::Latitude => degrees(place.latitude),
        Meaning::Longitude => degrees(place.longitude),
        Meaning::Weight => format!("{}.{}", random.below(60), random.below(10)),
        Meaning::Secret => token(random, 20),
        Meaning::File => format!("{}-{}.pdf", random.pick(WORDS), random.below(100)),
    })
}

/// A text like another: its digits other digits, and its letters other letters where there are digits among
/// them; what stands before the first `_`, `-` or `/` stays.
pub(super) fn like(example: &str, random: &mut Random) -> String {
    let kept = example.find(['_', '-', '/', ':']).map_or(0, |at| at + 1);
    let kept = if example[..kept].bytes().any(|byte| byte.is_ascii_digit()) { 0 } else { kept };
    let mixed = |text: &str| text.bytes().any(|byte| byte.is_ascii_digit());
    let mut out = example[..kept].to_owned();
    let mut first = true;
    for word in example[kept..].split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        for letter in word.chars() {
            out.push(match letter {
                '0' if first && !mixed(&out[kept..]) => '0',
                '0'..='9' if first => char::from(b'1' + random.below(9) as u8),
                '0'..='9' => char::from(b'0' + random.below(10) as u8),
                'a'..='z' if mixed(word) => char::from(b'a' + random.below(26) as u8),
                'A'..='Z' if mixed(word) => char::from(b'A' + random.below(26) as u8),
                other => other,
            });
            first = false;
        }
    }
    out
}

pub(super) fn words(random: &mut Random) -> String {
    match random.below(4) {
        0 => format!("{} {}", random.pick(WORDS), random.pick(WORDS)),
        1 => random.pick(PRODUCTS).to_owned(),
        _ => random.pick(WORDS).to_owned(),
    }
}

/// A text cut or filled to `least` to `most` characters.
pub(super) fn fitted(text: String, least: u64, most: u64) -> String {
    let count = text.chars().count() as u64;
    if count > most {
        return text.chars().take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    }
    let missing = usize::try_from(least.saturating_sub(count).min(100_000)).unwrap_or(0);
    let filling = "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(missing);
    text.chars().chain(filling).collect()
}

/// The shortest form of a format that has one, for fields that are narrow.
pub(super) fn shortest(format: &str) -> Option<&'static str> {
    Some(match format {
        "email" | "idn-email" => "a@b.io",
        "hostname" | "idn-hostname" => "b.io",
        "uri" | "url" | "iri" => "http://b.io",
        "date-time" | "datetime" => "2025-01-02T03:04:05Z",
        "ipv4" | "ip" => "1.2.3.4",
        _ => return None,
    })
}

pub(super) fn uuid(random: &mut Random) -> String {
    let (a, b) = (random.next(), random.next());
    let (second, third) = ((a >> 16) as u16, (a as u16 & 0x0fff) | 0x4000);
    let (fourth, fifth) = (((b >> 48) as u16 & 0x3fff) | 0x8000, b & 0xffff_ffff_ffff);
    format!("{:08x}-{second:04x}-{third:04x}-{fourth:04x}-{fifth:012x}", a >> 32)
}

/// Both digits and letters, whatever is drawn.
fn token(random: &mut Random, length: usize) -> String {
    const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(length);
    for at in 0..length {
        let drawn = match at {
            0 => random.below(26),
            1 => 26 + random.below(10),
            _ => random.below(36),
        };
        text.push(char::from(LETTERS[drawn as usize]));
    }
    text
}

fn email(person: &Person) -> String {
    person.plain.clone()
}

fn money(random: &mut Random) -> String {
    format!("{}.{:02}", 1 + random.below(4000), random.below(100))
}

fn ip(random: &mut Random) -> String {
    format!("203.0.113.{}", 1 + random.below(254))
}

fn url(random: &mut Random, person: &Person) -> String {
    format!("https://{}/{}/{}", person.host, random.pick(&["p", "items", "docs"]), random.below(10_000))
}

fn degrees(millionths: i32) -> String {
    format!("{:.6}", f64::from(millionths) / 1e6)
}

/// A moment as RFC 3339, mostly in UTC, sometimes elsewhere or with a fraction.
fn date_time(random: &mut Random, moment: i64) -> String {
    let (fraction, offset) = match random.below(6) {
        0 => (format!(".{:03}", random.below(1000)), 0),
        1 => (String::new(), 2 * 3600),
        2 => (String::new(), -5 * 3600),
        _ => (String::new(), 0),
    };
    let local = moment + offset;
    let zone = match offset {
        0 => "Z",
        7200 => "+02:00",
        _ => "-05:00",
    };
    format!("{}T{}{fraction}{zone}", date(local), clock(local))
}

pub(super) fn date(moment: i64) -> String {
    jiff::Timestamp::from_second(moment)
        .map(|time| time.strftime("%Y-%m-%d").to_string())
        .unwrap_or_else(|_| "2025-01-02".to_owned())
}

fn clock(moment: i64) -> String {
    let second = moment.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_lend_their_shape() {
        let mut random = Random::new(3, 1);
        for _ in 0..50 {
            let id = like("cus_8Kq2", &mut random);
            assert!(id.starts_with("cus_") && id.len() == 8 && id != "cus_8Kq2", "{id}");
            let money = like("1204.50", &mut random);
            assert!(money.len() == 7 && money.parse::<f64>().is_ok() && !money.starts_with('0'), "{money}");
        }
        assert_eq!(like("on hold", &mut random), "on hold");
    }

    #[test]
    fn lengths_are_kept_in_characters() {
        assert_eq!(fitted("Łukasz".into(), 0, 2), "Łu");
        assert_eq!(fitted("é".into(), 3, 9), "éab");
    }
}
