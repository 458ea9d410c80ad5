// SPDX-License-Identifier: EUPL-1.2
//! Opus packets (RFC 6716 §3): how long one lasts.

/// Ticks of the 48 kHz RTP clock in 2.5 ms, the shortest frame.
const SHORTEST_FRAME_RTP_TICKS: u32 = 120;

/// Longest packet (RFC 6716 §3.4, requirement R5).
const MAX_PACKET_RTP_TICKS: u32 = 5_760;

/// Duration of the packet's audio at 48 kHz, by its table-of-contents byte; `None` when it has no frames.
#[must_use]
pub fn duration_rtp_ticks(payload: &[u8]) -> Option<u32> {
    let toc = *payload.first()?;
    let config = toc >> 3;
    let frame = SHORTEST_FRAME_RTP_TICKS
        * match config {
            0..12 => [4, 8, 16, 24][usize::from(config & 3)], // SILK: 10, 20, 40, 60 ms.
            12..16 => [4, 8][usize::from(config & 1)],        // Hybrid: 10, 20 ms.
            _ => [1, 2, 4, 8][usize::from(config & 3)],       // CELT: 2.5, 5, 10, 20 ms.
        };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(*payload.get(1)? & 0x3f),
    };
    let ticks = frame * frames;
    (1..=MAX_PACKET_RTP_TICKS).contains(&ticks).then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_tells_the_duration() {
        let ms = |payload: &[u8]| duration_rtp_ticks(payload).map(|ticks| f64::from(ticks) / 48.0);
        assert_eq!(ms(&[0x78, 1, 2]), Some(20.0), "hybrid full band, as browsers send it");
        assert_eq!(ms(&[0x08]), Some(20.0), "SILK narrow band");
        assert_eq!(ms(&[0x18]), Some(60.0), "SILK narrow band");
        assert_eq!(ms(&[0x80]), Some(2.5), "CELT narrow band");
        assert_eq!(ms(&[0xf9]), Some(40.0), "two equal frames of 20 ms");
        assert_eq!(ms(&[0xfb, 0x03]), Some(60.0), "three frames");
        assert_eq!(ms(&[]), None);
        assert_eq!(ms(&[0xfb]), None, "a count that is missing");
        assert_eq!(ms(&[0xfb, 0]), None, "no frames");
        assert_eq!(ms(&[0xfb, 63]), None, "longer than a packet may last");
    }
}
