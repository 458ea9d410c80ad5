// SPDX-License-Identifier: EUPL-1.2
//! Keys in offers and answers.

use super::*;

fn encrypted(encryption: Encryption) -> Capabilities {
    Capabilities { is_signaling_encrypted: true, encryption, ..ours() }
}

const KEY_30: &str = "inline:4tNHKmBmzWVsl0vdYkQi0gGXE+xO8VLyKP6YhFDc";

fn sound(protocol: &str, crypto: &[String]) -> SessionDescription {
    let crypto: String = crypto.iter().map(|line| format!("a=crypto:{line}\n")).collect();
    described(&format!("m=audio 4000 {protocol} 8\n{crypto}"))
}

#[test]
fn modes_decide_what_is_encrypted() {
    let line = vec![format!("3 AES_CM_128_HMAC_SHA1_80 {KEY_30}|2^31")];
    for (protocol, crypto, encryption, expected) in [
        ("RTP/AVP", &[][..], Encryption::Preferred, Ok(false)),
        ("RTP/AVP", &line, Encryption::Preferred, Ok(true)),
        ("RTP/AVP", &line, Encryption::Required, Ok(true)),
        ("RTP/AVP", &[], Encryption::Required, Err(Refusal::EncryptionRequired)),
        ("RTP/SAVP", &line, Encryption::Preferred, Ok(true)),
        ("RTP/SAVPF", &line, Encryption::Required, Ok(true)),
        ("RTP/SAVP", &[], Encryption::Preferred, Err(Refusal::EncryptionUnavailable)),
    ] {
        let offer = sound(protocol, crypto);
        let found = answer(&offer, &encrypted(encryption), None, &mut rng());
        let found = found.map(|(local, agreed)| {
            assert_eq!(local.media[0].protocol, protocol);
            assert_eq!(local.media[0].has("crypto"), agreed.srtp.is_some());
            agreed.srtp.is_some()
        });
        assert_eq!(found, expected, "{protocol} {encryption:?} {}", crypto.len());
    }
}

#[test]
fn the_answer_has_the_tag_of_the_line_and_a_key_of_its_own() {
    let offer = sound(
        "RTP/SAVP",
        &[
            format!("1 F8_128_HMAC_SHA1_80 {KEY_30}"),
            format!("2 AES_CM_128_HMAC_SHA1_80 {KEY_30}|2^20|1:4"),
            format!("4 AES_CM_128_HMAC_SHA1_80 {KEY_30} UNENCRYPTED_SRTCP"),
            "5 AES_CM_128_HMAC_SHA1_80 inline:dG9vIHNob3J0".to_owned(),
            format!("7 AES_CM_128_HMAC_SHA1_32 {KEY_30}|2^20 WSH=64"),
            format!("8 AES_CM_128_HMAC_SHA1_80 {KEY_30}"),
        ],
    );
    let (local, agreed) = answered(&offer, &encrypted(Encryption::Preferred));
    let keys = agreed.srtp.unwrap();
    assert_eq!(keys.receive.suite(), SrtpSuite::AesCm128HmacSha1_32);
    assert_eq!(keys.send.suite(), SrtpSuite::AesCm128HmacSha1_32);
    assert_ne!(keys.send.key(), keys.receive.key());
    let line = local.media[0].attribute("crypto").unwrap();
    assert!(line.starts_with("7 AES_CM_128_HMAC_SHA1_32 inline:"), "{line}");
    assert_eq!(keys.receive.key().len() + keys.receive.salt().len(), 30);
}

#[test]
fn keys_stay_as_long_as_theirs_does() {
    let ours = encrypted(Encryption::Preferred);
    let mut rng = rng();
    let offer = |key: &str| sound("RTP/SAVP", &[format!("1 AES_CM_128_HMAC_SHA1_80 {key}")]);
    let (_, first) = answer(&offer(KEY_30), &ours, None, &mut rng).unwrap();
    let (_, second) = answer(&offer(KEY_30), &ours, Some(&first), &mut rng).unwrap();
    assert!(first.srtp == second.srtp && first.local() == second.local());
    let other = KEY_30.replace("4tNH", "5tNH");
    let (_, third) = answer(&offer(&other), &ours, Some(&second), &mut rng).unwrap();
    assert!(third.srtp.as_ref().map(|keys| &keys.send) != second.srtp.as_ref().map(|keys| &keys.send));
    assert_eq!(third.local().origin.session_version, "2");
}

