// SPDX-License-Identifier: EUPL-1.2

//! Room tokens: JWTs with LiveKit's claims, signed with HS256, as every LiveKit SDK makes them.

use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use signaling::auth::room_token::{RoomTokenRequest, mint};

use crate::cli::TokenFlags;
use crate::config::{DEV_KEY, Purpose, Settings};
use crate::{health, output};

/// `saal token`: prints a token, or a link that carries it.
pub(crate) fn run(flags: &TokenFlags) -> Result<()> {
    let settings = flags.settings.settings(Purpose::Read)?;
    let token = sign(flags, &settings, SystemTime::now())?;
    match &flags.link {
        None => output::print(token),
        Some(base) => {
            let base = base.clone().unwrap_or_else(|| format!("http://{}", health::reachable(settings.http.listen)));
            output::print(format_args!("{}#token={token}", room_link(&base, &flags.room)))
        }
    }
}

/// Where the web client opens a room.
pub(crate) fn room_link(base: &str, room: &str) -> String {
    format!("{}/m/{}", base.trim_end_matches('/'), percent_encoded(room))
}

fn sign(flags: &TokenFlags, settings: &Settings, now: SystemTime) -> Result<String> {
    let key = signing_key(flags.key.as_deref(), settings)?;
    let request = RoomTokenRequest {
        room: flags.room.clone(),
        identity: flags.identity.clone(),
        name: flags.name.clone().unwrap_or_default(),
        admin: flags.admin,
        valid_for: flags.valid_for,
        now,
    };
    Ok(mint(key, settings.api_keys[key].expose(), &request)?)
}

/// The key that was asked for, or the only one there is; with `--dev`, the one that brings.
fn signing_key<'a>(asked_for: Option<&str>, settings: &'a Settings) -> Result<&'a str> {
    let keys: Vec<&str> = settings.api_keys.keys().map(String::as_str).collect();
    let asked_for = asked_for.or(settings.dev.then_some(DEV_KEY));
    match (asked_for, keys.as_slice()) {
        (_, []) => bail!("there is no API key to sign with: give --dev, --config or --api-key"),
        (None, [only]) => Ok(only),
        (None, several) => bail!("there are several API keys ({}): choose one with --key", several.join(", ")),
        (Some(name), keys) => keys
            .iter()
            .find(|key| **key == name)
            .copied()
            .with_context(|| format!("there is no API key called {name}; there is: {}", keys.join(", "))),
    }
}

/// As `encodeURIComponent` does, which the web client undoes.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(keys: &[&str]) -> Settings {
        let api_keys = keys.iter().map(|key| ((*key).to_owned(), "s".to_owned().into())).collect();
        Settings { api_keys, ..Settings::default() }
    }

    #[test]
    fn the_only_key_signs() {
        assert_eq!(signing_key(None, &settings(&["a"])).unwrap(), "a");
    }

    #[test]
    fn among_several_keys_one_must_be_named() {
        let several = settings(&["a", "b"]);
        assert!(signing_key(None, &several).unwrap_err().to_string().contains("(a, b)"));
        assert_eq!(signing_key(Some("b"), &several).unwrap(), "b");
        assert!(signing_key(Some("c"), &several).unwrap_err().to_string().contains("called c"));
    }

    #[test]
    fn development_signs_with_its_own_key() {
        let dev = Settings { dev: true, ..settings(&[DEV_KEY, "other"]) };
        assert_eq!(signing_key(None, &dev).unwrap(), DEV_KEY);
    }

    #[test]
    fn a_link_survives_any_room_name() {
        let link = room_link("https://saal.example.org/", "Ortsbeirat Süd/2#1");
        assert_eq!(link, "https://saal.example.org/m/Ortsbeirat%20S%C3%BCd%2F2%231");
    }
}
