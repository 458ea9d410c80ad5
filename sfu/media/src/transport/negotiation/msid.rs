// SPDX-License-Identifier: EUPL-1.2
//! The names of a media stream and a track in SDP (RFC 8830).

/// `a=msid:<stream> <track>`: under which names a client sees a track. Both are written into other clients' SDP as they
/// stand, so they are checked once, here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Msid {
    stream_id: String,
    track_id: String,
}

impl Msid {
    /// Longest of either part (RFC 8830 §2).
    pub const MAX_BYTES: usize = 64;

    /// Both parts, or `None` when one is not 1 to 64 characters of a token.
    #[must_use]
    pub fn parse(stream_id: &str, track_id: &str) -> Option<Self> {
        (is_msid_id(stream_id) && is_msid_id(track_id))
            .then(|| Self { stream_id: stream_id.to_owned(), track_id: track_id.to_owned() })
    }

    /// Tracks with the same stream are played in sync.
    #[must_use]
    pub fn stream_id(&self) -> &str {
        &self.stream_id
    }

    /// The track within the stream.
    #[must_use]
    pub fn track_id(&self) -> &str {
        &self.track_id
    }
}

fn is_msid_id(text: &str) -> bool {
    (1..=Msid::MAX_BYTES).contains(&text.len()) && text.bytes().all(is_token_byte)
}

/// `token-char` of RFC 8866 §9.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_of_livekit() {
        let msid = Msid::parse("PA_ab12|TR_cd34", "TR_cd34").unwrap();
        assert_eq!((msid.stream_id(), msid.track_id()), ("PA_ab12|TR_cd34", "TR_cd34"));
    }

    #[test]
    fn refuses_what_could_add_lines_or_fields() {
        for bad in ["", "two words", "a\r\na=candidate:1", "a:b", &"x".repeat(65)] {
            assert_eq!(Msid::parse(bad, "TR_1"), None, "{bad:?}");
            assert_eq!(Msid::parse("PA_1", bad), None, "{bad:?}");
        }
    }
}
