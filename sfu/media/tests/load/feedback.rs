// SPDX-License-Identifier: EUPL-1.2
//! What clients say about media in RTCP (RFC 3550 §6.4, RFC 4585 §6), written by hand.

/// Of the client as a sender of feedback. Nobody looks at it.
const OWN_SSRC: u32 = 1;

fn words(first: [u8; 2], words: &[u32]) -> Vec<u8> {
    let mut packet = first.to_vec();
    packet.extend((words.len() as u16).to_be_bytes());
    packet.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    packet
}

/// A sender's clock: its time since the beginning as 32.32 bits, and the same in ticks.
pub(super) fn sender_report(ssrc: u32, ntp: u64, rtp_timestamp: u32, packets: u32, octets: u32) -> Vec<u8> {
    words([0x80, 200], &[ssrc, (ntp >> 32) as u32, ntp as u32, rtp_timestamp, packets, octets])
}

/// A report on each of these streams: nothing was lost, and no report of the sender has come yet.
pub(super) fn receiver_report(ssrcs: &[u32]) -> Vec<u8> {
    let mut content = vec![OWN_SSRC];
    content.extend(ssrcs.iter().flat_map(|ssrc| [*ssrc, 0, 0, 0, 0, 0]));
    words([0x80 | ssrcs.len() as u8, 201], &content)
}

/// A request to send a packet again.
pub(super) fn nack(ssrc: u32, seq_no: u16) -> Vec<u8> {
    words([0x81, 205], &[OWN_SSRC, ssrc, u32::from(seq_no) << 16])
}

/// A request for a key frame.
pub(super) fn picture_loss(ssrc: u32) -> Vec<u8> {
    words([0x81, 206], &[OWN_SSRC, ssrc])
}

/// Twenty packets arrived a millisecond apart (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1): one run of small
/// distances, then the distances in quarters of a millisecond.
pub(super) fn arrivals(ssrc: u32) -> Vec<u8> {
    const COUNT: u32 = 20;
    const RUN_OF_SMALL: u32 = 0x2000 | COUNT;
    let distances = 0x0404_0404;
    let mut content = vec![OWN_SSRC, ssrc, 1 << 16 | COUNT, 0, RUN_OF_SMALL << 16 | 0x0404];
    content.extend([distances; 4]);
    // Two distances are left, then two bytes of padding.
    content.push(0x0404_0002);
    words([0xa0 | 15, 205], &content)
}
