// SPDX-License-Identifier: EUPL-1.2
//! Reads what a server offers or answers. Lines that do not concern a load generator are skipped.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};

use super::{Credentials, Extensions, Kind};

/// A server's description.
#[derive(Clone, Debug, Default)]
pub(crate) struct Description {
    pub(crate) credentials: Credentials,
    /// UDP candidates, in the server's order.
    pub(crate) candidates: Vec<SocketAddr>,
    pub(crate) sections: Vec<RemoteSection>,
}

/// What a server says of one media section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RemoteSection {
    pub(crate) mid: String,
    /// `None` for what is neither audio nor video.
    pub(crate) kind: Option<Kind>,
    /// Media type, protocol and formats as they stand in the m-line.
    media: String,
    /// The server sends on it.
    pub(crate) sends: bool,
    /// The server receives on it.
    pub(crate) receives: bool,
    /// Second part of the msid.
    pub(crate) track: Option<String>,
    pub(crate) ssrc: Option<u32>,
    pub(crate) rtx_ssrc: Option<u32>,
    /// Payload type of Opus or VP8.
    pub(crate) codec: Option<u8>,
    /// Payload type of VP8's retransmissions.
    pub(crate) rtx: Option<u8>,
    pub(crate) extensions: Extensions,
}

impl RemoteSection {
    /// The m-line's value that refuses the section.
    pub(super) fn refusal(&self) -> String {
        let (media, rest) = self.media.split_once(' ').unwrap_or((&self.media, ""));
        let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
        format!("{media} 0 {rest}")
    }

    fn read_attribute(&mut self, name: &str, value: &str) {
        match name {
            "mid" => value.clone_into(&mut self.mid),
            "sendrecv" | "sendonly" | "recvonly" | "inactive" => {
                self.sends = name.starts_with("send");
                self.receives = matches!(name, "sendrecv" | "recvonly");
            }
            "msid" => self.track = value.split_whitespace().nth(1).map(str::to_owned),
            "ssrc-group" => {
                let mut words = value.split_whitespace();
                if words.next() == Some("FID") {
                    (self.ssrc, self.rtx_ssrc) = (parse(words.next()), parse(words.next()));
                }
            }
            "ssrc" if self.ssrc.is_none() => self.ssrc = parse(value.split_whitespace().next()),
            "rtpmap" => self.read_codec(value),
            "fmtp" => self.read_retransmission(value),
            "extmap" => self.read_extension(value),
            _ => {}
        }
    }

    fn read_codec(&mut self, value: &str) {
        let Some((payload_type, codec)) = value.split_once(' ') else { return };
        let name = codec.split('/').next().unwrap_or_default();
        let wanted = match self.kind {
            Some(Kind::Audio) => "opus",
            Some(Kind::Video) => "VP8",
            None => return,
        };
        if name.eq_ignore_ascii_case(wanted) && self.codec.is_none() {
            self.codec = payload_type.parse().ok();
        }
    }

    /// The `apt` of RFC 4588 §8.1, which must come after the rtpmap of the codec that it names.
    fn read_retransmission(&mut self, value: &str) {
        let Some((payload_type, parameters)) = value.split_once(' ') else { return };
        let apt = parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("apt="));
        if apt.and_then(|apt| apt.parse().ok()) == self.codec && self.codec.is_some() {
            self.rtx = payload_type.parse().ok();
        }
    }

    fn read_extension(&mut self, value: &str) {
        let mut words = value.split_whitespace();
        let id = words.next().and_then(|id| id.split('/').next()).and_then(|id| id.parse().ok());
        if let Some(slot) = words.next().and_then(|uri| self.extensions.by_uri(uri)) {
            *slot = id;
        }
    }
}

fn parse(word: Option<&str>) -> Option<u32> {
    word?.parse().ok()
}

impl Description {
    /// Reads a description.
    ///
    /// # Errors
    ///
    /// When it lacks what a transport needs.
    pub(crate) fn read(sdp: &str) -> Result<Self> {
        let mut description = Self::default();
        for line in sdp.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                description.sections.push(RemoteSection::begin(media));
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
                description.read_attribute(name, value);
            }
        }
        if description.credentials.ufrag.is_empty() || description.credentials.password.is_empty() {
            bail!("the server's description has no ICE credentials");
        }
        Ok(description)
    }

    fn read_attribute(&mut self, name: &str, value: &str) {
        match name {
            "ice-ufrag" => value.clone_into(&mut self.credentials.ufrag),
            "ice-pwd" => value.clone_into(&mut self.credentials.password),
            "candidate" => {
                // In a bundle every section repeats them.
                let candidate = read_candidate(value).ok();
                self.candidates.extend(candidate.filter(|candidate| !self.candidates.contains(candidate)));
            }
            _ => {
                if let Some(section) = self.sections.last_mut() {
                    section.read_attribute(name, value);
                }
            }
        }
    }

    /// The section that carries `mid`.
    pub(crate) fn section(&self, mid: &str) -> Option<&RemoteSection> {
        self.sections.iter().find(|section| section.mid == mid)
    }

    /// The ids of all sections together: in a bundle they are the same (RFC 9143 §9.2).
    pub(crate) fn extensions(&self) -> Extensions {
        let all = self.sections.iter().map(|section| section.extensions);
        all.fold(Extensions::default(), |sum, ids| Extensions {
            audio_level: sum.audio_level.or(ids.audio_level),
            transport_cc: sum.transport_cc.or(ids.transport_cc),
            mid: sum.mid.or(ids.mid),
            rid: sum.rid.or(ids.rid),
            repaired_rid: sum.repaired_rid.or(ids.repaired_rid),
        })
    }
}

impl RemoteSection {
    fn begin(media: &str) -> Self {
        let kind = match media.split_whitespace().next() {
            Some("audio") => Some(Kind::Audio),
            Some("video") => Some(Kind::Video),
            _ => None,
        };
        // Without a direction a section goes both ways (RFC 8866 §6.7).
        Self { kind, media: media.to_owned(), sends: true, receives: true, ..Self::default() }
    }
}

/// Reads a UDP candidate (RFC 8839 §5.1).
///
/// # Errors
///
/// When it is none, as of a name or of TCP.
pub(crate) fn read_candidate(value: &str) -> Result<SocketAddr> {
    let fields: Vec<_> = value.split_whitespace().collect();
    let [_, _, transport, _, address, port, ..] = fields.as_slice() else { bail!("a candidate of too few fields") };
    if !transport.eq_ignore_ascii_case("udp") {
        bail!("a candidate of another transport than UDP");
    }
    let address = address.parse().context("a candidate whose address is a name")?;
    Ok(SocketAddr::new(address, port.parse().context("a candidate without a port")?))
}
