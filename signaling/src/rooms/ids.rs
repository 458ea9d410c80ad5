// SPDX-License-Identifier: EUPL-1.2
//! Names for rooms, participants, tracks and transports. Clients test the prefixes, so they are LiveKit's.

use bus::{MediaKind, ParticipantSid, RoomSid, TrackSid, TransportSid};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::auth::grants::TrackSource;

/// Random characters after the prefix: 71 bits, so that two never meet and none can be guessed.
const RANDOM_CHARACTERS: usize = 12;

/// Makes identifiers. The seed decides them all, which tests like.
pub(crate) struct Ids(StdRng);

impl Ids {
    #[cfg(test)]
    pub(crate) fn from_seed(seed: [u8; 32]) -> Self {
        Self(StdRng::from_seed(seed))
    }

    pub(crate) fn from_os() -> Self {
        Self(StdRng::from_os_rng())
    }

    pub(crate) fn room(&mut self) -> RoomSid {
        self.id("RM_").into()
    }

    pub(crate) fn participant(&mut self) -> ParticipantSid {
        self.id("PA_").into()
    }

    pub(crate) fn transport(&mut self) -> TransportSid {
        self.id("TP_").into()
    }

    /// After the prefix come letters for kind and source, which help whoever reads a log.
    pub(crate) fn track(&mut self, kind: MediaKind, source: TrackSource) -> TrackSid {
        let kind = match kind {
            MediaKind::Audio => "A",
            MediaKind::Video => "V",
        };
        let source = match source {
            TrackSource::Unknown => "",
            TrackSource::Camera => "C",
            TrackSource::Microphone => "M",
            TrackSource::ScreenShare => "S",
            TrackSource::ScreenShareAudio => "s",
        };
        self.id(&format!("TR_{kind}{source}")).into()
    }

    fn id(&mut self, prefix: &str) -> String {
        const ALPHABET: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut id = String::with_capacity(prefix.len() + RANDOM_CHARACTERS);
        id.push_str(prefix);
        id.extend((0..RANDOM_CHARACTERS).map(|_| char::from(ALPHABET[self.0.random_range(0..ALPHABET.len())])));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_those_that_clients_know() {
        let mut ids = Ids::from_seed([7; 32]);
        assert!(ids.room().as_str().starts_with("RM_"));
        assert!(ids.participant().as_str().starts_with("PA_"));
        assert!(ids.track(MediaKind::Audio, TrackSource::Microphone).as_str().starts_with("TR_AM"));
        assert!(ids.track(MediaKind::Video, TrackSource::Camera).as_str().starts_with("TR_VC"));
        assert!(ids.track(MediaKind::Video, TrackSource::ScreenShare).as_str().starts_with("TR_VS"));
        assert_ne!(ids.participant(), ids.participant());
        assert_eq!(ids.transport().as_str().len(), "TP_".len() + RANDOM_CHARACTERS);
    }
}
