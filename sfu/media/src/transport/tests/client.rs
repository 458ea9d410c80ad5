// SPDX-License-Identifier: EUPL-1.2
//! A client that shares no code with the server's transport: the client sides of `rtc-dtls` and `rtc-sctp`, `rtc-srtp`
//! for media, `rtc-stun` for checks. It knows nothing of this crate, so that integration tests can include it as well.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::digest;
use bytes::{Bytes, BytesMut};
use rtc_crypto::RTCCryptoProvider;
use rtc_crypto::providers::AwsLcRsProvider;
use rtc_dtls::config::{ConfigBuilder, ExtendedMasterSecretType};
use rtc_dtls::crypto::Certificate;
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
pub(crate) use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile as Profile;
use rtc_sctp::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, EndpointConfig, Event, Payload,
    PayloadProtocolIdentifier as Protocol, StreamEvent, TransportConfig,
};
use rtc_shared::TransportProtocol;
use rtc_srtp::config::{Config, LABEL_EXTRACTOR_DTLS_SRTP};
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use rtc_stun::attributes::{ATTR_ICE_CONTROLLING, ATTR_USE_CANDIDATE, ATTR_USERNAME, RawAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter, TransactionId};
use rtc_stun::textattrs::TextAttribute;

/// Browsers list SHA1 first.
pub(crate) const AS_BROWSERS: &[Profile] = &[Profile::Srtp_Aes128_Cm_Hmac_Sha1_80, Profile::Srtp_Aead_Aes_128_Gcm];
pub(crate) const SHA1_ONLY: &[Profile] = &[Profile::Srtp_Aes128_Cm_Hmac_Sha1_80];

/// Keys for both directions.
pub(crate) struct Media {
    pub(crate) sends: Context,
    pub(crate) receives: Context,
}

pub(crate) struct Client {
    provider: Arc<AwsLcRsProvider>,
    certificate: Certificate,
    dtls: Endpoint,
    server: SocketAddr,
    profiles: Vec<Profile>,
    sctp: rtc_sctp::Endpoint,
    association: Option<(AssociationHandle, Association)>,
    outgoing: Vec<Vec<u8>>,
    pub(crate) media: Option<Media>,
    pub(crate) is_closed: bool,
    pub(crate) data_is_up: bool,
    /// Messages in the order they were read.
    pub(crate) received: Vec<(u16, Protocol, Bytes)>,
    /// Messages are left in SCTP while unset.
    pub(crate) reads: bool,
}

impl Client {
    pub(crate) fn new(profiles: &[Profile]) -> Self {
        let provider = Arc::new(AwsLcRsProvider::new());
        let certificate = Certificate::generate_self_signed(vec!["client".to_owned()], provider.crypto()).unwrap();
        let unspecified: SocketAddr = ([0, 0, 0, 0], 9).into();
        Self {
            provider,
            certificate,
            dtls: Endpoint::new(unspecified, TransportProtocol::UDP, None),
            server: unspecified,
            profiles: profiles.to_vec(),
            sctp: rtc_sctp::Endpoint::new(unspecified, TransportProtocol::UDP, Arc::new(EndpointConfig::new()), None),
            association: None,
            outgoing: Vec::new(),
            media: None,
            is_closed: false,
            data_is_up: false,
            received: Vec::new(),
            reads: true,
        }
    }

    /// SHA-256 over the certificate.
    pub(crate) fn fingerprint(&self) -> [u8; 32] {
        digest::digest(&digest::SHA256, &self.certificate.certificate[0]).as_ref().try_into().unwrap()
    }

