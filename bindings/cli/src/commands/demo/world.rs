//! The two businesses of the demonstration: a shop with its customers and orders, and a CRM that is still empty.

use std::sync::Arc;
use std::time::Duration;

use serde_json::value::RawValue;
use serde_json::{Value, json};
use vitesse_core::ingestor::{ReadOptions, read};
use vitesse_core::mock::{AuthPolicy, Mock, MockOptions, RateRule, Server, serve};
use vitesse_core::secret::Secret;
use vitesse_core::{Error, ErrorKind, Result};

pub(super) const SHOP: &str = include_str!("../../../../../examples/apis/shop.yaml");
pub(super) const CRM: &str = include_str!("../../../../../examples/apis/crm.json");
/// What the shop and the CRM ask for. Both are only here, and end with the demonstration.
pub(super) const SHOP_KEY: &str = "demo-shop-key";
pub(super) const CLIENT: [&str; 2] = ["demo-client", "demo-secret"];

const FIRST: &[&str] = &[
    "Ada", "Björn", "Chloé", "Dmitri", "Emine", "Femi", "Grace", "Hana", "Ingrid", "João", "Kofi", "Lúcia",
    "Mateo", "Noor", "Olga", "Priya", "Quinn", "Rosa", "Søren", "Tomás", "Uma", "Vera", "Wei", "Ximena",
    "Yuki", "Zofia",
];
const LAST: &[&str] = &[
    "Almeida", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ito", "Jansen",
    "Kowalski", "Lovelace", "Müller", "Nguyen", "O'Brien", "Petrov", "Rossi", "Silva", "Tanaka", "Usman",
    "Virtanen", "Wang",
];
const CITIES: &[(&str, &str, &str)] = &[
    ("Oslo", "0150", "NO"),
    ("Porto", "4000", "PT"),
    ("Lyon", "69001", "FR"),
    ("Kyoto", "600-8216", "JP"),
    ("Accra", "GA-183", "GH"),
    ("Austin", "73301", "US"),
];
const GOODS: &[(&str, &str, u64)] = &[
    ("LAMP-7", "Fjord lamp", 8990),
    ("RUG-2", "Wool rug", 24900),
    ("MUG-1", "Stone mug", 1450),
    ("CHAIR-4", "Oak chair", 15900),
];

/// Both APIs, answering.
pub(super) struct World {
    pub(super) shop: Arc<Mock>,
    pub(super) crm: Arc<Mock>,
    pub(super) shop_at: Server,
    pub(super) crm_at: Server,
    pub(super) customers: usize,
    pub(super) orders: usize,
}

impl World {
    /// Opens both, with so many customers.
    pub(super) async fn open(customers: usize) -> Result<Self> {
        let per_second = |requests| Some(RateRule { requests, per: Duration::from_secs(1) });
        let options = |secrets: Vec<Secret>, rate_limit| MockOptions {
            stateful: true,
            records: 0,
            auth: AuthPolicy::Only(secrets),
            rate_limit,
            ..MockOptions::default()
        };
        let client = CLIENT.join(":");
        let shop = mock(SHOP, options(vec![Secret::new(SHOP_KEY)], per_second(10)))?;
        let crm = mock(CRM, options(vec![Secret::new(client)], per_second(1000)))?;
        let people = people(customers);
        let orders = orders(customers);
        shop.load("customers", &raw(&people)?)?;
        shop.load("orders", &raw(&orders)?)?;
        let anywhere = || ([127, 0, 0, 1], 0).into();
        let (shop_at, crm_at) =
            (serve(shop.clone(), anywhere()).await?, serve(crm.clone(), anywhere()).await?);
        Ok(Self { shop, crm, shop_at, crm_at, customers: people.len(), orders: orders.len() })
    }
}

fn mock(description: &str, options: MockOptions) -> Result<Arc<Mock>> {
    let spec = read(description.as_bytes(), &ReadOptions::default())?.spec;
    Ok(Arc::new(Mock::new(Arc::new(spec), options)?))
}

