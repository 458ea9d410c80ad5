// SPDX-License-Identifier: EUPL-1.2
//! Whether the checked-in recordings are what their texts say, and how an operator's take their places.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::*;
use crate::audio::{FRAME_SAMPLES, SAMPLE_RATE_HZ};

fn folder(language: Language) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts").join(language.tag())
}

fn table(language: Language, file: &str) -> toml::Table {
    fs::read_to_string(folder(language).join(file)).unwrap().parse().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn dbfs(samples: &[i16]) -> f64 {
    let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum::<f64>() / samples.len() as f64;
    10.0 * (power.max(1e-9) / 32768_f64.powi(2)).log10()
}

/// The loudness of what is not a pause: of frames at most 25 dB below the loudest.
fn speech_dbfs(sound: &[i16]) -> f64 {
    let loudest = sound.chunks(FRAME_SAMPLES).map(dbfs).fold(f64::NEG_INFINITY, f64::max);
    let spoken: Vec<i16> =
        sound.chunks(FRAME_SAMPLES).filter(|frame| dbfs(frame) > loudest - 25.0).flatten().copied().collect();
    dbfs(&spoken)
}

#[test]
fn every_prompt_has_a_text_and_every_text_a_prompt() {
    for language in Language::ALL {
        let texts = table(language, "texts.toml");
        let mut named: Vec<String> = PromptId::all().map(|id| id.to_string()).collect();
        let mut written: Vec<String> = texts.keys().cloned().collect();
        named.sort();
        written.sort();
        assert_eq!(named, written, "{language:?}");
        assert!(texts.values().all(|text| text.as_str().is_some_and(|text| !text.trim().is_empty())));
    }
}

#[test]
fn every_recording_is_of_the_text_that_stands_there_now() {
    for language in Language::ALL {
        let (texts, made) = (table(language, "texts.toml"), table(language, "made.toml"));
        for id in PromptId::all() {
            let name = id.to_string();
            let stored = |what: &str| made[&name][what].as_str().unwrap().to_owned();
            let text = texts[&name].as_str().unwrap();
            assert_eq!(stored("text"), hex(text.as_bytes()), "{language:?} {name}: run prompts/make.py");
            let sound = hex(embedded::file(language, id));
            assert_eq!(stored("sound"), sound, "{language:?} {name}: not what prompts/make.py wrote");
        }
        assert_eq!(made.len(), PromptId::COUNT);
    }
}

#[test]
fn every_recording_is_as_loud_and_as_long_as_its_sentence_warrants() {
    let prompts = Prompts::embedded();
    let mut total_bytes = 0;
    for language in Language::ALL {
        let texts = table(language, "texts.toml");
        for id in PromptId::all() {
            let name = format!("{language:?} {id}");
            assert!(wav::parse(embedded::file(language, id)).is_ok(), "{name}");
            let sound = prompts.sound(language, id);
            let loudness = speech_dbfs(&sound);
            assert!((-22.5..=-19.0).contains(&loudness), "{name}: {loudness:.1} dBFS");
            let peak = sound.iter().map(|sample| sample.unsigned_abs()).max().unwrap();
            assert!(peak < 32_000, "{name} is clipped: {peak}");
            let seconds = sound.len() as f64 / f64::from(SAMPLE_RATE_HZ);
            let letters = texts[&id.to_string()].as_str().unwrap().chars().count() as f64;
            let warranted = letters / 22.0..=letters / 9.0 + 0.9;
            assert!(warranted.contains(&seconds), "{name}: {seconds:.2} s for {letters} letters");
            total_bytes += embedded::file(language, id).len();
        }
    }
    assert!(total_bytes < 8 << 20, "{total_bytes} bytes");
}

#[test]
fn recordings_begin_and_end_in_silence() {
    let prompts = Prompts::embedded();
    for language in Language::ALL {
        for id in PromptId::all() {
            let sound = prompts.sound(language, id);
            let (first, last) = (sound.first().unwrap(), sound.last().unwrap());
            assert!(first.unsigned_abs() < 64 && last.unsigned_abs() < 64, "{language:?} {id}: {first} {last}");
        }
    }
}

#[test]
fn names_lead_back_to_their_prompts() {
    for (place, id) in PromptId::all().enumerate() {
        assert_eq!(id.index(), place);
        assert_eq!(PromptId::from_name(&id.to_string()), Some(id));
    }
    assert_eq!(PromptId::from_name("number_100"), None);
    assert_eq!(PromptId::from_name("number_07"), None);
    assert_eq!(Language::from_tag("de-AT"), Some(Language::German));
    assert_eq!(Language::from_tag("fr"), None);
}

fn wav_file(encoding: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let mut body = b"WAVEfmt ".to_vec();
    body.extend(16_u32.to_le_bytes());
    body.extend([encoding, channels].into_iter().flat_map(u16::to_le_bytes));
    body.extend([rate, rate * 2].into_iter().flat_map(u32::to_le_bytes));
    body.extend([channels * bits / 8, bits].into_iter().flat_map(u16::to_le_bytes));
    body.extend(b"LIST\x03\x00\x00\x00abc\x00data");
    body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    body.extend(data);
    let mut file = b"RIFF".to_vec();
    file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    file.extend(body);
    file
}

#[test]
fn pcm_is_read_whatever_stands_before_it() {
    let data: Vec<u8> = [1_i16, -2, 300].into_iter().flat_map(i16::to_le_bytes).collect();
    assert_eq!(wav::parse(&wav_file(1, 1, 16_000, 16, &data)), Ok(vec![1, -2, 300]));
}

#[test]
fn other_formats_are_refused_by_what_is_wrong() {
    let check = |encoding, channels, rate, bits, data: &[u8], error| {
        assert_eq!(wav::parse(&wav_file(encoding, channels, rate, bits, data)), Err(error));
    };
    check(3, 1, 16_000, 32, &[0; 8], WavError::Encoding(3));
    check(1, 2, 16_000, 16, &[0; 8], WavError::Channels(2));
    check(1, 1, 44_100, 16, &[0; 8], WavError::SampleRate(44_100));
    check(1, 1, 16_000, 8, &[0; 8], WavError::BitsPerSample(8));
    check(1, 1, 16_000, 16, &[], WavError::Empty);
    check(1, 1, 16_000, 16, &vec![0; 2 << 20], WavError::TooLong);
    assert_eq!(wav::parse(b"OggS and so on"), Err(WavError::NoWav));
}

#[test]
fn a_file_that_is_cut_short_anywhere_is_no_panic() {
    let file = embedded::file(Language::German, PromptId::Goodbye);
    for end in 0..file.len() {
        let _ = wav::parse(&file[..end]);
    }
}

#[test]
fn an_operators_recording_takes_the_place_of_one_prompt() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("de")).unwrap();
    let data: Vec<u8> = [5_i16; 160].into_iter().flat_map(i16::to_le_bytes).collect();
    fs::write(folder.path().join("de/welcome.wav"), wav_file(1, 1, 16_000, 16, &data)).unwrap();
    fs::write(folder.path().join("de/notes.txt"), "who spoke it").unwrap();
    let prompts = Prompts::with_folder(folder.path()).unwrap();
    let usual = Prompts::embedded();
    assert_eq!(*prompts.sound(Language::German, PromptId::Welcome), [5; 160]);
    assert_eq!(prompts.sound(Language::English, PromptId::Welcome), usual.sound(Language::English, PromptId::Welcome));
    assert_eq!(prompts.sound(Language::German, PromptId::Goodbye), usual.sound(Language::German, PromptId::Goodbye));
}

