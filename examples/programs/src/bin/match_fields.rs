//! Fields of two schemas find their partners: without a network, and the same everywhere.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "that is what the program is for")]

use serde_json::json;
use vitesse_core::Result;
use vitesse_core::mapper::{MapRequest, Mapper, Side};

fn main() -> Result<()> {
    let text = || json!({"type": "string"});
    let person = json!({"properties": {
        "first_name": text(), "last_name": text(), "mail": {"type": "string", "format": "email"},
        "zip": text(), "spent": {"type": "string", "examples": ["12.50"]}, "nickname": text(),
    }});
    let contact = json!({"required": ["email"], "properties": {
        "givenName": text(), "familyName": text(), "email": {"type": "string", "format": "email"},
        "postalCode": text(), "spentCents": {"type": "integer"}, "loyaltyTier": text(),
    }});
    let proposal =
        Mapper::new()?.map(Side::schema(&person), Side::schema(&contact), &MapRequest::default())?;
    for line in &proposal.mapping.transformations {
        let sources: Vec<String> = line.source_field.paths.iter().map(ToString::to_string).collect();
        let sure = line.confidence.unwrap_or_default();
        println!(
            "{:10} -> {:11} {sure:.2}  {}",
            sources.join(", "),
            line.dest_field.to_string(),
            reason(line)
        );
    }
    println!("not sent: {}", proposal.unused_source.join(", "));
    Ok(())
}

fn reason(line: &vitesse_core::mapping::Transformation) -> &str {
    line.reason.as_deref().unwrap_or_default()
}
