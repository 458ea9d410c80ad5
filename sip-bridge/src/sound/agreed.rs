// SPDX-License-Identifier: EUPL-1.2
//! From what SIP agreed on to how sound is understood and made: the one place where that is decided.

use crate::media::codec::{OpusSettings, PhoneCodec};
use crate::media::downlink::DownlinkSettings;
use crate::media::uplink::UplinkSettings;
use crate::sdp::{Codec, Negotiated};

/// The loss that Opus prepares for where the telephone makes use of copies. From so much on libopus makes them at our bit
/// rate, and telephones that ask for them are those on the open internet.
const EXPECTED_LOSS_PERCENT: u8 = 5;

/// The same codec in the words of the media.
pub const fn phone_codec(codec: Codec) -> PhoneCodec {
    match codec {
        Codec::G722 => PhoneCodec::G722,
        Codec::Opus => PhoneCodec::Opus,
        Codec::Pcma => PhoneCodec::Pcma,
        Codec::Pcmu => PhoneCodec::Pcmu,
    }
}

/// How we understand a telephone that sends `codec`. That is mostly the one we send, and may be another of those that our
/// offer was answered with.
pub const fn uplink_settings(agreed: &Negotiated, codec: Codec) -> UplinkSettings {
    UplinkSettings {
        codec: phone_codec(codec),
        listens_for_digits: agreed.telephone_event.is_none(),
        controls_level: true,
    }
}

/// How we make what a telephone hears.
pub fn downlink_settings(agreed: &Negotiated) -> DownlinkSettings {
    let usual = OpusSettings::default();
    let most = agreed.opus.max_average_bitrate_bps.unwrap_or(usual.bitrate_bps);
    let has_fec = agreed.opus.uses_inband_fec;
    DownlinkSettings {
        codec: phone_codec(agreed.codec),
        opus: OpusSettings {
            bitrate_bps: usual.bitrate_bps.min(most),
            has_fec,
            expected_loss_percent: if has_fec { EXPECTED_LOSS_PERCENT } else { 0 },
            ..usual
        },
        may_leave_out_silence: match agreed.codec {
            Codec::Opus => agreed.opus.uses_dtx,
            Codec::G722 | Codec::Pcma | Codec::Pcmu => agreed.comfort_noise.is_some(),
        },
    }
}

/// How many bytes of sound a packet has. `None`: as many as a frame, since one of Opus can neither be cut nor joined to the next.
pub const fn packet_bytes(agreed: &Negotiated) -> Option<usize> {
    /// All others have 64 kbit/s.
    const BYTES_PER_MS: usize = 8;
    match agreed.codec {
        Codec::Opus => None,
        Codec::G722 | Codec::Pcma | Codec::Pcmu => Some(agreed.ptime_ms as usize * BYTES_PER_MS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sound::testing::agreed;

    #[test]
    fn what_was_agreed_decides_how_sound_is_made() {
        let plain = agreed("m=audio 4000 RTP/AVP 8\n");
        assert_eq!(downlink_settings(&plain).codec, PhoneCodec::Pcma);
        assert!(!downlink_settings(&plain).may_leave_out_silence);
        assert_eq!(packet_bytes(&plain), Some(160));
        let brief = agreed("m=audio 4000 RTP/AVP 0 13\na=maxptime:10\n");
        assert_eq!(downlink_settings(&brief).codec, PhoneCodec::Pcmu);
        assert!(downlink_settings(&brief).may_leave_out_silence);
        assert_eq!(packet_bytes(&brief), Some(80));
        let opus = "m=audio 4000 RTP/AVP 96\na=rtpmap:96 opus/48000/2\na=fmtp:96 ";
        let modest = downlink_settings(&agreed(&format!("{opus}maxaveragebitrate=12000;usedtx=1\n")));
        assert_eq!(packet_bytes(&agreed(opus.trim_end_matches("a=fmtp:96 "))), None);
        assert_eq!((modest.opus.bitrate_bps, modest.opus.has_fec, modest.may_leave_out_silence), (12_000, false, true));
        let lossy = downlink_settings(&agreed(&format!("{opus}maxaveragebitrate=64000;useinbandfec=1\n")));
        assert_eq!((lossy.opus.bitrate_bps, lossy.opus.has_fec), (24_000, true));
        assert!(lossy.opus.expected_loss_percent > 0 && !lossy.may_leave_out_silence);
    }

    #[test]
    fn tones_are_keys_only_where_events_are_not() {
        let with = agreed("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n");
        assert!(!uplink_settings(&with, Codec::Pcma).listens_for_digits);
        let without = agreed("m=audio 4000 RTP/AVP 8\n");
        assert!(uplink_settings(&without, Codec::Pcma).listens_for_digits);
        assert_eq!(uplink_settings(&without, Codec::G722).codec, PhoneCodec::G722);
    }
}
