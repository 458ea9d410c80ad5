// SPDX-License-Identifier: EUPL-1.2
//! A client as the server sees one: ICE, DTLS, SRTP, simulcast and feedback, driven by the caller's clock.
//!
//! It stands on `rtc-dtls`, `rtc-srtp`, `rtc-stun` and `rtc-rtcp`, and on its own code for RTP, so that it shares no
//! code with what it tests.

mod ice;
mod receiving;
mod sdp;
mod secure;
mod sending;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::crypto::Certificate;
use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{TransportLayerNack, nack_pairs_from_sequence_numbers};
use rtc_shared::marshal::Marshal;

use self::ice::{Credentials, Ice};
use self::receiving::{Receiver, Wish};
use self::sdp::Section;
use self::secure::Secure;
use self::sending::Sender;

pub use self::receiving::Reception;
pub use self::sdp::Kind;
pub(crate) use self::sending::Stamp;
pub use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
pub use rtc_srtp::protection_profile::ProtectionProfile;

/// The cryptography that a client runs on.
pub type Crypto = Arc<dyn RTCCryptoProvider>;

/// A simulated client.
pub struct Client {
    crypto: Crypto,
    certificate: Certificate,
    server: Option<SocketAddr>,
    ice: Ice,
    secure: Secure,
    sections: Vec<Section>,
    senders: Vec<Sender>,
    receivers: Vec<Receiver>,
    finished: Vec<Receiver>,
    offers: u32,
    seed: u32,
    transport_seq: u16,
    outbox: VecDeque<Vec<u8>>,
}

