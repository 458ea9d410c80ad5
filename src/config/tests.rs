// SPDX-License-Identifier: EUPL-1.2

//! Where settings come from, which one wins, and how mistakes are told.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::cli::ApiKey;

const STRONG: &str = "0123456789abcdef0123456789abcdef";

/// A settings file that is deleted afterwards.
struct File(PathBuf);

impl File {
    fn with(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("saal-{}-{number}.toml", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(file: &str, environment: &[(&str, &str)], flags: SettingsFlags, purpose: Purpose) -> Result<Settings, String> {
    let file = File::with(file);
    let flags = SettingsFlags { config: Some(file.0.clone()), ..flags };
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Settings::load(&flags, environment, purpose)
        .map_err(|problems| problems.to_string().replace(&file.0.display().to_string(), "FILE"))
}

fn read(file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
    load(file, environment, SettingsFlags::default(), Purpose::Read)
}

#[test]
fn the_sample_documents_every_setting_with_its_default() {
    let sample = include_str!("../../saal.sample.toml");
    let sample: toml::Table = toml::from_str(sample).unwrap();
    let defaults = toml::Table::try_from(Settings::default()).unwrap();
    assert_eq!(keys(&sample), keys(&defaults));
    assert_eq!(sample, defaults);
}

fn keys(table: &toml::Table) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for (key, value) in table {
        all.insert(key.clone());
        if let toml::Value::Table(inner) = value {
            all.extend(keys(inner).into_iter().map(|below| format!("{key}.{below}")));
        }
    }
    all
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "[http]\nlisten = '127.0.0.1:1'\n[media]\nlisten = '127.0.0.1:1'\nshards = 1\n";
    let environment = [("SAAL_HTTP__LISTEN", "127.0.0.1:2"), ("SAAL_MEDIA__LISTEN", "127.0.0.1:2")];
    let flags = SettingsFlags { http: Some("127.0.0.1:3".parse().unwrap()), ..SettingsFlags::default() };
    let settings = load(file, &environment, flags, Purpose::Read).unwrap();
    assert_eq!(settings.http.listen.port(), 3);
    assert_eq!(settings.media.listen.port(), 2);
    assert_eq!(settings.media.shards, 1);
    assert_eq!(settings.rooms, Rooms::default());
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let settings = read(
        "",
        &[
            ("SAAL_DATA_DIR", "2026"),
            ("SAAL_MEDIA__ADVERTISE", "192.0.2.1, 2001:db8::1"),
            ("SAAL_MEDIA__SHARDS", "4"),
            ("SAAL_ROOMS__AUTO_CREATE", "false"),
            ("SAAL_ROOMS__EMPTY_TIMEOUT", "1h30m"),
            ("SAAL_LOG__FORMAT", "json"),
        ],
    )
    .unwrap();
    assert_eq!(settings.data_dir, PathBuf::from("2026"));
    assert_eq!(settings.media.advertise, ["192.0.2.1", "2001:db8::1"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    assert_eq!(settings.media.shards, 4);
    assert!(!settings.rooms.auto_create);
    assert_eq!(settings.rooms.empty_timeout, Duration::from_secs(5_400));
    assert_eq!(settings.log.format, LogFormat::Json);
}

#[test]
fn an_api_key_from_the_environment_keeps_its_case_and_a_secret_of_digits_stays_a_text() {
    let settings = read("", &[("SAAL_API_KEYS__MyKey", "01234567890123456789012345678901")]).unwrap();
    assert_eq!(settings.api_keys["MyKey"].expose(), "01234567890123456789012345678901");
}

#[test]
fn api_keys_of_all_layers_count() {
    let flags = SettingsFlags {
        api_key: vec![ApiKey { key: "c".into(), secret: Secret::from(STRONG.to_owned()) }],
        ..SettingsFlags::default()
    };
    let file = format!("[api_keys]\na = '{STRONG}'\n");
    let settings = load(&file, &[("SAAL_API_KEYS__b", STRONG)], flags, Purpose::Serve).unwrap();
    assert_eq!(settings.api_keys.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
}

#[test]
fn what_an_orchestrator_adds_is_not_taken_for_a_setting() {
    let foreign = [("SAAL_PORT", "tcp://192.0.2.1:7880"), ("SAAL_HTTP_SERVICE_HOST", "192.0.2.1"), ("SAAL_HTTP", "x")];
    assert_eq!(read("", &foreign).unwrap(), Settings::default());
}

#[test]
fn a_variable_that_lacks_an_underscore_is_not_passed_over() {
    for (found, key, meant) in [
        ("SAAL_HTTP_LISTEN", "http.listen", "SAAL_HTTP__LISTEN"),
        ("SAAL_MEDIA_ADVERTISE", "media.advertise", "SAAL_MEDIA__ADVERTISE"),
        ("SAAL_API_KEYS_Portal", "api_keys.Portal", "SAAL_API_KEYS__Portal"),
    ] {
        let told = read("", &[(found, "1234567")]).unwrap_err();
        assert_eq!(
            told,
            format!("{key} ({found} in the environment): after the section come two underscores: {meant}")
        );
    }
}

#[test]
fn a_misspelt_log_level_is_refused_and_not_taken_for_a_part_of_the_program() {
    for level in ["debugging", "", "info,", "info, loud", "sfu_media=loud"] {
        let told = read(&format!("[log]\nlevel = '{level}'\n"), &[]).unwrap_err();
        assert!(told.starts_with("log.level (FILE): ") && told.contains("is no log level"), "{level:?}: {told}");
    }
    for level in ["warn", "INFO", "off", "info,sfu_media=debug", "info,signaling=debug,sfu_node=off"] {
        assert!(read(&format!("[log]\nlevel = '{level}'\n"), &[]).is_ok(), "{level:?}");
    }
}

#[test]
fn numbers_that_cannot_be_are_told_in_plain_words() {
    let told = read("", &[("SAAL_MEDIA__SHARDS", "-1")]).unwrap_err();
    assert!(told.ends_with("expected a whole number from 0 on, found -1"), "{told}");
    let told = read("[media]\nshards = 70_000\n", &[]).unwrap_err();
    assert_eq!(told, "media.shards (FILE): 70000 threads are too many: at most 1024");
}

#[test]
fn an_unknown_key_is_refused_by_name() {
    let told = read("[http]\nlissten = '127.0.0.1:1'\n", &[]).unwrap_err();
    assert_eq!(told, "http.lissten (FILE): there is no such setting; known here: listen, public_url, trusted_proxies");
    let told = read("", &[("SAAL_ROOMS__MAX", "3")]).unwrap_err();
    assert!(told.starts_with("rooms.max (SAAL_ROOMS__MAX in the environment): there is no such setting"), "{told}");
    let told = read("[htp]\nlisten = '127.0.0.1:1'\n", &[]).unwrap_err();
    assert!(told.starts_with("htp.listen (FILE): there is no such setting"), "{told}");
    assert!(read("dev = true\n", &[]).is_err());
}

#[test]
fn every_mistake_is_told_at_once() {
    let file = "[http]\nlisten = 'here'\n[rooms]\nempty_timeout = 300\n[log]\nformat = 'xml'\n";
    let told = read(file, &[("SAAL_MEDIA__SHARDS", "many"), ("SAAL_MEDIA__ADVERTISE", "nowhere")]).unwrap_err();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 6, "{told}");
    assert_eq!(lines[0], "5 settings do not work:");
    assert!(lines[1].contains("http.listen (FILE): \"here\" is no address with a port"), "{told}");
    assert!(lines[2].contains("log.format (FILE): \"xml\" is none of: text, json"), "{told}");
    assert!(lines[3].contains("media.advertise") && lines[3].contains("\"nowhere\" is no IP address"), "{told}");
    assert!(lines[4].contains("media.shards (SAAL_MEDIA__SHARDS in the environment)"), "{told}");
    assert!(lines[5].contains("rooms.empty_timeout (FILE): expected a duration with its unit"), "{told}");
}

#[test]
fn a_mistake_about_a_secret_does_not_show_it() {
    for file in ["[api_keys]\na = 1234567\n", "[api_keys]\na = { b = 1234567 }\n", "[api_keys]\na = \"1234567\n"] {
        let told = read(file, &[]).unwrap_err();
        assert!(!told.contains("1234567"), "{told}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_named_with_the_line() {
    let told = read("[http]\nlisten = \n", &[]).unwrap_err();
    assert!(told.starts_with("FILE, line 2: "), "{told}");
}

#[test]
fn a_file_that_was_asked_for_must_be_there() {
    let flags = SettingsFlags { config: Some("/nowhere/saal.toml".into()), ..SettingsFlags::default() };
    let told = Settings::load(&flags, std::iter::empty(), Purpose::Read).unwrap_err().to_string();
    assert!(told.starts_with("cannot read /nowhere/saal.toml: "), "{told}");
}

#[test]
fn the_first_of_the_usual_files_is_read_and_none_need_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let [here, there] = ["here.toml", "there.toml"].map(|name| folder.path().join(name).display().to_string());
    let listen = |usual: &[&str]| {
        let layers = Figment::new().merge(Layer::file(None, usual).unwrap());
        layers.extract_inner::<String>("http.listen").ok()
    };
    assert_eq!(listen(&[&here, &there]), None);
    std::fs::write(&there, "http.listen = '192.0.2.2:1'").unwrap();
    assert_eq!(listen(&[&here, &there]).as_deref(), Some("192.0.2.2:1"));
    std::fs::write(&here, "http.listen = '192.0.2.1:1'").unwrap();
    assert_eq!(listen(&[&here, &there]).as_deref(), Some("192.0.2.1:1"));
    // One that is there and cannot be read is not passed over.
    let told = Layer::file(None, &[&folder.path().display().to_string(), &there]).err().unwrap().to_string();
    assert!(told.starts_with("cannot read "), "{told}");
}

#[test]
fn a_server_refuses_a_missing_or_a_short_secret_and_says_how_to_make_one() {
    let serve = |file: &str| load(file, &[], SettingsFlags::default(), Purpose::Serve);
    for file in ["", "[api_keys]\nkey = 'too short'\n", "[api_keys]\ndevkey = 'secret'\n"] {
        let told = serve(file).unwrap_err();
        assert!(told.contains("openssl rand -base64 32") && told.lines().count() == 1, "{told}");
    }
    assert!(serve(&format!("[api_keys]\nkey = '{STRONG}'\n")).is_ok());
    assert!(read("[api_keys]\nkey = 'too short'\n", &[]).is_ok());
}

#[test]
fn development_brings_its_own_key_and_stays_on_this_machine() {
    let dev = |http: &str| {
        let flags = SettingsFlags { dev: true, http: Some(http.parse().unwrap()), ..SettingsFlags::default() };
        load("", &[], flags, Purpose::Serve)
    };
    assert_eq!(dev("127.0.0.1:7880").unwrap().api_keys[DEV_KEY].expose(), DEV_SECRET);
    assert!(dev("[::1]:7880").is_ok());
    let told = dev("0.0.0.0:7880").unwrap_err();
    assert!(told.starts_with("http.listen (--http): with --dev"), "{told}");
}

#[test]
fn what_only_makes_sense_together_is_judged_too() {
    let told = read("[media]\nadvertise = ['0.0.0.0']\n[log]\nlevel = 'sfu=loudest'\n", &[]).unwrap_err();
    assert!(told.contains("media.advertise (FILE): 0.0.0.0 is no address"), "{told}");
    assert!(told.contains("log.level (FILE): \"sfu=loudest\" is no log level"), "{told}");
}

#[test]
fn telephones_are_off_but_for_development_which_keeps_them_on_this_machine() {
    assert!(!read("", &[]).unwrap().sip.is_on());
    let dev = |sip| load("", &[], SettingsFlags { dev: true, sip, ..SettingsFlags::default() }, Purpose::Serve);
    assert!(dev(None).unwrap().sip.is_as_in_development());
    let other = dev(Some("127.0.0.1:5070".parse().unwrap())).unwrap().sip;
    assert!(other.is_on() && !other.is_as_in_development());
    let told = dev(Some("192.0.2.1:5060".parse().unwrap())).unwrap_err();
    assert!(told.contains("sip.listen (--sip)") && told.contains("loopback"), "{told}");
}

#[test]
fn what_telephones_need_is_asked_for_at_the_start() {
    let told = read(
        "[sip]\nlisten = ['0.0.0.0:5060']\nlisten_tls = ['0.0.0.0:5061']\nadvertise = '0.0.0.0'\nrtp_ports = '20000-20099'\n",
        &[],
    )
    .unwrap_err();
    for key in ["sip.advertise", "sip.certificate", "sip.max_calls"] {
        assert!(told.contains(key), "{key} in {told}");
    }
    assert!(read("[sip]\nrtp_ports = '30000-20000'\n", &[]).unwrap_err().contains("30000-20000"));
    let good = "[sip]\nlisten = ['[::]:5060']\nadvertise = '192.0.2.1'\nrtp_ports = '20000 - 20999'\nmax_calls = 400\n";
    assert_eq!(read(good, &[]).unwrap().sip.rtp_ports(), Some(20_000..=20_999));
}

#[test]
fn telephones_need_no_more_than_where_they_are_listened_for() {
    let keys = format!("[api_keys]\nkey = '{STRONG}'\n");
    for (listen, all) in [("0.0.0.0:5060", Some("0.0.0.0")), ("[::]:5060", Some("::")), ("192.0.2.1:5060", None)] {
        let flags = SettingsFlags { sip: Some(listen.parse().unwrap()), ..SettingsFlags::default() };
        let sip = load(&keys, &[], flags, Purpose::Serve).unwrap().sip;
        assert!(sip.is_on() && sip.advertise.is_empty());
        assert_eq!(sip.all_addresses(), all.map(|ip| ip.parse::<IpAddr>().unwrap()), "{listen}");
    }
    let nat = read("[sip]\nlisten = '0.0.0.0:5060'\nadvertise = '192.0.2.1'\n", &[]).unwrap().sip;
    assert_eq!(nat.all_addresses(), None);
}

#[test]
fn more_calls_than_signaling_looks_after_are_refused_also_of_a_bridge_alone() {
    let telephones = |calls: usize| format!("[sip]\nlisten = '192.0.2.1:5060'\nmax_calls = {calls}\n");
    assert_eq!(read(&telephones(2_000), &[]).unwrap().sip.max_calls, 2_000);
    let alone = |calls| {
        let file = format!("{}[link]\nsecret_file = 'secret'\n", telephones(calls));
        load(&file, &[], SettingsFlags::default(), Purpose::Bridge)
    };
    assert!(alone(2_000).is_ok());
    for told in [read(&telephones(2_001), &[]).unwrap_err(), alone(2_001).unwrap_err()] {
        assert!(told.contains("sip.max_calls (FILE): ") && told.contains("2001") && told.contains("2000"), "{told}");
    }
}

#[test]
fn a_bridge_elsewhere_needs_a_secret_and_excludes_one_here() {
    let link = "[link]\nlisten = '192.0.2.1:7884'\n";
    let told = read(link, &[]).unwrap_err();
    assert!(told.starts_with("link.secret_file: ") && told.contains("openssl"), "{told}");
    let good = format!("{link}secret_file = 'secret'\nbridge_ends = 3\n");
    let settings = read(&good, &[]).unwrap();
    assert_eq!((settings.link.is_on(), settings.link.bridge_ends()), (true, 3));
    assert_eq!(read("[link]\nbridge_ends = 3\n", &[]).unwrap().link.bridge_ends(), 0);
    let told = read(&format!("{good}[sip]\nlisten = '192.0.2.1:5060'\n"), &[]).unwrap_err();
    assert!(told.starts_with("link.listen (FILE): ") && told.contains("sip.listen"), "{told}");
    let told = read("[link]\nbridge_ends = 65\n", &[]).unwrap_err();
    assert!(told.starts_with("link.bridge_ends (FILE): "), "{told}");
}

#[test]
fn the_bridge_alone_needs_telephones_and_a_secret_but_no_api_key() {
    let bridge = |file| load(file, &[], SettingsFlags::default(), Purpose::Bridge);
    let told = bridge("").unwrap_err();
    assert!(
        told.contains("sip.listen: ") && told.contains("link.secret_file: ") && !told.contains("api_keys"),
        "{told}"
    );
    assert!(bridge("[sip]\nlisten = '192.0.2.1:5060'\n[link]\nsecret_file = 'secret'\n").is_ok());
}

#[test]
fn printed_settings_can_be_read_back() {
    let settings = read("[media]\nadvertise = ['192.0.2.1']\n[rooms]\nempty_timeout = '90s'\n", &[]).unwrap();
    assert_eq!(read(&settings.to_toml().unwrap(), &[]).unwrap(), settings);
}
