// SPDX-License-Identifier: EUPL-1.2
//! The DTLS server's end of one association (RFC 6347, RFC 5764), on `rtc-dtls`.
//!
//! `rtc-dtls` runs the handshake and protects the records. What may reach it is decided here, because it trusts its
//! peer with memory, with stack and with the fate of the handshake:
//!
//! * Unencrypted records are never passed on as they came. Handshake messages are put together here and handed over
//!   whole and in order; everything else that is not encrypted is dropped, ChangeCipherSpec apart.
//! * The first ClientHello is read before there is an endpoint, to choose the SRTP profile; the second one must bring
//!   the cookie.
//! * After the handshake only encrypted data and alerts get through.
//! * A flight that the client did not get is sent again as soon as the client repeats its own. `rtc-dtls` stops its
//!   timer when a repeated message arrives, and would wait for ever.

mod client_hello;
mod config;
mod identity;
mod reassembly;
mod records;

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use rtc_crypto::SecretVec;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

use super::srtp::SrtpProfile;
use crate::session::Fingerprint;
use client_hello::ClientHello;
pub use identity::{DtlsIdentity, IdentityError};
use reassembly::{Message, Reassembly};
use records::Record;

/// An endpoint serves several peers by address. Ours has one, wherever it is, so the address means nothing.
const PEER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 1);

/// RFC 5764 §4.2.
const SRTP_EXPORTER: &str = "EXTRACTOR-dtls_srtp";

/// A client's flight comes in several datagrams, each of which would ask for ours again.
const REPEAT_INTERVAL: Duration = Duration::from_millis(20);

/// Browsers repeat a flight about eight times in the time that a handshake may take.
const MAX_REPEATS: u8 = 16;

/// ChangeCipherSpec and Finished, as often as a client may repeat them.
const MAX_FINAL_RECORDS: u8 = 32;

/// Finished has 24 bytes before it is encrypted.
const MAX_FINAL_RECORD_BYTES: usize = 128;

/// What happened to the association.
#[derive(Debug)]
pub(super) enum DtlsEvent {
    /// Both sides have keys, and the client has shown the announced certificate.
    Connected { srtp_profile: SrtpProfile, srtp_keys: SecretVec },
    /// The client sent data.
    Data(Bytes),
    /// The handshake cannot succeed any more.
    Failed,
    /// The client ended the association.
    Closed,
}

/// One association, from the first ClientHello to close_notify.
pub(super) struct DtlsAssociation {
    identity: DtlsIdentity,
    remote_fingerprint: Fingerprint,
    stage: Stage,
    endpoint: Endpoint,
    srtp_profile: SrtpProfile,
    reassembly: Reassembly,
    next_record_seq: u64,
    final_records_left: u8,
    last_flight: LastFlight,
    outgoing: VecDeque<Bytes>,
    events: VecDeque<DtlsEvent>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    AwaitingHello,
    /// The client must show that it gets our answers.
    AwaitingCookie {
        cookie: Bytes,
    },
    Negotiating,
    Connected,
    Over,
}

/// What we sent last during the handshake, to be sent again.
#[derive(Default)]
struct LastFlight {
    datagrams: Vec<Bytes>,
    next_repeat: Option<Instant>,
    repeats: u8,
}

