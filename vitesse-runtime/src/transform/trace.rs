use std::str::FromStr;

use vitesse_core::mapping::value::read;
use vitesse_core::mapping::{FieldPath, Value};
use vitesse_core::transform::{Plan, plain};

/// Which records are traced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Traced {
    /// One in so many.
    Share(u64),
    /// The record of this number, counted from 1.
    Number(u64),
    /// The records with this id.
    Id(String),
}

impl FromStr for Traced {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| match text.parse() {
            Ok(0) | Err(_) => {
                Err(format!("{text:?} is no number from 1 on; write all, 1/1000, 17 or id=..."))
            }
            Ok(number) => Ok(number),
        };
        match (text, text.strip_prefix("1/"), text.strip_prefix("id=")) {
            ("all", ..) => Ok(Self::Share(1)),
            (_, Some(share), _) => number(share).map(Self::Share),
            (_, _, Some(id)) => Ok(Self::Id(id.to_owned())),
            _ => number(text).map(Self::Number),
        }
    }
}

/// Tells what lines do, with types in place of values.
pub(crate) struct Tracer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) which: &'a Traced,
    /// The field that identifies a record.
    pub(crate) id: FieldPath,
}

impl Tracer<'_> {
    pub(crate) fn tell(&self, number: u64, text: &[u8]) {
        let wanted = match self.which {
            Traced::Share(share) => (number - 1).is_multiple_of(*share),
            Traced::Number(wanted) => number == *wanted,
            Traced::Id(_) => true,
        };
        let Some(record) = wanted.then(|| read(text).ok()).flatten() else { return };
        if let Traced::Id(id) = self.which {
            let found = match self.id.find(&record) {
                Some(Value::String(text)) => text == id,
                Some(Value::Number(number)) => number.as_str() == id,
                _ => false,
            };
            if !found {
                return;
            }
        }
        for line in plain::trace(self.plan.compiled(), &record) {
            crate::say(&format!("record {number}, {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_traced_can_be_said_in_four_ways() {
        let parsed = |text: &str| text.parse::<Traced>().ok();
        assert_eq!(parsed("all"), Some(Traced::Share(1)));
        assert_eq!(parsed("1/1000"), Some(Traced::Share(1000)));
        assert_eq!(parsed("17"), Some(Traced::Number(17)));
        assert_eq!(parsed("id=1/2"), Some(Traced::Id("1/2".to_owned())));
        for wrong in ["", "0", "1/0", "2/3", "some"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }
}
