use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a deploy would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The target.
    pub target: String,
    /// Whether anything would be changed.
    pub changes: bool,
    /// Every object of the deployment, in the order in which they are made.
    pub objects: Vec<Planned>,
    /// What else one should know, line by line.
    pub notes: Vec<String>,
}

/// An object that a target makes or keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    /// What it is: `image`, `network`, `volume`, `container`; `folder`, `process`.
    pub kind: String,
    /// Its name on the target.
    pub name: String,
    /// What would be done to it.
    pub intent: Intent,
    /// It, exactly as the target would be asked for it.
    pub object: Value,
    /// How it differs from what is there.
    pub differences: Vec<Difference>,
}

impl Planned {
    /// An object beside the one that is there, if there is one.
    pub fn beside(kind: &str, name: impl Into<String>, object: Value, there: Option<&Value>) -> Self {
        let differences = there.map(|there| differences(there, &object)).unwrap_or_default();
        let intent = match there {
            None => Intent::Create,
            Some(_) if differences.is_empty() => Intent::Keep,
            Some(_) => Intent::Replace,
        };
        Self { kind: kind.to_owned(), name: name.into(), intent, object, differences }
    }
}

/// What would be done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Intent {
    /// It is made.
    Create,
    /// It is made anew in the place of the one that is there.
    Replace,
    /// It stays.
    Keep,
    /// It is removed.
    Remove,
}

impl Intent {
    /// The word it is shown as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Keep => "keep",
            Self::Remove => "remove",
        }
    }
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Where it is in the object: `HostConfig.Memory`.
    pub path: String,
    /// What is there now.
    pub before: Option<Value>,
    /// What would be there.
    pub after: Option<Value>,
}

/// Every value in which two objects differ. Lists are compared as a whole.
pub(super) fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let mut names: Vec<&String> = old.keys().chain(new.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            compare(&inner, old.get(name), new.get(name), found);
        }
    } else if before != after {
        found.push(Difference { path: path.to_owned(), before: before.cloned(), after: after.cloned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_with_its_place() {
        let before = json!({"Image": "a:1", "HostConfig": {"Memory": 1, "Pids": 2}, "Env": ["A=1"]});
        let after = json!({"Image": "a:1", "HostConfig": {"Memory": 4}, "Env": ["A=1", "B=2"], "User": "x"});
        let told: Vec<String> = differences(&before, &after)
            .iter()
            .map(|d| {
                format!(
                    "{}: {:?} > {:?}",
                    d.path,
                    d.before.as_ref().map(Value::to_string),
                    d.after.as_ref().map(Value::to_string)
                )
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        Env: Some("[\"A=1\"]") > Some("[\"A=1\",\"B=2\"]")
        HostConfig.Memory: Some("1") > Some("4")
        HostConfig.Pids: Some("2") > None
        User: None > Some("\"x\"")
        "#);
        assert_eq!(Planned::beside("container", "c", after.clone(), Some(&after)).intent, Intent::Keep);
        assert_eq!(Planned::beside("container", "c", after.clone(), Some(&before)).intent, Intent::Replace);
        assert_eq!(Planned::beside("container", "c", after, None).intent, Intent::Create);
    }
}