impl DtlsAssociation {
    pub(super) fn new(identity: DtlsIdentity, remote_fingerprint: Fingerprint) -> Self {
        Self {
            identity,
            remote_fingerprint,
            stage: Stage::AwaitingHello,
            endpoint: Endpoint::new(PEER, TransportProtocol::UDP, None),
            srtp_profile: SrtpProfile::AeadAes128Gcm,
            reassembly: Reassembly::default(),
            next_record_seq: 0,
            final_records_left: MAX_FINAL_RECORDS,
            last_flight: LastFlight::default(),
            outgoing: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// A datagram from the client, or from someone who can use its address. Returns whether it held a record that can
    /// be expected now. What such a record says may still be nonsense.
    pub(super) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) -> bool {
        let mut is_of_use = false;
        for record in records::records(datagram) {
            is_of_use |= self.handle_record(now, &record);
        }
        is_of_use
    }

    fn handle_record(&mut self, now: Instant, record: &Record<'_>) -> bool {
        let is_connected = self.stage == Stage::Connected;
        match (record.epoch, record.content_type) {
            (0, records::HANDSHAKE) => return self.handle_fragments(now, record.body()),
            (1, records::HANDSHAKE) if is_connected => self.repeat_last_flight(now),
            (1, records::HANDSHAKE) => self.handle_finished(now, record),
            (0, records::CHANGE_CIPHER_SPEC) => self.handle_change_cipher_spec(now, record.body()),
            (1, records::ALERT | records::APPLICATION_DATA) if is_connected => self.feed(now, record.bytes),
            _ => return false,
        }
        true
    }

    /// Returns whether there was a fragment.
    fn handle_fragments(&mut self, now: Instant, body: &[u8]) -> bool {
        let (mut has_fragments, mut client_repeats) = (false, false);
        for fragment in records::fragments(body) {
            has_fragments = true;
            client_repeats |= self.reassembly.is_repeated(&fragment);
            self.reassembly.add(&fragment);
        }
        while let Some(message) = self.reassembly.take_next() {
            if !self.handle_message(now, &message) {
                break;
            }
        }
        if client_repeats {
            self.repeat_last_flight(now);
        }
        has_fragments
    }

    /// Whether the message was one that we expected.
    fn handle_message(&mut self, now: Instant, message: &Message) -> bool {
        let is_expected = match &self.stage {
            Stage::AwaitingHello => self.open_endpoint(message),
            Stage::AwaitingCookie { cookie } => {
                let brings_cookie = ClientHello::parse(&message.body).is_some_and(|hello| hello.cookie == *cookie);
                message.message_type == records::CLIENT_HELLO && brings_cookie
            }
            Stage::Negotiating => records::client_message_type(message.message_seq) == Some(message.message_type),
            Stage::Connected | Stage::Over => false,
        };
        if !is_expected {
            return false;
        }
        if matches!(self.stage, Stage::AwaitingCookie { .. }) {
            self.stage = Stage::Negotiating;
        }
        self.reassembly.accept();
        let header = records::whole_message_header(message.message_type, message.message_seq, message.body.len());
        self.feed_plain(now, records::HANDSHAKE, &[&header, &message.body]);
        true
    }

    /// The handshake begins with a ClientHello that offers an SRTP profile of ours.
    fn open_endpoint(&mut self, message: &Message) -> bool {
        if message.message_type != records::CLIENT_HELLO {
            return false;
        }
        let Some(profile) = ClientHello::parse(&message.body).and_then(|hello| hello.srtp_profile) else {
            return false;
        };
        let Ok(config) = config::handshake_config(&self.identity, self.remote_fingerprint, profile) else {
            return false;
        };
        self.srtp_profile = profile;
        self.endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Some(Arc::new(config)));
        true
    }

    fn handle_finished(&mut self, now: Instant, record: &Record<'_>) {
        if self.stage == Stage::Negotiating && record.bytes.len() <= MAX_FINAL_RECORD_BYTES && self.take_final_record()
        {
            self.feed(now, record.bytes);
        }
    }

    fn handle_change_cipher_spec(&mut self, now: Instant, body: &[u8]) {
        if self.stage == Stage::Negotiating && body == [1] && self.take_final_record() {
            self.feed_plain(now, records::CHANGE_CIPHER_SPEC, &[body]);
        }
    }

    fn take_final_record(&mut self) -> bool {
        let is_left = self.final_records_left > 0;
        self.final_records_left = self.final_records_left.saturating_sub(1);
        is_left
    }

    fn repeat_last_flight(&mut self, now: Instant) {
        let last = &mut self.last_flight;
        if self.stage == Stage::Over || last.repeats >= MAX_REPEATS || last.next_repeat.is_some_and(|next| now < next) {
            return;
        }
        last.repeats += 1;
        last.next_repeat = Some(now + REPEAT_INTERVAL);
        self.outgoing.extend(last.datagrams.iter().cloned());
    }

    /// Sends one message of at most a datagram.
    pub(super) fn write(&mut self, now: Instant, data: &[u8]) {
        if self.stage == Stage::Connected && self.endpoint.write(now, PEER, data).is_ok() {
            while let Some(transmit) = self.endpoint.poll_transmit() {
                self.outgoing.push_back(transmit.message.freeze());
            }
        }
    }

    /// Says goodbye to a client that is connected.
    pub(super) fn close(&mut self, now: Instant) {
        if self.stage == Stage::Connected && self.endpoint.close(now).is_ok() {
            self.drain_transmits(now);
        }
        self.stage = Stage::Over;
    }

