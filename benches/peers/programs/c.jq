{id, out_25: .billing_field_025, out_37: .billing_field_037, out_50: .meta_field_050, out_62: .meta_field_062,
 out_75: .customer_field_075, out_91: .billing_field_091, out_106: .billing_field_106,
 out_120: .customer_field_120, out_147: .customer_field_147}