/// As some telephones offer both: the encrypted stream is taken, the other declined in its place.
#[test]
fn of_two_streams_the_encrypted_one_is_taken() {
    let offer = described(&format!(
        "m=audio 4000 RTP/AVP 8\nm=audio 4002 RTP/SAVP 8\na=crypto:1 AES_CM_128_HMAC_SHA1_80 {KEY_30}\n"
    ));
    let (local, agreed) = answered(&offer, &encrypted(Encryption::Preferred));
    assert_eq!((local.media[0].port, local.media[1].port), (0, 20_000));
    assert!(agreed.srtp.is_some());
    let (local, agreed) = answered(&offer, &ours());
    assert_eq!((local.media[0].port, local.media[1].port), (20_000, 0));
    assert!(agreed.srtp.is_none());
}

#[test]
fn offer_and_answer_give_both_sides_the_same_keys() {
    for (suite, protocol, encryption) in [
        (SrtpSuite::AeadAes256Gcm, "RTP/SAVP", Encryption::Required),
        (SrtpSuite::AeadAes128Gcm, "RTP/AVP", Encryption::Preferred),
    ] {
        let ours = encrypted(encryption);
        let theirs = Capabilities { suites: vec![suite], rtp_port: 4_000, ..encrypted(Encryption::Preferred) };
        let mut rng = rng();
        let offer = offer(&ours, None, &mut rng).unwrap();
        assert_eq!(offer.media[0].protocol, protocol);
        assert_eq!(offer.media[0].all("crypto").count(), 4);
        let sent = parse(&offer.to_text());
        let (answer, they) = answer(&sent, &theirs, None, &mut rng).unwrap();
        let we = accept_answer(&offer, &parse(&answer.to_text()), &ours).unwrap();
        let (we, they) = (we.srtp.unwrap(), they.srtp.unwrap());
        assert_eq!(we.send.suite(), suite);
        assert!(we.send == they.receive && we.receive == they.send);
    }
}

#[test]
fn answers_that_weaken_are_refused() {
    let ours = encrypted(Encryption::Preferred);
    let offer = offer(&ours, None, &mut rng()).unwrap();
    let answer = |protocol: &str, lines: &[String]| accept_answer(&offer, &sound(protocol, lines), &ours);
    assert!(answer("RTP/AVP", &[]).unwrap().srtp.is_none(), "who cannot need not");
    let line = |tag: u32| format!("{tag} AES_CM_128_HMAC_SHA1_80 {KEY_30}");
    assert!(answer("RTP/AVP", &[line(3)]).unwrap().srtp.is_some());
    assert_eq!(answer("RTP/AVP", &[line(1)]).unwrap_err(), Refusal::AnswerMismatch, "the suite of another line");
    assert_eq!(answer("RTP/AVP", &[line(9)]).unwrap_err(), Refusal::AnswerMismatch);
    let unreadable = ["3 AES_CM_128_HMAC_SHA1_80 inline:x".to_owned()];
    assert_eq!(answer("RTP/AVP", &unreadable).unwrap_err(), Refusal::EncryptionRequired);
    let strict = encrypted(Encryption::Required);
    let plain = accept_answer(&offer, &sound("RTP/AVP", &[]), &strict);
    assert_eq!(plain.unwrap_err(), Refusal::EncryptionRequired);
}

#[test]
fn keys_in_an_answer_that_travelled_in_the_open_are_refused() {
    let ours = encrypted(Encryption::Preferred);
    let offer = offer(&ours, None, &mut rng()).unwrap();
    let answer = sound("RTP/AVP", &[format!("3 AES_CM_128_HMAC_SHA1_80 {KEY_30}")]);
    let in_the_open = Capabilities { is_signaling_encrypted: false, ..ours };
    assert_eq!(accept_answer(&offer, &answer, &in_the_open).unwrap_err(), Refusal::EncryptionUnavailable);
}

#[test]
fn required_encryption_needs_encrypted_signalling() {
    let ours = Capabilities { encryption: Encryption::Required, ..ours() };
    assert_eq!(offer(&ours, None, &mut rng()).unwrap_err(), Refusal::EncryptionRequired);
}
