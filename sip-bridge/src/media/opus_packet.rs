// SPDX-License-Identifier: EUPL-1.2
//! What an Opus packet says of itself before it is decoded (RFC 6716 §3.1, §3.2).

/// Ticks of Opus's RTP clock in 20 ms (RFC 7587 §4.1).
pub(crate) const RTP_TICKS_PER_FRAME: u32 = 960;

/// Packets that are longer are not Opus of 20 ms: a frame has at most 1,275 bytes (RFC 6716 §3.4), and an RTP packet
/// that is not fragmented has little more.
pub(crate) const MAX_PACKET_BYTES: usize = 1_500;

/// No packet lasts longer (RFC 6716 §3.2.5): 120 ms.
const MAX_PACKET_RTP_TICKS: u32 = 5_760;

/// How long the sound in a packet lasts, in ticks of 1/48,000 s; nothing if it is no Opus packet.
pub(crate) fn duration_rtp_ticks(payload: &[u8]) -> Option<u32> {
    let (&toc, rest) = payload.split_first()?;
    let config = toc >> 3;
    let frame = match config {
        // SILK: 10, 20, 40, 60 ms. Hybrid: 10, 20 ms. CELT: 2.5, 5, 10, 20 ms.
        0..12 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        12..16 => [480, 960][usize::from(config & 1)],
        _ => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        3 => u32::from(rest.first()? & 0x3f),
        _ => 2,
    };
    Some(frame * frames).filter(|ticks| (1..=MAX_PACKET_RTP_TICKS).contains(ticks))
}

/// Whether a packet only says that its sender pauses: libopus's encoder makes such of one or two bytes, and browsers know
/// them by that.
pub(crate) fn is_pause(payload: &[u8]) -> bool {
    payload.len() <= 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_the_standard() {
        for (payload, ticks) in [
            (&[0x48, 1][..], Some(960)),
            (&[0x78], Some(960)),
            (&[0xfc, 1, 2], Some(960)),
            (&[0xf8 - 8, 0], Some(480)),
            (&[0xe0, 0], Some(120)),
            (&[0x18, 0], Some(2_880)),
            (&[0x19, 0], Some(5_760)),
            (&[0xfb, 3, 0], Some(2_880)),
            (&[0xfb], None),
            (&[0xfb, 0], None),
            (&[0xfb, 7, 0], None),
            (&[], None),
        ] {
            assert_eq!(duration_rtp_ticks(payload), ticks, "{payload:x?}");
        }
    }
}
