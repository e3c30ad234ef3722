{
  id, external_id: .external_ref,
  name: ({given: .first_name, family: .last_name}),
  contact: ({email, phone, mobile}),
  organization: ({name: .company_name, title: .job_title, department}),
  address: ({lines: [.street, .street2 | select(. != null)], city, region, postal_code, country: .country_code}),
  locale, time_zone: .timezone, url: .website,
  age: (.age | if . then tonumber else . end),
  credit_limit: (.credit_limit | if . then tonumber else . end),
  opted_in: (.opted_in | if . then . == "true" else . end),
  score: (.score | if . then tostring else . end),
  created: (.created_at | if . then todate else . end),
  updated: (.updated_at | if . then fromdate else . end),
  origin: (.source // "unknown"), record_type: "contact"
}
