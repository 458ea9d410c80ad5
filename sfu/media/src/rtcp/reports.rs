// SPDX-License-Identifier: EUPL-1.2
//! Sender and receiver reports (RFC 3550 §6.4).

use std::time::Duration;

use crate::rtcp::{RECEIVER_REPORT, SENDER_REPORT, u32_at, write_packet};

const BLOCK_BYTES: usize = 24;

/// Largest and smallest number of lost packets that a block can say: 24 bits with a sign.
const MAX_CUMULATIVE_LOST: i32 = 0x7f_ffff;
const MIN_CUMULATIVE_LOST: i32 = -0x80_0000;

/// What a sender says about its stream (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderReport {
    /// The stream.
    pub ssrc: u32,
    /// The sender's wall clock, 32 bits of seconds and 32 of fraction.
    pub ntp: u64,
    /// The media clock at the same instant.
    pub rtp_timestamp: u32,
    /// Packets sent since the start.
    pub packets: u32,
    /// Payload octets sent since the start.
    pub octets: u32,
}

impl SenderReport {
    /// Reads the packet after its common header and gives the bytes of its report blocks too.
    pub(super) fn parse(body: &[u8]) -> Option<(Self, &[u8])> {
        let report = Self {
            ssrc: u32_at(body, 0)?,
            ntp: u64::from(u32_at(body, 4)?) << 32 | u64::from(u32_at(body, 8)?),
            rtp_timestamp: u32_at(body, 12)?,
            packets: u32_at(body, 16)?,
            octets: u32_at(body, 20)?,
        };
        Some((report, &body[24..]))
    }

    /// Appends it as a packet without report blocks.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, 0, SENDER_REPORT, |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            out.extend_from_slice(&self.ntp.to_be_bytes());
            for field in [self.rtp_timestamp, self.packets, self.octets] {
                out.extend_from_slice(&field.to_be_bytes());
            }
        });
    }
}

/// How one stream is received (RFC 3550 §6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Share of packets lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Packets lost since the start; negative when repeats outnumber losses.
    pub cumulative_lost: i32,
    /// Extended highest sequence number received.
    pub highest_seq: u32,
    /// Interarrival jitter.
    pub jitter_rtp_ticks: u32,
    /// Middle 32 bits of the NTP time of the last sender report; 0 when there was none.
    pub last_sender_report: u32,
    /// Time since that report, in 1/65536 s.
    pub delay_since_last_sender_report: u32,
}

impl ReportBlock {
    fn parse(block: &[u8; BLOCK_BYTES]) -> Self {
        let word = |at: usize| u32::from_be_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
        Self {
            ssrc: word(0),
            fraction_lost: block[4],
            // The shift to the left and back extends the sign.
            cumulative_lost: (word(4) << 8).cast_signed() >> 8,
            highest_seq: word(8),
            jitter_rtp_ticks: word(12),
            last_sender_report: word(16),
            delay_since_last_sender_report: word(20),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        let lost = self.cumulative_lost.clamp(MIN_CUMULATIVE_LOST, MAX_CUMULATIVE_LOST).cast_unsigned() & 0xff_ffff;
        let words = [
            self.ssrc,
            u32::from(self.fraction_lost) << 24 | lost,
            self.highest_seq,
            self.jitter_rtp_ticks,
            self.last_sender_report,
            self.delay_since_last_sender_report,
        ];
        for word in words {
            out.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// How long the receiver held the sender report before it wrote this block.
    #[must_use]
    pub fn delay(&self) -> Duration {
        Duration::from_nanos(u64::from(self.delay_since_last_sender_report) * 1_000_000_000 / 65_536)
    }
}

/// The report blocks of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlocks<'a> {
    blocks: &'a [[u8; BLOCK_BYTES]],
}

impl<'a> ReportBlocks<'a> {
    /// The first `count` blocks, as far as they are whole.
    pub(super) fn new(bytes: &'a [u8], count: u8) -> Self {
        let whole = bytes.as_chunks().0;
        Self { blocks: &whole[..whole.len().min(usize::from(count))] }
    }

    /// The blocks.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ReportBlock> + use<'a> {
        self.blocks.iter().map(ReportBlock::parse)
    }
}

/// Appends a receiver report. A compound packet starts with one even when there is nothing to report (RFC 3550 §6.1).
pub fn write_receiver_report(sender_ssrc: u32, blocks: &[ReportBlock], out: &mut Vec<u8>) {
    // The count field has five bits.
    let blocks = &blocks[..blocks.len().min(31)];
    write_packet(out, blocks.len() as u8, RECEIVER_REPORT, |out| {
        out.extend_from_slice(&sender_ssrc.to_be_bytes());
        for block in blocks {
            block.write(out);
        }
    });
}

/// Middle 32 bits of an NTP time, by which report blocks name a sender report.
#[must_use]
pub const fn middle_of_ntp(ntp: u64) -> u32 {
    (ntp >> 16 & 0xffff_ffff) as u32
}

/// A duration as NTP writes it: 32 bits of seconds and 32 of fraction.
#[must_use]
pub const fn ntp_duration(duration: Duration) -> u64 {
    (duration.as_secs() << 32) + ((duration.subsec_nanos() as u64) << 32) / 1_000_000_000
}
