// SPDX-License-Identifier: EUPL-1.2
//! How much of a description is read at all. The limits are checked on the bytes, before anything is parsed or
//! allocated, so that a bomb costs one pass over it at most.

use super::NegotiationError;

/// Longest description. Chromium 156 takes 5 KB for an m-line with video and 1 KB for one with sound, so that a call with
/// 120 of either makes 720 KB. Whoever hands descriptions on has the same limit, so that none fails on its way here.
pub const MAX_SDP_BYTES: usize = 1024 * 1024;

/// Most lines of a description. Chromium 156 takes 166 for an m-line with video.
pub const MAX_LINES: usize = 32 * 1024;

/// Longest line. Browsers stay below 300 bytes.
pub const MAX_LINE_BYTES: usize = 4 * 1024;

/// Most m-lines, those that are no longer in use included.
pub const MAX_SECTIONS: usize = 256;

/// Largest message to take over a data channel (`a=max-message-size`, RFC 8841 §6). The clients' own limit is
/// 64,000 bytes of payload; the rest is room for the envelope.
pub const MAX_DATA_MESSAGE_BYTES: usize = 64 * 1024;

/// Most header extensions of one m-line. Chromium offers 13.
pub(super) const MAX_EXTENSIONS: usize = 64;

/// Most rids of one m-line. Three is usual.
pub(super) const MAX_RIDS: usize = 8;

/// Most SSRCs of one m-line. Firefox announces six for simulcast with retransmissions.
pub(super) const MAX_SOURCES: usize = 32;

/// Refuses a description that is too large to be read.
pub(super) fn check(sdp: &str) -> Result<(), NegotiationError> {
    if sdp.len() > MAX_SDP_BYTES {
        return Err(NegotiationError::DescriptionTooLong);
    }
    let mut sections = 0;
    for (index, line) in sdp.trim_end().split('\n').enumerate() {
        if index >= MAX_LINES {
            return Err(NegotiationError::TooManyLines);
        }
        if line.len() > MAX_LINE_BYTES {
            return Err(NegotiationError::LineTooLong);
        }
        if line.trim_start_matches('\r').starts_with("m=") {
            sections += 1;
        }
        if sections > MAX_SECTIONS {
            return Err(NegotiationError::TooManySections);
        }
    }
    Ok(())
}
