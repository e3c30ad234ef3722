//! What the words of field names mean to each other, beyond what the model knows.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Words that mean the same where fields are named. The first is the one the mapper thinks in.
const SAME: &[&[&str]] = &[
    &["date", "at", "time", "on", "datetime", "timestamp", "dt", "ts"],
    &[
        "updated",
        "update",
        "modified",
        "modification",
        "changed",
        "edited",
        "modstamp",
        "lastupdate",
        "modify",
    ],
    &["created", "create", "creation", "createdate", "inserted"],
    &["zip", "postcode", "postalcode", "zipcode", "pincode", "postal"],
    &["state", "province", "region", "county"],
    &["city", "locality", "town", "suburb"],
    &["street", "line", "addressline"],
    &["address", "addr"],
    &["phone", "telephone", "tel"],
    &["mobile", "cell", "cellphone"],
    &["forename", "firstname", "givenname", "fname"],
    &["surname", "lastname", "familyname", "lname"],
    &["email", "mail", "emailaddress"],
    &["url", "link", "href", "permalink", "uri", "webpage", "hyperlink"],
    &["website", "homepage"],
    &["description", "desc"],
    &["note", "notes", "memo", "remark", "remarks"],
    &["amount", "amt"],
    &["quantity", "qty"],
    &["currency", "currencycode", "ccy"],
    &["organization", "organisation", "org"],
    &["id", "uid", "uuid", "guid", "gid", "identifier", "ref", "pk"],
    &["deleted", "trashed", "removed"],
    &["completed", "complete", "done", "finished"],
    &["due", "deadline"],
    &["image", "photo", "picture", "img"],
    &["number", "no", "num", "nr", "nbr"],
    &["tax", "vat", "gst"],
    &["department", "dept"],
    &["birth", "dob", "birthday", "birthdate", "born"],
    &["gender", "sex"],
    &["folder", "directory"],
    &["vendor", "supplier"],
    &["shipping", "delivery", "shipment", "ship"],
    &["billing", "bill", "invoicing"],
    &["hire", "hired", "hiring"],
    &["start", "begin", "starts", "begins", "started"],
    &["end", "ends", "stop", "ended"],
    &["message", "msg"],
    &["language", "lang"],
    &["latitude", "lat"],
    &["longitude", "lng", "lon", "long"],
    &["position", "pos"],
    &["parent", "parents"],
    &["file", "document"],
];

