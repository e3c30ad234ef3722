def there: with_entries(select(.value != null));
{
  id, external_id: .external_ref,
  name: ({given: .first_name, family: .last_name} | there),
  contact: ({email, phone, mobile} | there),
  organization: ({name: .company_name, title: .job_title, department} | there),
  address: ({lines: [.street, .street2 | select(. != null)], city, region, postal_code, country: .country_code} | there),
  locale, time_zone: .timezone, url: .website,
  age: (.age | if . then tonumber else . end),
  credit_limit: (.credit_limit | if . then tonumber else . end),
  opted_in: (.opted_in | if . then . == "true" else . end),
  score: (.score | if . then tostring else . end),
  created: (.created_at | if . then todate else . end),
  updated: (.updated_at | if . then fromdate else . end),
  origin: (.source // "unknown"), record_type: "contact"
} | there
