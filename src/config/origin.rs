//! Where the configuration came from, so that it can be read anew and told what changed.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What was read, without what it said: of each value only a sum is kept, because some are secrets.
#[derive(Clone, Default)]
pub struct Origin {
    pub(super) file: Option<PathBuf>,
    pub(super) is_demo: bool,
    sums: BTreeMap<String, u64>,
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Origin").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Origin {
    pub(super) fn new(file: Option<&Path>, is_demo: bool, merged: &Value) -> Self {
        let mut sums = BTreeMap::new();
        add(&mut sums, String::new(), merged);
        Self { file: file.map(Path::to_owned), is_demo, sums }
    }

    /// The keys that say something else there, in order.
    pub(super) fn changed(&self, other: &Self) -> Vec<String> {
        let mut keys: Vec<&String> = self.sums.keys().chain(other.sums.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.retain(|key| self.sums.get(*key) != other.sums.get(*key));
        keys.into_iter().cloned().collect()
    }
}

/// Lists count as one value: their places say nothing about what became of one of them.
fn add(sums: &mut BTreeMap<String, u64>, key: String, value: &Value) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                add(sums, key, value);
            }
        }
        value => {
            let mut hasher = DefaultHasher::new();
            value.to_string().hash(&mut hasher);
            sums.insert(key, hasher.finish());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_changed_is_named_and_what_it_says_is_not_kept() {
        let origin = |value: Value| Origin::new(None, false, &value);
        let before = origin(json!({"a": {"b": 1, "c": "secret"}, "feeds": [1, 2]}));
        let after = origin(json!({"a": {"b": 2, "c": "secret"}, "feeds": [1], "new": true}));
        assert_eq!(before.changed(&after), ["a.b", "feeds", "new"]);
        assert_eq!(before.changed(&before.clone()), Vec::<String>::new());
        assert!(!format!("{before:?}").contains("secret"));
    }
}
