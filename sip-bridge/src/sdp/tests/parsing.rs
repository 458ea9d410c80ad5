// SPDX-License-Identifier: EUPL-1.2
//! Reading and writing, with chance and with damage.

use rand::Rng as _;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::*;

fn word(rng: &mut StdRng) -> String {
    (0..rng.random_range(1..12)).map(|_| char::from(b"abcXYZ0189-._"[rng.random_range(0..13)])).collect()
}

fn address(rng: &mut StdRng) -> Address {
    match rng.random_range(0..4) {
        0 => Address::Ip(std::net::Ipv4Addr::from(rng.random::<u32>()).into()),
        1 => Address::Ip(std::net::Ipv6Addr::from(rng.random::<u128>()).into()),
        kind => Address::Name { name: format!("h{}.example", word(rng)), is_ipv6: kind == 2 },
    }
}

fn attributes(rng: &mut StdRng) -> Vec<Attribute> {
    let attribute = |rng: &mut StdRng| match rng.random_range(0..3) {
        0 => Attribute::flag(&word(rng)),
        1 => Attribute::new(&word(rng), ""),
        _ => Attribute::new(&word(rng), format!("{} {}:ü={}", word(rng), word(rng), word(rng))),
    };
    (0..rng.random_range(0..6)).map(|_| attribute(rng)).collect()
}

fn arbitrary(rng: &mut StdRng) -> SessionDescription {
    let media = |rng: &mut StdRng| Media {
        kind: word(rng),
        port: rng.random(),
        protocol: format!("{}/{}", word(rng), word(rng)),
        formats: (0..rng.random_range(1..6)).map(|_| word(rng)).collect(),
        connection: rng.random::<bool>().then(|| address(rng)),
        attributes: attributes(rng),
    };
    SessionDescription {
        origin: Origin {
            username: word(rng),
            session_id: rng.random::<u128>().to_string(),
            session_version: rng.random::<u64>().to_string(),
            address: address(rng),
        },
        session_name: word(rng),
        connection: rng.random::<bool>().then(|| address(rng)),
        timing: (rng.random(), rng.random()),
        attributes: attributes(rng),
        media: (0..rng.random_range(0..5)).map(|_| media(rng)).collect(),
    }
}

#[test]
fn what_is_written_is_read_back() {
    for seed in 0..2_000 {
        let description = arbitrary(&mut StdRng::seed_from_u64(seed));
        let text = description.to_text();
        // Not by `assert_eq`, whose output hides what differs on purpose.
        let read = SessionDescription::parse(text.as_bytes());
        assert!(read.as_ref() == Ok(&description), "seed {seed}: {read:?}\n{text}");
    }
}

#[test]
fn damaged_offers_do_no_harm() {
    let sources = [phones::CISCO, phones::FRITZ_BOX, phones::LINPHONE, phones::SNOM, phones::BARESIP];
    let mut ours = ours();
    ours.is_signaling_encrypted = true;
    let mut understood = 0;
    for seed in 0..20_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut text = sources[rng.random_range(0..sources.len())].as_bytes().to_vec();
        for _ in 0..rng.random_range(1..6) {
            let at = rng.random_range(0..text.len());
            match rng.random_range(0..5) {
                0 => text[at] = rng.random(),
                1 => text[at] = b"0123456789 \r\n=:/|;"[rng.random_range(0..18)],
                2 => drop(text.remove(at)),
                3 => text.truncate(at.max(1)),
                _ => {
                    let end = rng.random_range(at..text.len().min(at + 40));
                    let copy = text[at..end].to_vec();
                    let to = rng.random_range(0..text.len());
                    text.splice(to..to, copy);
                }
            }
            if text.is_empty() {
                break;
            }
        }
        let Ok(offer) = SessionDescription::parse(&text) else { continue };
        let again = SessionDescription::parse(offer.to_text().as_bytes());
        assert!(again == Ok(offer.clone()), "seed {seed}");
        if let Ok((ours, _)) = answer(&offer, &ours, None, &mut rng) {
            assert_eq!(ours.media.len(), offer.media.len(), "seed {seed}");
            assert!(SessionDescription::parse(ours.to_text().as_bytes()) == Ok(ours), "seed {seed}");
            understood += 1;
        }
    }
    assert!(understood > 2_000, "{understood}");
}

#[test]
fn what_is_too_large_is_refused() {
    let head = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";
    let too_large =
        |rest: String| SessionDescription::parse(format!("{head}{rest}").as_bytes()) == Err(ParseError::TooLarge);
    assert!(too_large("a=x\r\n".repeat(129)));
    assert!(!too_large("a=x\r\n".repeat(128)));
    assert!(too_large("m=audio 1 RTP/AVP 0\r\n".repeat(17)));
    assert!(too_large(format!("m=audio 1 RTP/AVP{}\r\n", " 0".repeat(129))));
    assert!(too_large(format!("a=x:{}\r\n", "y".repeat(1_024))));
    assert!(too_large(format!("i={}\r\n", "y".repeat(500)).repeat(40)));
}

#[test]
fn what_telephones_get_wrong_is_taken_as_meant() {
    let description =
        parse("v=0\no=-  7 8  IN IP4 192.0.2.1\nm=audio 4000/2 RTP/AVP 8 \n\na=sendrecv \nc=IN IP4 224.2.1.1/127\n\0");
    assert_eq!(description.session_name, "-");
    assert_eq!(description.timing, (0, 0));
    let media = &description.media[0];
    assert_eq!((media.port, media.formats.as_slice()), (4_000, &["8".to_owned()][..]));
    assert!(media.has("sendrecv"));
    assert_eq!(media.connection.as_ref().and_then(Address::ip), Some("224.2.1.1".parse().unwrap()));
}

#[test]
fn what_is_no_description_is_refused() {
    let origin = "o=- 1 1 IN IP4 192.0.2.1\n";
    for (text, error) in [
        (String::new(), ParseError::Version),
        (format!("v=1\n{origin}"), ParseError::Version),
        ("v=0\ns=-\n".to_owned(), ParseError::Origin),
        (format!("v=0\n{origin}{origin}"), ParseError::Origin),
        ("v=0\no=- 1 1 IN IP4\n".to_owned(), ParseError::Line(2)),
        ("v=0\no=- 1 1 ATM NSAP x\n".to_owned(), ParseError::Line(2)),
        (format!("v=0\n{origin}q=1\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}nonsense\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}a=x:\u{1}\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}a=x:a\rm=audio 1 RTP/AVP 0\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}m=audio 65536 RTP/AVP 0\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}m=audio +1 RTP/AVP 0\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}m=audio 1 RTP/AVP\n"), ParseError::Line(3)),
        (format!("v=0\n{origin}m=audio 1 RTP/AVP 0\nt=0 0\n"), ParseError::Line(4)),
    ] {
        assert_eq!(SessionDescription::parse(text.as_bytes()), Err(error), "{text:?}");
    }
}

#[test]
fn nothing_personal_is_in_debug_output() {
    let mut ours = ours();
    ours.is_signaling_encrypted = true;
    let offer = parse(phones::SNOM);
    let (local, negotiated) = answered(&offer, &ours);
    let key = negotiated.srtp.clone().unwrap();
    let output = format!("{offer:?} {local:?} {negotiated:?} {key:?} {:?} {:?}", offer.origin, offer.connection);
    for secret in ["192.0.2", "inline", "4tNHKmBmzW", "root"] {
        assert!(!output.contains(secret), "{secret} in {output}");
    }
}
