// SPDX-License-Identifier: EUPL-1.2
//! Protects what we send.

use ::srtp::{Cipher, KeyError, MasterKey, PacketId};

use super::ssrc_map::{SsrcMap, StreamPlace};
use super::{RtpHeader, SealingWindow, rtcp_ssrc};

/// How many SSRCs one client can be sent in the life of its transport, retransmission streams included.
const MAX_SSRCS: usize = 4096;

/// Packets of an SSRC that can be sealed again, a power of two: more than a second of audio in packets of 20 ms. What a
/// receiver asks for later would come too late.
const REPEATABLE_PACKETS: usize = 64;

/// SRTCP indices have 31 bits.
const MAX_RTCP_INDEX: u32 = (1 << 31) - 1;

/// The sealing end of one transport.
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    streams: SsrcMap<Stream>,
    /// Counts over all SSRCs, which keeps each nonce unique as well as a counter for each would.
    next_rtcp_index: u32,
}

/// What is known of an SSRC.
struct Stream {
    sealed: SealingWindow,
    /// Of packets that may be asked for again; `None` where retransmissions have a stream of their own.
    tags: Option<Box<SealedTags>>,
}

impl Sealer {
    pub(super) fn new(master: &MasterKey) -> Result<Self, KeyError> {
        Ok(Self {
            rtp: Cipher::for_rtp(master)?,
            rtcp: Cipher::for_rtcp(master)?,
            streams: SsrcMap::with_capacity(MAX_SSRCS),
            next_rtcp_index: 1,
        })
    }

    /// Seals the first `plain_len` bytes of `packet`; the rest is room for the tag. Refuses a sequence number that
    /// was sealed before, because a nonce must not protect two packets: lost packets go out again as RTX. `place` is
    /// where the SSRC was last time, or the default.
    pub fn seal_rtp(&mut self, place: &mut StreamPlace, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        self.seal(place, packet, plain_len).map(|(len, _)| len)
    }

    /// The same for a stream whose lost packets go out again as they are: a sequence number that was sealed a moment
    /// ago is sealed again if that makes the very packet that it made before. Whether it does, the tag tells, and what
    /// is not the same never leaves this function.
    pub(in crate::transport) fn seal_rtp_repeatably(
        &mut self,
        place: &mut StreamPlace,
        packet: &mut [u8],
        plain_len: usize,
    ) -> Option<usize> {
        if let Some((len, header)) = self.seal(place, packet, plain_len) {
            let stream = self.streams.get_mut_at(place, header.ssrc)?;
            stream.tags.get_or_insert_default().note(header.seq_no, &packet[plain_len..len]);
            return Some(len);
        }
        let repeated = self.seal_again(packet, plain_len);
        if repeated.is_none() {
            packet.fill(0);
        }
        repeated
    }

    /// Calls for what is known of the SSRC at a place.
    pub(in crate::transport) fn prefetch(&self, place: StreamPlace) {
        self.streams.prefetch(place);
    }

    fn seal(&mut self, place: &mut StreamPlace, packet: &mut [u8], plain_len: usize) -> Option<(usize, RtpHeader)> {
        let header = RtpHeader::parse(packet.get(..plain_len)?)?;
        let Some(Stream { sealed, .. }) = self.streams.get_mut_at(place, header.ssrc) else {
            return self.seal_first(packet, plain_len, header);
        };
        let index = sealed.index_of(header.seq_no).filter(|index| sealed.is_fresh(*index))?;
        let id = PacketId { ssrc: header.ssrc, index };
        let sealed_len = self.rtp.seal_rtp(packet, header.len, plain_len, id);
        // Also when sealing failed: part of the packet may have been encrypted already.
        sealed.accept(index);
        Some((sealed_len?, header))
    }

    fn seal_first(&mut self, packet: &mut [u8], plain_len: usize, header: RtpHeader) -> Option<(usize, RtpHeader)> {
        if self.streams.is_full() {
            return None;
        }
        let id = PacketId { ssrc: header.ssrc, index: header.seq_no.into() };
        self.streams.insert(id.ssrc, Stream { sealed: SealingWindow::starting_with(id.index), tags: None });
        Some((self.rtp.seal_rtp(packet, header.len, plain_len, id)?, header))
    }

    fn seal_again(&mut self, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let header = RtpHeader::parse(packet.get(..plain_len)?)?;
        let stream = self.streams.get_mut(header.ssrc)?;
        let tag_before = stream.tags.as_ref()?.of(header.seq_no)?;
        let index = stream.sealed.index_of(header.seq_no).filter(|index| !stream.sealed.is_fresh(*index))?;
        let id = PacketId { ssrc: header.ssrc, index };
        let len = self.rtp.seal_rtp(packet, header.len, plain_len, id)?;
        (short_tag(&packet[plain_len..len]) == tag_before).then_some(len)
    }

    /// Seals the first `plain_len` bytes of `packet`; the rest is room for tag and index.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let ssrc = rtcp_ssrc(packet.get(..plain_len)?)?;
        if self.next_rtcp_index > MAX_RTCP_INDEX {
            return None;
        }
        let id = PacketId { ssrc, index: self.next_rtcp_index.into() };
        self.next_rtcp_index += 1;
        self.rtcp.seal_rtcp(packet, plain_len, id)
    }
}

/// The beginnings of the tags of an SSRC's last packets, by sequence number.
struct SealedTags([Option<(u16, ShortTag)>; REPEATABLE_PACKETS]);

/// Two packets that differ have the same one by chance in 2^40 cases, and no chance is wanted: it guards against our own
/// mistakes, as nobody else can choose both packets.
type ShortTag = [u8; 5];

impl Default for SealedTags {
    fn default() -> Self {
        Self([None; REPEATABLE_PACKETS])
    }
}

impl SealedTags {
    fn note(&mut self, seq_no: u16, tag: &[u8]) {
        self.0[usize::from(seq_no) % REPEATABLE_PACKETS] = Some((seq_no, short_tag(tag)));
    }

    fn of(&self, seq_no: u16) -> Option<ShortTag> {
        self.0[usize::from(seq_no) % REPEATABLE_PACKETS].filter(|(noted, _)| *noted == seq_no).map(|(_, tag)| tag)
    }
}

fn short_tag(tag: &[u8]) -> ShortTag {
    let mut short = ShortTag::default();
    short.iter_mut().zip(tag).for_each(|(byte, tag)| *byte = *tag);
    short
}
