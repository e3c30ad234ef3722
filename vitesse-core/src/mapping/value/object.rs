use std::collections::HashMap;

use super::Value;

/// Below this many keys looking through them is faster than hashing.
const INDEX_FROM: usize = 16;

/// A JSON object whose keys stay in the order of their first mention.
///
/// Giving a key again replaces its value wholly and leaves its place. Two objects are equal when they have
/// the same fields in the same order.
#[derive(Clone, Debug, Default)]
pub struct Object {
    fields: Vec<(String, Value)>,
    /// Built for large objects only, so that many keys don't cost the square of their number.
    index: Option<HashMap<String, usize>>,
}

impl Object {
    /// An object without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.position(key).map(|at| &self.fields[at].1)
    }

    /// The value of a key, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.position(key).map(|at| &mut self.fields[at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets a field: at the end if it is new, else in its place.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        match self.position(&key) {
            Some(at) => self.fields[at].1 = value,
            None => {
                if let Some(index) = &mut self.index {
                    index.insert(key.clone(), self.fields.len());
                }
                self.fields.push((key, value));
                if self.index.is_none() && self.fields.len() > INDEX_FROM {
                    self.index = Some(
                        self.fields.iter().enumerate().map(|(at, (key, _))| (key.clone(), at)).collect(),
                    );
                }
            }
        }
    }

    /// Takes a field out; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key)?;
        self.index = None;
        Some(self.fields.remove(at).1)
    }

    /// The fields in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> + DoubleEndedIterator {
        self.fields.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.fields.iter().map(|(key, _)| key.as_str())
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.get(key).copied(),
            None => self.fields.iter().position(|(known, _)| known == key),
        }
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.fields == other.fields
    }
}

impl Eq for Object {}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let mut object = Self::new();
        for (key, value) in fields {
            object.insert(key, value);
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.fields.into_iter()
    }
}
