// SPDX-License-Identifier: EUPL-1.2
//! DTLS records and handshake fragments as they lie in a datagram (RFC 6347 §4.1 and §4.2.2). What does not fit
//! together ends the walk; nothing is decrypted here.

/// Content types (RFC 5246 §6.2.1).
pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// Handshake types (RFC 5246 §7.4, RFC 6347 §4.2.2).
pub(super) const CLIENT_HELLO: u8 = 1;
pub(super) const HELLO_VERIFY_REQUEST: u8 = 3;
const CERTIFICATE: u8 = 11;
const CERTIFICATE_VERIFY: u8 = 15;
const CLIENT_KEY_EXCHANGE: u8 = 16;

pub(super) const RECORD_HEADER_BYTES: usize = 13;
pub(super) const HANDSHAKE_HEADER_BYTES: usize = 12;

const DTLS_1_2: [u8; 2] = [0xfe, 0xfd];
/// The first ClientHello may name it for the sake of old servers.
const DTLS_1_0: [u8; 2] = [0xfe, 0xff];

/// Longest handshake message that we take. A ClientHello with a post-quantum key share has 1.5 kB, a certificate
/// chain of a WebRTC client less.
pub(super) const MAX_MESSAGE_BYTES: usize = 8192;

/// What the client's messages are when it shows a certificate, in their order (RFC 6347 §4.2.4). Finished, the last,
/// is encrypted.
pub(super) fn client_message_type(message_seq: u16) -> Option<u8> {
    [CLIENT_HELLO, CLIENT_HELLO, CERTIFICATE, CLIENT_KEY_EXCHANGE, CERTIFICATE_VERIFY]
        .get(usize::from(message_seq))
        .copied()
}

/// One record with its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) content_type: u8,
    pub(super) epoch: u16,
    /// The whole record.
    pub(super) bytes: &'a [u8],
}

impl<'a> Record<'a> {
    pub(super) fn body(&self) -> &'a [u8] {
        &self.bytes[RECORD_HEADER_BYTES..]
    }
}

/// The records of a datagram.
pub(super) fn records(mut datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let header = datagram.first_chunk::<RECORD_HEADER_BYTES>()?;
        let body_len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (bytes, rest) = datagram.split_at_checked(RECORD_HEADER_BYTES + body_len)?;
        if header[1..3] != DTLS_1_2 && header[1..3] != DTLS_1_0 {
            return None;
        }
        datagram = rest;
        Some(Record { content_type: header[0], epoch: u16::from_be_bytes([header[3], header[4]]), bytes })
    })
}

/// A piece of a handshake message that lies within the message it claims to belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fragment<'a> {
    pub(super) message_type: u8,
    pub(super) message_seq: u16,
    pub(super) message_len: usize,
    pub(super) offset: usize,
    pub(super) bytes: &'a [u8],
}

/// The fragments in the body of an unencrypted handshake record.
pub(super) fn fragments(mut body: &[u8]) -> impl Iterator<Item = Fragment<'_>> {
    std::iter::from_fn(move || {
        let (header, rest) = body.split_first_chunk::<HANDSHAKE_HEADER_BYTES>()?;
        let (bytes, rest) = rest.split_at_checked(u24(&header[9..]))?;
        let fragment = Fragment {
            message_type: header[0],
            message_seq: u16::from_be_bytes([header[4], header[5]]),
            message_len: u24(&header[1..]),
            offset: u24(&header[6..]),
            bytes,
        };
        if fragment.message_len > MAX_MESSAGE_BYTES || fragment.offset + bytes.len() > fragment.message_len {
            return None;
        }
        body = rest;
        Some(fragment)
    })
}

fn u24(bytes: &[u8]) -> usize {
    bytes[..3].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Puts an unencrypted record together.
pub(super) fn plain_record(content_type: u8, record_seq: u64, body: &[&[u8]]) -> Vec<u8> {
    let body_len: usize = body.iter().map(|part| part.len()).sum();
    let mut record = Vec::with_capacity(RECORD_HEADER_BYTES + body_len);
    record.push(content_type);
    record.extend(DTLS_1_2);
    record.extend([0, 0]);
    record.extend_from_slice(&record_seq.to_be_bytes()[2..]);
    record.extend((body_len as u16).to_be_bytes());
    for part in body {
        record.extend_from_slice(part);
    }
    record
}

/// The header of a message that is one fragment.
pub(super) fn whole_message_header(
    message_type: u8,
    message_seq: u16,
    message_len: usize,
) -> [u8; HANDSHAKE_HEADER_BYTES] {
    let len = (message_len as u32).to_be_bytes();
    let seq = message_seq.to_be_bytes();
    [message_type, len[1], len[2], len[3], seq[0], seq[1], 0, 0, 0, len[1], len[2], len[3]]
}
