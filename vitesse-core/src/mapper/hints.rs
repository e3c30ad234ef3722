//! What a person says of fields: hints, constants and constraints, checked against both sides.

use super::draft::{Draft, Sides, settle, unindexed};
use super::map::invalid;
use super::proposal::Note;
use super::request::MapRequest;
use super::side::{Resolved, Role, field_path};
use crate::error::{Error, Result, nearest};
use crate::mapping::{FieldPath, Value};
use crate::spec::Field;

/// How deep fields are looked for.
const DEPTH: usize = 12;

/// What a person says, found in the schemas.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// Pairs of fields without fields of their own, as the matching names them.
    pub(super) pairs: Vec<(String, String)>,
    /// Pairs of places that are taken whole, or name an element by its index.
    lines: Vec<(FieldPath, FieldPath)>,
    pub(super) constants: Vec<(FieldPath, Value)>,
    pub(super) notes: Vec<Note>,
}

/// Finds what is wished in the schemas, and takes what must not be sent out of the source.
pub(super) fn wishes(request: &MapRequest, source: &mut Resolved<'_>, dest: &Resolved<'_>) -> Result<Wishes> {
    let mut wishes = Wishes::default();
    let to = dest.schemas.fields(dest.root, DEPTH);
    let from = source.schemas.fields(source.root, DEPTH);
    let (mut hints, secret) = in_words(&request.intent, &from, &to);
    // What is said twice holds as it is said as a hint.
    hints.retain(|(_, dest)| request.hints.iter().all(|(_, said)| said.trim() != *dest));
    for (s, d) in &hints {
        wishes.notes.push(Note::all(format!("the intent says that {s} becomes {d}")));
    }
    for path in &secret {
        wishes.notes.push(Note::all(format!("the intent says that {path} is never sent")));
    }
    for path in request.never_send.iter().map(|path| path.trim()).chain(secret.iter().map(String::as_str)) {
        if !source.without(path) && !source.without(&format!("{path}[]")) {
            return Err(unknown("a constraint", path, &from, Role::Source));
        }
    }
    let from = source.schemas.fields(source.root, DEPTH);
    let said = request.hints.iter().map(|(s, d)| (s.trim().to_owned(), d.trim().to_owned()));
    for (s, d) in said.chain(hints) {
        let (left, right) =
            (place(&s, source, &from, Role::Source)?, place(&d, dest, &to, Role::Destination)?);
        match (left, right) {
            (Place::Leaf(s), Place::Leaf(d)) => wishes.pairs.push((s, d)),
            (left, right) => wishes.lines.push((left.path(), right.path())),
        }
    }
    for (field, value) in &request.constants {
        let path = place(field.trim(), dest, &to, Role::Destination)?.path();
        let value: Value =
            value.to_string().parse().map_err(|_| invalid("a constant can't be read".into()))?;
        super::fill::check_constant(dest, &path, &value)?;
        wishes.constants.push((path, value));
    }
    Ok(wishes)
}

impl Wishes {
    /// The lines for what is taken whole.
    pub(super) fn whole(&self, sides: &Sides<'_>) -> Vec<Draft> {
        let line = |(source, dest): &(FieldPath, FieldPath)| {
            let mut draft = Draft::new(vec![source.clone()], dest.clone(), 1000, "you said so".to_owned());
            draft.firm = true;
            let field = sides.dest.schemas.field(sides.dest.root, &unindexed(dest).to_string());
            draft.required = field.is_some_and(|field| field.required);
            settle(&mut draft, sides, &mut Vec::new());
            draft
        };
        self.lines.iter().map(line).collect()
    }
}

enum Place {
    Leaf(String),
    Whole(FieldPath),
}

impl Place {
    fn path(self) -> FieldPath {
        match self {
            Self::Leaf(path) => field_path(&path),
            Self::Whole(path) => path,
        }
    }
}

fn place(text: &str, side: &Resolved<'_>, fields: &[Field], role: Role) -> Result<Place> {
    let same = |path: &str| fields.iter().find(|field| field.path == path).map(|field| field.path.clone());
    if let Some(path) = same(text) {
        return Ok(Place::Leaf(path));
    }
    let path = match text.parse::<FieldPath>() {
        Ok(path) if !path.is_root() => path,
        _ => return Err(unknown("a hint", text, fields, role)),
    };
    let written = unindexed(&path).to_string();
    // A list of texts is one field to the matching: `tags` is `tags[]`.
    if path.depth() == unindexed(&path).depth()
        && let Some(leaf) = same(&written).or_else(|| same(&format!("{written}[]")))
    {
        return Ok(Place::Leaf(leaf));
    }
    match side.schemas.field(side.root, &written) {
        Some(_) => Ok(Place::Whole(path)),
        None => Err(unknown("a hint", text, fields, role)),
    }
}

