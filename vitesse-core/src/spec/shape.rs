//! A hash of what an API is, not of how its description is worded or ordered.

use super::{Additional, ApiSpec, Endpoint, Media, Parameter, Response, Schema, SchemaId};

impl ApiSpec {
    /// The hash of the shape, as 32 hex digits: endpoints, parameters, bodies, statuses, schemas and auth.
    ///
    /// Titles, descriptions, examples, tags and the order of things don't change it. It tells honest
    /// versions apart; it is no protection against forged ones.
    pub fn compute_shape_hash(&self) -> String {
        let schemas = schema_hashes(self);
        let mut parts: Vec<u128> = self.endpoints.iter().map(|e| endpoint(e, self, &schemas)).collect();
        parts.extend(
            self.schemas.iter().filter(|(_, schema)| schema.name.is_some()).map(|(id, _)| of(&schemas, id)),
        );
        for scheme in &self.auth.schemes {
            parts.push(Hash::new(7).text(&scheme.name).text(&format!("{:?}", scheme.kind)).0);
        }
        parts.push(Hash::new(8).text(self.base_url.as_deref().unwrap_or_default()).0);
        format!("{:032x}", Hash::new(0).set(parts).0)
    }
}

/// How often what is inside is mixed into what is around it. Named schemas are told apart by their names,
/// so this only has to reach from one name to the next.
const ROUNDS: usize = 2;

fn schema_hashes(spec: &ApiSpec) -> Vec<u128> {
    let own: Vec<u128> = spec.schemas.iter().map(|(_, schema)| local(schema)).collect();
    let mut hashes = own.clone();
    for _ in 0..ROUNDS {
        hashes = spec
            .schemas
            .iter()
            .map(|(id, schema)| {
                // Only its name counts for those who refer to it.
                let seen = |id: SchemaId| of(&hashes, id);
                around(Hash(of(&own, id)), schema, &seen).0
            })
            .collect();
    }
    hashes
}

fn of(hashes: &[u128], id: SchemaId) -> u128 {
    hashes.get(id.0 as usize).copied().unwrap_or_default()
}

fn local(schema: &Schema) -> u128 {
    let mut hash = Hash::new(1)
        .text(schema.name.as_deref().unwrap_or_default())
        .text(schema.format.as_deref().unwrap_or_default())
        .number(schema.types.iter().fold(0, |set, kind| set | 1 << kind as u32))
        .number(u128::from(schema.read_only) | u128::from(schema.write_only) << 1);
    hash = hash.set(schema.enum_values.iter().map(|value| Hash::new(2).text(value.text()).0).collect());
    if let Some(details) = &schema.details {
        for value in [
            &details.default,
            &details.minimum,
            &details.maximum,
            &details.exclusive_minimum,
            &details.exclusive_maximum,
            &details.multiple_of,
        ] {
            hash = hash.text(value.as_ref().map_or("", |value| value.text()));
        }
        for bound in [
            details.min_length,
            details.max_length,
            details.min_items,
            details.max_items,
            details.min_properties,
            details.max_properties,
        ] {
            hash = hash.number(bound.map_or(u128::MAX, u128::from));
        }
        hash = hash
            .text(details.pattern.as_deref().unwrap_or_default())
            .number(u128::from(details.unique_items))
            .set(details.also_required.iter().map(|name| Hash::new(3).text(name).0).collect());
    }
    hash.0
}

fn around(mut hash: Hash, schema: &Schema, seen: &dyn Fn(SchemaId) -> u128) -> Hash {
    let property =
        |p: &super::Property| Hash::new(4).text(&p.name).number(seen(p.schema)).number(p.required.into()).0;
    hash = hash.set(schema.properties.iter().map(property).collect());
    hash = hash.number(match schema.additional {
        Additional::Any => 0,
        Additional::None => 1,
        Additional::Schema(id) => seen(id),
    });
    hash = hash.number(schema.items.map_or(0, seen));
    hash = hash.set(schema.one_of.iter().map(|id| seen(*id)).collect());
    hash = hash.set(schema.any_of.iter().map(|id| seen(*id)).collect());
    if let Some(details) = &schema.details {
        for id in details.prefix_items.iter().chain(&details.not) {
            hash = hash.number(seen(*id));
        }
        for (pattern, id) in &details.pattern_properties {
            hash = hash.text(pattern).number(seen(*id));
        }
    }
    hash
}

fn endpoint(endpoint: &Endpoint, spec: &ApiSpec, schemas: &[u128]) -> u128 {
    let mut hash =
        Hash::new(5).text(endpoint.method.as_str()).text(&endpoint.path).number(endpoint.deprecated.into());
    hash = hash.set(endpoint.parameters.iter().map(|p| parameter(p, schemas)).collect());
    if let Some(request) = &endpoint.request {
        hash = hash
            .number(request.required.into())
            .set(request.content.iter().map(|m| media(m, schemas)).collect());
    }
    hash = hash.set(
        endpoint
            .responses
            .iter()
            .map(|r| Hash::new(6).text(&r.status).number(response(&r.response, schemas)).0)
            .collect(),
    );
    let ways = spec.auth_of(endpoint).iter().map(|way| {
        let schemes = way.0.iter().map(|(name, scopes)| {
            Hash::new(9).text(name).set(scopes.iter().map(|scope| Hash::new(10).text(scope).0).collect()).0
        });
        Hash::new(11).set(schemes.collect()).0
    });
    hash.set(ways.collect()).0
}

