// SPDX-License-Identifier: EUPL-1.2
//! What the provider says about somebody.

use serde_json::{Map, Value};

/// Longest text that is taken.
const MAX_CHARS: usize = 400;

/// Most texts of a list that are looked at.
const MAX_TEXTS: usize = 200;

/// What the provider says about somebody.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims(pub(super) Map<String, Value>);

impl Claims {
    /// A claim by its name, or by a path such as `realm_access.roles` where there is none of that name.
    fn get(&self, path: &str) -> Option<&Value> {
        self.0.get(path).or_else(|| {
            let mut steps = path.split('.');
            let first = self.0.get(steps.next()?)?;
            steps.try_fold(first, |value, step| value.get(step))
        })
    }

    /// A text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        let text = self.get(path)?.as_str()?.trim();
        (!text.is_empty() && text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control)).then_some(text)
    }

    /// A text or several.
    pub(super) fn texts(&self, path: &str) -> Vec<&str> {
        match self.get(path) {
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(texts)) => texts.iter().take(MAX_TEXTS).filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A number of seconds since 1970.
    pub(super) fn seconds(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// Whether it says so. Some providers write it as a text.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| *value == Value::Bool(true) || value.as_str() == Some("true"))
    }

    /// Whether it denies so, which is more than saying nothing.
    pub(super) fn is_false(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|value| *value == Value::Bool(false) || value.as_str() == Some("false"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path() {
        let Value::Object(claims) = json!({
            "realm_access": { "roles": ["a", 7, "b"] }, "https://x.example/role": "c", "name": " Ann ", "bad": "a\u{7}",
        }) else {
            panic!("an object")
        };
        let claims = Claims(claims);
        assert_eq!(claims.texts("realm_access.roles"), ["a", "b"]);
        assert_eq!(claims.texts("https://x.example/role"), ["c"]);
        assert_eq!(claims.text("name"), Some("Ann"));
        assert_eq!((claims.text("bad"), claims.text("realm_access"), claims.text("a.b")), (None, None, None));
    }
}