impl Client {
    /// A client that lists `AES_CM_128_HMAC_SHA1_80` first, as browsers do. Clients of different seeds differ in their
    /// SSRCs and credentials.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self::with_profiles(
            seed,
            vec![
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm,
            ],
        )
    }

    /// A client that offers the given SRTP profiles in that order.
    #[must_use]
    pub fn with_profiles(seed: u32, profiles: Vec<SrtpProtectionProfile>) -> Self {
        let crypto = rtc_crypto::default_provider().expect("a provider is built in");
        let certificate = Certificate::generate_self_signed(vec!["client".to_owned()], crypto.crypto())
            .expect("a certificate can be made");
        let ice = Ice::new(crypto.clone(), credentials(seed, 0));
        let secure = Secure::new(crypto.clone(), &certificate, profiles);
        Self {
            crypto,
            certificate,
            server: None,
            ice,
            secure,
            sections: Vec::new(),
            senders: Vec::new(),
            receivers: Vec::new(),
            finished: Vec::new(),
            offers: 0,
            seed,
            transport_seq: 0,
            outbox: VecDeque::new(),
        }
    }

    /// Adds sections to receive by, as a browser does before it knows what there is.
    pub fn add_receiving(&mut self, kind: Kind, count: usize) {
        self.sections.extend((0..count).map(|_| Section { kind, cid: None, rids: Vec::new(), ssrc: None }));
    }

    /// Adds a section that sends a track; it flows once an answer took it. Returns the client's id of it.
    pub fn publish(&mut self, kind: Kind) -> String {
        let mid = self.sections.len();
        let cid = format!("{{{}-{mid}}}", self.seed);
        let rids: Vec<String> = match kind {
            Kind::Audio => Vec::new(),
            Kind::Video => ["q", "h", "f"].map(str::to_owned).to_vec(),
        };
        let ssrc_base =
            self.seed.wrapping_mul(1_000_003).wrapping_add(16 * u32::try_from(mid).expect("few sections") + 1);
        let sender = Sender::new(kind, mid.to_string(), &rids, ssrc_base);
        let ssrc = rids.is_empty().then(|| sender.ssrc());
        self.sections.push(Section { kind, cid: Some(cid.clone()), rids, ssrc });
        self.senders.push(sender);
        cid
    }

    /// The next offer.
    pub fn offer(&mut self) -> String {
        self.offers += 1;
        let fingerprint = fingerprint(&self.certificate, &self.crypto);
        sdp::write_offer(self.offers, &self.sections, self.ice.local(), &fingerprint)
    }

    /// New ICE credentials with the next offer.
    pub fn restart_ice(&mut self) {
        self.ice.restart(credentials(self.seed, self.offers + 1));
    }

    /// Takes the answer to the last offer.
    pub fn accept_answer(&mut self, now: Instant, answer: &str) {
        let answer = sdp::read_answer(answer);
        self.server = self.server.or(answer.candidates.first().copied());
        self.ice.set_remote(now, answer.credentials);
        let mut receivers = std::mem::take(&mut self.receivers);
        for (section, offered) in answer.sections.iter().zip(&self.sections) {
            let (Some(track), Some(ssrc), None) = (&section.track, section.ssrc, &offered.cid) else { continue };
            if section.direction != "sendonly" {
                continue;
            }
            let receiver = match receivers.iter().position(|receiver| receiver.ssrc == ssrc) {
                Some(index) => receivers.swap_remove(index),
                None => Receiver::new(track.clone(), offered.kind, ssrc, section.rtx_ssrc),
            };
            self.receivers.push(receiver);
        }
        self.finished.append(&mut receivers);
        for (sender, section) in
            self.senders.iter_mut().zip(self.sections.iter().enumerate().filter(|(_, section)| section.cid.is_some()))
        {
            let is_taken = answer.sections.get(section.0).is_some_and(|answered| answered.direction == "recvonly");
            if is_taken && self.secure.is_up() {
                sender.start(now);
            }
        }
    }

    /// The client moved: it checks the path from there at once.
    pub fn change_address(&mut self, now: Instant) {
        self.ice.check_again(now);
    }

    /// Where the client sends to.
    #[must_use]
    pub fn server(&self) -> Option<SocketAddr> {
        self.server
    }

    /// Whether DTLS is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.secure.is_up()
    }

    /// Whether the server answers checks on the present path.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.ice.is_answered
    }

    /// The SRTP profile in use.
    #[must_use]
    pub fn profile(&self) -> Option<ProtectionProfile> {
        self.secure.profile()
    }

    /// What came of `track` so far; nothing yet when there is no section for it.
    #[must_use]
    pub fn reception(&self, track: &str) -> Option<&Reception> {
        let mut receivers = self.receivers.iter().chain(&self.finished);
        receivers.find(|receiver| receiver.track == track).map(|receiver| &receiver.reception)
    }

    /// Keyframes that were sent because somebody asked for them.
    #[must_use]
    pub fn requested_keyframes(&self) -> u32 {
        self.senders.iter().map(|sender| sender.requested_keyframes).sum()
    }

    /// Packets that were sent again because somebody asked for them.
    #[must_use]
    pub fn retransmitted(&self) -> u32 {
        self.senders.iter().map(|sender| sender.retransmitted).sum()
    }

    /// Stops or resumes a simulcast stream of all cameras.
    pub fn enable_layer(&mut self, layer: u8, is_enabled: bool) {
        for sender in self.senders.iter_mut().filter(|sender| sender.kind == Kind::Video) {
            sender.enable_layer(layer, is_enabled);
        }
    }

    /// Sets the loudness of all microphones, in dB below overload: 0 to 127.
    pub fn speak(&mut self, audio_level: u8) {
        for sender in self.senders.iter_mut().filter(|sender| sender.kind == Kind::Audio) {
            sender.audio_level = audio_level;
        }
    }

    /// Takes in a datagram from the server.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &[u8]) {
        match datagram.first() {
            Some(0..=3) if self.ice.handle_datagram(datagram) => self.secure.start(now),
            Some(20..=63) => {
                let was_up = self.secure.is_up();
                self.secure.handle_datagram(now, datagram);
                if !was_up && self.secure.is_up() {
                    self.senders.iter_mut().for_each(|sender| sender.start(now));
                }
            }
            Some(128..=191) if matches!(datagram.get(1), Some(192..=223)) => self.handle_rtcp(datagram),
            Some(128..=191) => self.handle_rtp(now, datagram),
            _ => {}
        }
        self.handle_timeout(now);
    }

    fn handle_rtp(&mut self, now: Instant, datagram: &[u8]) {
        let Some(packet) = self.secure.open_rtp(datagram) else { return };
        let ssrc = u32::from_be_bytes(packet[8..12].try_into().expect("authenticated packets are whole"));
        if let Some(receiver) =
            self.receivers.iter_mut().find(|receiver| receiver.ssrc == ssrc || receiver.rtx_ssrc == Some(ssrc))
        {
            receiver.handle_packet(now, &packet);
        }
    }

    fn handle_rtcp(&mut self, datagram: &[u8]) {
        let Some(packet) = self.secure.open_rtcp(datagram) else { return };
        let Ok(packets) = rtc_rtcp::packet::unmarshal(&mut &packet[..]) else { return };
        for packet in packets {
            let packet = packet.as_any();
            if let Some(nack) = packet.downcast_ref::<TransportLayerNack>() {
                let seq_nos: Vec<u16> = nack.nacks.iter().flat_map(|pair| pair.packet_list()).collect();
                for sender in &mut self.senders {
                    for rtp in sender.handle_nack(nack.media_ssrc, &seq_nos, &mut self.transport_seq) {
                        self.outbox.extend(self.secure.seal_rtp(&rtp));
                    }
                }
            } else if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
                self.senders.iter_mut().for_each(|sender| sender.handle_keyframe_request(pli.media_ssrc));
            } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
                for entry in &fir.fir {
                    self.senders.iter_mut().for_each(|sender| sender.handle_keyframe_request(entry.ssrc));
                }
            }
        }
    }

    /// Does what is due at `now`.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(check) = self.ice.handle_timeout(now) {
            self.outbox.push_back(check);
        }
        self.secure.handle_timeout(now);
        while let Some(datagram) = self.secure.poll_datagram() {
            self.outbox.push_back(datagram.to_vec());
        }
        if !self.secure.is_up() {
            return;
        }
        for sender in &mut self.senders {
            let (packets, reports) = sender.handle_timeout(now, &mut self.transport_seq);
            for packet in packets {
                self.outbox.extend(self.secure.seal_rtp(&packet));
            }
            for report in reports {
                self.outbox.extend(self.secure.seal_rtcp(&report));
            }
        }
        for receiver in &mut self.receivers {
            for wish in receiver.handle_timeout(now) {
                let feedback = write_wish(&wish, receiver.ssrc);
                self.outbox.extend(self.secure.seal_rtcp(&feedback));
            }
        }
    }

    /// When something is due next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let media = self.senders.iter().filter_map(Sender::poll_timeout);
        let feedback = self.receivers.iter().filter_map(Receiver::poll_timeout);
        self.ice.poll_timeout().into_iter().chain(self.secure.poll_timeout()).chain(media).chain(feedback).min()
    }

    /// The next datagram for the server.
    pub fn poll_datagram(&mut self) -> Option<Vec<u8>> {
        self.outbox.pop_front()
    }
}

fn write_wish(wish: &Wish, media_ssrc: u32) -> Vec<u8> {
    let bytes = match wish {
        Wish::Retransmit(seq_nos) => {
            let nacks = nack_pairs_from_sequence_numbers(seq_nos);
            TransportLayerNack { sender_ssrc: 1, media_ssrc, nacks }.marshal()
        }
        Wish::Keyframe => PictureLossIndication { sender_ssrc: 1, media_ssrc }.marshal(),
    };
    bytes.expect("feedback can be written").to_vec()
}

fn credentials(seed: u32, generation: u32) -> Credentials {
    Credentials { ufrag: format!("c{seed}x{generation}"), password: format!("{seed:012}{generation:012}") }
}

fn fingerprint(certificate: &Certificate, crypto: &Crypto) -> String {
    let digest = crypto
        .crypto()
        .hash(rtc_crypto::HashAlgorithm::Sha256, &certificate.certificate[0])
        .expect("SHA-256 is built in");
    digest.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