/// Words that often stand for each other, though each has a meaning of its own; and how alike they are, in
/// thousandths. A word may be in several groups.
const NEAR: &[(i32, &[&str])] = &[
    (800, &["name", "title", "subject", "label"]),
    (650, &["name", "summary", "headline", "caption"]),
    (800, &["description", "content", "body", "text", "note", "comment", "message", "detail"]),
    (650, &["description", "summary", "plaintext", "html", "bio", "about", "subject"]),
    (900, &["user", "owner", "assignee", "assigned"]),
    (800, &["user", "owner", "assignee", "agent", "actor", "assigned", "rep", "responsible"]),
    (800, &["engagement", "activity", "call", "meeting", "interaction"]),
    (650, &["user", "member", "employee", "person", "staff", "worker", "author"]),
    (750, &["author", "creator", "reporter", "requester", "sender", "submitter", "from"]),
    (850, &["company", "account", "organization", "business", "employer", "firm", "enterprise"]),
    (800, &["customer", "client", "buyer", "purchaser", "payer", "debtor"]),
    (600, &["customer", "contact", "account", "company", "person", "recipient"]),
    (850, &["employee", "worker", "staff", "person", "member", "associate"]),
    (800, &["phone", "mobile", "fax", "landline"]),
    (800, &["amount", "value", "total", "sum"]),
    (650, &["amount", "price", "cost", "total", "subtotal", "balance", "budget"]),
    (800, &["price", "cost", "rate", "fee"]),
    (850, &["status", "stage", "phase", "step"]),
    (650, &["status", "state", "active", "completed", "closed", "resolved", "enabled", "visible"]),
    (850, &["type", "kind", "category", "class"]),
    (650, &["type", "mode", "format", "mime", "role"]),
    (850, &["deleted", "archived", "inactive", "disabled"]),
    (800, &["completed", "closed", "resolved", "solved", "fulfilled"]),
    (850, &["image", "avatar", "thumbnail", "logo", "icon", "cover"]),
    (650, &["number", "code", "id", "reference", "key"]),
    (800, &["ticket", "issue", "case", "incident", "request"]),
    (850, &["candidate", "applicant", "prospect", "application"]),
    (800, &["job", "position", "role", "posting", "opening", "vacancy", "requisition", "designation"]),
    (650, &["job", "title", "occupation"]),
    (800, &["item", "product", "article", "good"]),
    (800, &["discount", "promotion", "rebate", "coupon", "voucher"]),
    (700, &["shipping", "freight", "fulfillment", "carrier"]),
    (750, &["hire", "start", "join", "joining", "employment", "onboard"]),
    (800, &["end", "termination", "leave", "exit", "finish", "expiry", "until", "to"]),
    (650, &["start", "from", "since", "effective"]),
    (850, &["tag", "label", "category", "keyword"]),
    (800, &["department", "team", "group", "division", "unit"]),
    (850, &["priority", "urgency", "severity", "importance", "rank"]),
    (850, &["active", "enabled", "visible", "published", "available"]),
    (800, &["locale", "language"]),
    (800, &["quantity", "count", "units"]),
    (750, &["due", "expected", "close", "target", "expiry"]),
    (800, &["salary", "compensation", "pay", "wage", "remuneration"]),
    (850, &["manager", "supervisor", "boss", "lead"]),
    (800, &["deal", "opportunity"]),
    (800, &["lead", "prospect"]),
    (700, &["contact", "person", "people", "individual"]),
    (800, &["campaign", "sequence", "cadence"]),
    (850, &["created", "opened", "submitted", "issued", "placed", "added", "registered", "applied"]),
    (700, &["updated", "touched", "activity"]),
    (850, &["url", "website", "domain"]),
    (650, &["url", "path", "src", "download"]),
    (750, &["size", "bytes", "length"]),
    (800, &["file", "attachment"]),
    (700, &["folder", "parent", "drive", "container"]),
    (700, &["board", "project", "list", "collection", "queue", "inbox"]),
    (700, &["note", "comment", "reply"]),
    (850, &["sku", "code", "barcode"]),
    (700, &["state", "subdivision"]),
    (700, &["country", "nation"]),
    (800, &["street", "address"]),
    (700, &["address", "location"]),
    (700, &["city", "place"]),
    (800, &["birth", "birthplace"]),
    (750, &["invoice", "bill", "receipt"]),
    (700, &["ledger", "account"]),
    (700, &["nationality", "citizenship"]),
    (800, &["marital", "relationship"]),
    (800, &["ethnicity", "race"]),
    (750, &["industry", "sector", "vertical"]),
    (750, &["revenue", "turnover"]),
    (750, &["employees", "headcount"]),
    (700, &["direction", "inbound"]),
    (700, &["duration", "length", "minutes", "seconds"]),
    (700, &["weight", "mass", "grams"]),
    (700, &["inventory", "stock"]),
    (700, &["source", "origin", "channel"]),
    (700, &["handle", "slug", "alias"]),
    (700, &["login", "username", "nickname", "handle"]),
];

