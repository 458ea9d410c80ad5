// SPDX-License-Identifier: EUPL-1.2
//! RTCP on the wire (RFC 3550 §6): what we say about a call, and what we make of what is said to us.
//!
//! Times in reports count from the beginning of the session, which the standard allows (§4) and which needs no clock
//! on the wall.

use std::time::Duration;

use super::reception::Report;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const REPORT_BYTES: usize = 24;
/// The item of a source description that names its sender (RFC 3550 §6.5.1).
const CNAME: u8 = 1;

/// Time since the session began, as 32.32 fixed point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NtpTime(u64);

impl NtpTime {
    pub(super) fn of(elapsed: Duration) -> Self {
        let fraction = (u64::from(elapsed.subsec_nanos()) << 32) / 1_000_000_000;
        Self((elapsed.as_secs() << 32) | fraction)
    }

    /// The middle 32 bits, in 1/65536 s, as reports repeat it.
    pub(super) const fn middle(self) -> u32 {
        ((self.0 >> 16) & 0xffff_ffff) as u32
    }
}

/// A number of 1/65536 s.
pub(super) fn duration_of(middle: u32) -> Duration {
    Duration::from_nanos((u64::from(middle) * 1_000_000_000) >> 16)
}

/// What we have sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SenderInfo {
    pub(super) ntp: NtpTime,
    pub(super) rtp_timestamp: u32,
    pub(super) packets: u32,
    pub(super) payload_bytes: u32,
}

/// What we last heard of the other side's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LastSenderReport {
    /// The middle of its time; zero for none.
    pub(super) middle: u32,
    /// How long ago, in 1/65536 s.
    pub(super) age: u32,
}

/// One compound packet of ours.
pub(super) struct Compound<'a> {
    pub(super) ssrc: u32,
    /// When we have sent since the last one.
    pub(super) sender: Option<SenderInfo>,
    pub(super) report: Option<(Report, LastSenderReport)>,
    pub(super) cname: &'a str,
    /// Whether we leave.
    pub(super) is_goodbye: bool,
}

impl Compound<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let kind = if self.sender.is_some() { SENDER_REPORT } else { RECEIVER_REPORT };
        packet(out, kind, u8::from(self.report.is_some()), |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            if let Some(sender) = &self.sender {
                out.extend_from_slice(&sender.ntp.0.to_be_bytes());
                for word in [sender.rtp_timestamp, sender.packets, sender.payload_bytes] {
                    out.extend_from_slice(&word.to_be_bytes());
                }
            }
            if let Some((report, last)) = &self.report {
                let lost =
                    (report.cumulative_lost.cast_unsigned() & 0x00ff_ffff) | u32::from(report.fraction_lost) << 24;
                let jitter = report.jitter_rtp_ticks;
                for word in [report.ssrc, lost, report.highest_seq_no, jitter, last.middle, last.age] {
                    out.extend_from_slice(&word.to_be_bytes());
                }
            }
        });
        packet(out, SOURCE_DESCRIPTION, 1, |out| {
            out.extend_from_slice(&self.ssrc.to_be_bytes());
            let name = self.cname.as_bytes();
            let name = name.get(..name.len().min(255)).unwrap_or_default();
            out.extend([CNAME, name.len() as u8]);
            out.extend_from_slice(name);
            // The list of items ends with a zero.
            out.push(0);
        });
        if self.is_goodbye {
            packet(out, GOODBYE, 1, |out| out.extend_from_slice(&self.ssrc.to_be_bytes()));
        }
    }
}

fn packet(out: &mut Vec<u8>, kind: u8, count: u8, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend([0x80 | count, kind, 0, 0]);
    body(out);
    while !(out.len() - start).is_multiple_of(4) {
        out.push(0);
    }
    // Ours have a few hundred bytes at most.
    let words = ((out.len() - start) / 4 - 1) as u16;
    if let Some(length) = out.get_mut(start + 2..start + 4) {
        length.copy_from_slice(&words.to_be_bytes());
    }
}

/// What a report says about what we send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReportAboutUs {
    /// In 1/256.
    pub(super) fraction_lost: u8,
    /// Our own report's time, and how long they had it before they sent this, in 1/65536 s. Zero for none.
    pub(super) last: LastSenderReport,
}

/// What a compound packet of the other side says that we act on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Whose time it is, and the middle of that time.
    pub(super) sender_report: Option<(u32, u32)>,
    pub(super) about_us: Option<ReportAboutUs>,
    /// Who leaves.
    pub(super) goodbye: Option<u32>,
}

impl Heard {
    /// Reads a compound packet; `None` when its lengths do not add up (RFC 3550 §A.2).
    pub(super) fn parse(mut compound: &[u8], our_ssrc: u32) -> Option<Self> {
        let mut heard = Self::default();
        while !compound.is_empty() {
            let [first, kind, high, low] = *compound.first_chunk::<4>()?;
            if first >> 6 != 2 {
                return None;
            }
            let (packet, rest) = compound.split_at_checked(4 + 4 * usize::from(u16::from_be_bytes([high, low])))?;
            compound = rest;
            let count = usize::from(first & 0x1f);
            match kind {
                SENDER_REPORT => {
                    heard.sender_report = Some((word(packet, 4)?, (word(packet, 8)? << 16) | word(packet, 12)? >> 16));
                    heard.reports(packet.get(28..)?, count, our_ssrc)?;
                }
                RECEIVER_REPORT => heard.reports(packet.get(8..)?, count, our_ssrc)?,
                GOODBYE if count > 0 => heard.goodbye = Some(word(packet, 4)?),
                _ => {}
            }
        }
        Some(heard)
    }

    fn reports(&mut self, blocks: &[u8], count: usize, our_ssrc: u32) -> Option<()> {
        for block in blocks.get(..count * REPORT_BYTES)?.chunks_exact(REPORT_BYTES) {
            if word(block, 0)? == our_ssrc {
                let last = LastSenderReport { middle: word(block, 16)?, age: word(block, 20)? };
                self.about_us = Some(ReportAboutUs { fraction_lost: *block.get(4)?, last });
            }
        }
        Some(())
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests;
