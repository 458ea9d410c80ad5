// SPDX-License-Identifier: EUPL-1.2
//! A server of offers that are posted over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use sfu_media::ids::{SpeakerGroup, TrackId, TransportId};
use sfu_media::session::{MediaKind, TransportSetup};
use sfu_media::transport::negotiation::{Negotiation, NegotiationConfig, Publication};
use sfu_media::transport::{DtlsIdentity, Transport};

/// What a server does when a client says good-bye.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manners {
    Answers,
    KeepsSilent,
}

/// A server of offers that are posted over HTTP.
pub(crate) struct Server {
    pub(crate) url: String,
    /// One for each packet of media.
    pub(crate) packets: Receiver<()>,
    /// One when the client says good-bye.
    pub(crate) goodbyes: Receiver<()>,
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Self {
        let http = TcpListener::bind("127.0.0.1:0").unwrap();
        let media = UdpSocket::bind("127.0.0.1:0").unwrap();
        let url = format!("post+http://{}", http.local_addr().unwrap());
        let identity = DtlsIdentity::generate().unwrap();
        let negotiation = negotiation(&identity, media.local_addr().unwrap());
        let ((setups, setup), (packet, packets), (goodbye, goodbyes)) = (channel(), channel(), channel());
        std::thread::spawn(move || serve_http(&http, negotiation, manners, &setups, &goodbye));
        std::thread::spawn(move || serve_media(&media, &identity, &setup, &packet));
        Self { url, packets, goodbyes }
    }
}

/// With a client that publishes one camera.
fn negotiation(identity: &DtlsIdentity, media: SocketAddr) -> Negotiation {
    let config = NegotiationConfig { fingerprint: identity.fingerprint(), candidates: vec![media] };
    let mut negotiation = Negotiation::new(TransportId(1), Arc::new(config), StdRng::seed_from_u64(1));
    negotiation.publish(Publication {
        track: TrackId(1),
        cid: "publisher-0-0".to_owned(),
        kind: MediaKind::Video,
        is_stereo: false,
        wants_dtx: false,
        speaker_group: SpeakerGroup(1),
    });
    negotiation
}

/// Takes one connection, and ends with it.
fn serve_http(
    listener: &TcpListener,
    mut negotiation: Negotiation,
    manners: Manners,
    setups: &Sender<TransportSetup>,
    goodbye: &Sender<()>,
) {
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    while let Some((method, body)) = read_request(&mut stream) {
        if method == "POST" {
            let accepted = negotiation.accept_offer(&body).unwrap();
            setups.send(negotiation.transport_setup(&accepted)).unwrap();
            respond(stream.get_mut(), &accepted.answer);
            continue;
        }
        let _ = goodbye.send(());
        if manners == Manners::Answers {
            respond(stream.get_mut(), "");
        }
    }
}

/// The method and the body; `None` when the client has hung up.
pub(crate) fn read_request(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let method = head.split(' ').next().unwrap().to_ascii_uppercase();
    Some((method, String::from_utf8(body).unwrap()))
}

fn respond(stream: &mut TcpStream, body: &str) {
    write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn serve_media(socket: &UdpSocket, identity: &DtlsIdentity, setups: &Receiver<TransportSetup>, packet: &Sender<()>) {
    let Ok(setup) = setups.recv() else { return };
    let mut transport = Transport::new(Instant::now(), identity, &setup);
    let mut datagram = [0; 2_048];
    while let Ok((len, from)) = socket.recv_from(&mut datagram) {
        let now = Instant::now();
        // RFC 7983.
        match datagram[0] {
            0..=3 => drop(transport.handle_stun(now, from, &datagram[..len])),
            20..=63 => drop(transport.handle_dtls(now, &datagram[..len])),
            _ => {
                // The test is over when nobody counts any more.
                if transport.open_rtp(&mut datagram[..len]).is_ok() && packet.send(()).is_err() {
                    return;
                }
            }
        }
        while let Some((to, datagram)) = transport.poll_datagram() {
            socket.send_to(&datagram, to).unwrap();
        }
    }
}