/// Two words that are one, and the word.
const PHRASES: &[(&str, &str, &str)] = &[
    ("zip", "code", "zip"),
    ("post", "code", "zip"),
    ("first", "name", "forename"),
    ("given", "name", "forename"),
    ("last", "name", "surname"),
    ("family", "name", "surname"),
    ("full", "name", "name"),
    ("display", "name", "name"),
    ("email", "address", "email"),
    ("phone", "number", "phone"),
    ("mobile", "number", "mobile"),
    ("mobile", "phone", "mobile"),
    ("fax", "number", "fax"),
    ("address", "street", "street"),
    ("street", "address", "street"),
    ("street", "street", "street"),
    ("street", "name", "street"),
    ("country", "code", "country"),
    ("state", "code", "state"),
    ("currency", "code", "currency"),
    ("currency", "iso", "currency"),
    ("language", "code", "language"),
    ("web", "site", "website"),
    ("web", "url", "url"),
    ("html", "url", "url"),
    ("web", "page", "url"),
    ("system", "updated", "updated"),
    ("e", "email", "email"),
    ("website", "address", "website"),
    ("url", "address", "url"),
    ("state", "state", "state"),
];

/// Words that say which of several alike things is meant: less than what the thing is.
pub(super) const QUALIFIERS: &[&str] = &[
    "billing",
    "shipping",
    "home",
    "work",
    "primary",
    "secondary",
    "other",
    "default",
    "mailing",
    "main",
    "current",
    "business",
    "personal",
    "preferred",
];

/// Words that only wrap others.
pub(super) const WRAPPERS: &[&str] = &[
    "metadata",
    "attributes",
    "attribute",
    "properties",
    "property",
    "fields",
    "field",
    "associations",
    "values",
    "data",
    "info",
    "information",
    "details",
    "relationships",
    "included",
    "result",
    "results",
    "response",
    "payload",
    "the",
    "of",
    "in",
    "is",
    "has",
    "a",
    "an",
    "and",
    "was",
    "my",
    "remote",
    "external",
    "last",
    "record",
    "raw",
    "object",
    "resource",
    "entity",
    "custom",
    "c",
    "hs",
    "node",
    "edges",
    "embedded",
];

/// Words that field names written without a break are made of, besides those above.
const PARTS: &[&str] = &[
    "annual",
    "assigned",
    "base",
    "billing",
    "by",
    "city",
    "close",
    "closed",
    "code",
    "contact",
    "content",
    "cost",
    "country",
    "created",
    "customer",
    "date",
    "deal",
    "display",
    "employee",
    "employees",
    "expected",
    "first",
    "full",
    "given",
    "group",
    "hire",
    "home",
    "id",
    "industry",
    "is",
    "item",
    "job",
    "last",
    "lead",
    "license",
    "life",
    "lifetime",
    "list",
    "location",
    "middle",
    "mod",
    "name",
    "number",
    "of",
    "office",
    "order",
    "original",
    "parent",
    "payment",
    "plan",
    "postal",
    "price",
    "primary",
    "product",
    "purchase",
    "reference",
    "revenue",
    "sale",
    "secondary",
    "shipping",
    "source",
    "stage",
    "stamp",
    "status",
    "sub",
    "system",
    "tax",
    "total",
    "type",
    "unit",
    "user",
    "value",
    "work",
    "year",
    "zip",
    "cycle",
    "family",
    "street",
    "size",
    "file",
    "mime",
    "web",
    "site",
    "amount",
    "owner",
];

/// Each word of `SAME`, and the one the mapper thinks in.
static FIRST: LazyLock<HashMap<&str, &str>> =
    LazyLock::new(|| SAME.iter().flat_map(|same| same.iter().map(|word| (*word, same[0]))).collect());

/// Each word of `NEAR`, and the numbers of its groups.
static GROUPS: LazyLock<HashMap<&str, Vec<usize>>> = LazyLock::new(|| {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (group, (_, words)) in NEAR.iter().enumerate() {
        words.iter().for_each(|word| groups.entry(*word).or_default().push(group));
    }
    groups
});

/// What names without a break may be made of.
static KNOWN: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let all = FIRST.keys().chain(GROUPS.keys()).copied().filter(|word| word.len() >= 3);
    all.chain(PARTS.iter().copied()).collect()
});

