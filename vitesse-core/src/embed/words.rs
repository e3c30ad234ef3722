/// The words of an identifier or a text, in lower case and without digits: `billingZIPCode2` gives
/// `billing`, `zip`, `code`.
///
/// ```
/// assert_eq!(vitesse_core::embed::split_words("billingZIPCode2"), ["billing", "zip", "code"]);
/// ```
pub fn split_words(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(index + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if starts || !letter.is_alphabetic() {
            take(&mut word, &mut words);
        }
        if letter.is_alphabetic() {
            word.extend(letter.to_lowercase());
        }
    }
    take(&mut word, &mut words);
    words
}

fn take(word: &mut String, words: &mut Vec<String>) {
    // Longer "words" are data or keys, not language.
    if !word.is_empty() && word.chars().count() <= 32 {
        words.push(std::mem::take(word));
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::split_words;

    #[test]
    fn identifiers_of_every_habit() {
        assert_eq!(split_words("first_name"), ["first", "name"]);
        assert_eq!(split_words("HTTPServerURL"), ["http", "server", "url"]);
        assert_eq!(split_words("address_line1"), ["address", "line"]);
        assert_eq!(split_words("Größe-in.cm"), ["größe", "in", "cm"]);
        assert!(split_words("42").is_empty());
    }
}
