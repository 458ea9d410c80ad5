// SPDX-License-Identifier: EUPL-1.2

//! What is wrong with the settings, all of it at once, each with its key and where that was set.

use std::fmt;

use figment::error::{Actual, Kind};
use figment::value::{Dict, Value};
use figment::{Figment, Profile};

use super::Settings;
use super::layers::{Misspelt, insert};

/// One line for each mistake. No line holds the value of a secret.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    /// A mistake that is not about a key.
    pub(super) fn one(what: String) -> Self {
        Self(vec![what])
    }

    /// Tries every value that was set on its own, so that one mistake does not hide the next.
    pub(super) fn in_values(layers: &Figment) -> Self {
        let mut problems = Self::default();
        if let Ok(Value::Dict(_, values)) = layers.find_value("") {
            problems.walk(layers, &mut Vec::new(), &values);
        }
        problems
    }

    /// Adds a mistake in the value of a key.
    pub(super) fn add(&mut self, layers: &Figment, keys: &[&str], what: String) {
        let value = layers.find_value("").ok().and_then(|root| find(&root, keys).cloned());
        let place = value.and_then(|value| place_of(layers, keys, &value));
        self.push(keys, place, &what);
    }

    /// Adds a name in the environment that lacks an underscore.
    pub(super) fn add_misspelt(&mut self, Misspelt { key, found, meant }: &Misspelt) {
        let place = format!("{found} in the environment");
        self.push(&[key], Some(place), &format!("after the section come two underscores: {meant}"));
    }

    /// Whether there is nothing to complain about.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn walk<'a>(&mut self, layers: &Figment, keys: &mut Vec<&'a str>, table: &'a Dict) {
        for (key, value) in table {
            keys.push(key);
            match value {
                Value::Dict(_, inner) if !inner.is_empty() => self.walk(layers, keys, inner),
                value => self.try_value(layers, keys, value),
            }
            keys.pop();
        }
    }

    fn try_value(&mut self, layers: &Figment, keys: &[&str], value: &Value) {
        let mut alone = Dict::new();
        insert(&mut alone, keys, value.clone());
        if let Err(error) = Value::from(alone).deserialize::<Settings>() {
            self.push(keys, place_of(layers, keys, value), &explain(keys, error.kind));
        }
    }

    fn push(&mut self, keys: &[&str], place: Option<String>, what: &str) {
        let key = keys.join(".");
        self.0.push(match place {
            Some(place) => format!("{key} ({place}): {what}"),
            None => format!("{key}: {what}"),
        });
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => f.write_str(one),
            all => {
                write!(f, "{} settings do not work:", all.len())?;
                all.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl std::error::Error for Problems {}

fn explain(keys: &[&str], kind: Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => format!("there is no such setting; known here: {}", known.join(", ")),
        // The usual texts would show what was found, and that is a secret.
        _ if keys[0] == "api_keys" || keys == ["oidc", "client_secret"] => "expected a text in quotes".to_owned(),
        Kind::UnknownVariant(found, known) => format!("{found:?} is none of: {}", known.join(", ")),
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            let found = match found {
                Actual::Str(text) => format!("{text:?}"),
                Actual::Bool(value) => value.to_string(),
                Actual::Unsigned(number) => number.to_string(),
                Actual::Signed(number) => number.to_string(),
                other => other.to_string(),
            };
            match expected.as_str() {
                "usize" | "u32" => format!("expected a whole number from 0 on, found {found}"),
                _ => format!("expected {expected}, found {found}"),
            }
        }
        other => other.to_string(),
    }
}

fn place_of(layers: &Figment, keys: &[&str], value: &Value) -> Option<String> {
    let metadata = layers.get_metadata(value.tag())?;
    Some(metadata.interpolate(&Profile::Default, keys))
}

fn find<'a>(value: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(value, |value, key| value.as_dict()?.get(*key))
}
