// SPDX-License-Identifier: EUPL-1.2

//! Where settings come from. Each layer knows how to name the place of a key in it.

use std::path::{Path, PathBuf};

use figment::value::{Dict, Map, Value};
use figment::{Error, Metadata, Profile, Provider};

use super::sip::DEV_LISTEN;
use super::{DEV_KEY, DEV_SECRET, Problems, Settings};
use crate::cli::SettingsFlags;

/// The first that is there is read without being asked for: that of whoever tries Saal, and the service's, so that a command
/// beside the service has its settings.
pub(super) const USUAL_FILES: [&str; 2] = ["saal.toml", "/etc/saal/saal.toml"];

const PREFIX: &str = "SAAL_";

/// Settings from one place.
pub(super) struct Layer {
    origin: Origin,
    values: Dict,
}

#[derive(Clone)]
enum Origin {
    Development,
    File(PathBuf),
    Environment,
    CommandLine,
}

impl Layer {
    /// What `--dev` brings.
    pub(super) fn development() -> Self {
        let mut layer = Self::empty(Origin::Development);
        layer.set(&["api_keys", DEV_KEY], DEV_SECRET.into());
        layer.set(&["sip", "listen"], vec![DEV_LISTEN.to_string()].into());
        layer
    }

    /// A settings file: the one asked for, or the first of the usual ones that is there.
    pub(super) fn file(asked_for: Option<&Path>, usual: &[&str]) -> Result<Self, Problems> {
        let path = match asked_for {
            Some(path) => path,
            // One that may not be read counts: it would be the right one.
            None => match usual.iter().map(Path::new).find(|path| path.try_exists().unwrap_or(true)) {
                Some(path) => path,
                None => return Ok(Self::empty(Origin::File(PathBuf::new()))),
            },
        };
        let mut layer = Self::empty(Origin::File(path.to_owned()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::one(format!("cannot read {}: {error}", path.display())))?;
        layer.values = toml::from_str(&text).map_err(|error| {
            // Not the error's own text, which quotes the line: it could hold a secret.
            let line = error.span().map_or(1, |span| text[..span.start].matches('\n').count() + 1);
            Problems::one(format!("{}, line {line}: {}", path.display(), error.message()))
        })?;
        Ok(layer)
    }

    /// `SAAL_SECTION__KEY`. Only names that begin with a section of ours count: an orchestrator may set
    /// others, such as `SAAL_PORT` for a service called saal. Names that only lack an underscore come second.
    pub(super) fn environment(variables: impl Iterator<Item = (String, String)>) -> (Self, Vec<Misspelt>) {
        let defaults = Value::serialize(Settings::default()).ok();
        let mut layer = Self::empty(Origin::Environment);
        let mut misspelt = Vec::new();
        for (name, text) in variables {
            let Some(name) = name.strip_prefix(PREFIX) else { continue };
            misspelt.extend(defaults.as_ref().and_then(|defaults| Misspelt::find(name, defaults)));
            let mut keys: Vec<String> = name.split("__").map(str::to_lowercase).collect();
            let known = |path: &str| defaults.as_ref().and_then(|all| all.find_ref(path));
            let Some(section) = known(&keys[0]) else { continue };
            if section.as_dict().is_some() != (keys.len() > 1) {
                continue;
            }
            if keys[0] == "api_keys" {
                // Only sections are ours to lower-case; a key's name is its owner's.
                keys = name.splitn(2, "__").map(str::to_owned).collect();
                keys[0] = keys[0].to_lowercase();
            }
            // A text setting takes the value as it is, so that a number in it stays a text.
            let is_text = keys[0] == "api_keys" || known(&keys.join(".")).is_some_and(|value| value.as_str().is_some());
            let value = if is_text { text.into() } else { parsed(&text) };
            layer.set(&keys.iter().map(String::as_str).collect::<Vec<_>>(), value);
        }
        (layer, misspelt)
    }

    /// What the command line says.
    pub(super) fn flags(flags: &SettingsFlags) -> Self {
        let mut layer = Self::empty(Origin::CommandLine);
        if let Some(folder) = &flags.data_dir {
            layer.set(&["data_dir"], folder.to_string_lossy().into_owned().into());
        }
        if let Some(address) = flags.http {
            layer.set(&["http", "listen"], address.to_string().into());
        }
        if let Some(address) = flags.media {
            layer.set(&["media", "listen"], address.to_string().into());
        }
        if let Some(address) = flags.sip {
            layer.set(&["sip", "listen"], vec![address.to_string()].into());
        }
        if !flags.advertise.is_empty() {
            let addresses: Vec<String> = flags.advertise.iter().map(ToString::to_string).collect();
            layer.set(&["media", "advertise"], addresses.into());
        }
        for api_key in &flags.api_key {
            layer.set(&["api_keys", &api_key.key], api_key.secret.expose().into());
        }
        layer
    }

    fn empty(origin: Origin) -> Self {
        Self { origin, values: Dict::new() }
    }

    fn set(&mut self, keys: &[&str], value: Value) {
        insert(&mut self.values, keys, value);
    }
}

/// A name in the environment that can only be meant for a setting, with one underscore where there should be two.
/// Passing it over would start a server that does not do as it was told.
pub(super) struct Misspelt {
    pub(super) key: String,
    pub(super) found: String,
    pub(super) meant: String,
}

impl Misspelt {
    fn find(name: &str, defaults: &Value) -> Option<Self> {
        defaults.as_dict()?.iter().find_map(|(section, value)| {
            let (start, key) = (name.get(..section.len())?, name.get(section.len()..)?.strip_prefix('_')?);
            let is_key = match section.as_str() {
                "api_keys" => !key.starts_with('_'),
                _ => value.as_dict()?.contains_key(&key.to_lowercase()),
            };
            (start.eq_ignore_ascii_case(section) && is_key).then(|| Self {
                key: format!("{section}.{}", if section == "api_keys" { key.to_owned() } else { key.to_lowercase() }),
                found: format!("{PREFIX}{name}"),
                meant: format!("{PREFIX}{start}__{key}"),
            })
        })
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        let origin = self.origin.clone();
        Metadata::named("settings").interpolater(move |_, keys| origin.place_of(keys))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

impl Origin {
    /// Where a person finds this key.
    fn place_of(&self, keys: &[&str]) -> String {
        match self {
            Self::Development => "--dev".to_owned(),
            Self::File(path) => path.display().to_string(),
            Self::Environment => format!("{PREFIX}{} in the environment", variable(keys)),
            Self::CommandLine => match keys {
                ["data_dir"] => "--data-dir",
                ["http", ..] => "--http",
                ["media", "listen"] => "--media",
                ["sip", ..] => "--sip",
                ["media", ..] => "--advertise",
                _ => "--api-key",
            }
            .to_owned(),
        }
    }
}

fn variable(keys: &[&str]) -> String {
    match keys {
        ["api_keys", name] => format!("API_KEYS__{name}"),
        _ => keys.join("__").to_uppercase(),
    }
}

/// Numbers, booleans and lists as figment reads them; anything else is a text.
fn parsed(text: &str) -> Value {
    let Ok(value) = text.parse();
    value
}

/// Puts a value at the end of a path of tables.
pub(super) fn insert(table: &mut Dict, keys: &[&str], value: Value) {
    let [first, rest @ ..] = keys else { return };
    if rest.is_empty() {
        table.insert((*first).to_owned(), value);
        return;
    }
    let inner = table.entry((*first).to_owned()).or_insert_with(|| Dict::new().into());
    if let Value::Dict(_, inner) = inner {
        insert(inner, rest, value);
    }
}
