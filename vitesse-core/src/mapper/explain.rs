use std::fmt;

use serde::Serialize;

use super::map::invalid;
use crate::error::{Result, did_you_mean};
use crate::mapping::{FieldPath, Functions, Mapping, TransformType, Transformation};

/// Why a line is as it is, for people. `Display` gives it in a few lines of text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The fields it takes.
    pub source_fields: Vec<String>,
    /// The field it makes.
    pub dest_field: String,
    /// What it does to the value, in a sentence.
    pub conversion: String,
    /// How sure the mapper is, from 0 to 1.
    pub confidence: Option<f64>,
    /// Why the mapper chose it.
    pub reason: String,
    /// What came next: a source, and how likely it would be right.
    pub candidates: Vec<(String, f64)>,
    /// What a person said of it: `accepted`, `rejected`, `replaced` or `hint`.
    pub review: Option<String>,
}

/// Explains the line of a mapping that makes a field.
///
/// ```
/// use vitesse_core::mapper::explain;
/// use vitesse_core::mapping::Mapping;
/// let mapping: Mapping = serde_json::from_str(r#"{"version": 1, "transformations": [
///     {"source_field": "n", "dest_field": "count", "transform_type": "parse",
///      "transform_config": {"function": "parse_int"}, "confidence": 0.8, "reason": "both speak of \"count\""}
/// ]}"#)?;
/// let text = explain(&mapping, "count")?.to_string();
/// assert!(text.starts_with("n → count\n") && text.contains("whole number") && text.contains("0.80"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// `invalid_input` if no line makes the field, with the nearest name.
pub fn explain(mapping: &Mapping, dest_field: &str) -> Result<Explanation> {
    let wanted: FieldPath = dest_field.trim().parse()?;
    let lines = || mapping.transformations.iter();
    let line = lines().filter(|line| line.dest_field == wanted).max_by_key(|line| line.enabled);
    let Some(line) = line else {
        let names: Vec<String> = lines().map(|line| line.dest_field.to_string()).collect();
        let help = did_you_mean(dest_field, names.iter().map(String::as_str))
            .unwrap_or_else(|| format!("the mapping has {} lines", names.len()));
        return Err(invalid("no line writes that field".to_owned()).with("field", dest_field).help(help));
    };
    let candidates = line.candidates.iter().filter_map(|other| {
        let confidence = other.get("confidence").and_then(|share| share.as_number())?.as_f64();
        Some((other.get("source_field")?.as_str()?.to_owned(), confidence))
    });
    Ok(Explanation {
        source_fields: line.source_field.paths.iter().map(ToString::to_string).collect(),
        dest_field: line.dest_field.to_string(),
        conversion: conversion(line),
        confidence: line.confidence,
        reason: line.reason.clone().unwrap_or_default(),
        candidates: candidates.collect(),
        review: line.extra.get(super::review::REVIEW).and_then(|word| word.as_str()).map(str::to_owned),
    })
}

fn conversion(line: &Transformation) -> String {
    let function = || line.transform_config.get("function").and_then(|name| name.as_str());
    match line.transform_type {
        TransformType::Direct => "The value is copied; the names are the same.".to_owned(),
        TransformType::Mapping => "The value is copied.".to_owned(),
        TransformType::Stringify => "A number or boolean becomes text.".to_owned(),
        TransformType::ParseBool => "Text or 0 and 1 become a boolean.".to_owned(),
        TransformType::Collect => "The fields are collected to one list.".to_owned(),
        TransformType::Parse | TransformType::Custom => {
            let name = function().unwrap_or_default();
            let summary =
                Functions::find(name).map_or("A function of the host program.", |known| known.summary);
            match line.transform_config.get("params") {
                Some(params) => format!("{summary} ({name} {params})"),
                None => format!("{summary} ({name})"),
            }
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources =
            if self.source_fields.is_empty() { "(nothing)".into() } else { self.source_fields.join(" + ") };
        writeln!(f, "{sources} → {}", self.dest_field)?;
        writeln!(f, "  {}", self.conversion)?;
        match self.confidence {
            Some(share) => writeln!(f, "  confidence {share:.2}: {}", self.reason)?,
            None => writeln!(f, "  {}", self.reason)?,
        }
        for (path, share) in &self.candidates {
            writeln!(f, "  or {path} ({share:.2})")?;
        }
        match &self.review {
            Some(review) => writeln!(f, "  review: {review}"),
            None => Ok(()),
        }
    }
}
