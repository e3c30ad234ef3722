use crate::embed::split_words;
use crate::spec::{Schema, Type};

/// What a value stands for, by its name, its format and what its owner says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Meaning {
    /// Nothing is known.
    #[default]
    Any,
    Email,
    FirstName,
    LastName,
    PersonName,
    Company,
    Phone,
    Street,
    StreetMore,
    City,
    Region,
    Zip,
    Country,
    CountryCode,
    Currency,
    Money,
    /// Money in whole hundredths.
    Cents,
    Date,
    DateTime,
    Time,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMillis,
    Id,
    Sku,
    Url,
    Uuid,
    Ip,
    Host,
    Product,
    Text,
    Language,
    Locale,
    Zone,
    Color,
    UserName,
    Job,
    Tag,
    Flag,
    Quantity,
    Percent,
    Year,
    Age,
    Latitude,
    Longitude,
    Ordinal,
    Weight,
    Secret,
    File,
}

impl Meaning {
    /// What the field `name` of something called `parent` stands for.
    pub(crate) fn of(name: &str, parent: &str, schema: &Schema) -> Self {
        let by_format = schema.format.as_deref().map_or(Self::Any, of_format);
        if by_format != Self::Any {
            return by_format;
        }
        let words = split_words(name);
        let around = split_words(parent);
        let said = schema.description.as_deref().unwrap_or_default().to_lowercase();
        let meaning = of_words(&words, &around, schema, name);
        match (meaning, schema.types.single()) {
            (Self::Money, _)
                if ["in cents", "minor unit", "in pence", "hundredths"].iter().any(|w| said.contains(w)) =>
            {
                Self::Cents
            }
            (_, Some(Type::Integer | Type::Number))
                if said.contains("since 1970") || said.contains("epoch") || said.contains("unix") =>
            {
                if said.contains("milli") { Self::UnixMillis } else { Self::Unix }
            }
            (Self::DateTime | Self::Date, Some(Type::Integer | Type::Number)) => {
                if words.iter().any(|word| word == "ms" || word == "millis") {
                    Self::UnixMillis
                } else {
                    Self::Unix
                }
            }
            (Self::Any | Self::Text, Some(Type::String)) if said.contains("decimal amount") => Self::Money,
            (Self::Any, Some(Type::String)) if said.contains("two-letter") && said.contains("3166") => {
                Self::CountryCode
            }
            (Self::Any, Some(Type::String)) if said.contains("4217") => Self::Currency,
            (Self::Any, Some(Type::String)) if said.contains("e-mail") || said.contains("email address") => {
                Self::Email
            }
            (meaning, _) => meaning,
        }
    }
}

fn of_format(format: &str) -> Meaning {
    match format {
        "email" | "idn-email" => Meaning::Email,
        "date" | "full-date" => Meaning::Date,
        "date-time" | "datetime" | "timestamp" => Meaning::DateTime,
        "unix-time" | "unixtime" => Meaning::Unix,
        "time" => Meaning::Time,
        "uuid" | "guid" => Meaning::Uuid,
        "uri" | "url" | "iri" => Meaning::Url,
        "ipv4" | "ip" => Meaning::Ip,
        "hostname" | "idn-hostname" => Meaning::Host,
        "phone" | "e164" | "phone-number" => Meaning::Phone,
        "currency" | "iso-4217" => Meaning::Currency,
        "country" | "iso-3166" | "iso-3166-alpha-2" | "country-code" => Meaning::CountryCode,
        "decimal" | "money" => Meaning::Money,
        "password" => Meaning::Secret,
        _ => Meaning::Any,
    }
}

