"""The flat workloads in DuckDB and Polars, one thread: frame.py duckdb a < in > out

Both write null where a field is missing; the comparison knows that. An order's line items (workload b) would have to
be taken apart and put together again, which neither does well, so it is left out.
"""

import sys

ENGINE, WORKLOAD = sys.argv[1:3]
A = """id BIGINT, external_ref TEXT, first_name TEXT, last_name TEXT, email TEXT, phone TEXT, mobile TEXT, company_name TEXT,
job_title TEXT, department TEXT, street TEXT, street2 TEXT, city TEXT, region TEXT, postal_code TEXT, country_code TEXT,
locale TEXT, timezone TEXT, website TEXT, age TEXT, credit_limit TEXT, opted_in TEXT, score BIGINT, created_at BIGINT,
updated_at TEXT, source TEXT"""
C = {"id": "BIGINT", "billing_field_025": "TEXT", "billing_field_037": "TEXT", "meta_field_050": "TEXT",
     "meta_field_062": "TEXT", "customer_field_075": "TEXT", "billing_field_091": "BIGINT",
     "billing_field_106": "BIGINT", "customer_field_120": "TEXT", "customer_field_147": "TEXT"}
COLUMNS = {
    "a": dict(column.split() for column in A.replace("\n", " ").split(",")),
    "c": C,
    "d": {"ts": "BIGINT", "type": "TEXT", "user": "TEXT", "amount": "TEXT", "count": "TEXT", "ok": "TEXT", "session": "TEXT"},
}[WORKLOAD]
OUT = {name: "id" if name == "id" else "out_" + name[-3:].lstrip("0") for name in C}


def duckdb():
    import duckdb

    iso = "strftime(make_timestamp({} * 1000000), '%Y-%m-%dT%H:%M:%SZ')"
    select = {
        "a": f"""id, external_ref AS external_id, {{'given': first_name, 'family': last_name}} AS name,
            {{'email': email, 'phone': phone, 'mobile': mobile}} AS contact,
            {{'name': company_name, 'title': job_title, 'department': department}} AS organization,
            {{'lines': list_filter([street, street2], lambda x: x IS NOT NULL), 'city': city, 'region': region,
              'postal_code': postal_code, 'country': country_code}} AS address, locale, timezone AS time_zone,
            website AS url, age::BIGINT AS age, credit_limit::DOUBLE AS credit_limit, opted_in::BOOLEAN AS opted_in,
            score::TEXT AS score, {iso.format('created_at')} AS created,
            epoch(strptime(updated_at, '%Y-%m-%dT%H:%M:%SZ'))::BIGINT AS updated,
            coalesce(source, 'unknown') AS origin, 'contact' AS record_type""",
        "c": ", ".join(f"{name} AS {OUT[name]}" for name in C),
        "d": f"""{iso.format('ts')} AS time, type AS event, "user" AS user_id, amount::DOUBLE AS amount,
            "count"::BIGINT AS "count", ok::BOOLEAN AS ok, session, 'event/1' AS schema""",
    }[WORKLOAD]
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in COLUMNS.items())
    connection.execute(
        f"""COPY (SELECT {select} FROM read_json('/dev/stdin', format = 'newline_delimited', columns = {{{columns}}}))
            TO '/dev/stdout' (FORMAT json)""")


def polars():
    import os

    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as pl

    kinds = {"BIGINT": pl.Int64, "TEXT": pl.String}
    frame = pl.read_ndjson(
        sys.stdin.buffer.read(), schema={name: kinds[kind] for name, kind in COLUMNS.items()})
    col = pl.col
    form = "%Y-%m-%dT%H:%M:%SZ"

    def iso(name):
        return pl.from_epoch(col(name), time_unit="s").dt.strftime(form)

    def record(**fields):
        return pl.struct(**{to: col(of) for to, of in fields.items()})

    def boolean(name):
        return col(name) == "true"

    select = {
        "a": lambda: [
            col("id"), col("external_ref").alias("external_id"),
            record(given="first_name", family="last_name").alias("name"),
            record(email="email", phone="phone", mobile="mobile").alias("contact"),
            record(name="company_name", title="job_title", department="department").alias("organization"),
            pl.struct(lines=pl.concat_list("street", "street2").list.drop_nulls(), city="city", region="region",
                      postal_code="postal_code", country="country_code").alias("address"),
            col("locale"), col("timezone").alias("time_zone"), col("website").alias("url"),
            col("age").cast(pl.Int64), col("credit_limit").cast(pl.Float64), boolean("opted_in"),
            col("score").cast(pl.String), iso("created_at").alias("created"),
            col("updated_at").str.to_datetime(form).dt.epoch("s").alias("updated"),
            col("source").fill_null("unknown").alias("origin"), pl.lit("contact").alias("record_type")],
        "c": lambda: [col(name).alias(to) for name, to in OUT.items()],
        "d": lambda: [
            iso("ts").alias("time"), col("type").alias("event"), col("user").alias("user_id"),
            col("amount").cast(pl.Float64), col("count").cast(pl.Int64), boolean("ok"), col("session"),
            pl.lit("event/1").alias("schema")],
    }[WORKLOAD]()
    frame.select(select).write_ndjson(sys.stdout.buffer)


{"duckdb": duckdb, "polars": polars}[ENGINE]()
