// SPDX-License-Identifier: EUPL-1.2
//! Who publishes what, and who receives it.

use std::ops::RangeInclusive;
use std::time::Duration;

use sfu_media::ids::{SpeakerGroup, TrackId};
use sfu_media::session::{Downlink, Mid, NegotiatedCodec, Rid, Session, Uplink};

use super::agreed::{IDS, OPUS, VP8};
use super::stream::{Amount, Stream};

/// Thirty pictures a second, as cameras give them.
const PICTURE_INTERVAL: Duration = Duration::from_micros(33_333);

/// What Opus puts into a packet by default.
const SOUND_INTERVAL: Duration = Duration::from_millis(20);

/// What one client publishes: one track.
#[derive(Clone)]
pub(crate) enum Publication {
    /// VP8 in one layer.
    Camera(Amount),
    /// VP8 in several layers, the smallest picture first.
    Simulcast(Vec<Amount>),
    /// Opus.
    Voice(Amount),
}

impl Publication {
    pub(super) fn frame_interval(&self) -> Duration {
        match self {
            Self::Camera(_) | Self::Simulcast(_) => PICTURE_INTERVAL,
            Self::Voice(_) => SOUND_INTERVAL,
        }
    }

    fn codec(&self) -> NegotiatedCodec {
        match self {
            Self::Camera(_) | Self::Simulcast(_) => VP8,
            Self::Voice(_) => OPUS,
        }
    }
}

/// A load.
#[derive(Clone)]
pub(crate) struct Pattern {
    /// What the first clients publish.
    pub(crate) publishers: Vec<Publication>,
    /// Of which publishers the other clients receive the tracks.
    pub(crate) receivers: Vec<Vec<usize>>,
    /// Each such packet of a stream is lost on its way, in both directions, and repaired; and receivers ask for key
    /// frames.
    pub(crate) one_in_is_lost: Option<u64>,
}

/// Nine packets of some 1,100 bytes a picture, 2.4 Mbit/s: what browsers send of a camera at 720p, or a little more.
pub(crate) fn video(receivers: usize) -> Pattern {
    let camera = Publication::Camera(amount(8..=10, 1_000..=1_200));
    Pattern { publishers: vec![camera], receivers: vec![vec![0]; receivers], one_in_is_lost: None }
}

/// Everybody hears all who speak.
pub(crate) fn speech(speakers: usize, receivers: usize) -> Pattern {
    let voice = Publication::Voice(amount(1..=1, 60..=110));
    let heard = (0..speakers).collect();
    Pattern { publishers: vec![voice; speakers], receivers: vec![heard; receivers], one_in_is_lost: None }
}

/// Cameras in three layers of 0.15, 0.5 and 1.7 Mbit/s, the rates of libwebrtc for 180p, 360p and 720p. Of those with an
/// odd number there is one receiver, of the others none.
pub(crate) fn reception(publishers: usize) -> Pattern {
    let layers = vec![amount(1..=1, 500..=750), amount(2..=2, 950..=1_150), amount(6..=7, 1_000..=1_150)];
    let receivers = (0..publishers).filter(|publisher| publisher % 2 == 1).map(|publisher| vec![publisher]);
    Pattern {
        receivers: receivers.collect(),
        publishers: vec![Publication::Simulcast(layers); publishers],
        one_in_is_lost: None,
    }
}

impl Pattern {
    /// The same with a key frame of so many packets every so many frames.
    pub(crate) fn with_keyframes(mut self, packets: u32, every_frames: u64) -> Self {
        for publisher in &mut self.publishers {
            let amounts = match publisher {
                Publication::Camera(amount) | Publication::Voice(amount) => std::slice::from_mut(amount),
                Publication::Simulcast(amounts) => amounts,
            };
            for amount in amounts {
                (amount.keyframe_packets, amount.frames_per_keyframe) = (packets, Some(every_frames));
            }
        }
        self
    }

    /// The same where each such packet is lost and repaired.
    pub(crate) fn with_loss(mut self, one_in: u64) -> Self {
        self.one_in_is_lost = Some(one_in);
        self
    }

    pub(super) fn streams(&self, publisher: usize) -> Vec<Stream> {
        let publication = &self.publishers[publisher];
        let stream = |layer: usize, amount: &Amount, rid: Option<Rid>| {
            Stream::new(ssrc(publisher, layer), publication.codec(), rid, amount.clone())
        };
        match publication {
            Publication::Camera(amount) | Publication::Voice(amount) => vec![stream(0, amount, None)],
            Publication::Simulcast(amounts) => {
                amounts.iter().enumerate().map(|(layer, amount)| stream(layer, amount, Some(rid(layer)))).collect()
            }
        }
    }

    pub(super) fn publishing_session(&self, publisher: usize) -> Session {
        let publication = &self.publishers[publisher];
        let codec = publication.codec();
        let (rids, ssrcs) = match publication {
            Publication::Simulcast(amounts) => ((0..amounts.len()).map(rid).collect(), Vec::new()),
            Publication::Camera(_) | Publication::Voice(_) => {
                let ssrc = ssrc(publisher, 0);
                (Vec::new(), vec![(ssrc, codec.rtx_payload_type.map(|_| ssrc + 1))])
            }
        };
        let (mid, speaker_group) = (tag(0), SpeakerGroup(1));
        let uplink = Uplink { mid, track: track(publisher), speaker_group, codec, rids, ssrcs };
        Session { extensions: IDS, uplinks: vec![uplink], ..Session::default() }
    }

    pub(super) fn receiving_session(&self, receiver: usize) -> Session {
        let downlink = |(place, publisher): (usize, &usize)| {
            let codec = self.publishers[*publisher].codec();
            let ssrc = 1_000_000 + (receiver * 1_000 + place * 2) as u32;
            let rtx_ssrc = codec.rtx_payload_type.map(|_| ssrc + 1);
            Downlink { mid: tag(place), track: track(*publisher), codec, ssrc, rtx_ssrc }
        };
        let downlinks = self.receivers[receiver].iter().enumerate().map(downlink).collect();
        Session { extensions: IDS, downlinks, ..Session::default() }
    }
}

/// Of video, only the first frame is a key frame.
const fn amount(packets: RangeInclusive<u32>, payload_bytes: RangeInclusive<usize>) -> Amount {
    Amount { packets, payload_bytes, frames_per_keyframe: None, keyframe_packets: 10 }
}

fn ssrc(publisher: usize, layer: usize) -> u32 {
    (publisher * 100 + layer * 10 + 10) as u32
}

fn track(publisher: usize) -> TrackId {
    TrackId(publisher as u64)
}

fn tag(number: usize) -> Mid {
    Mid::parse(&number.to_string()).unwrap()
}

fn rid(layer: usize) -> Rid {
    tag(layer)
}