fn of_words(words: &[String], around: &[String], schema: &Schema, name: &str) -> Meaning {
    let has = |word: &str| words.iter().any(|known| known == word);
    let any = |of: &[&str]| words.iter().any(|known| of.contains(&known.as_str()));
    let about = |of: &[&str]| around.iter().any(|known| of.contains(&known.trim_end_matches('s')));
    let last = words.last().map_or("", String::as_str);
    let number = matches!(schema.types.single(), Some(Type::Integer | Type::Number));
    let text = matches!(schema.types.single(), Some(Type::String) | None);
    let joined = words.concat();
    let people = [
        "customer",
        "contact",
        "person",
        "user",
        "member",
        "employee",
        "lead",
        "buyer",
        "owner",
        "author",
        "people",
        "reporter",
        "requester",
        "receiver",
        "recipient",
        "sender",
        "assignee",
        "reviewer",
        "manager",
        "candidate",
        "patient",
        "student",
        "guest",
    ];
    match last {
        _ if any(&["email", "mail", "emails"]) && text => Meaning::Email,
        _ if matches!(joined.as_str(), "firstname" | "givenname" | "forename" | "fname")
            || has("forename") =>
        {
            Meaning::FirstName
        }
        _ if matches!(joined.as_str(), "lastname" | "familyname" | "surname" | "lname") || has("surname") => {
            Meaning::LastName
        }
        _ if joined.ends_with("firstname") || joined.ends_with("givenname") => Meaning::FirstName,
        _ if joined.ends_with("lastname") || joined.ends_with("familyname") => Meaning::LastName,
        "username" | "login" | "nickname" | "handle" => Meaning::UserName,
        "name" if has("user") => Meaning::UserName,
        "name"
            if any(&[
                "company",
                "organization",
                "organisation",
                "account",
                "business",
                "vendor",
                "supplier",
            ]) =>
        {
            Meaning::Company
        }
        "name" if any(&["full", "display"]) || any(&people) => Meaning::PersonName,
        "name" | "title"
            if about(&["company", "organization", "organisation", "account", "vendor", "supplier"]) =>
        {
            Meaning::Company
        }
        "name" if about(&people) => Meaning::PersonName,
        "name" | "title" if any(&["product", "item"]) || about(&["product", "item", "line", "article"]) => {
            Meaning::Product
        }
        "name" | "title" if any(&["job"]) => Meaning::Job,
        "fullname" => Meaning::PersonName,
        "company" | "organization" | "organisation" | "employer" | "vendor" | "supplier" if text => {
            Meaning::Company
        }
        "phone" | "mobile" | "telephone" | "fax" | "tel" | "cell" if !any(&["type", "id"]) => Meaning::Phone,
        "number" | "no" if any(&["phone", "mobile", "fax", "telephone"]) => Meaning::Phone,
        "street" | "line" | "address" if name.ends_with(['2', '3']) => Meaning::StreetMore,
        "street" => Meaning::Street,
        "line" | "lines" if has("address") || about(&["address"]) => Meaning::Street,
        "address" if any(&["ip"]) => Meaning::Ip,
        "address" if text => Meaning::Street,
        "city" | "town" | "locality" => Meaning::City,
        "province" | "region" | "county" => Meaning::Region,
        "state" if about(&["address", "location", "billing", "shipping"]) => Meaning::Region,
        "zip" | "postcode" | "zipcode" | "postalcode" => Meaning::Zip,
        "code" if any(&["zip", "postal", "post"]) => Meaning::Zip,
        "code" if has("country") => Meaning::CountryCode,
        "country" => {
            let most = schema.details().max_length.unwrap_or(u64::MAX);
            if most <= 3 { Meaning::CountryCode } else { Meaning::Country }
        }
        "currency" => Meaning::Currency,
        "code" if has("currency") => Meaning::Currency,
        "cents" | "minor" | "pence" => Meaning::Cents,
        _ if any(&["cents"]) => Meaning::Cents,
        "discount" | "rate" | "percent" | "percentage" if any(&["percent", "percentage", "rate"]) => {
            Meaning::Percent
        }
        "price" | "amount" | "total" | "subtotal" | "tax" | "balance" | "cost" | "fee" | "revenue"
        | "salary" | "discount" | "paid" | "due" | "spent" | "mrr" | "arr"
            if !matches!(schema.types.single(), Some(Type::Boolean)) =>
        {
            Meaning::Money
        }
        "value" if any(&["lifetime", "order", "deal", "total"]) => Meaning::Money,
        "date" | "birthday" | "birthdate" | "dob" => Meaning::Date,
        "day" if text && !number => Meaning::Date,
        "at" | "on" if words.len() > 1 => Meaning::DateTime,
        "created" | "updated" | "modified" | "timestamp" | "datetime" => Meaning::DateTime,
        "time" => {
            if any(&["created", "updated", "modified", "date", "start", "end"]) {
                Meaning::DateTime
            } else {
                Meaning::Time
            }
        }
        "uuid" | "guid" => Meaning::Uuid,
        "id" | "ids" | "identifier" | "key" | "reference" | "ref" | "gid" => Meaning::Id,
        "sku" | "mpn" | "ean" | "gtin" | "upc" | "barcode" => Meaning::Sku,
        "code" if any(&["product", "item", "article"]) => Meaning::Sku,
        "url" | "uri" | "link" | "website" | "homepage" | "href" | "avatar" | "image" | "logo" | "photo"
        | "picture" => Meaning::Url,
        "ip" => Meaning::Ip,
        "host" | "hostname" | "domain" => Meaning::Host,
        "product" if text => Meaning::Product,
        "description" | "note" | "notes" | "comment" | "comments" | "message" | "body" | "summary"
        | "bio" | "memo" | "remarks" => Meaning::Text,
        "subject" | "title" | "headline" | "name" | "label" => {
            if about(&people) {
                Meaning::PersonName
            } else {
                Meaning::Product
            }
        }
        "language" | "lang" => Meaning::Language,
        "locale" => Meaning::Locale,
        "timezone" | "tz" => Meaning::Zone,
        "zone" if has("time") => Meaning::Zone,
        "color" | "colour" => Meaning::Color,
        "job" | "position" | "occupation" if text => Meaning::Job,
        "tag" | "tags" | "labels" | "keywords" | "categories" | "category" => Meaning::Tag,
        "quantity" | "qty" | "count" | "stock" | "units" => Meaning::Quantity,
        "year" => Meaning::Year,
        "age" => Meaning::Age,
        "latitude" | "lat" => Meaning::Latitude,
        "longitude" | "lng" | "lon" => Meaning::Longitude,
        "weight" | "height" | "width" | "length" | "size" if number => Meaning::Weight,
        "number" | "no" | "position" | "index" | "rank" | "version" => Meaning::Ordinal,
        "password" | "secret" | "token" => Meaning::Secret,
        "file" | "filename" => Meaning::File,
        _ if text
            && !number
            && words.first().is_some_and(|word| matches!(word.as_str(), "is" | "has" | "accepts")) =>
        {
            Meaning::Flag
        }
        _ if any(&["price", "amount", "total", "cost", "balance"])
            && !any(&["type", "id", "status", "count"]) =>
        {
            Meaning::Money
        }
        _ => Meaning::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_formats_and_descriptions_tell() {
        let text = Schema::of(Type::String);
        let whole = Schema::of(Type::Integer);
        let said = |kind, said: &str| Schema { description: Some(said.into()), ..Schema::of(kind) };
        let cases: &[(&str, &str, Schema, Meaning)] = &[
            ("emailAddress", "", text.clone(), Meaning::Email),
            ("family_name", "", text.clone(), Meaning::LastName),
            ("name", "Customer", text.clone(), Meaning::PersonName),
            ("name", "Company", text.clone(), Meaning::Company),
            ("title", "line_items", text.clone(), Meaning::Product),
            ("address2", "", text.clone(), Meaning::StreetMore),
            ("postalCode", "", text.clone(), Meaning::Zip),
            ("total_price", "", text.clone(), Meaning::Money),
            ("amount_cents", "", whole.clone(), Meaning::Cents),
            ("amount", "", said(Type::Integer, "The amount, in cents."), Meaning::Cents),
            ("signed_up_at", "", said(Type::Integer, "Seconds since 1970."), Meaning::Unix),
            ("created_at", "", whole, Meaning::Unix),
            ("created_at", "", text.clone(), Meaning::DateTime),
            ("x", "", Schema { format: Some("uuid".into()), ..text.clone() }, Meaning::Uuid),
            ("blorp", "", text, Meaning::Any),
        ];
        for (name, parent, schema, meaning) in cases {
            assert_eq!(Meaning::of(name, parent, schema), *meaning, "{name} of {parent}");
        }
    }
}
