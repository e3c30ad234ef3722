/// Words that mean the same where fields are named. The first is the one the mapper thinks in.
const SAME: &[&[&str]] = &[
    &["date", "at", "time", "on", "datetime", "timestamp", "dt"],
    &["updated", "update", "modified", "modification", "changed", "edited", "modstamp", "lastupdate"],
    &["created", "create", "creation", "createdate", "inserted"],
    &["zip", "postcode", "postalcode", "zipcode", "pincode"],
    &["state", "province", "region", "county"],
    &["city", "locality", "town", "suburb"],
    &["street", "line", "addressline"],
    &["address", "addr", "location"],
    &["phone", "telephone", "tel", "mobile", "cell", "fax", "cellphone", "landline"],
    &["forename", "firstname", "givenname", "fname"],
    &["surname", "lastname", "familyname", "lname"],
    &["email", "mail", "emailaddress"],
    &["url", "link", "href", "permalink", "uri", "website", "src", "webpage"],
    &["name", "title", "subject", "displayname", "fullname", "summary"],
    &["description", "content", "body", "text", "notes", "note", "memo", "desc", "comment", "plaintext"],
    &["amount", "value", "sum", "amt"],
    &["quantity", "qty", "count"],
    &["currency", "currencycode"],
    &["company", "account", "organization", "organisation", "org", "business", "employer"],
    &["user", "owner", "assignee", "agent", "assigned", "actor"],
    &["employee", "worker", "staff"],
    &["id", "uid", "uuid", "guid", "identifier", "key", "ref"],
    &["active", "enabled", "visible"],
    &["deleted", "archived", "trashed", "removed"],
    &["done", "completed", "complete", "closed", "finished", "resolved"],
    &["due", "deadline"],
    &["image", "photo", "picture", "avatar", "thumbnail", "img"],
    &["number", "no", "num", "nr"],
    &["status", "stage"],
    &["tax", "vat", "gst"],
    &["department", "dept", "division"],
    &["manager", "supervisor"],
    &["birth", "dob", "birthday", "birthdate"],
    &["gender", "sex"],
    &["folder", "directory"],
    &["type", "kind", "category"],
    &["priority", "urgency"],
    &["ticket", "issue", "case"],
    &["candidate", "applicant"],
    &["vendor", "supplier"],
    &["item", "product", "article"],
    &["discount", "promotion", "rebate"],
    &["shipping", "delivery", "freight"],
    &["hire", "hired", "employment"],
    &["start", "begin", "starts", "begins"],
    &["end", "finish", "ends", "stop"],
];

/// Two words that are one, and the word.
const PHRASES: &[(&str, &str, &str)] = &[
    ("postal", "code", "zip"),
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
    ("mobile", "number", "phone"),
    ("fax", "number", "phone"),
    ("address", "line", "street"),
    ("street", "address", "street"),
    ("street", "line", "street"),
    ("country", "code", "country"),
    ("state", "code", "state"),
    ("currency", "code", "currency"),
    ("web", "site", "url"),
    ("web", "page", "url"),
    ("system", "modstamp", "updated"),
];

/// Words that only wrap others.
const WRAPPERS: &[&str] = &[
    "metadata",
    "attributes",
    "properties",
    "fields",
    "associations",
    "values",
    "data",
    "info",
    "details",
    "field",
    "the",
    "of",
    "in",
    "is",
    "has",
    "a",
    "remote",
    "external",
    "last",
    "record",
    "raw",
];

/// The words as the mapper thinks of them: one word for one meaning, singular, without wrappers.
pub(super) fn canonical(words: &[String]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    let mut index = 0;
    while let Some(word) = words.get(index) {
        index += 1;
        let word = singular(word);
        if let Some(next) = words.get(index).map(|word| singular(word))
            && let Some((.., one)) = PHRASES.iter().find(|(a, b, _)| *a == word && *b == next)
        {
            kept.push((*one).to_owned());
            index += 1;
            continue;
        }
        kept.push(
            SAME.iter().find(|same| same.contains(&word.as_str())).map_or(word, |same| same[0].to_owned()),
        );
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

fn singular(word: &str) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    if word.len() > 5 && (word.ends_with("sses") || word.ends_with("xes")) {
        return word[..word.len() - 2].to_owned();
    }
    if word.len() > 3
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is")
    {
        return word[..word.len() - 1].to_owned();
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::split_words;

    #[test]
    fn names_of_one_thing_become_one() {
        let same = |a: &str, b: &str| assert_eq!(canonical(&split_words(a)), canonical(&split_words(b)));
        same("zipCode", "postal_code");
        same("LastModifiedDate", "updated_at");
        same("FirstName", "given_name");
        same("remote_id", "id");
        same("addresses", "address");
        assert_ne!(canonical(&split_words("street")), canonical(&split_words("city")));
    }
}
