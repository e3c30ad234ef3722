//! The ways in which a good mapping is broken.

use serde_json::{Value, json};
use vitesse_core::spec::{Field, Schema, Type};

use super::integrations::Integration;

/// A way to break a mapping.
pub(crate) struct Break {
    pub(crate) name: &'static str,
    /// What it does, for the table in the book.
    pub(crate) what: &'static str,
    /// Whether a schema can show it.
    pub(crate) by_schema: bool,
    /// Every mapping that comes of it, with the fields of the destination of which one must be named.
    pub(crate) make: fn(&Integration) -> Broken,
}

pub(crate) const BREAKS: &[Break] = &[
    Break {
        name: "drop a required line",
        what: "the line of a required field is taken out",
        by_schema: true,
        make: drop_required,
    },
    Break {
        name: "drop a conversion",
        what: "a value of another type is copied as it is",
        by_schema: true,
        make: drop_conversion,
    },
    Break {
        name: "wrong date format",
        what: "a date is written as `31.12.2025`",
        by_schema: true,
        make: date_format,
    },
    Break {
        name: "value outside the enumeration",
        what: "a table gives a value the destination lacks",
        by_schema: true,
        make: enum_value,
    },
    Break {
        name: "misspelt destination",
        what: "the destination's field has a letter too many",
        by_schema: true,
        make: misspelt_dest,
    },
    Break {
        name: "misspelt source",
        what: "the source's field has a letter too many",
        by_schema: true,
        make: misspelt_source,
    },
    Break { name: "too long", what: "a text grows beyond `maxLength`", by_schema: true, make: too_long },
    Break { name: "null", what: "null where the destination takes none", by_schema: true, make: null },
    Break {
        name: "swap two texts",
        what: "two texts of one record change places",
        by_schema: false,
        make: swap_texts,
    },
    Break {
        name: "swap two moments",
        what: "two dates or times change places",
        by_schema: false,
        make: swap_moments,
    },
    Break {
        name: "wrong unit",
        what: "an amount isn't converted, or by ten times too much",
        by_schema: false,
        make: unit,
    },
    Break {
        name: "wrong time zone",
        what: "a local time of Tokyo is written with `Z`",
        by_schema: false,
        make: zone,
    },
    Break {
        name: "milliseconds for seconds",
        what: "seconds since 1970 become milliseconds, or the other way round",
        by_schema: false,
        make: millis,
    },
    Break {
        name: "turned value table",
        what: "two entries of a table change their values",
        by_schema: false,
        make: table,
    },
    Break {
        name: "wrong look",
        what: "a mail address goes into a phone number, a name or a date",
        by_schema: false,
        make: look,
    },
];

/// A line of the good mapping.
struct Line {
    at: usize,
    source: Option<String>,
    dest: String,
    kind: String,
    function: String,
}

fn lines(integration: &Integration) -> Vec<Line> {
    let lines = integration.mapping["transformations"].as_array().unwrap();
    let line = |(at, line): (usize, &Value)| Line {
        at,
        source: line["source_field"].as_str().map(str::to_owned),
        dest: line["dest_field"].as_str().unwrap().to_owned(),
        kind: line["transform_type"].as_str().unwrap().to_owned(),
        function: line["transform_config"]["function"].as_str().unwrap_or_default().to_owned(),
    };
    lines.iter().enumerate().map(line).collect()
}

fn change(integration: &Integration, at: usize, change: impl FnOnce(&mut Value)) -> Value {
    let mut mapping = integration.mapping.clone();
    change(&mut mapping["transformations"][at]);
    mapping
}

fn from<'a>(integration: &'a Integration, line: &Line) -> Option<&'a Schema> {
    let spec = &integration.source;
    let endpoint = spec
        .endpoints
        .iter()
        .find(|e| *e.path == *integration.mapping["source_endpoint"].as_str().unwrap())?;
    let field = spec.schemas.field(endpoint.records.as_ref()?.schema?, line.source.as_ref()?)?;
    spec.schemas.get(field.schema)
}

fn to<'a>(integration: &'a Integration, line: &Line) -> (Field, &'a Schema) {
    let spec = &integration.dest;
    let path = integration.mapping["dest_endpoint"].as_str().unwrap();
    let endpoint = spec.endpoints.iter().find(|e| *e.path == *path && e.request_schema.is_some()).unwrap();
    let field = spec.schemas.field(endpoint.request_schema.unwrap(), &line.dest).unwrap();
    let schema = spec.schemas.get(field.schema).unwrap();
    (field, schema)
}

