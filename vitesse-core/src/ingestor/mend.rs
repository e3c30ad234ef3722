//! The slips of hand-written YAML, put right line by line where the strict reader stops.
//!
//! A colon in an unquoted text, a text that begins with a reserved character, tabs before a key: each makes a
//! whole document unreadable, and each has one meaning that its writer can have had.

use super::json::SyntaxError;

/// A line that was changed, from 1, and why.
pub(super) type Mended = (usize, &'static str);

/// How often a document is mended, and how much text is read again for that in all.
const MOST_SLIPS: usize = 60;
const MOST_BYTES: usize = 64 << 20;

/// Reads a document with `strict`, mending what it stops at; `None` if that doesn't help.
pub(super) fn parse<T>(
    text: &str,
    first: &SyntaxError,
    strict: impl Fn(&str) -> Result<T, SyntaxError>,
) -> Option<(T, Vec<Mended>)> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut mended = tabs(&mut lines);
    let indented = mended.len();
    let mut at = first.line;
    let tries = (MOST_BYTES / text.len().max(1)).min(MOST_SLIPS);
    for round in 0..tries {
        if round > 0 || mended.is_empty() {
            // The reader notices some slips a line late.
            // What was mended once has its one meaning already: twice would only quote the quotes.
            let change = (at.saturating_sub(1)..=at)
                .rev()
                .filter(|line| mended[indented..].iter().all(|(done, _)| done != line))
                .find_map(|line| Some((line, mend(&mut lines, line)?)));
            mended.push(change?);
        }
        match strict(&lines.join("\n")) {
            Ok(read) => return Some((read, mended)),
            Err(error) => at = error.line,
        }
    }
    None
}

/// Indents with spaces where there are tabs.
fn tabs(lines: &mut [String]) -> Vec<Mended> {
    let mut mended = Vec::new();
    let mut before = String::new();
    let mut spaces = false;
    for (number, line) in lines.iter_mut().enumerate() {
        let indent = indent_of(line);
        let (space, rest) = line.split_at(indent);
        if space.contains('\t') && !rest.is_empty() {
            // A document that is indented with tabs throughout keeps its levels; elsewhere the lines around tell.
            let new = if space.bytes().all(|b| b == b'\t') && !spaces {
                "  ".repeat(indent)
            } else {
                before.clone()
            };
            *line = format!("{new}{rest}");
            mended.push((number + 1, "a tab indents it; spaces are taken"));
        } else {
            spaces |= indent > 0;
        }
        if !line.trim().is_empty() {
            before = line[..indent_of(line)].to_owned();
            if line.trim_end().ends_with(':') {
                before.push_str("  ");
            }
        }
    }
    mended
}

/// Mends a line, counted from 1; `None` if there is nothing to mend in it.
fn mend(lines: &mut [String], number: usize) -> Option<&'static str> {
    let index = number.checked_sub(1)?;
    let line = lines.get(index)?.clone();
    // A second line of an unquoted text that looks like a member.
    if let Some((above, whole)) = continued(lines, index) {
        let end = lines[index..]
            .iter()
            .position(|line| !line.trim().is_empty() && indent_of(line) <= indent_of(&lines[above]))
            .map_or(lines.len(), |count| index + count);
        let rest: Vec<&str> = lines[above + 1..end].iter().map(|line| line.trim()).collect();
        let text = format!("{} {}", whole.value, rest.join(" "));
        let new = format!("{}{}: {}", whole.before, whole.key, quoted(text.trim()));
        lines[above] = new;
        lines[above + 1..end].iter_mut().for_each(String::clear);
        return Some("an unquoted text goes on with what looks like a member; it is read as one text");
    }
    let member = Member::of(&line)?;
    let special = |text: &str| text.starts_with(['@', '`', '%', '*', '&', '!', ']', '}', ',', '|', '>']);
    let odd_key = special(member.key);
    let odd_value = !member.value.is_empty()
        && (member.value.contains(": ")
            || member.value.ends_with(':')
            || special(member.value)
            || half_quoted(member.value))
        && !member.value.starts_with(['{', '[']);
    if !odd_key && !odd_value {
        return None;
    }
    let key = if odd_key { quoted(member.key) } else { member.key.to_owned() };
    let value = if odd_value { quoted(member.value) } else { member.value.to_owned() };
    let colon = if member.key.is_empty() { "" } else { ": " };
    let new = format!("{}{key}{colon}{value}", member.before);
    (new != line).then(|| {
        lines[index] = new;
        "a text needs quotes; it is read as one"
    })
}

