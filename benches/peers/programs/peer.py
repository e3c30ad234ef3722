"""The four workloads in Python with orjson: peer.py a < in > out"""

import sys
from datetime import UTC, datetime

import orjson


def there(fields):
    return {key: value for key, value in fields.items() if value is not None}


def parsed(value, parse):
    return None if value is None else parse(value)


def iso(seconds):
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"


def unix(text):
    return int(datetime.fromisoformat(text).timestamp())


def a(r):
    get = r.get
    return there({
        "id": get("id"), "external_id": get("external_ref"),
        "name": there({"given": get("first_name"), "family": get("last_name")}),
        "contact": there({"email": get("email"), "phone": get("phone"), "mobile": get("mobile")}),
        "organization": there(
            {"name": get("company_name"), "title": get("job_title"), "department": get("department")}),
        "address": there({
            "lines": [line for line in (get("street"), get("street2")) if line is not None],
            "city": get("city"), "region": get("region"), "postal_code": get("postal_code"),
            "country": get("country_code")}),
        "locale": get("locale"), "time_zone": get("timezone"), "url": get("website"),
        "age": parsed(get("age"), int), "credit_limit": parsed(get("credit_limit"), float),
        "opted_in": parsed(get("opted_in"), "true".__eq__), "score": parsed(get("score"), str),
        "created": parsed(get("created_at"), iso), "updated": parsed(get("updated_at"), unix),
        "origin": get("source", "unknown"), "record_type": "contact"})


def b(r):
    customer, shipping = r["customer"], r["shipping"]
    address = shipping["address"]
    return there({
        "order_id": r.get("id"), "reference": r.get("number"), "placed_at": r.get("created_at"),
        "currency": r.get("currency"), "amount": {"total": float(r["total"])}, "remarks": r.get("note"),
        "buyer": there(
            {"id": customer.get("id"), "full_name": customer.get("name"), "email": customer.get("email")}),
        "delivery": there({
            "service": shipping.get("method"), "street": address.get("street"), "city": address.get("city"),
            "postal_code": address.get("zip"), "country": address.get("country")}),
        "lines": [there({
            "sku": i.get("sku"), "name": i.get("title"), "qty": i.get("quantity"),
            "unit_price": float(i["price"]["amount"]), "currency": i["price"].get("currency"),
            "text": i.get("description"), "color": i["attributes"].get("color")}) for i in r["line_items"]],
        "labels": r.get("tags")})


FIELDS = {"id": "id", "out_25": "billing_field_025", "out_37": "billing_field_037", "out_50": "meta_field_050",
          "out_62": "meta_field_062", "out_75": "customer_field_075", "out_91": "billing_field_091",
          "out_106": "billing_field_106", "out_120": "customer_field_120", "out_147": "customer_field_147"}


def c(r):
    return there({to: r.get(of) for to, of in FIELDS.items()})


def d(r):
    get = r.get
    return there({
        "time": parsed(get("ts"), iso), "event": get("type"), "user_id": get("user"),
        "amount": parsed(get("amount"), float), "count": parsed(get("count"), int),
        "ok": parsed(get("ok"), "true".__eq__), "session": get("session"), "schema": "event/1"})


transform = {"a": a, "b": b, "c": c, "d": d}[sys.argv[1]]
loads, dumps, write = orjson.loads, orjson.dumps, sys.stdout.buffer.write
for line in sys.stdin.buffer:
    write(dumps(transform(loads(line))) + b"\n")