fn is(schema: &Schema, kind: Type) -> bool {
    schema.types.single() == Some(kind)
}

fn copies(line: &Line) -> bool {
    matches!(line.kind.as_str(), "mapping" | "direct")
}

fn is_moment(schema: &Schema) -> bool {
    matches!(schema.format.as_deref(), Some("date" | "date-time"))
}

fn custom(line: &mut Value, function: &str, params: Value) {
    line["transform_type"] = json!("custom");
    line["transform_config"] = json!({"function": function, "params": params});
}

pub(crate) type Broken = Vec<(Value, Vec<String>)>;

fn each(integration: &Integration, mut make: impl FnMut(&Line) -> Option<Value>) -> Broken {
    lines(integration).iter().filter_map(|line| Some((make(line)?, vec![line.dest.clone()]))).collect()
}

fn drop_required(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (field, _) = to(integration, line);
        (field.required && !field.repeated).then(|| {
            let mut mapping = integration.mapping.clone();
            mapping["transformations"].as_array_mut().unwrap().remove(line.at);
            mapping
        })
    })
}

fn drop_conversion(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (from, (_, to)) = (from(integration, line)?, to(integration, line));
        let shows = from.types.single() != to.types.single()
            || !to.enum_values.is_empty()
            || to.format.as_deref() == Some("date");
        (!copies(line) && shows).then(|| {
            change(integration, line.at, |line| {
                line["transform_type"] = json!("mapping");
                line.as_object_mut().unwrap().remove("transform_config");
            })
        })
    })
}

fn date_format(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (from, (_, to)) = (from(integration, line)?, to(integration, line));
        (is_moment(from) && (is_moment(to) || is(to, Type::Integer))).then(|| {
            change(integration, line.at, |line| custom(line, "timestamp", json!({"format": "%d.%m.%Y"})))
        })
    })
}

fn enum_value(integration: &Integration) -> Broken {
    each(integration, |line| {
        (line.function == "lookup").then(|| {
            change(integration, line.at, |line| {
                let table = line["transform_config"]["params"]["table"].as_object_mut().unwrap();
                table.values_mut().for_each(|value| *value = json!(format!("{}!", value.as_str().unwrap())));
            })
        })
    })
}

fn misspelt_dest(integration: &Integration) -> Broken {
    let lines = lines(integration);
    lines
        .iter()
        .filter(|line| line.at % 2 == 0)
        .map(|line| {
            let wrong = format!("{}e", line.dest);
            (change(integration, line.at, |line| line["dest_field"] = json!(wrong)), vec![wrong])
        })
        .collect()
}

fn misspelt_source(integration: &Integration) -> Broken {
    each(integration, |line| {
        let wrong = format!("{}e", line.source.as_ref().filter(|_| line.at % 2 == 1)?);
        Some(change(integration, line.at, |line| line["source_field"] = json!(wrong)))
    })
}

fn too_long(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (_, (_, to)) = (from(integration, line)?, to(integration, line));
        let most = to.details().max_length?;
        let text = format!("{}{{0}}", "long ".repeat(most as usize / 4 + 1));
        Some(change(integration, line.at, |line| custom(line, "template", json!({"template": text}))))
    })
}

fn null(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (_, to) = to(integration, line);
        line.source.as_ref()?;
        (!to.nullable() && !line.dest.contains("[]") && line.at % 2 == 0).then(|| {
            change(integration, line.at, |line| {
                line["source_field"] = Value::Null;
                line.as_object_mut().unwrap().remove("required");
                custom(line, "constant", json!({"value": null}));
            })
        })
    })
}

