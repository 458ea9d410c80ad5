// SPDX-License-Identifier: EUPL-1.2
//! What call control knows of one call.

use crate::caller::{Caller, CallerSettings, Entry};
use crate::prompts::Language;
use crate::sdp::{Capabilities, Negotiated, SessionDescription};
use crate::sound::RtpSockets;
use bus::phone::CallTerms;

/// A call, from its INVITE until it is hung up.
pub(super) struct Call {
    /// Which trunk it came over.
    pub(super) trunk: String,
    /// Which thread makes its sound.
    pub(super) thread: usize,
    /// Its RTP port.
    pub(super) port: u16,
    /// What we can, there.
    pub(super) capabilities: Capabilities,
    /// Until the thread has them.
    pub(super) sockets: Option<RtpSockets>,
    /// What is agreed on, if it is yet.
    pub(super) agreed: Option<Box<Negotiated>>,
    /// Our offer, while it waits for their answer.
    pub(super) offered: Option<SessionDescription>,
    /// Once it is answered.
    pub(super) caller: Option<Caller>,
    /// The first ACK has come.
    pub(super) is_acknowledged: bool,
    /// As signaling said last.
    pub(super) is_muted: bool,
    /// Their sound is in a room.
    pub(super) is_connected: bool,
}

impl Call {
    /// Whether the thread has it.
    pub(super) const fn has_begun(&self) -> bool {
        self.sockets.is_none()
    }
}

/// How a caller is led whom signaling takes on these terms. What we have no prompts for is left out.
pub(super) fn caller_settings(terms: &CallTerms) -> CallerSettings {
    let mut languages = Vec::new();
    for language in terms.languages.iter().filter_map(|tag| Language::from_tag(tag)) {
        if !languages.contains(&language) {
            languages.push(language);
        }
    }
    let entry = if terms.is_direct { Entry::Direct } else { Entry::ByNumber };
    CallerSettings { languages, entry, ..CallerSettings::default() }
}