    /// When a flight of the handshake has to be sent again. A server that is connected has sent the last one, and repeats
    /// it when the client repeats its own (RFC 6347 §4.2.4).
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let has_timers = !matches!(self.stage, Stage::Connected | Stage::Over);
        has_timers.then(|| self.endpoint.poll_timeout(&PEER)).flatten()
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            // It fails when the flight has been sent often enough. The transport's own limit ends the handshake.
            let _ = self.endpoint.handle_timeout(PEER, now);
            self.drain_transmits(now);
        }
    }

    pub(super) fn poll_datagram(&mut self) -> Option<Bytes> {
        self.outgoing.pop_front()
    }

    pub(super) fn poll_event(&mut self) -> Option<DtlsEvent> {
        self.events.pop_front()
    }

    fn feed_plain(&mut self, now: Instant, content_type: u8, body: &[&[u8]]) {
        let record = records::plain_record(content_type, self.next_record_seq, body);
        self.next_record_seq += 1;
        self.feed(now, &record);
    }

    fn feed(&mut self, now: Instant, record: &[u8]) {
        let result = self.endpoint.read(now, PEER, None, BytesMut::from(record));
        self.drain_transmits(now);
        match result {
            Ok(events) => {
                for event in events {
                    self.handle_endpoint_event(event);
                }
            }
            Err(error) => self.handle_error(&error),
        }
    }

    fn handle_endpoint_event(&mut self, event: EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => self.connect(),
            EndpointEvent::ApplicationData(data) => self.events.push_back(DtlsEvent::Data(data.freeze())),
            EndpointEvent::PeerClosed => self.end(DtlsEvent::Closed),
            _ => {}
        }
    }

    fn handle_error(&mut self, error: &Error) {
        tracing::debug!(%error, "a DTLS record was refused");
        match self.stage {
            // The ClientHello offered nothing that we can do. It may have been forged, so wait for another.
            Stage::AwaitingHello | Stage::AwaitingCookie { .. } => self.start_again(),
            // `rtc-dtls` has the message that it refused, and will not take another in its place.
            Stage::Negotiating => self.end(DtlsEvent::Failed),
            Stage::Connected if matches!(error, Error::ErrAlertFatalOrClose) => self.end(DtlsEvent::Closed),
            Stage::Connected | Stage::Over => {}
        }
    }

    fn start_again(&mut self) {
        self.stage = Stage::AwaitingHello;
        self.endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        self.reassembly = Reassembly::default();
        self.last_flight = LastFlight::default();
        self.next_record_seq = 0;
    }

    fn connect(&mut self) {
        let Some(state) = self.endpoint.get_connection_state(PEER) else { return };
        let is_announced = state
            .peer_certificates
            .first()
            .is_some_and(|certificate| identity::fingerprint_of(certificate) == self.remote_fingerprint);
        let agreed = state.srtp_protection_profile() == config::on_the_wire(self.srtp_profile);
        let keys = state.export_keying_material(SRTP_EXPORTER, &[], self.srtp_profile.keying_material_bytes());
        match keys {
            Ok(srtp_keys) if is_announced && agreed => {
                self.stage = Stage::Connected;
                self.events.push_back(DtlsEvent::Connected { srtp_profile: self.srtp_profile, srtp_keys });
            }
            _ => self.end(DtlsEvent::Failed),
        }
    }

    fn end(&mut self, event: DtlsEvent) {
        self.stage = Stage::Over;
        self.events.push_back(event);
    }

    /// Moves what the endpoint wants sent, and keeps it as long as it is part of the handshake.
    fn drain_transmits(&mut self, now: Instant) {
        let mut flight = Vec::new();
        while let Some(transmit) = self.endpoint.poll_transmit() {
            let datagram = transmit.message.freeze();
            if self.may_send(&datagram) {
                flight.push(datagram);
            }
        }
        if flight.is_empty() {
            return;
        }
        self.outgoing.extend(flight.iter().cloned());
        if matches!(self.stage, Stage::AwaitingHello | Stage::AwaitingCookie { .. } | Stage::Negotiating) {
            self.last_flight = LastFlight { datagrams: flight, next_repeat: Some(now + REPEAT_INTERVAL), repeats: 0 };
        }
    }

    /// Before the cookie came back, the only answer to a ClientHello is the request for it: an alert could be the
    /// answer to someone else's. Notes the cookie.
    fn may_send(&mut self, datagram: &Bytes) -> bool {
        match self.stage {
            Stage::AwaitingHello | Stage::AwaitingCookie { .. } => {
                let cookie = requested_cookie(datagram);
                let is_request = cookie.is_some();
                if let Some(cookie) = cookie {
                    self.stage = Stage::AwaitingCookie { cookie };
                }
                is_request
            }
            _ => true,
        }
    }
}

/// The cookie in a datagram with a HelloVerifyRequest.
fn requested_cookie(datagram: &Bytes) -> Option<Bytes> {
    let record = records::records(datagram).next().filter(|record| record.content_type == records::HANDSHAKE)?;
    let fragment = records::fragments(record.body()).next()?;
    let [_, _, len, cookie @ ..] = fragment.bytes else { return None };
    let is_request = fragment.message_type == records::HELLO_VERIFY_REQUEST && cookie.len() == usize::from(*len);
    is_request.then(|| datagram.slice_ref(cookie))
}
