use crate::mapping::{Mapping, TransformType, Transformation};

/// How involved a mapping is, from 1 to 10: `1 + 9 * load / (load + 10)`, in thousandths.
///
/// The load is the sum over the lines that are used, and what is left to do:
///
/// | what | adds |
/// |---|---|
/// | a `direct` line | 0.05 |
/// | a `mapping` line | 0.1 |
/// | `parse`, `stringify`, `parse_bool` | 0.2 |
/// | `collect` | 0.3 |
/// | `custom` | 0.4, with `jq` 0.8 |
/// | each `[]` of a line's destination | 0.1 |
/// | each source of a line behind the first | 0.1 |
/// | a confidence below 0.7 | 0.1 |
/// | a filter, a split, each element filter | 0.5 |
/// | each required field that nothing fills | 0.5 |
///
/// ```
/// use vitesse_core::mapper::complexity;
/// use vitesse_core::mapping::Mapping;
/// assert_eq!(complexity(&Mapping::default(), 0), 1.0);
/// assert!(complexity(&Mapping::default(), 1000) < 10.0);
/// ```
pub fn complexity(mapping: &Mapping, unmapped_required: usize) -> f64 {
    let lines = mapping.transformations.iter().filter(|line| line.enabled).map(load);
    // Counted in twentieths, so that the sum is exact whatever its order.
    let mut twentieths: u64 = lines.sum();
    let extras = usize::from(mapping.filter.is_some())
        + usize::from(mapping.split.is_some())
        + mapping.element_filters.len();
    twentieths += 10 * (extras + unmapped_required) as u64;
    let load = twentieths as f64 / 20.0;
    // Rounded, so that every reader of JSON reads the number that was written.
    ((1.0 + 9.0 * load / (load + 10.0)) * 1000.0).round() / 1000.0
}

fn load(line: &Transformation) -> u64 {
    let function = line.transform_config.get("function").and_then(|name| name.as_str());
    let kind = match line.transform_type {
        TransformType::Direct => 1,
        TransformType::Mapping => 2,
        TransformType::Parse | TransformType::Stringify | TransformType::ParseBool => 4,
        TransformType::Collect => 6,
        TransformType::Custom if function == Some("jq") => 16,
        TransformType::Custom => 8,
    };
    let sources = line.source_field.paths.len().saturating_sub(1) as u64;
    let unsure = u64::from(line.confidence.is_some_and(|confidence| confidence < 0.7));
    kind + 2 * (line.dest_field.depth() as u64 + sources + unsure)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_what_the_table_says() {
        let mapping = Mapping::parse(
            br#"{"version": 1, "filter": {"field": "a", "exists": true}, "transformations": [
            {"source_field": "a", "dest_field": "a", "transform_type": "direct"},
            {"source_field": ["b", "c"], "dest_field": "d", "transform_type": "collect"},
            {"source_field": "e[].f", "dest_field": "g[].f", "transform_type": "custom", "confidence": 0.5,
             "transform_config": {"function": "jq", "params": {"expression": "."}}},
            {"source_field": "x", "dest_field": "y", "transform_type": "mapping", "enabled": false}
        ]}"#,
        )
        .unwrap();
        let load = 0.05 + (0.3 + 0.1) + (0.8 + 0.1 + 0.1) + 0.5 + 2.0 * 0.5;
        assert!((complexity(&mapping, 2) - (1.0 + 9.0 * load / (load + 10.0))).abs() <= 0.0005);
    }
}