fn raw(records: &[Value]) -> Result<Vec<Box<RawValue>>> {
    let wrong =
        |error| Error::new(ErrorKind::Internal, "a record of the demonstration is no JSON").source(error);
    records.iter().map(|record| RawValue::from_string(record.to_string()).map_err(wrong)).collect()
}

/// One of a list, the same each time.
fn pick<T>(list: &[T], number: usize) -> &T {
    &list[number % list.len()]
}

fn moment(number: usize) -> String {
    let (day, hour, minute) = (1 + number % 28, number / 28 % 24, number % 60);
    format!("2026-{:02}-{day:02}T{hour:02}:{minute:02}:00Z", 1 + number / 336 % 12)
}

fn cents(amount: u64) -> String {
    format!("{}.{:02}", amount / 100, amount % 100)
}

fn people(count: usize) -> Vec<Value> {
    let mut all: Vec<Value> = (0..count)
        .map(|n| {
            let (first, last) = (pick(FIRST, n * 7), pick(LAST, n * 5 + n / 26));
            let (city, zip, country) = pick(CITIES, n);
            let mut email = format!("{first}.{last}.{n}@example.com").to_lowercase();
            email.retain(|c| c.is_ascii_alphanumeric() || "._@".contains(c));
            json!({
                "id": format!("cus_{n:04}"), "email": email, "first_name": first, "last_name": last,
                "phone": if n % 5 == 0 { Value::Null } else { json!(format!("+47 22 {:02} {:02} {:02}", n % 97, n % 89, n % 83)) },
                "company": if n % 3 == 0 { json!(format!("{last} & Co")) } else { Value::Null },
                "accepts_marketing": if n % 2 == 0 { "yes" } else { "no" },
                "lifetime_value": cents((n as u64 * 7919) % 500_000), "orders_count": n % 3,
                "tags": if n % 10 == 0 { json!(["vip"]) } else { json!([]) },
                "default_address": {
                    "street": format!("{} {}", pick(&["High St", "Rua Nova", "Storgata"], n), n % 120 + 1),
                    "street2": if n % 4 == 0 { json!("2nd floor") } else { Value::Null },
                    "city": city, "zip": zip, "province": null, "country_code": country,
                },
                "created_at": moment(n), "updated_at": moment(n + 1),
            })
        })
        .collect();
    // What real data holds now and then.
    for (at, key, value) in [
        (3, "lifetime_value", json!("a lot")),
        (7, "last_name", Value::Null),
        (11, "email", json!("not an address")),
        (13, "first_name", json!("\u{1F980} \"; DROP TABLE customers; --")),
        (17, "lifetime_value", json!("123456789012.34")),
    ] {
        if let Some(person) = all.get_mut(at) {
            person[key] = value;
        }
    }
    all
}

fn orders(customers: usize) -> Vec<Value> {
    // Two for each, and one of a customer whom the shop has forgotten.
    (0..customers * 2 + 1)
        .map(|n| {
            let customer =
                if n == customers * 2 { "cus_gone".to_owned() } else { format!("cus_{:04}", n / 2) };
            let (one, other) = (pick(GOODS, n), pick(GOODS, n * 3 + 1));
            let mut lines = Vec::new();
            let mut total = 0;
            for (at, (sku, title, price)) in [one, other].into_iter().enumerate().take(1 + n % 2) {
                let quantity = 1 + (n + at) as u64 % 3;
                total += price * quantity;
                lines.push(json!({"sku": sku, "title": title, "quantity": quantity, "price": cents(*price)}));
            }
            json!({
                "id": format!("ord_{n:05}"), "number": 10_000 + n, "customer_id": customer,
                "status": pick(&["open", "paid", "shipped", "cancelled"], n), "currency": "EUR",
                "total_price": cents(total), "total_tax": cents(total / 5), "line_items": lines, "note": null,
                "created_at": moment(n), "updated_at": moment(n + 1),
            })
        })
        .collect()
}
