{
  order_id: .id, reference: .number, placed_at: .created_at, currency,
  amount: {total: (.total | tonumber)}, remarks: .note,
  buyer: ({id: .customer.id, full_name: .customer.name, email: .customer.email}),
  delivery: ({service: .shipping.method} + (.shipping.address | {street, city, postal_code: .zip, country})),
  lines: [.line_items[] | {sku, name: .title, qty: .quantity, unit_price: (.price.amount | tonumber),
    currency: .price.currency, text: .description, color: .attributes.color}],
  labels: .tags
}
