//! The four workloads by hand: typed structs that borrow from the line, one line at a time.
//! `typed-peer sonic a < in > out`, or `serde` in place of `sonic`.

use std::borrow::Cow;
use std::io::{BufRead, BufReader, BufWriter, Write};

use serde::{Deserialize, Serialize};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Borrows wherever the text has no escapes. Serde borrows only for a `Cow` that stands alone, so it is wrapped.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct Str<'a>(#[serde(borrow)] Cow<'a, str>);

impl std::ops::Deref for Str<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}
impl From<String> for Str<'_> {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

type Text<'a> = Option<Str<'a>>;

macro_rules! structs {
    ($($derive:ident $name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)+ })+) => {$(
        #[derive($derive)]
        struct $name<'a> {
            $($(#[$meta])* $field: $type,)+
            #[serde(skip)]
            _life: std::marker::PhantomData<&'a ()>,
        }
    )+};
}

structs! {
    Deserialize Contact {
        id: Option<i64>, #[serde(borrow)] external_ref: Text<'a>, #[serde(borrow)] first_name: Text<'a>,
        #[serde(borrow)] last_name: Text<'a>, #[serde(borrow)] email: Text<'a>, #[serde(borrow)] phone: Text<'a>,
        #[serde(borrow)] mobile: Text<'a>, #[serde(borrow)] company_name: Text<'a>,
        #[serde(borrow)] job_title: Text<'a>, #[serde(borrow)] department: Text<'a>,
        #[serde(borrow)] street: Text<'a>, #[serde(borrow)] street2: Text<'a>, #[serde(borrow)] city: Text<'a>,
        #[serde(borrow)] region: Text<'a>, #[serde(borrow)] postal_code: Text<'a>,
        #[serde(borrow)] country_code: Text<'a>, #[serde(borrow)] locale: Text<'a>,
        #[serde(borrow)] timezone: Text<'a>, #[serde(borrow)] website: Text<'a>, #[serde(borrow)] age: Text<'a>,
        #[serde(borrow)] credit_limit: Text<'a>, #[serde(borrow)] opted_in: Text<'a>, score: Option<i64>,
        created_at: Option<i64>, #[serde(borrow)] updated_at: Text<'a>, #[serde(borrow)] source: Text<'a>,
    }
    Deserialize Order {
        id: Option<i64>, #[serde(borrow)] number: Text<'a>, #[serde(borrow)] created_at: Text<'a>,
        #[serde(borrow)] currency: Text<'a>, #[serde(borrow)] total: Text<'a>, #[serde(borrow)] note: Text<'a>,
        #[serde(borrow)] customer: Customer<'a>, #[serde(borrow)] shipping: Shipping<'a>,
        #[serde(borrow)] line_items: Vec<Item<'a>>, #[serde(borrow)] tags: Option<Vec<Str<'a>>>,
    }
    Deserialize Customer { id: Option<i64>, #[serde(borrow)] name: Text<'a>, #[serde(borrow)] email: Text<'a>, }
    Deserialize Shipping { #[serde(borrow)] method: Text<'a>, #[serde(borrow)] address: Address<'a>, }
    Deserialize Address {
        #[serde(borrow)] street: Text<'a>, #[serde(borrow)] city: Text<'a>, #[serde(borrow)] zip: Text<'a>,
        #[serde(borrow)] country: Text<'a>,
    }
    Deserialize Item {
        #[serde(borrow)] sku: Text<'a>, #[serde(borrow)] title: Text<'a>, #[serde(borrow)] description: Text<'a>,
        quantity: Option<i64>, #[serde(borrow)] price: Price<'a>, #[serde(borrow)] attributes: Attributes<'a>,
    }
    Deserialize Price { #[serde(borrow)] amount: Text<'a>, #[serde(borrow)] currency: Text<'a>, }
    Deserialize Attributes { #[serde(borrow)] color: Text<'a>, }
    Deserialize Wide {
        id: Option<i64>,
        #[serde(borrow)] billing_field_025: Text<'a>, #[serde(borrow)] billing_field_037: Text<'a>,
        #[serde(borrow)] meta_field_050: Text<'a>, #[serde(borrow)] meta_field_062: Text<'a>,
        #[serde(borrow)] customer_field_075: Text<'a>, billing_field_091: Option<i64>,
        billing_field_106: Option<i64>, #[serde(borrow)] customer_field_120: Text<'a>,
        #[serde(borrow)] customer_field_147: Text<'a>,
    }
    Deserialize Event {
        ts: Option<i64>, #[serde(borrow, rename = "type")] kind: Text<'a>, #[serde(borrow)] user: Text<'a>,
        #[serde(borrow)] amount: Text<'a>, #[serde(borrow)] count: Text<'a>, #[serde(borrow)] ok: Text<'a>,
        #[serde(borrow)] session: Text<'a>,
    }
}

macro_rules! outputs {
    ($($name:ident { $($(#[$meta:meta])* $field:ident: $type:ty,)+ })+) => {$(
        #[derive(Serialize)]
        struct $name<'a> {
            $(#[serde(skip_serializing_if = "absent")] $(#[$meta])* $field: $type,)+
            #[serde(skip)]
            _life: std::marker::PhantomData<&'a ()>,
        }
    )+};
}

trait Absent {
    fn is_absent(&self) -> bool {
        false
    }
}
impl<T> Absent for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}
impl<T> Absent for Vec<T> {}
impl Absent for &str {}
fn absent<T: Absent>(value: &T) -> bool {
    value.is_absent()
}

outputs! {
    ContactOut {
        id: Option<i64>, external_id: Text<'a>, name: Option<NameOut<'a>>, contact: Option<ReachOut<'a>>,
        organization: Option<FirmOut<'a>>, address: Option<PlaceOut<'a>>, locale: Text<'a>, time_zone: Text<'a>,
        url: Text<'a>, age: Option<i64>, credit_limit: Option<f64>, opted_in: Option<bool>, score: Text<'a>,
        created: Text<'a>, updated: Option<i64>, origin: Text<'a>, record_type: &'a str,
    }
    NameOut { given: Text<'a>, family: Text<'a>, }
    ReachOut { email: Text<'a>, phone: Text<'a>, mobile: Text<'a>, }
    FirmOut { name: Text<'a>, title: Text<'a>, department: Text<'a>, }
    PlaceOut { lines: Vec<Str<'a>>, city: Text<'a>, region: Text<'a>, postal_code: Text<'a>, country: Text<'a>, }
    OrderOut {
        order_id: Option<i64>, reference: Text<'a>, placed_at: Text<'a>, currency: Text<'a>,
        amount: Option<AmountOut<'a>>, remarks: Text<'a>, buyer: Option<BuyerOut<'a>>,
        delivery: Option<DeliveryOut<'a>>, lines: Vec<LineOut<'a>>, labels: Option<Vec<Str<'a>>>,
    }
    AmountOut { total: Option<f64>, }
    BuyerOut { id: Option<i64>, full_name: Text<'a>, email: Text<'a>, }
    DeliveryOut { service: Text<'a>, street: Text<'a>, city: Text<'a>, postal_code: Text<'a>, country: Text<'a>, }
    LineOut {
        sku: Text<'a>, name: Text<'a>, qty: Option<i64>, unit_price: Option<f64>, currency: Text<'a>,
        text: Text<'a>, color: Text<'a>,
    }
    WideOut {
        id: Option<i64>, out_25: Text<'a>, out_37: Text<'a>, out_50: Text<'a>, out_62: Text<'a>, out_75: Text<'a>,
        out_91: Option<i64>, out_106: Option<i64>, out_120: Text<'a>, out_147: Text<'a>,
    }
    EventOut {
        time: Text<'a>, event: Text<'a>, user_id: Text<'a>, amount: Option<f64>, count: Option<i64>,
        ok: Option<bool>, session: Text<'a>, schema: &'a str,
    }
}

const LIFE: std::marker::PhantomData<&()> = std::marker::PhantomData;

impl<'a> From<Contact<'a>> for ContactOut<'a> {
    fn from(c: Contact<'a>) -> Self {
        Self {
            id: c.id,
            external_id: c.external_ref,
            name: Some(NameOut { given: c.first_name, family: c.last_name, _life: LIFE }),
            contact: Some(ReachOut { email: c.email, phone: c.phone, mobile: c.mobile, _life: LIFE }),
            organization: Some(FirmOut {
                name: c.company_name,
                title: c.job_title,
                department: c.department,
                _life: LIFE,
            }),
            address: Some(PlaceOut {
                lines: c.street.into_iter().chain(c.street2).collect(),
                city: c.city,
                region: c.region,
                postal_code: c.postal_code,
                country: c.country_code,
                _life: LIFE,
            }),
            locale: c.locale,
            time_zone: c.timezone,
            url: c.website,
            age: c.age.map(|t| t.parse().expect("an integer")),
            credit_limit: c.credit_limit.map(|t| t.parse().expect("a number")),
            opted_in: c.opted_in.map(|t| t.parse().expect("a boolean")),
            score: c.score.map(|n| n.to_string().into()),
            created: c.created_at.map(|n| iso(n).into()),
            updated: c.updated_at.map(|t| unix(&t)),
            origin: Some(c.source.unwrap_or(Str(Cow::Borrowed("unknown")))),
            record_type: "contact",
            _life: LIFE,
        }
    }
}

impl<'a> From<Order<'a>> for OrderOut<'a> {
    fn from(o: Order<'a>) -> Self {
        let a = o.shipping.address;
        Self {
            order_id: o.id,
            reference: o.number,
            placed_at: o.created_at,
            currency: o.currency,
            amount: Some(AmountOut { total: o.total.map(|t| t.parse().expect("a number")), _life: LIFE }),
            remarks: o.note,
            buyer: Some(BuyerOut {
                id: o.customer.id,
                full_name: o.customer.name,
                email: o.customer.email,
                _life: LIFE,
            }),
            delivery: Some(DeliveryOut {
                service: o.shipping.method,
                street: a.street,
                city: a.city,
                postal_code: a.zip,
                country: a.country,
                _life: LIFE,
            }),
            lines: o
                .line_items
                .into_iter()
                .map(|i| LineOut {
                    sku: i.sku,
                    name: i.title,
                    qty: i.quantity,
                    unit_price: i.price.amount.map(|t| t.parse().expect("a number")),
                    currency: i.price.currency,
                    text: i.description,
                    color: i.attributes.color,
                    _life: LIFE,
                })
                .collect(),
            labels: o.tags,
            _life: LIFE,
        }
    }
}

impl<'a> From<Wide<'a>> for WideOut<'a> {
    fn from(w: Wide<'a>) -> Self {
        Self {
            id: w.id,
            out_25: w.billing_field_025,
            out_37: w.billing_field_037,
            out_50: w.meta_field_050,
            out_62: w.meta_field_062,
            out_75: w.customer_field_075,
            out_91: w.billing_field_091,
            out_106: w.billing_field_106,
            out_120: w.customer_field_120,
            out_147: w.customer_field_147,
            _life: LIFE,
        }
    }
}

impl<'a> From<Event<'a>> for EventOut<'a> {
    fn from(e: Event<'a>) -> Self {
        Self {
            time: e.ts.map(|n| iso(n).into()),
            event: e.kind,
            user_id: e.user,
            amount: e.amount.map(|t| t.parse().expect("a number")),
            count: e.count.map(|t| t.parse().expect("an integer")),
            ok: e.ok.map(|t| t.parse().expect("a boolean")),
            session: e.session,
            schema: "event/1",
            _life: LIFE,
        }
    }
}

macro_rules! each {
    ($sonic:expr, $in:ident, $out:ident) => {{
        if $sonic {
            lines(|line, out| {
                let record: $in<'_> = sonic_rs::from_slice(line).expect("a record");
                sonic_rs::to_writer(out, &$out::from(record)).expect("written");
            });
        } else {
            lines(|line, out| {
                let record: $in<'_> = serde_json::from_slice(line).expect("a record");
                serde_json::to_writer(out, &$out::from(record)).expect("written");
            });
        }
    }};
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let sonic = arguments[1] == "sonic";
    match arguments[2].as_str() {
        "a" => each!(sonic, Contact, ContactOut),
        "b" => each!(sonic, Order, OrderOut),
        "c" => each!(sonic, Wide, WideOut),
        "d" => each!(sonic, Event, EventOut),
        other => panic!("no workload {other}"),
    }
}

fn lines(mut transform: impl FnMut(&[u8], &mut Vec<u8>)) {
    let mut input = BufReader::with_capacity(256 << 10, std::io::stdin().lock());
    let mut output = BufWriter::with_capacity(256 << 10, std::io::stdout().lock());
    let (mut line, mut out) = (Vec::new(), Vec::new());
    while input.read_until(b'\n', &mut line).expect("read") > 0 {
        transform(&line, &mut out);
        out.push(b'\n');
        output.write_all(&out).expect("written");
        line.clear();
        out.clear();
    }
    output.flush().expect("written");
}

fn iso(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let mut text = String::from("0000-00-00T00:00:00Z").into_bytes();
    for (at, digits, mut value) in [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, rest / 3600),
        (14, 2, rest / 60 % 60),
        (17, 2, rest % 60),
    ] {
        for i in (0..digits).rev() {
            text[at + i] = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }
    String::from_utf8(text).expect("digits")
}

fn unix(text: &str) -> i64 {
    let number =
        |from: usize, to: usize| text[from..to].bytes().fold(0i64, |n, b| n * 10 + i64::from(b - b'0'));
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let y = year - i64::from(month <= 2);
    let era = y.div_euclid(400);
    let yoe = y.rem_euclid(400);
    let doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    (era * 146_097 + doe - 719_468) * 86_400 + number(11, 13) * 3600 + number(14, 16) * 60 + number(17, 19)
}
