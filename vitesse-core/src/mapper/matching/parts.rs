//! Parts and wholes: first and last name against a full name, the lines of a street against the street.

use super::evidence::Compared;
use super::field::Field;

/// Pairs that only make sense together: all parts of a whole that the other side has in one piece.
pub(super) fn together(compared: &Compared) -> Vec<(usize, usize)> {
    let (source, dest) = (&compared.source.fields, &compared.dest.fields);
    let mut pairs = Vec::new();
    for (whole, parts) in wholes(dest, source) {
        pairs.extend(parts.into_iter().map(|part| (part, whole)));
    }
    for (whole, parts) in wholes(source, dest) {
        // Which line a street would be split at, nobody can say.
        if part_of_name(&dest[parts[0]]).is_some() {
            pairs.extend(parts.into_iter().map(|part| (whole, part)));
        }
    }
    pairs
}

/// Each field that holds in one piece what the other side has in parts, with those parts.
fn wholes(fields: &[Field], others: &[Field]) -> Vec<(usize, Vec<usize>)> {
    let mut found = Vec::new();
    for (at, field) in fields.iter().enumerate() {
        let beside = |other: &&Field| other.parent == field.parent;
        let parts: Vec<usize> = if field.raw.contains("name") && field.own_words().eq(["name"]) {
            let split = fields.iter().filter(beside).any(|other| part_of_name(other).is_some());
            let whole =
                |parent: &str| others.iter().any(|o| o.parent == parent && o.own_words().eq(["name"]));
            match group(others, field, |other| part_of_name(other).is_some()) {
                Some((parent, parts)) if !split && !whole(parent) => parts,
                _ => continue,
            }
        } else if is_line(field) && fields.iter().filter(beside).filter(|other| is_line(other)).count() == 1 {
            match group(others, field, is_line) {
                Some((_, parts)) => parts,
                None => continue,
            }
        } else {
            continue;
        };
        if parts.len() >= 2 {
            found.push((at, parts));
        }
    }
    found
}

/// The fields of one object that are parts: of the object that is most like the one `whole` is in.
fn group<'a>(
    others: &'a [Field],
    whole: &Field,
    is_part: impl Fn(&Field) -> bool,
) -> Option<(&'a str, Vec<usize>)> {
    let around = |field: &Field| -> Vec<String> {
        field.words.iter().skip(field.own).map(|(word, _)| word.clone()).collect()
    };
    let wanted = around(whole);
    let first = others.iter().find(|other| is_part(other) && around(other) == wanted)?;
    let parts = others.iter().enumerate().filter(|(_, other)| is_part(other) && other.parent == first.parent);
    Some((&first.parent, parts.map(|(at, _)| at).collect()))
}

fn is_line(field: &Field) -> bool {
    field.own_words().eq(["street"])
}

/// Which part of a person's name a field is: in the order they are written.
pub(super) fn part_of_name(field: &Field) -> Option<u8> {
    let mut own = field.own_words();
    let part = match (own.next()?, own.next()) {
        ("forename", None) => 0,
        ("middle", Some("name") | None) => 1,
        ("surname", None) => 2,
        _ => return None,
    };
    Some(part)
}
