// SPDX-License-Identifier: EUPL-1.2
//! Negotiates with a browser that someone else drives: reads commands on standard input, one a line, and writes what
//! follows from them on standard output. With it an answer can be tried in a real browser by hand or by script.
//!
//! ```text
//! publish <track> audio|video <cid> [stereo]
//! unpublish <track>
//! subscribe <track> audio|video <stream id> <track id>
//! unsubscribe <track>
//! poll                      -> sections <audios> <videos>, or nothing to do
//! offer <bytes>             followed by that many bytes of SDP
//!                           -> answer <bytes>, the SDP, then the session, or error <message>
//! ```

use std::io::{self, BufRead, Read, Write};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sfu_media::ids::{SpeakerGroup, TrackId, TransportId};
use sfu_media::session::{Codec, Fingerprint, MediaKind};
use sfu_media::transport::negotiation::{Msid, Negotiation, NegotiationConfig, Publication, SubscriptionRequest};

fn main() -> io::Result<()> {
    let config = NegotiationConfig {
        fingerprint: Fingerprint([0x5a; 32]),
        candidates: vec![([192, 0, 2, 1], 7882).into(), "[2001:db8::1]:7882".parse().expect("an address")],
    };
    let mut negotiation = Negotiation::new(TransportId(1), Arc::new(config), StdRng::from_os_rng());
    let mut input = io::stdin().lock();
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["offer", bytes] => {
                let mut sdp = vec![0; bytes.parse().unwrap_or_default()];
                input.read_exact(&mut sdp)?;
                answer(&mut negotiation, &String::from_utf8_lossy(&sdp))?;
            }
            ["poll"] => match negotiation.poll_sections_needed() {
                Some(needed) => println!("sections {} {}", needed.audios, needed.videos),
                None => println!("nothing to do"),
            },
            _ if change(&mut negotiation, &words).is_some() => println!("ok"),
            _ => println!("error unknown command"),
        }
        io::stdout().flush()?;
        line.clear();
    }
    Ok(())
}

fn change(negotiation: &mut Negotiation, words: &[&str]) -> Option<()> {
    let track = TrackId(words.get(1)?.parse().ok()?);
    let kind = |word: &str| if word == "audio" { MediaKind::Audio } else { MediaKind::Video };
    match *words {
        ["publish", _, media, cid, ref rest @ ..] => negotiation.publish(Publication {
            track,
            cid: cid.to_owned(),
            kind: kind(media),
            is_stereo: rest.contains(&"stereo"),
            wants_dtx: media == "audio" && !rest.contains(&"stereo"),
            speaker_group: SpeakerGroup(1),
        }),
        ["unpublish", _] => negotiation.unpublish(track),
        ["subscribe", _, media, stream_id, track_id] => negotiation.subscribe(SubscriptionRequest {
            track,
            codec: if kind(media) == MediaKind::Audio { Codec::Opus } else { Codec::Vp8 },
            msid: Msid::parse(stream_id, track_id)?,
        }),
        ["unsubscribe", _] => negotiation.unsubscribe(track),
        _ => return None,
    }
    Some(())
}

fn answer(negotiation: &mut Negotiation, sdp: &str) -> io::Result<()> {
    match negotiation.accept_offer(sdp) {
        Ok(accepted) => {
            println!("answer {}", accepted.answer.len());
            io::stdout().write_all(accepted.answer.as_bytes())?;
            println!("{:?} {:?} {:?}", accepted.ice, accepted.tracks_by_mid, accepted.session);
        }
        Err(error) => println!("error {error}"),
    }
    Ok(())
}
