// SPDX-License-Identifier: EUPL-1.2
//! SRTP with AES-128-GCM (RFC 7714), as little of it as forwarding needs.

use anyhow::{Result, anyhow};
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// A fixed header (RFC 3550 §5.1).
pub(super) const HEADER_BYTES: usize = 12;
pub(super) const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 16;

/// The header of a packet that is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Number of the packet, of which the lower half is on the wire.
    pub(super) index: u32,
    pub(super) timestamp: u32,
    pub(super) ssrc: u32,
    pub(super) marker: bool,
}

impl Header {
    fn write(self, out: &mut [u8]) {
        // Version 2 with padding, of which there is a byte in some packets.
        out[0] = 0xa0;
        out[1] = u8::from(self.marker) << 7 | crate::sdp::VP8;
        out[2..4].copy_from_slice(&(self.index as u16).to_be_bytes());
        out[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
    }

    /// RFC 7714 §8.1, with a salt of zeros.
    fn nonce(self) -> Nonce {
        let mut nonce = [0; NONCE_LEN];
        nonce[2..6].copy_from_slice(&self.ssrc.to_be_bytes());
        nonce[8..12].copy_from_slice(&self.index.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }
}

/// One direction's key.
pub(super) struct Key(LessSafeKey);

impl Key {
    /// A key of its own for each number.
    pub(super) fn new(number: usize) -> Result<Self> {
        let mut bytes = [0x5a; KEY_BYTES];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let key = UnboundKey::new(&AES_128_GCM, &bytes).map_err(|_| anyhow!("no AES-128-GCM"))?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Makes a packet of `payload` in `out`, which is exactly as long.
    pub(super) fn seal(&self, header: Header, payload: &[u8], out: &mut [u8]) -> Result<()> {
        let (head, rest) = out.split_at_mut(HEADER_BYTES);
        let (body, tag) = rest.split_at_mut(payload.len());
        header.write(head);
        body.copy_from_slice(payload);
        let sealed = self.0.seal_in_place_separate_tag(header.nonce(), Aad::from(&*head), body);
        tag.copy_from_slice(sealed.map_err(|_| anyhow!("a packet cannot be sealed"))?.as_ref());
        Ok(())
    }

    /// Opens a packet in place and gives its payload.
    pub(super) fn open<'a>(&self, header: Header, packet: &'a mut [u8]) -> Result<&'a [u8]> {
        let (head, body) = packet.split_at_mut(HEADER_BYTES);
        let opened = self.0.open_in_place(header.nonce(), Aad::from(&*head), body);
        opened.map(|payload| &*payload).map_err(|_| anyhow!("a packet cannot be opened"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_can_be_opened_by_its_key_alone() {
        let header = Header { index: 70_000, timestamp: 9, ssrc: 7, marker: true };
        let mut packet = [0; HEADER_BYTES + 3 + TAG_BYTES];
        Key::new(1).unwrap().seal(header, b"abc", &mut packet).unwrap();
        assert_eq!(packet[..4], [0xa0, 0x80 | 96, 0x11, 0x70]);
        let mut other = packet;
        assert!(Key::new(2).unwrap().open(header, &mut other).is_err());
        assert_eq!(Key::new(1).unwrap().open(header, &mut packet).unwrap(), b"abc");
    }
}