fn parameter(parameter: &Parameter, schemas: &[u128]) -> u128 {
    Hash::new(12)
        .text(&parameter.name)
        .number(parameter.location as u128)
        .number(parameter.style as u128)
        .number(u128::from(parameter.required) | u128::from(parameter.explode) << 1)
        .number(parameter.schema.map_or(0, |id| of(schemas, id)))
        .0
}

fn media(media: &Media, schemas: &[u128]) -> u128 {
    let schema = |id: Option<SchemaId>| id.map_or(0, |id| of(schemas, id));
    Hash::new(13).text(&media.media_type).number(schema(media.schema)).number(schema(media.item_schema)).0
}

fn response(response: &Response, schemas: &[u128]) -> u128 {
    Hash::new(14)
        .set(response.headers.iter().map(|p| parameter(p, schemas)).collect())
        .set(response.content.iter().map(|m| media(m, schemas)).collect())
        .0
}

/// Two multiplications a word, each folded: not cryptographic, the same on every machine and in every
/// version.
#[derive(Clone, Copy)]
struct Hash(u128);

impl Hash {
    fn new(kind: u64) -> Self {
        Self(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834).number(kind.into())
    }

    fn number(self, number: u128) -> Self {
        let fold = |a: u64, b: u64| {
            let wide = u128::from(a) * u128::from(b);
            (wide as u64) ^ (wide >> 64) as u64
        };
        let (low, high) = ((self.0 ^ number) as u64, ((self.0 ^ number) >> 64) as u64);
        let first = fold(low ^ 0xa076_1d64_78bd_642f, high ^ 0xe703_7ed1_a0b4_28db);
        let second =
            fold(high.rotate_left(23) ^ 0x8ebc_6af0_9c88_c6e3, low.rotate_left(41) ^ 0x5899_65cc_7537_4cc3);
        Self(u128::from(first) << 64 | u128::from(second)).mix(low, high)
    }

    /// Keeps what a multiplication by nought would lose.
    fn mix(self, low: u64, high: u64) -> Self {
        Self(self.0 ^ (u128::from(low.rotate_left(32)) << 64 | u128::from(high)))
    }

    fn text(self, text: &str) -> Self {
        let mut hash = self.number(text.len() as u128);
        for chunk in text.as_bytes().chunks(16) {
            let mut word = [0; 16];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = hash.number(u128::from_le_bytes(word));
        }
        hash
    }

    /// Parts whose order doesn't matter.
    fn set(self, mut parts: Vec<u128>) -> Self {
        parts.sort_unstable();
        parts.iter().fold(self.number(parts.len() as u128), |hash, part| hash.number(*part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Method, Property, Type};

    fn shop(change: impl FnOnce(&mut ApiSpec)) -> String {
        let mut spec = ApiSpec::new("Shop");
        let text = spec.schemas.add(Schema::of(Type::String));
        let customer = spec.schemas.add(Schema {
            properties: vec![Property { name: "email".into(), schema: text, required: true }],
            ..Schema::of(Type::Object)
        });
        for path in ["/a", "/b"] {
            let mut endpoint = Endpoint::new(path, Method::Get);
            endpoint.responses.push(crate::spec::StatusResponse {
                status: "200".into(),
                response: std::sync::Arc::new(Response {
                    content: vec![Media {
                        media_type: "application/json".into(),
                        schema: Some(customer),
                        ..Media::default()
                    }],
                    ..Response::default()
                }),
            });
            spec.endpoints.push(endpoint);
        }
        change(&mut spec);
        spec.compute_shape_hash()
    }

    #[test]
    fn wording_and_order_are_not_shape_and_types_are() {
        let plain = shop(|_| {});
        assert_eq!(plain, shop(|s| s.endpoints[0].summary = Some("First".into())));
        assert_eq!(plain, shop(|s| s.endpoints.reverse()));
        assert_eq!(
            plain,
            shop(|s| s.schemas.get_mut(SchemaId(1)).unwrap().description = Some("Who buys".into()))
        );
        assert_ne!(
            plain,
            shop(|s| s.schemas.get_mut(SchemaId(0)).unwrap().types = Type::ALL.into_iter().collect())
        );
        assert_ne!(plain, shop(|s| s.schemas.get_mut(SchemaId(1)).unwrap().properties[0].required = false));
        assert_ne!(plain, shop(|s| s.endpoints[1].path = "/c".into()));
        assert_ne!(plain, shop(|s| drop(s.endpoints.pop())));
    }
}
