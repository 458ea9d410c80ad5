// SPDX-License-Identifier: EUPL-1.2
//! Offers of those who mean no good.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use rand::Rng;

use super::*;

/// A client must not be able to hold up the control of a node. This is for a build without much optimisation.
const QUICK: Duration = Duration::from_millis(50);

/// What is taken may take longer than what is refused. Alone on a machine it is 25 ms.
const BEARABLE: Duration = Duration::from_millis(500);

/// The best attempt counts, because a machine that runs tests does other things too.
const ATTEMPTS: usize = 20;

#[expect(clippy::disallowed_methods, reason = "how long an offer takes is what is tested")]
fn within(limit: Duration, sdp: &str) -> Result<Accepted, NegotiationError> {
    for _ in 0..ATTEMPTS {
        let mut negotiation = negotiation();
        let start = Instant::now();
        let result = negotiation.accept_offer(sdp);
        if start.elapsed() < limit {
            return result;
        }
    }
    panic!("{} bytes always take more than {limit:?}", sdp.len());
}

#[test]
fn bombs_are_refused_quickly() {
    let candidates = |count| "a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n".repeat(count);
    let sections = |count: usize| (0..count).map(|mid| audio(&mid.to_string(), "recvonly")).collect::<Vec<_>>();
    let bare = |count| offer(&[data("0")]) + &"m=audio 0 RTP/AVP 0\r\n".repeat(count);
    let many = |line: &str, count: usize| offer(&[data("0")]) + &format!("a={line}\r\n").repeat(count);
    for (sdp, refusal) in [
        ("v=0\r\n".repeat(400_000), NegotiationError::DescriptionTooLong),
        (offer(&sections(1000)), NegotiationError::TooManySections),
        (bare(1000), NegotiationError::TooManySections),
        (bare(1000).replace("m=audio", "\rm=audio"), NegotiationError::TooManySections),
        (offer(&[data("0")]) + &"a=\n".repeat(40_000), NegotiationError::TooManyLines),
        (offer(&[data("0")]) + &format!("a={}\r\n", "x".repeat(5000)), NegotiationError::LineTooLong),
        (many("extmap:1 urn:x", 65), NegotiationError::TooManyExtensions),
        (many("extmap:1 urn:x", 9000), NegotiationError::TooManyExtensions),
        (many("rid:q send", 9), NegotiationError::TooManyRids),
        (offer(&[data("0"), data("0")]), NegotiationError::DuplicateMid(1)),
        (offer(&[data("12345678901234567")]), NegotiationError::InvalidMid(0)),
        (offer(&[data("0").replace("a=mid:0\r\n", "")]), NegotiationError::MissingMid(0)),
    ] {
        assert_eq!(within(QUICK, &sdp).unwrap_err(), refusal);
    }
    let ssrcs: String = (0..9000).map(|ssrc| format!("a=ssrc:{ssrc} cname:a\r\n")).collect();
    assert_eq!(within(QUICK, &(offer(&[data("0")]) + &ssrcs)).unwrap_err(), NegotiationError::TooManySources);
    assert!(within(QUICK, &(offer(&[data("0")]) + &candidates(10_000))).is_ok());
    let rtpmaps: String = (0..128).map(|payload_type| format!("rtpmap:{payload_type} x/1\n")).collect();
    let section = audio("0", &(rtpmaps + &"rtcp-fb:* nack\nrtcp-fb:* x\n".repeat(10_000)));
    assert!(within(BEARABLE, &offer(&[section])).is_ok());
    assert!(within(QUICK, &many("ssrc-group:FID 1 2", 10_000)).is_ok());
}

#[test]
fn the_largest_offer_is_answered_quickly() {
    let mut sections: Vec<_> = (0..128).map(|mid| audio(&mid.to_string(), "recvonly")).collect();
    // As many lines as Chromium needs for all its codecs.
    let codecs = "rtcp-fb:98 goog-remb\n".repeat(140);
    sections.extend((128..256).map(|mid| video(&mid.to_string(), &format!("recvonly\n{codecs}"))));
    let accepted = within(BEARABLE, &offer(&sections)).unwrap();
    assert_eq!(Answered::of(&accepted).0.media_descriptions.len(), 256);
}

#[test]
fn nonsense_is_refused() {
    for sdp in [
        "",
        "\r\n",
        "v=0",
        "hello",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 1 RTP/AVP 4294967296\r\n",
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4294967296 RTP/AVP 0\r\n",
    ] {
        assert!(within(QUICK, sdp).is_err(), "{sdp:?}");
    }
}

#[test]
fn mutated_offers_never_panic() {
    let offers: Vec<String> = browsers::all().map(without_repetition).collect();
    let mut rng = StdRng::seed_from_u64(20);
    let mut accepted = 0;
    for _ in 0..20_000 {
        let mut negotiation = seeded(3);
        negotiation.publish(microphone(1, "a"));
        negotiation.publish(camera(2, "b"));
        negotiation.subscribe(request(11, Codec::Opus));
        negotiation.subscribe(request(12, Codec::Vp8));
        let sdp = mutate(&offers[rng.random_range(0..offers.len())], &mut rng);
        accepted += usize::from(negotiation.accept_offer(&sdp).is_ok());
        negotiation.poll_sections_needed();
    }
    // Many are still offers, so that the code behind the parser was reached too.
    assert!(accepted > 2000, "{accepted}");
}

/// The offer without the second and third m-line to receive on of either kind, which say what the first one says.
fn without_repetition(offer: &str) -> String {
    let sections = offer.split_inclusive('\n').fold(vec![String::new()], |mut sections, line| {
        if line.starts_with("m=") {
            sections.push(String::new());
        }
        sections.last_mut().unwrap().push_str(line);
        sections
    });
    let repeats =
        |section: &String| ["1", "2", "4", "5"].iter().any(|mid| section.contains(&format!("a=mid:{mid}\r\n")));
    sections.into_iter().filter(|section| !repeats(section)).collect()
}

/// Breaks an offer in one to eight places, by line or by byte.
fn mutate(offer: &str, rng: &mut StdRng) -> String {
    let pieces: Vec<&str> =
        "|:| |;|/|=|~|,|0|-1|4294967296|99999999999999999999|é|\0|*|send|recv|m=".split('|').collect();
    let mut lines: Vec<Cow<'_, str>> = offer.lines().map(Cow::Borrowed).collect();
    for _ in 0..rng.random_range(1..=8) {
        let (at, other) = (rng.random_range(0..lines.len()), rng.random_range(0..lines.len()));
        match rng.random_range(0..6) {
            0 if lines.len() > 2 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[other].clone()),
            2 => lines.swap(at, other),
            3 => {
                let cut = rng.random_range(0..=lines[at].len());
                let cut = (0..=cut).rev().find(|cut| lines[at].is_char_boundary(*cut)).unwrap_or(0);
                lines[at].to_mut().truncate(cut);
            }
            _ => {
                let line = &lines[at];
                let place = rng.random_range(0..=line.len());
                let place = (0..=place).rev().find(|place| line.is_char_boundary(*place)).unwrap_or(0);
                let rest = line[place..].chars().skip(rng.random_range(0..3)).collect::<String>();
                let broken = line[..place].to_owned() + pieces[rng.random_range(0..pieces.len())] + &rest;
                lines[at] = broken.into();
            }
        }
    }
    lines.join("\r\n") + "\r\n"
}