/// The line above that holds the beginning of the unquoted text that a line goes on with.
fn continued(lines: &[String], index: usize) -> Option<(usize, Member<'_>)> {
    let above = lines[..index].iter().rposition(|line| !line.trim().is_empty())?;
    let member = Member::of(&lines[above])?;
    let plain = !member.key.is_empty()
        && !member.value.is_empty()
        && !member.value.starts_with(['"', '\'', '{', '[', '|', '>', '&', '*', '!', '#']);
    (plain && indent_of(&lines[index]) > indent_of(&lines[above])).then_some((above, member))
}

/// A line in its parts: what stands before, the key (none in a list of texts), and the value.
struct Member<'l> {
    before: &'l str,
    key: &'l str,
    value: &'l str,
}

impl<'l> Member<'l> {
    fn of(line: &'l str) -> Option<Self> {
        let mut start = indent_of(line);
        while line[start..].starts_with("- ") {
            start += 2 + indent_of(&line[start + 2..]);
        }
        let (before, rest) = line.split_at(start);
        let rest = rest.trim_end();
        if rest.is_empty() || rest.starts_with(['#', '"', '\'', '{', '[']) {
            return None;
        }
        let (key, value) = match rest.split_once(": ") {
            Some((key, value)) => (key.trim_end(), value.trim()),
            None => match rest.strip_suffix(':') {
                Some(key) => (key, ""),
                None if before.contains('-') => ("", rest),
                None => return None,
            },
        };
        Some(Self { before, key, value })
    }
}

/// `"a" b`: a text that only begins with a quoted one.
fn half_quoted(value: &str) -> bool {
    ['"', '\''].into_iter().any(|quote| {
        value.strip_prefix(quote).and_then(|rest| rest.split_once(quote)).is_some_and(|(_, after)| {
            let after = after.trim();
            !after.is_empty() && !after.starts_with(['#', quote])
        })
    })
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

#[cfg(test)]
mod tests {
    use crate::ingestor::yaml;

    fn back(text: &str) -> String {
        let tree = yaml::parse(text).unwrap();
        assert!(!tree.faults.is_empty(), "{text}");
        tree.root().to_json(10_000).unwrap()
    }

    #[test]
    fn slips_cost_nothing_but_a_word() {
        for (slip, meant) in [
            ("a: Shop: the API\nb: 1", r#"{"a":"Shop: the API","b":1}"#),
            ("a: @see it's\nb: `x`", r#"{"a":"@see it's","b":"`x`"}"#),
            ("a:\n  */*:\n    b: 50\n", r#"{"a":{"*/*":{"b":50}}}"#),
            ("a:\n\tb: 1\n\tc: 2", r#"{"a":{"b":1,"c":2}}"#),
            ("a:\n  b: 1\n\tc: 2", r#"{"a":{"b":1,"c":2}}"#),
            ("a: one\n  two: three\nb: 1", r#"{"a":"one two: three","b":1}"#),
            ("a:\n - @x\n - %y", r#"{"a":["@x","%y"]}"#),
            ("- a: \"x\" y\n  b: 2", r#"[{"a":"\"x\" y","b":2}]"#),
            ("a: 100% sure: yes", r#"{"a":"100% sure: yes"}"#),
        ] {
            assert_eq!(back(slip), meant, "{slip}");
        }
    }

    #[test]
    fn a_line_is_mended_once() {
        // A value that is refused after it was quoted too: quoting it again would double its quotes each time.
        let broken = format!("a: '{}\u{1}: b\nc: [", "'".repeat(9));
        assert!(yaml::parse(&broken).is_err());
    }

    #[test]
    fn what_has_no_one_meaning_stays_refused() {
        for broken in ["a: [1, 2\nb: 3", "a: {x: 1\n", "a: \"x\nb: 1", "{a"] {
            assert!(yaml::parse(broken).is_err(), "{broken}");
        }
    }
}
