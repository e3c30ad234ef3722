//! Comma-separated records, as programs of all kinds write them.

use serde_json::{Map, Value};

/// The records of a table with a line of names, at most `most`; `None` if the text is no such table.
///
/// A column is of numbers, booleans or texts as all of its cells are; an empty cell is a null.
pub(super) fn records(text: &str, most: usize) -> Option<Vec<Value>> {
    let head = text.lines().next()?;
    let separator = [',', ';', '\t', '|'].into_iter().max_by_key(|c| head.matches(*c).count())?;
    let mut rows = rows(text, separator, most + 1);
    if rows.len() < 2 || rows[0].len() < 2 || rows[0].iter().any(|name| name.trim().is_empty()) {
        return None;
    }
    let names = rows.remove(0);
    // A text with commas is no table: its lines differ.
    if rows.iter().any(|row| row.len() != names.len()) {
        return None;
    }
    let kinds: Vec<Read> =
        (0..names.len()).map(|column| kind(rows.iter().map(|row| row[column].as_str()))).collect();
    let record = |row: &Vec<String>| {
        let cells = names.iter().zip(row).zip(&kinds).map(|((name, cell), read)| {
            let value = if cell.is_empty() { Value::Null } else { read(cell).unwrap_or(Value::Null) };
            (name.trim().to_owned(), value)
        });
        Value::Object(cells.collect::<Map<_, _>>())
    };
    Some(rows.iter().map(record).collect())
}

type Read = fn(&str) -> Option<Value>;

/// How the cells of a column are read: the first way that all of them can be.
fn kind<'c>(cells: impl Iterator<Item = &'c str> + Clone) -> Read {
    let whole: Read = |cell| {
        // What begins with a nought is a code: its digits must stay.
        let plain = cell.trim_start_matches('-');
        (plain.len() == 1 || !plain.starts_with('0')).then(|| cell.parse::<i64>().ok().map(Value::from))?
    };
    let number: Read = |cell| {
        let plain = cell.trim_start_matches('-');
        let digits = plain.starts_with(|c: char| c.is_ascii_digit()) && cell.contains('.');
        let code = plain.starts_with('0') && !plain.starts_with("0.");
        (digits && !code || whole_number(cell)).then(|| cell.parse::<f64>().ok().map(Value::from))?
    };
    let truth: Read = |cell| match cell.to_ascii_lowercase().as_str() {
        "true" => Some(true.into()),
        "false" => Some(false.into()),
        _ => None,
    };
    let text: Read = |cell| Some(cell.into());
    let full = cells.filter(|cell| !cell.is_empty());
    let fits = |read: &Read| full.clone().next().is_some() && full.clone().all(|cell| read(cell).is_some());
    [whole, number, truth].into_iter().find(fits).unwrap_or(text)
}

fn whole_number(cell: &str) -> bool {
    cell.parse::<i64>().is_ok() && (cell.len() == 1 || !cell.starts_with('0'))
}

/// The cells of each line.
fn rows(text: &str, separator: char, most: usize) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(u8::try_from(separator).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let rows = reader.records().map_while(Result::ok);
    rows.take(most).map(|row| row.iter().map(str::to_owned).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_have_the_kind_that_all_their_cells_have() {
        let text = "id;name;zip;spent;vip\r\n1;\"Ada; \"\"L\"\"\";01234;1.5;true\r\n2;;99999;2;\r\n";
        assert_eq!(
            records(text, 99).unwrap(),
            [
                json!({"id": 1, "name": "Ada; \"L\"", "zip": "01234", "spent": 1.5, "vip": true}),
                json!({"id": 2, "name": null, "zip": "99999", "spent": 2.0, "vip": null}),
            ]
        );
    }

    #[test]
    fn words_with_commas_are_no_table() {
        for text in ["just words", "one, two\nthree", "a,b", "a,,b\n1,2,3", ""] {
            assert_eq!(records(text, 99), None, "{text}");
        }
        assert_eq!(records("a,b\n\"1\n2\",3", 99).unwrap(), [json!({"a": "1\n2", "b": 3})]);
    }
}
