// The four workloads in Node: node peer.js a < in > out
const fs = require("fs");
const number = (text) => (text === undefined ? undefined : Number(text));
const boolean = (text) => (text === undefined ? undefined : text === "true");
const iso = (seconds) => (seconds === undefined ? undefined : new Date(seconds * 1000).toISOString().slice(0, 19) + "Z");
const unix = (text) => (text === undefined ? undefined : Date.parse(text) / 1000);
const transforms = {
  a: (r) => ({
    id: r.id, external_id: r.external_ref, name: { given: r.first_name, family: r.last_name },
    contact: { email: r.email, phone: r.phone, mobile: r.mobile },
    organization: { name: r.company_name, title: r.job_title, department: r.department },
    address: {
      lines: [r.street, r.street2].filter((line) => line !== undefined), city: r.city, region: r.region,
      postal_code: r.postal_code, country: r.country_code,
    },
    locale: r.locale, time_zone: r.timezone, url: r.website, age: number(r.age),
    credit_limit: number(r.credit_limit), opted_in: boolean(r.opted_in),
    score: r.score === undefined ? undefined : String(r.score), created: iso(r.created_at),
    updated: unix(r.updated_at), origin: r.source ?? "unknown", record_type: "contact",
  }),
  b: (r) => ({
    order_id: r.id, reference: r.number, placed_at: r.created_at, currency: r.currency,
    amount: { total: Number(r.total) }, remarks: r.note,
    buyer: { id: r.customer.id, full_name: r.customer.name, email: r.customer.email },
    delivery: {
      service: r.shipping.method, street: r.shipping.address.street, city: r.shipping.address.city,
      postal_code: r.shipping.address.zip, country: r.shipping.address.country,
    },
    lines: r.line_items.map((i) => ({
      sku: i.sku, name: i.title, qty: i.quantity, unit_price: Number(i.price.amount), currency: i.price.currency,
      text: i.description, color: i.attributes.color,
    })),
    labels: r.tags,
  }),
  c: (r) => ({
    id: r.id, out_25: r.billing_field_025, out_37: r.billing_field_037, out_50: r.meta_field_050,
    out_62: r.meta_field_062, out_75: r.customer_field_075, out_91: r.billing_field_091,
    out_106: r.billing_field_106, out_120: r.customer_field_120, out_147: r.customer_field_147,
  }),
  d: (r) => ({
    time: iso(r.ts), event: r.type, user_id: r.user, amount: number(r.amount), count: number(r.count),
    ok: boolean(r.ok), session: r.session, schema: "event/1",
  }),
};
const transform = transforms[process.argv[2]];
const block = Buffer.alloc(1 << 18);
let rest = Buffer.alloc(0);
for (let read; (read = fs.readSync(0, block, 0, block.length, null)) > 0; ) {
  const text = Buffer.concat([rest, block.subarray(0, read)]);
  const end = text.lastIndexOf(10) + 1;
  rest = text.subarray(end);
  const lines = text.toString("utf8", 0, end).split("\n");
  lines.pop();
  if (lines.length) fs.writeSync(1, lines.map((line) => JSON.stringify(transform(JSON.parse(line)))).join("\n") + "\n");
}