    /// A connectivity check.
    pub(crate) fn check(&self, user_name: &str, password: &str, nominates: bool) -> Vec<u8> {
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(password.to_owned(), self.provider.crypto());
        let mut parts: Vec<Box<dyn Setter + '_>> = vec![
            Box::new(BINDING_REQUEST),
            Box::new(TransactionId::new()),
            Box::new(TextAttribute::new(ATTR_USERNAME, user_name.to_owned())),
            Box::new(RawAttribute { typ: ATTR_ICE_CONTROLLING, length: 8, value: vec![1; 8] }),
        ];
        if nominates {
            parts.push(Box::new(RawAttribute { typ: ATTR_USE_CANDIDATE, length: 0, value: vec![] }));
        }
        parts.push(Box::new(integrity));
        parts.push(Box::new(FINGERPRINT));
        let mut message = Message::new();
        message.build(&parts).unwrap();
        message.raw
    }

    pub(crate) fn start_dtls(&mut self, now: Instant) {
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(self.profiles.clone())
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .with_insecure_skip_verify(true)
            .with_server_name("server".to_owned())
            .build(true, None)
            .unwrap();
        self.dtls.connect(now, self.server, Arc::new(config), None).unwrap();
        self.drain_dtls();
    }

    /// A DTLS datagram from the server.
    pub(crate) fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        let events = self.dtls.read(now, self.server, None, BytesMut::from(datagram));
        self.drain_dtls();
        let Ok(events) = events else { return };
        for event in events {
            match event {
                EndpointEvent::HandshakeComplete => self.derive_keys(),
                EndpointEvent::ApplicationData(packet) => self.handle_packet(now, packet.freeze()),
                EndpointEvent::PeerClosed => self.is_closed = true,
                _ => {}
            }
        }
    }

    fn derive_keys(&mut self) {
        let state = self.dtls.get_connection_state(self.server).unwrap();
        let profile = match state.srtp_protection_profile() {
            Profile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
            Profile::Srtp_Aes128_Cm_Hmac_Sha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            other => panic!("unexpected profile {other:?}"),
        };
        let mut config = Config { profile, ..Config::default() };
        let material =
            state.export_keying_material(LABEL_EXTRACTOR_DTLS_SRTP, &[], config.keying_material_len()).unwrap();
        config.set_session_keys_from_keying_material(material.as_ref(), true).unwrap();
        let crypto = self.provider.crypto();
        let context = |key: &[u8], salt: &[u8]| Context::new(key, salt, profile, None, None, crypto).unwrap();
        self.media = Some(Media {
            sends: context(&config.keys.local_master_key, &config.keys.local_master_salt),
            receives: context(&config.keys.remote_master_key, &config.keys.remote_master_salt),
        });
    }

    /// Opens the SCTP association.
    pub(crate) fn start_data(&mut self, now: Instant) {
        let transport = TransportConfig::default().with_max_message_size(u32::MAX);
        self.association = Some(self.sctp.connect(now, ClientConfig::new(transport), self.server).unwrap());
        self.drain_sctp(now);
    }

    /// Opens a data channel; `channel_type` and `limit` as in RFC 8832 §5.1.
    pub(crate) fn open_channel(&mut self, now: Instant, stream: u16, label: &str, channel_type: u8, limit: u32) {
        let mut open = vec![3, channel_type, 0, 0];
        open.extend(limit.to_be_bytes());
        open.extend((label.len() as u16).to_be_bytes());
        open.extend([0, 0]);
        open.extend(label.as_bytes());
        self.association().open_stream(stream, Protocol::Binary).unwrap();
        self.send(now, stream, Protocol::Dcep, &open);
        let reliability = channel_type & 0x7f;
        let mut opened = self.association().stream(stream).unwrap();
        opened.set_reliability_params(channel_type & 0x80 != 0, reliability.into(), limit).unwrap();
    }

    pub(crate) fn send(&mut self, now: Instant, stream: u16, protocol: Protocol, payload: &[u8]) {
        let payload = Bytes::copy_from_slice(payload);
        let mut open = self.association().stream(stream).unwrap();
        open.write_chunk_with_ppi(now, &payload, protocol).unwrap();
        self.drain_sctp(now);
    }

    /// Bytes that the server has not acknowledged.
    pub(crate) fn unacknowledged_bytes(&mut self, stream: u16) -> usize {
        self.association().stream(stream).unwrap().buffered_amount().unwrap()
    }

    /// Closes a data channel.
    pub(crate) fn close_channel(&mut self, now: Instant, stream: u16) {
        self.association().stream(stream).unwrap().close(now).unwrap();
        self.drain_sctp(now);
    }

    pub(crate) fn association(&mut self) -> &mut Association {
        &mut self.association.as_mut().unwrap().1
    }

    fn handle_packet(&mut self, now: Instant, packet: Bytes) {
        if self.association.is_none() {
            return;
        }
        if let Some((_, DatagramEvent::AssociationEvent(event))) = self.sctp.handle(now, self.server, None, packet) {
            self.association().handle_event(event);
        }
        self.drain_sctp(now);
    }

    /// Reads what is there, if it reads at all.
    pub(crate) fn drain_sctp(&mut self, now: Instant) {
        let Some((_, association)) = &mut self.association else { return };
        while let Some(event) = association.poll() {
            match event {
                Event::Connected => self.data_is_up = true,
                Event::Stream(StreamEvent::Opened { .. } | StreamEvent::Readable { .. }) => {}
                _ => {}
            }
        }
        if self.reads {
            for id in association.stream_ids() {
                while let Ok(Some(message)) = association.stream(id).unwrap().read_sctp() {
                    let payload = message.to_payload(usize::MAX).unwrap().freeze();
                    self.received.push((id, message.ppi, payload));
                }
            }
        }
        while let Some(transmit) = association.poll_transmit(now) {
            let Payload::RawEncode(packets) = transmit.message else { continue };
            for packet in packets {
                let _ = self.dtls.write(now, self.server, &packet);
            }
        }
        self.drain_dtls();
    }

    fn drain_dtls(&mut self) {
        while let Some(transmit) = self.dtls.poll_transmit() {
            self.outgoing.push(transmit.message.to_vec());
        }
    }

    /// DTLS datagrams for the server.
    pub(crate) fn take_datagrams(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.outgoing)
    }

    pub(crate) fn close(&mut self, now: Instant) {
        self.dtls.close(now).unwrap();
        self.drain_dtls();
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let sctp = self.association.as_ref().and_then(|(_, association)| association.poll_timeout());
        [self.dtls.poll_timeout(&self.server), sctp].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let _ = self.dtls.handle_timeout(self.server, now);
        self.drain_dtls();
        if let Some((_, association)) = &mut self.association {
            association.handle_timeout(now);
            self.drain_sctp(now);
        }
    }
}