/// PCM of so many samples of that value.
fn constant(value: i16, samples: usize) -> Vec<u8> {
    let data: Vec<u8> = std::iter::repeat_n(value, samples).flat_map(i16::to_le_bytes).collect();
    wav_file(1, 1, 16_000, 16, &data)
}

/// A folder with these files, each of a tenth of a second of its value.
fn folder_of(files: &[(&str, i16)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (file, value) in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, constant(*value, 1_600)).unwrap();
    }
    folder
}

#[test]
fn a_tenants_recording_comes_before_the_installations_and_that_before_ours() {
    let folder = folder_of(&[
        ("de/welcome.wav", 1),
        ("de/goodbye.wav", 2),
        ("ministry-a/de/welcome.wav", 3),
        ("de/en/welcome.wav", 4),
    ]);
    let prompts = Prompts::with_folder(folder.path()).unwrap();
    let first = |tenant, language, id| prompts.sound_of(tenant, language, id)[0];
    let (a, german) = (Some("ministry-a"), Language::German);
    assert_eq!(first(a, german, PromptId::Welcome), 3);
    assert_eq!(first(a, german, PromptId::Goodbye), 2, "what it has not is the installation's");
    assert_eq!(first(None, german, PromptId::Welcome), 1);
    assert_eq!(first(Some("ministry-b"), german, PromptId::Welcome), 1, "a tenant without recordings");
    assert_eq!(first(Some("de"), Language::English, PromptId::Welcome), 4, "a tenant that is called like a language");
    assert_eq!(first(Some("de"), german, PromptId::Welcome), 1);
    let ours = Prompts::embedded().sound(Language::English, PromptId::Help);
    assert_eq!(prompts.sound_of(a, Language::English, PromptId::Help), ours);
}

#[test]
fn recordings_fill_no_more_than_their_share_of_memory() {
    let folder = folder_of(&[("de/goodbye.wav", 1), ("ministry-a/de/welcome.wav", 2)]);
    assert!(Prompts::with_at_most(folder.path(), 6_400).is_ok());
    let message = Prompts::with_at_most(folder.path(), 6_399).err().unwrap().to_string();
    assert!(message.contains("ministry-a/de/welcome.wav does not fit"), "{message}");
}

#[test]
fn what_an_operator_does_wrong_is_named_with_the_file() {
    let check = |file: &str, content: &[u8], words: &str| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let message = Prompts::with_folder(folder.path()).err().unwrap().to_string();
        assert!(message.contains(words), "{message}");
        assert!(message.contains(path.parent().unwrap().to_str().unwrap()), "{message}");
    };
    check("de/welcome.wav", &wav_file(1, 2, 16_000, 16, &[0; 8]), "2 channels instead of one");
    check("de/welcom.wav", b"", "called after no prompt"); // spelling: no English
    check("fr/welcome.wav", b"", "called after no language");
    check("ministry-a/welcome.wav", b"", "called after no language");
    check("ministry-a/fr/welcome.wav", b"", "called after no language");
    check("ministry-a/de/welcom.wav", b"", "called after no prompt"); // spelling: no English
    check("ministry-a/de/welcome.wav", b"", "cannot be played");
    for name in ["Ministry A", "-a", "a_b"] {
        let folder = folder_of(&[(format!("{name}/de/welcome.wav").as_str(), 1)]);
        let message = Prompts::with_folder(folder.path()).err().unwrap().to_string();
        assert!(message.contains(&format!("{name} has folders in it")), "{message}");
    }
    let missing = Prompts::with_folder(Path::new("no/such/folder")).err().unwrap().to_string();
    assert!(missing.contains("no/such/folder"), "{missing}");
}