fn unknown(what: &str, path: &str, fields: &[Field], role: Role) -> Error {
    let side = role.word();
    let error = invalid(format!("{what} names a field that the {side} doesn't have")).with("field", path);
    let names = || fields.iter().map(|field| field.path.as_str());
    // A name without its way is often all that was meant.
    let ending = names().find(|name| name.rsplit(['.', ']']).next() == Some(path));
    match ending.or_else(|| nearest(path, names())) {
        Some(name) => error.help(format!("did you mean {name:?}?")),
        None => {
            let first = fields.first().map_or("", |field| &field.path);
            error.help(format!("the {side} has {} fields, such as {first:?}", fields.len()))
        }
    }
}

/// Hints and constraints within an intent: "put nickname into given_name", "phone -> mobile", "never send
/// notes". Only fields that are written exactly count; anything else is prose.
fn in_words(intent: &str, from: &[Field], to: &[Field]) -> (Vec<(String, String)>, Vec<String>) {
    const CONNECT: &[&str] = &["to", "into", "as", "->", "=>", "→", "=", "becomes", "is"];
    const NEVER: &[&[&str]] = &[
        &["never", "send"],
        &["don't", "send"],
        &["do", "not", "send"],
        &["never", "copy"],
        &["don't", "copy"],
        &["without", "sending"],
    ];
    let spaced = ["->", "=>", "→"]
        .iter()
        .fold(intent.to_owned(), |text, arrow| text.replace(arrow, &format!(" {arrow} ")));
    let trim =
        |word: &str| word.trim_matches(['"', '\'', '`', ',', ';', ':', '!', '?', '(', ')', '.']).to_owned();
    let words: Vec<String> = spaced.split_whitespace().map(trim).filter(|word| !word.is_empty()).collect();
    let known = |word: &str, fields: &[Field]| {
        let list = format!("{word}[]");
        fields.iter().any(|field| field.path == word || field.path == list)
    };
    let (mut hints, mut secret) = (Vec::new(), Vec::new());
    for window in words.windows(3) {
        let [source, middle, dest] = window else { continue };
        // "name to title" is a hint; a word of everyday language needs the arrow.
        let arrow = matches!(middle.as_str(), "->" | "=>" | "→" | "=");
        let plain = |word: &str| !word.contains(['_', '.', '[']) && !word.chars().any(char::is_uppercase);
        let certain =
            arrow || !(plain(source) && plain(dest)) || matches!(middle.as_str(), "into" | "becomes");
        if CONNECT.contains(&middle.as_str()) && certain && known(source, from) && known(dest, to) {
            hints.push((source.clone(), dest.clone()));
        }
    }
    for (at, _) in words.iter().enumerate() {
        let lower = |word: &String| word.to_lowercase();
        let said = NEVER.iter().find(|phrase| {
            words
                .get(at..at + phrase.len())
                .is_some_and(|part| part.iter().map(lower).eq(phrase.iter().map(|word| (*word).to_owned())))
        });
        let Some(phrase) = said else { continue };
        for word in &words[at + phrase.len()..] {
            let joins = ["the", "and", "or", "nor", "any"].contains(&word.to_lowercase().as_str());
            if known(word, from) {
                secret.push(word.clone());
            } else if !joins {
                break;
            }
        }
    }
    (hints, secret)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::SchemaId;

    fn fields(paths: &[&str]) -> Vec<Field> {
        let field = |path: &&str| Field {
            path: (*path).to_owned(),
            schema: SchemaId(0),
            required: false,
            repeated: false,
        };
        paths.iter().map(field).collect()
    }

    #[test]
    fn an_intent_says_hints_and_constraints() {
        let (from, to) = (
            fields(&["nick_name", "phone", "notes", "tags[]", "name"]),
            fields(&["given_name", "title", "labels[]"]),
        );
        let check = |intent: &str| in_words(intent, &from, &to);
        let (hints, secret) =
            check("Sync customers to contacts; put nick_name into given_name. Never send phone or notes!");
        assert_eq!(hints, [("nick_name".to_owned(), "given_name".to_owned())]);
        assert_eq!(secret, ["phone", "notes"]);
        assert_eq!(check("name->title, tags -> labels").0.len(), 2);
        // Words of everyday language alone are prose.
        assert!(check("send the name to title holders").0.is_empty());
        assert!(check("never send weather").1.is_empty());
    }
}
