// SPDX-License-Identifier: EUPL-1.2
//! SRTP and SRTCP, in place and without allocation (RFC 3711, RFC 7714).
//!
//! [`Sealer`] protects what we send, [`Opener`] checks and reads what the client sends. Both take the packet in the
//! memory it already has. Packets that fail here are dropped and counted by the caller, and leave no trace: an SSRC
//! gets state only when a packet of it has proved authentic.

mod cipher;
mod keys;
mod opener;
mod replay;
mod sealer;
mod ssrc_map;
#[cfg(test)]
mod tests;

pub use keys::KeyError;
pub use opener::{OpenError, Opener};
pub use sealer::Sealer;
pub use ssrc_map::StreamPlace;

/// Room that sealing an RTP packet needs after the plain bytes.
pub const SEAL_OVERHEAD_BYTES: usize = 16;

/// Room that sealing an RTCP packet needs after the plain bytes.
pub const SEAL_RTCP_OVERHEAD_BYTES: usize = 20;

/// How media is protected (RFC 5764 §4.1.2, RFC 7714 §14.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SrtpProfile {
    /// The cheap one: a fifth of the cost of the other.
    AeadAes128Gcm,
    /// The one that every client knows.
    Aes128CmHmacSha1_80,
}

impl SrtpProfile {
    const fn salt_bytes(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 12,
            Self::Aes128CmHmacSha1_80 => 14,
        }
    }

    /// How much DTLS must export: key and salt of both directions.
    #[must_use]
    pub const fn keying_material_bytes(self) -> usize {
        2 * (keys::KEY_BYTES + self.salt_bytes())
    }
}

/// The sealing and opening ends of a DTLS server.
///
/// # Errors
///
/// When `material` is not as long as [`SrtpProfile::keying_material_bytes`] says.
pub fn server_ends(profile: SrtpProfile, material: &[u8]) -> Result<(Sealer, Opener), KeyError> {
    let (client, server) = keys::split_keying_material(profile, material)?;
    Ok((Sealer::new(profile, &server)?, Opener::new(profile, &client)?))
}

/// The sealing and opening ends of a DTLS client.
///
/// # Errors
///
/// When `material` is not as long as [`SrtpProfile::keying_material_bytes`] says.
pub fn client_ends(profile: SrtpProfile, material: &[u8]) -> Result<(Sealer, Opener), KeyError> {
    let (client, server) = keys::split_keying_material(profile, material)?;
    Ok((Sealer::new(profile, &client)?, Opener::new(profile, &server)?))
}

/// What SRTP needs to know of an RTP header (RFC 3550 §5.1).
struct RtpHeader {
    seq_no: u16,
    ssrc: u32,
    len: usize,
}

impl RtpHeader {
    const FIXED_BYTES: usize = 12;

    fn parse(packet: &[u8]) -> Option<Self> {
        let fixed = packet.first_chunk::<{ Self::FIXED_BYTES }>()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut len = Self::FIXED_BYTES + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let extension = packet.get(len..len + 4)?;
            len += 4 + 4 * usize::from(u16::from_be_bytes([extension[2], extension[3]]));
        }
        (len <= packet.len()).then(|| Self {
            seq_no: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
        })
    }
}

/// The SSRC of an RTCP packet's sender (RFC 3550 §6.4.1).
fn rtcp_ssrc(packet: &[u8]) -> Option<u32> {
    let header = packet.first_chunk::<{ cipher::RTCP_HEADER_BYTES }>()?;
    (header[0] >> 6 == 2).then(|| u32::from_be_bytes([header[4], header[5], header[6], header[7]]))
}
