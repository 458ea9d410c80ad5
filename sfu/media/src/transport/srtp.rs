// SPDX-License-Identifier: EUPL-1.2
//! SRTP and SRTCP, in place and without allocation (RFC 3711, RFC 7714).
//!
//! [`Sealer`] protects what we send, [`Opener`] checks and reads what the client sends. Both take the packet in the
//! memory it already has. Packets that fail here are dropped and counted by the caller, and leave no trace: an SSRC
//! gets state only when a packet of it has proved authentic.

mod opener;
mod sealer;
mod ssrc_map;
#[cfg(test)]
mod tests;

pub use ::srtp::KeyError;
use ::srtp::{MasterKey, RTCP_HEADER_BYTES, ReplayWindow, SrtpSuite};
pub use opener::{OpenError, Opener};
pub use sealer::Sealer;
pub use ssrc_map::StreamPlace;

/// Length of every SRTP key that we negotiate.
const KEY_BYTES: usize = 16;

/// For RTP: 2048 packets, 1.5 s of a 15 Mbit/s stream, so that a probe or a late packet is not taken for a replay.
pub type RtpWindow = ReplayWindow<32>;

/// For RTP that we seal: 1024 packets. What a publisher sends later than that is of no use to anybody.
pub type SealingWindow = ReplayWindow<16>;

/// For RTCP: 128 packets.
pub type RtcpWindow = ReplayWindow<2>;

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
    const fn suite(self) -> SrtpSuite {
        match self {
            Self::AeadAes128Gcm => SrtpSuite::AeadAes128Gcm,
            Self::Aes128CmHmacSha1_80 => SrtpSuite::AesCm128HmacSha1_80,
        }
    }

    /// How much DTLS must export: key and salt of both directions.
    #[must_use]
    pub const fn keying_material_bytes(self) -> usize {
        2 * (KEY_BYTES + self.suite().salt_bytes())
    }
}

/// The sealing and opening ends of a DTLS server.
///
/// # Errors
///
/// When `material` is not as long as [`SrtpProfile::keying_material_bytes`] says.
pub fn server_ends(profile: SrtpProfile, material: &[u8]) -> Result<(Sealer, Opener), KeyError> {
    let (client, server) = split_keying_material(profile, material)?;
    Ok((Sealer::new(&server)?, Opener::new(&client)?))
}

/// The sealing and opening ends of a DTLS client.
///
/// # Errors
///
/// When `material` is not as long as [`SrtpProfile::keying_material_bytes`] says.
pub fn client_ends(profile: SrtpProfile, material: &[u8]) -> Result<(Sealer, Opener), KeyError> {
    let (client, server) = split_keying_material(profile, material)?;
    Ok((Sealer::new(&client)?, Opener::new(&server)?))
}

/// The client's and the server's master keys from what DTLS exported (RFC 5764 §4.2).
fn split_keying_material(profile: SrtpProfile, material: &[u8]) -> Result<(MasterKey, MasterKey), KeyError> {
    if material.len() != profile.keying_material_bytes() {
        return Err(KeyError);
    }
    let suite = profile.suite();
    let (keys, salts) = material.split_at(2 * KEY_BYTES);
    let (client_salt, server_salt) = salts.split_at(suite.salt_bytes());
    let client = MasterKey::new(suite, &keys[..KEY_BYTES], client_salt)?;
    Ok((client, MasterKey::new(suite, &keys[KEY_BYTES..], server_salt)?))
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
    let header = packet.first_chunk::<{ RTCP_HEADER_BYTES }>()?;
    (header[0] >> 6 == 2).then(|| u32::from_be_bytes([header[4], header[5], header[6], header[7]]))
}
