// SPDX-License-Identifier: EUPL-1.2
//! What call control knows of one call.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bus::TransportSid;
use bus::phone::{CallTerms, DialProgress, OutgoingCall};

use crate::caller::{Caller, CallerSettings, Entry};
use crate::prompts::Language;
use crate::sdp::{Capabilities, Encryption, Negotiated, SessionDescription};
use crate::sip::event::CallId;
use crate::sip::flow::Flow;
use crate::sip::message::Transport;
use crate::sound::RtpSockets;

/// A call, from its INVITE until it is hung up.
pub(super) struct Call {
    /// SIP's end of it: of a call that we make, where it is tried.
    pub(super) sip: CallId,
    /// Which trunk it goes over.
    pub(super) trunk: String,
    /// From where the trunk speaks to us.
    pub(super) peer: IpAddr,
    /// As which tenant has the prompts they are played, by its slug, as far as that is known.
    pub(super) tenant: Option<Arc<str>>,
    /// Of a call that we make, until whoever was called takes part.
    pub(super) outgoing: Option<Box<Outgoing>>,
    /// Which thread makes its sound.
    pub(super) thread: usize,
    /// Its RTP port.
    pub(super) port: u16,
    /// Whether the other side was told of it, and may send there.
    pub(super) is_port_told: bool,
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
    /// By which leg they are in a room.
    pub(super) leg: Option<TransportSid>,
    /// They are being connected elsewhere, and hear music in place of the room.
    pub(super) transfer: Option<Transfer>,
}

/// How far it is that somebody is connected elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// The trunk has been asked to.
    Asked,
    /// It said that it will.
    Accepted,
}

/// What there is to know of a call that we make, until whoever was called takes part.
pub(super) struct Outgoing {
    /// Whom we call, and how.
    pub(super) order: OutgoingCall,
    /// When it has rung for long enough, wherever it was tried.
    pub(super) rings_until: Instant,
    /// Where it was tried; the last of these is where it is. As many as the trunk has addresses.
    pub(super) tried: Vec<Flow>,
    /// An address was taken from these, to be tried once more by another connection.
    pub(super) has_tried_again: bool,
    /// Signaling knows that it rings.
    pub(super) has_rung: bool,
    /// What signaling is told when it is over.
    pub(super) outcome: DialProgress,
}

impl Call {
    /// A call over that trunk, which speaks to us from there. Nothing is agreed on yet.
    pub(super) fn new(
        sip: CallId,
        (trunk, peer): (String, IpAddr),
        thread: usize,
        sockets: RtpSockets,
        capabilities: Capabilities,
    ) -> Self {
        Self {
            sip,
            trunk,
            peer,
            tenant: None,
            outgoing: None,
            thread,
            port: capabilities.rtp_port,
            is_port_told: false,
            capabilities,
            sockets: Some(sockets),
            agreed: None,
            offered: None,
            caller: None,
            is_acknowledged: false,
            is_muted: false,
            leg: None,
            transfer: None,
        }
    }

    /// Notes what is agreed on. What is encrypted once stays so: nobody who hears it would notice the change.
    pub(super) fn agree(&mut self, agreed: Negotiated) {
        if agreed.srtp.is_some() {
            self.capabilities.encryption = Encryption::Required;
        }
        self.agreed = Some(Box::new(agreed));
    }

    /// What we can, in a description that travels by that way. Keys are agreed on only where the call began over TLS
    /// and this travels so, too.
    pub(super) fn capabilities_by(&self, flow: &Flow) -> Capabilities {
        let is_signaling_encrypted = self.capabilities.is_signaling_encrypted && flow.transport == Transport::Tls;
        Capabilities { is_signaling_encrypted, ..self.capabilities.clone() }
    }

    /// Whether the thread has it.
    pub(super) const fn has_begun(&self) -> bool {
        self.sockets.is_none()
    }

    /// Whether we make it, and nobody has answered.
    pub(super) const fn is_dialling(&self) -> bool {
        self.outgoing.is_some() && self.caller.is_none()
    }
}

/// How somebody is led whom we call.
pub(super) fn settings_of_called(order: &OutgoingCall) -> CallerSettings {
    let languages = Language::from_tag(&order.language).into_iter().collect();
    CallerSettings { languages, entry: Entry::Called(order.purpose), ..CallerSettings::default() }
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