/// Two lines of the same kind change their sources.
fn swaps(integration: &Integration, fits: impl Fn(&Line) -> bool) -> Broken {
    let lines: Vec<_> =
        lines(integration).into_iter().filter(|line| line.source.is_some() && fits(line)).collect();
    let mut broken = Vec::new();
    for (at, a) in lines.iter().enumerate() {
        // With the next three: what stands together is mixed up, and the rest only takes time.
        for b in lines[at + 1..].iter().take(3) {
            let depth = |line: &Line| line.source.as_ref().unwrap().matches("[]").count();
            let format = |line: &Line| to(integration, line).1.format.clone();
            let length = |line: &Line| to(integration, line).1.details().max_length;
            // What a schema can see is another kind of break.
            if depth(a) != depth(b)
                || format(a) != format(b)
                || length(a).is_some_and(|n| n < 10) != length(b).is_some_and(|n| n < 10)
            {
                continue;
            }
            let mut mapping = integration.mapping.clone();
            let lines = &mut mapping["transformations"];
            (lines[a.at]["source_field"], lines[b.at]["source_field"]) =
                (lines[b.at]["source_field"].clone(), lines[a.at]["source_field"].clone());
            broken.push((mapping, vec![a.dest.clone(), b.dest.clone()]));
        }
    }
    broken
}

fn swap_texts(integration: &Integration) -> Broken {
    swaps(integration, |line| {
        let is_text = |schema: &Schema| {
            is(schema, Type::String)
                && schema.enum_values.is_empty()
                && schema.format.is_none()
                && schema.details().pattern.is_none()
        };
        copies(line) && from(integration, line).is_some_and(is_text) && is_text(to(integration, line).1)
    })
}

fn swap_moments(integration: &Integration) -> Broken {
    swaps(integration, |line| from(integration, line).is_some_and(is_moment))
}

fn unit(integration: &Integration) -> Broken {
    let mut broken = Vec::new();
    for factor in ["same", "ten"] {
        broken.extend(each(integration, |line| {
            (line.function == "scale_decimal").then(|| {
                change(integration, line.at, |line| {
                    let params = &mut line["transform_config"]["params"];
                    let by = params["by"].as_f64().unwrap();
                    params["by"] = if factor == "same" { json!(1) } else { json!(by * 10.0) };
                    params["places"] = json!(0);
                })
            })
        }));
    }
    broken
}

fn zone(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (from, (_, to)) = (from(integration, line)?, to(integration, line));
        (from.format.as_deref() == Some("date-time") && to.format.as_deref() == Some("date-time")).then(
            || {
                let params = json!({"format": "%Y-%m-%dT%H:%M:%SZ", "timezone": "Asia/Tokyo"});
                change(integration, line.at, |line| custom(line, "timestamp", params))
            },
        )
    })
}

fn millis(integration: &Integration) -> Broken {
    each(integration, |line| {
        let (from, (_, to)) = (from(integration, line)?, to(integration, line));
        (is_moment(from) && is(to, Type::Integer)).then(|| {
            change(integration, line.at, |line| {
                let format = &mut line["transform_config"]["params"]["format"];
                *format = if format == "unix" { json!("unix_ms") } else { json!("unix") };
            })
        })
    })
}

fn table(integration: &Integration) -> Broken {
    let mut broken = Vec::new();
    for line in lines(integration).iter().filter(|line| line.function == "lookup") {
        let at = &integration.mapping["transformations"][line.at]["transform_config"]["params"]["table"];
        let keys: Vec<_> = at.as_object().unwrap().keys().cloned().collect();
        for (first, a) in keys.iter().enumerate() {
            for b in &keys[first + 1..] {
                let mapping = change(integration, line.at, |line| {
                    let table = &mut line["transform_config"]["params"]["table"];
                    (table[a], table[b]) = (table[b].clone(), table[a].clone());
                });
                broken.push((mapping, vec![line.dest.clone()]));
            }
        }
    }
    broken
}

fn look(integration: &Integration) -> Broken {
    let lines = lines(integration);
    let Some(mail) = lines
        .iter()
        .find(|line| from(integration, line).is_some_and(|from| from.format.as_deref() == Some("email")))
    else {
        return Vec::new();
    };
    let meant = ["phone", "name", "city", "street", "company", "zip", "postal"];
    each(integration, |line| {
        let (_, (_, to)) = (from(integration, line)?, to(integration, line));
        let means = meant.iter().any(|word| line.dest.rsplit('.').next().unwrap().contains(word));
        (copies(line) && means && is(to, Type::String) && to.format.is_none() && !line.dest.contains("[]"))
            .then(|| change(integration, line.at, |line| line["source_field"] = json!(mail.source)))
    })
}
