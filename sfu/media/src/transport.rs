// SPDX-License-Identifier: EUPL-1.2
//! One association with one client: ICE-lite, DTLS, SRTP, SCTP and what was negotiated. All `rtc-*` crates are
//! imported below this module only.

mod data_channels;
mod dtls;
mod ice_lite;
pub mod negotiation;
mod sctp;
pub mod srtp;
mod stats;
#[cfg(test)]
pub(crate) mod tests;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rtc_crypto::SecretVec;

use crate::prefetch::prefetch;
use crate::session::{IceCredentials, TransportSetup};
use crate::shard::message::{DataChannel, TransportFailure};
use data_channels::{DataChannels, DataEvent};
use dtls::{DtlsAssociation, DtlsEvent};
use ice_lite::IceLite;
use srtp::{Opener, Sealer};

pub use data_channels::SendDataError;
pub use dtls::{DtlsIdentity, IdentityError};
pub use ice_lite::{StunOutcome, stun_is_valid, stun_local_ufrag};
pub use srtp::{OpenError, SEAL_OVERHEAD_BYTES, SEAL_RTCP_OVERHEAD_BYTES, SrtpProfile, StreamPlace};
pub use stats::TransportStats;

/// From the first valid check until DTLS is up. A handshake that was disturbed stays silent, and a client that is told
/// soon tries again.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);

/// What the owner of a transport must know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportEvent {
    /// DTLS is up: media and data flow.
    Connected,
    /// The client sent a message. Reliable ones count against its allowance until [`Transport::data_taken`].
    Data {
        /// By which channel.
        channel: DataChannel,
        /// The message.
        payload: Bytes,
    },
    /// The transport has ended by itself. It does nothing more, apart from saying goodbye.
    Failed(TransportFailure),
}

/// One association with one client.
///
/// The owner passes in what comes from the client's addresses with the time it arrived, and after each call takes out
/// what [`Self::poll_datagram`] and [`Self::poll_event`] have. Only [`Self::handle_stun`] may be given datagrams from
/// other addresses: it tells which addresses are the client's.
pub struct Transport {
    ice: IceLite,
    dtls: DtlsAssociation,
    media: Option<Media>,
    /// Apart, because it is large and media does not need it: so clients lie closer together.
    data: Box<DataChannels>,
    stun_responses: VecDeque<(SocketAddr, Bytes)>,
    events: VecDeque<TransportEvent>,
    stats: TransportStats,
    is_over: bool,
}

/// Media protection, once there are keys.
struct Media {
    profile: SrtpProfile,
    sealer: Sealer,
    opener: Opener,
}

impl Transport {
    /// A transport that has not heard of its client yet.
    #[must_use]
    pub fn new(now: Instant, identity: &DtlsIdentity, setup: &TransportSetup) -> Self {
        Self {
            ice: IceLite::new(now, setup.local.clone(), setup.remote.clone(), identity.provider()),
            dtls: DtlsAssociation::new(identity.clone(), setup.remote_fingerprint),
            media: None,
            data: Box::new(DataChannels::new()),
            stun_responses: VecDeque::new(),
            events: VecDeque::new(),
            stats: TransportStats::default(),
            is_over: false,
        }
    }