/// The words as the mapper thinks of them: one word for one meaning, singular, without wrappers.
pub(super) fn canonical(words: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for word in words.iter().flat_map(|word| parts(word)) {
        let word = singular(&word);
        let word = FIRST.get(word.as_str()).map_or(word, |first| (*first).to_owned());
        let phrase = kept.last().and_then(|last| PHRASES.iter().find(|(a, b, _)| a == last && *b == word));
        match phrase {
            Some((.., one)) => {
                kept.pop();
                kept.push((*one).to_owned());
            }
            None => kept.push(word),
        }
    }
    let rest: Vec<String> = kept.iter().filter(|word| !WRAPPERS.contains(&word.as_str())).cloned().collect();
    let mut rest = if rest.is_empty() { kept } else { rest };
    // "updated" and "created" are dates already.
    if rest.iter().any(|word| word == "updated" || word == "created")
        && rest.last().is_some_and(|w| w == "date")
    {
        rest.pop();
    }
    rest.dedup();
    rest
}

/// How alike two canonical words are by the lexicon, in thousandths; 0 if it says nothing.
pub(super) fn near(a: &str, b: &str) -> i32 {
    nearness(groups(a), groups(b))
}

/// The groups of a word: for [`nearness`], where each word is compared with many.
pub(super) fn groups(word: &str) -> &'static [usize] {
    GROUPS.get(word).map_or(&[], Vec::as_slice)
}

/// How alike two words of these groups are.
pub(super) fn nearness(left: &[usize], right: &[usize]) -> i32 {
    let shared = left.iter().filter(|group| right.contains(group));
    shared.filter_map(|group| NEAR.get(*group)).map(|(alike, _)| *alike).max().unwrap_or(0)
}

/// The words of a name that was written without a break, such as `jobtitle`; the word itself if it isn't one.
fn parts(word: &str) -> Vec<String> {
    let known = |part: &str| KNOWN.contains(part);
    if word.len() < 7 || word.len() > 32 || !word.is_ascii() || known(word) || known(&singular(word)) {
        return vec![word.to_owned()];
    }
    // From the end: the fewest parts that make the rest.
    let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
    best[word.len()] = Some((0, word.len()));
    for start in (0..word.len()).rev() {
        for end in start + 2..=word.len() {
            if let Some((rest, _)) = best[end]
                && known(&word[start..end])
                && best[start].is_none_or(|(count, _)| rest + 1 < count)
            {
                best[start] = Some((rest + 1, end));
            }
        }
    }
    let mut out = Vec::new();
    let mut at = 0;
    while at < word.len() {
        let Some((_, end)) = best[at] else { return vec![word.to_owned()] };
        out.push(word[at..end].to_owned());
        at = end;
    }
    out
}

fn singular(word: &str) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if word.len() > 5 && (word.ends_with("sses") || word.ends_with("xes")) {
        return word[..word.len() - 2].to_owned();
    }
    let plural =
        word.len() > 3 && word.ends_with('s') && !["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    if plural { word[..word.len() - 1].to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::split_words;

    fn words(name: &str) -> Vec<String> {
        canonical(&split_words(name))
    }

    #[test]
    fn names_of_one_thing_become_one() {
        for (a, b) in [
            ("zipCode", "postal_code"),
            ("LastModifiedDate", "updated_at"),
            ("FirstName", "given_name"),
            ("remote_id", "id"),
            ("addresses", "address"),
            ("SystemModstamp", "updatedAt"),
            ("jobtitle", "job_title"),
            ("numberofemployees", "number_of_employees"),
            ("hs_createdate", "created_at"),
            ("mobilephone", "mobile_number"),
            ("address_line_1", "street1"),
        ] {
            assert_eq!(words(a), words(b));
        }
        assert_ne!(words("street"), words("city"));
    }

    #[test]
    fn words_that_stand_for_each_other_are_near_both_ways() {
        assert!(near("title", "name") > 0 && near("name", "title") == near("title", "name"));
        assert_eq!(near("street", "currency"), 0);
    }

    #[test]
    fn what_is_no_row_of_known_words_stays_whole() {
        assert_eq!(parts("humidity"), ["humidity"]);
        assert_eq!(parts("größenname"), ["größenname"]);
    }
}
