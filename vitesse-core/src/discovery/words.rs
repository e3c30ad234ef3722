//! Texts and queries as words that can be compared.

use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about an API: those of every sentence, and those of every API's description.
const STOP: &[&str] = &[
    "a",
    "about",
    "access",
    "all",
    "an",
    "and",
    "any",
    "api",
    "apis",
    "are",
    "as",
    "at",
    "based",
    "be",
    "build",
    "by",
    "can",
    "com",
    "data",
    "do",
    "does",
    "doing",
    "find",
    "for",
    "from",
    "get",
    "has",
    "have",
    "how",
    "http",
    "https",
    "i",
    "in",
    "into",
    "is",
    "it",
    "its",
    "looking",
    "me",
    "more",
    "my",
    "need",
    "of",
    "on",
    "or",
    "our",
    "provides",
    "rest",
    "restful",
    "see",
    "service",
    "services",
    "some",
    "something",
    "that",
    "the",
    "their",
    "these",
    "this",
    "to",
    "us",
    "use",
    "used",
    "using",
    "via",
    "want",
    "we",
    "what",
    "which",
    "will",
    "with",
    "www",
    "you",
    "your",
];

/// What people type, and what descriptions say instead.
const ALSO: &[(&str, &[&str])] = &[
    ("ai", &["intelligence", "learning", "model"]),
    ("ats", &["recruiting", "applicant"]),
    ("auth", &["authentication", "identity", "oauth"]),
    ("bi", &["analytics", "dashboard"]),
    ("bike", &["bicycle", "cycling"]),
    ("blog", &["article", "post"]),
    ("car", &["vehicle", "automotive"]),
    ("cdn", &["edge", "cache"]),
    ("chat", &["messaging", "conversation"]),
    ("ci", &["pipeline", "build"]),
    ("cinema", &["movie", "film"]),
    ("cloud", &["infrastructure"]),
    ("cms", &["content"]),
    ("crm", &["customer", "contact", "deal", "lead", "sales"]),
    ("crypto", &["cryptocurrency", "bitcoin", "blockchain"]),
    ("currency", &["exchange", "forex"]),
    ("ecommerce", &["shop", "store", "commerce", "product", "order"]),
    ("email", &["mail"]),
    ("erp", &["accounting", "invoice"]),
    ("film", &["movie"]),
    ("fx", &["forex", "exchange", "currency"]),
    ("geocoding", &["geocoder", "coordinate", "location"]),
    ("hr", &["employee", "payroll", "human"]),
    ("iam", &["identity"]),
    ("invoice", &["billing", "accounting"]),
    ("iot", &["device", "sensor"]),
    ("kyc", &["identity", "verification"]),
    ("llm", &["language", "model", "completion"]),
    ("mail", &["email"]),
    ("maps", &["geocoding", "location", "routing"]),
    ("mfa", &["authentication", "factor"]),
    ("movie", &["film"]),
    ("nlp", &["language", "text", "sentiment"]),
    ("ocr", &["recognition", "scan", "scanning"]),
    ("parcel", &["shipping", "shipment", "package"]),
    ("payment", &["pay", "checkout"]),
    ("phone", &["telephone", "voice", "telephony"]),
    ("photo", &["image", "picture"]),
    ("picture", &["image", "photo"]),
    ("pos", &["sale", "terminal"]),
    ("recipe", &["food", "cooking"]),
    ("s3", &["bucket", "storage"]),
    ("shop", &["store", "ecommerce", "commerce"]),
    ("sms", &["text", "message"]),
    ("song", &["music", "track"]),
    ("sso", &["authentication", "identity"]),
    ("stock", &["market", "ticker", "share"]),
    ("stt", &["transcription", "speech"]),
    ("text", &["sms"]),
    ("ticket", &["issue"]),
    ("transcribe", &["speech", "transcription"]),
    ("tts", &["speech", "voice"]),
    ("tv", &["television"]),
    ("vat", &["tax"]),
    ("vector", &["embedding"]),
    ("voip", &["voice", "call", "telephony"]),
    ("vps", &["server", "hosting"]),
    ("website", &["site", "web"]),
];

/// The words of a text that say something, in lower case: letters and digits, identifiers taken apart.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before = ' ';
    for letter in text.chars().chain([' ']) {
        let humps = letter.is_uppercase() && before.is_lowercase()
            || letter.is_alphabetic() && before.is_numeric() && word.chars().all(char::is_numeric);
        if humps || !letter.is_alphanumeric() {
            if !word.is_empty() && word.len() <= 40 && !STOP.contains(&word.as_str()) {
                words.push(std::mem::take(&mut word));
            }
            word.clear();
        }
        if letter.is_alphanumeric() {
            word.extend(letter.to_lowercase());
        }
        before = letter;
    }
    words
}

/// Words that stand for the same, looked up by stem.
pub(super) fn also(stem: &str, stems: &Stems) -> impl Iterator<Item = String> {
    ALSO.iter()
        .filter(move |(word, _)| stems.stem(word) == stem)
        .flat_map(|(_, others)| others.iter().map(|other| stems.stem(other)))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Words become what their forms share.
pub(super) struct Stems(Stemmer);

impl Stems {
    pub(super) fn new() -> Self {
        Self(Stemmer::create(Algorithm::English))
    }

    pub(super) fn stem(&self, word: &str) -> String {
        self.0.stem(word).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_come_apart_and_stop_words_go() {
        assert_eq!(words("The SendGrid API for e-mails, v3"), ["send", "grid", "e", "mails", "v3"]);
        assert_eq!(words("HTTPServer ibanapi"), ["httpserver", "ibanapi"]);
        assert!(words("the API of -- ").is_empty());
    }

    #[test]
    fn forms_of_a_word_share_a_stem_and_abbreviations_their_meaning() {
        let stems = Stems::new();
        assert_eq!(stems.stem("messages"), stems.stem("messaging"));
        assert!(also("sms", &stems).any(|word| word == "text"));
        assert_eq!(also("nothing", &stems).count(), 0);
    }
}
