use regex_syntax::hir::{Class, Hir, HirKind};

use super::random::Random;

/// More repetitions than a pattern asks for, at most.
const MORE: u32 = 4;

/// A regular expression made ready to write texts that match it.
#[derive(Debug)]
pub(super) struct Pattern(Hir);

impl Pattern {
    /// `None` if the expression uses what can't be turned around: references back, conditions ahead.
    pub(super) fn parse(pattern: &str) -> Option<Self> {
        let mut parser = regex_syntax::ParserBuilder::new().nest_limit(64).build();
        parser.parse(pattern).ok().map(Self)
    }

    /// A text that matches, with `least` to `most` characters where the pattern leaves room for that.
    pub(super) fn draw(&self, random: &mut Random, least: u64, most: u64) -> String {
        let mut text = String::new();
        write(&self.0, &mut Repeat { random, more: MORE, all: false }, &mut text);
        let fits = |text: &str| (least..=most).contains(&(text.chars().count() as u64));
        // Then as often as it takes.
        for more in 0..=300 {
            if fits(&text) {
                break;
            }
            text.clear();
            write(&self.0, &mut Repeat { random, more, all: true }, &mut text);
        }
        text
    }
}

struct Repeat<'r> {
    random: &'r mut Random,
    /// How often more than it must be, at most.
    more: u32,
    /// Whether that is how often.
    all: bool,
}

fn write(hir: &Hir, repeat: &mut Repeat<'_>, out: &mut String) {
    if out.len() > 10_000 {
        return;
    }
    match hir.kind() {
        // A place in the text takes no characters; a text that is the match and nothing else meets it.
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => out.extend(one_of(class, repeat.random)),
        HirKind::Repetition(repetition) => {
            let most = repetition.max.unwrap_or(u32::MAX).min(repetition.min.saturating_add(repeat.more));
            let least = if repeat.all { most } else { repetition.min };
            let count = repeat.random.between(least.into(), most.into());
            for _ in 0..count.min(10_000) {
                write(&repetition.sub, repeat, out);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, repeat, out),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, repeat, out)),
        HirKind::Alternation(ways) => {
            let at = repeat.random.below(ways.len() as u64) as usize;
            if let Some(way) = ways.get(at) {
                write(way, repeat, out);
            }
        }
    }
}

/// A character of a class; a plain one if there is one, since `\d` means other digits to other engines.
fn one_of(class: &Class, random: &mut Random) -> Option<char> {
    let ranges: Vec<(u32, u32)> = match class {
        Class::Unicode(class) => {
            class.ranges().iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (u32::from(range.start()), u32::from(range.end()))).collect()
        }
    };
    let within = |low: u32, high: u32| -> Vec<(u32, u32)> {
        let cut = ranges.iter().map(|(start, end)| ((*start).max(low), (*end).min(high)));
        cut.filter(|(start, end)| start <= end).collect()
    };
    let plain = [
        [within(48, 57), within(65, 90), within(97, 122)].concat(),
        within(33, 126),
        within(32, 32),
        ranges.clone(),
    ];
    let ranges = plain.into_iter().find(|ranges| !ranges.is_empty())?;
    let size = |(start, end): &(u32, u32)| u64::from(end - start) + 1;
    let mut at = random.below(ranges.iter().map(size).sum());
    for range in &ranges {
        if at < size(range) {
            return char::from_u32(range.0 + at as u32);
        }
        at -= size(range);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_matches() {
        for pattern in [
            r"^[A-Z]{2}\d{6}$",
            r"^(cus|acc)_[0-9a-zA-Z]{8,}$",
            r"\w+@\w+\.(com|org)",
            r"^[^\s]+$",
            r"^\+?[1-9]\d{1,14}$",
            r"^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$",
            r"^[äöü]{3}$",
            r"^$",
            r"^.{3,5}$",
            r"(?i)^abc$",
            r"^\p{L}{4}$",
            r"^\d{4}-(0[1-9]|1[0-2])$",
            r"^#[0-9A-Fa-f]{6}$",
            r"^[\w.\-/]+$",
        ] {
            let judge = regex_lite::Regex::new(pattern);
            let ready = Pattern::parse(pattern).unwrap();
            for seed in 0..50 {
                let text = ready.draw(&mut Random::new(seed, 0), 0, 100);
                // The small engine doesn't know `\p`.
                assert!(judge.as_ref().map_or(true, |judge| judge.is_match(&text)), "{pattern}: {text:?}");
                assert!(text.chars().count() <= 100);
            }
        }
        assert!(Pattern::parse(r"^(?=.*\d)x$").is_none());
    }

    #[test]
    fn lengths_are_kept_where_the_pattern_allows() {
        let pattern = Pattern::parse("^[a-z]+$").unwrap();
        for seed in 0..50 {
            assert!((30..=45).contains(&pattern.draw(&mut Random::new(seed, 0), 30, 45).len()));
        }
    }
}