    /// Whether DTLS is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.media.is_some() && !self.is_over
    }

    /// Where the client is sent to: the address it nominated, or before that the first that was verified.
    #[must_use]
    pub fn remote(&self) -> Option<SocketAddr> {
        self.ice.selected()
    }

    /// How media is protected, once DTLS is up.
    #[must_use]
    pub fn srtp_profile(&self) -> Option<SrtpProfile> {
        self.media.as_ref().map(|media| media.profile)
    }

    /// What was dropped so far.
    #[must_use]
    pub fn stats(&self) -> TransportStats {
        TransportStats { data_dropped: self.data.dropped(), ..self.stats }
    }

    /// Accepts new ICE credentials (RFC 8445 §2.4). The old ones stay valid until the client nominates with the new.
    pub fn restart_ice(&mut self, local: IceCredentials, remote: IceCredentials) {
        self.ice.restart(local, remote);
    }

    /// Whether checks may name this user name fragment of ours.
    #[must_use]
    pub fn answers_to(&self, local_ufrag: &str) -> bool {
        self.ice.answers_to(local_ufrag)
    }

    /// A STUN datagram, from any address. Only a valid check is answered.
    pub fn handle_stun(&mut self, now: Instant, source: SocketAddr, datagram: &[u8]) -> StunOutcome {
        if self.is_over {
            return StunOutcome::default();
        }
        let (outcome, response) = self.ice.handle(now, source, datagram);
        self.stats.stun_refused += u64::from(!outcome.is_verified);
        self.stun_responses.extend(response.map(|response| (source, response.freeze())));
        outcome
    }

    /// A DTLS datagram from one of the client's addresses. Returns whether anything in it was of use; one without has
    /// been counted.
    pub fn handle_dtls(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let may_come = !self.is_over && self.ice.selected().is_some();
        let is_of_use = may_come && self.dtls.handle_datagram(now, datagram);
        self.stats.dtls_refused += u64::from(!is_of_use);
        if may_come {
            self.settle(now);
        }
        is_of_use
    }

    /// Decrypts an RTP packet in place and gives its plain length. A packet that is not the client's own, or was there
    /// before, changes nothing; its bytes are then undefined.
    ///
    /// # Errors
    ///
    /// Says why the packet must be dropped. It has been counted.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let opened = self.opener().and_then(|opener| opener.open_rtp(packet));
        opened.inspect_err(|error| self.stats.count_refused(*error))
    }

    /// Decrypts an RTCP packet in place and gives its plain length, as [`Self::open_rtp`] does.
    ///
    /// # Errors
    ///
    /// Says why the packet must be dropped. It has been counted.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let opened = self.opener().and_then(|opener| opener.open_rtcp(packet));
        opened.inspect_err(|error| self.stats.count_refused(*error))
    }

    /// Encrypts the RTP packet in the first `plain_len` bytes of `packet` in place and gives its length. After them
    /// there must be room of [`SEAL_OVERHEAD_BYTES`].
    ///
    /// `None` before DTLS is up, and for a sequence number that its SSRC had before: encrypting two packets under one
    /// number would give the keys away, so lost packets are sent again as RTX (RFC 4588). An SSRC that is taken up
    /// again has to go on where it stopped. `place` is where what is known of the SSRC was last time, or the default.
    pub fn seal_rtp(&mut self, place: &mut StreamPlace, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let sealed = self.sealer().and_then(|sealer| sealer.seal_rtp(place, packet, plain_len));
        self.count_sealed(sealed)
    }

    /// As [`Self::seal_rtp`], for a stream whose receiver does not speak RTX: a packet of about the last second may be
    /// sealed again if it is the same to the last bit. Both times it has to be sealed by this method.
    pub fn seal_rtp_repeatably(
        &mut self,
        place: &mut StreamPlace,
        packet: &mut [u8],
        plain_len: usize,
    ) -> Option<usize> {
        let sealed = self.sealer().and_then(|sealer| sealer.seal_rtp_repeatably(place, packet, plain_len));
        self.count_sealed(sealed)
    }

    /// Calls for what sealing needs of every stream.
    pub(crate) fn prefetch(&self) {
        self.ice.prefetch_selected();
        prefetch(&self.is_over);
        if let Some(media) = &self.media {
            prefetch(&media.sealer);
        }
    }

    /// Calls for what sealing needs of one stream.
    pub(crate) fn prefetch_sealing(&self, place: StreamPlace) {
        if let Some(media) = &self.media {
            media.sealer.prefetch(place);
        }
    }

    /// Encrypts the RTCP packet in the first `plain_len` bytes of `packet` in place and gives its length. After them
    /// there must be room of [`SEAL_RTCP_OVERHEAD_BYTES`]. `None` before DTLS is up.
    pub fn seal_rtcp(&mut self, packet: &mut [u8], plain_len: usize) -> Option<usize> {
        let sealed = self.sealer().and_then(|sealer| sealer.seal_rtcp(packet, plain_len));
        self.count_sealed(sealed)
    }

    /// Sends a message over the data channel that the client opened for it. Reliable messages wait for the channel to
    /// be opened; lossy ones are dropped until then. Either kind is dropped when too much waits.
    ///
    /// # Errors
    ///
    /// Says why the message was not sent.
    pub fn send_data(&mut self, now: Instant, channel: DataChannel, payload: &[u8]) -> Result<(), SendDataError> {
        if self.is_over {
            return Err(SendDataError::Ended);
        }
        let result = self.data.send(now, channel, payload);
        self.settle(now);
        result
    }

    /// The reader of [`TransportEvent::Data`] has dealt with that much reliable data, so the client may send more.
    pub fn data_taken(&mut self, now: Instant, bytes: usize) {
        if !self.is_over {
            self.data.data_taken(now, bytes);
            self.settle(now);
        }
    }

    /// Says goodbye to the client. Nothing is received any more, and no event follows.
    pub fn close(&mut self, now: Instant) {
        if !self.is_over {
            self.dtls.close(now);
            self.is_over = true;
        }
    }

    /// When [`Self::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.is_over {
            return None;
        }
        let own = [Some(self.ice.consent_ends()), self.handshake_ends()];
        own.into_iter().chain([self.dtls.poll_timeout(), self.data.poll_timeout()]).flatten().min()
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.is_over {
            return;
        }
        self.dtls.handle_timeout(now);
        self.data.handle_timeout(now);
        self.settle(now);
        if self.ice.consent_ends() <= now {
            self.fail(now, TransportFailure::ConsentLost);
        } else if self.handshake_ends().is_some_and(|end| end <= now) {
            self.fail(now, TransportFailure::HandshakeTimeout);
        }
    }

    /// The next datagram to be sent, and where to.
    pub fn poll_datagram(&mut self) -> Option<(SocketAddr, Bytes)> {
        if let Some(response) = self.stun_responses.pop_front() {
            return Some(response);
        }
        let remote = self.ice.selected()?;
        self.dtls.poll_datagram().map(|datagram| (remote, datagram))
    }

    /// The next thing that the owner must know.
    pub fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    fn opener(&mut self) -> Result<&mut Opener, OpenError> {
        let media = self.media.as_mut().filter(|_| !self.is_over);
        media.map(|media| &mut media.opener).ok_or(OpenError::NotConnected)
    }

    fn count_sealed(&mut self, sealed: Option<usize>) -> Option<usize> {
        self.stats.seal_refused += u64::from(sealed.is_none());
        sealed
    }

    fn sealer(&mut self) -> Option<&mut Sealer> {
        self.media.as_mut().filter(|_| !self.is_over).map(|media| &mut media.sealer)
    }

    fn handshake_ends(&self) -> Option<Instant> {
        let first_check = self.ice.first_check().filter(|_| self.media.is_none())?;
        Some(first_check + HANDSHAKE_LIMIT)
    }

    /// Lets DTLS and the data channels take from each other what they have.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.dtls.poll_event() {
            match event {
                DtlsEvent::Connected { srtp_profile, srtp_keys } => self.connect(now, srtp_profile, &srtp_keys),
                DtlsEvent::Data(packet) => self.data.handle_packet(now, packet),
                DtlsEvent::Failed => self.fail(now, TransportFailure::HandshakeFailed),
                DtlsEvent::Closed => self.fail(now, TransportFailure::ClosedByPeer),
            }
        }
        while let Some(packet) = self.data.poll_packet() {
            self.dtls.write(now, &packet);
        }
        while let Some(event) = self.data.poll_event() {
            match event {
                DataEvent::Message { channel, payload } => {
                    self.events.push_back(TransportEvent::Data { channel, payload });
                }
                DataEvent::Lost => self.fail(now, TransportFailure::ClosedByPeer),
                DataEvent::Violation => self.fail(now, TransportFailure::ProtocolViolation),
            }
        }
    }

    fn connect(&mut self, now: Instant, profile: SrtpProfile, keys: &SecretVec) {
        match srtp::server_ends(profile, keys.as_ref()) {
            Ok((sealer, opener)) => {
                self.media = Some(Media { profile, sealer, opener });
                self.events.push_back(TransportEvent::Connected);
            }
            Err(_) => self.fail(now, TransportFailure::HandshakeFailed),
        }
    }

    fn fail(&mut self, now: Instant, failure: TransportFailure) {
        if !self.is_over {
            tracing::debug!(?failure, "transport failed");
            self.close(now);
            self.events.push_back(TransportEvent::Failed(failure));
        }
    }
}
