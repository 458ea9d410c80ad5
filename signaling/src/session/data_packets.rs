// SPDX-License-Identifier: EUPL-1.2
//! Data packets, opened as far as their way must be known and sealed again for those they are for.
//!
//! A packet is a protobuf message, of which the server reads and writes a few fields. It never decodes the rest: what a
//! newer client puts in reaches its peers as it is. So the fields are taken apart on the wire (protobuf encoding).

use bus::{DataChannel, ParticipantSid};
use livekit_protocol::UserPacket;
use livekit_protocol::data_packet::Value;
use prost::Message as _;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field, string,
};

use super::chat_packets;
use crate::rooms::chat::{DataContent, MessageChange};
use crate::rooms::input::{DataAudience, DataPacket};
use crate::rooms::output::OutgoingData;

/// Longest message that clients take from a data channel.
const MAX_PACKET_BYTES: usize = 64 * 1024;

/// Receivers that a packet can name.
const MAX_DESTINATIONS: usize = 1000;

/// Numbers of `DataPacket`'s fields.
mod field {
    pub(super) const KIND: u32 = 1;
    pub(super) const USER: u32 = 2;
    pub(super) const SPEAKER: u32 = 3;
    pub(super) const PARTICIPANT_IDENTITY: u32 = 4;
    pub(super) const DESTINATION_IDENTITIES: u32 = 5;
    pub(super) const TRANSCRIPTION: u32 = 7;
    pub(super) const METRICS: u32 = 8;
    pub(super) const SEQUENCE: u32 = 16;
    pub(super) const PARTICIPANT_SID: u32 = 17;
}

/// Numbers of `UserPacket`'s fields that old clients use in place of the packet's.
mod user_field {
    pub(super) const PARTICIPANT_SID: u32 = 1;
    pub(super) const DESTINATION_SIDS: u32 = 3;
    pub(super) const TOPIC: u32 = 4;
    pub(super) const PARTICIPANT_IDENTITY: u32 = 5;
    pub(super) const DESTINATION_IDENTITIES: u32 = 6;
}

/// Reads where a packet goes. `None` is nonsense, too long, or nothing that clients may say.
pub(crate) fn open(payload: &[u8]) -> Option<DataPacket> {
    if payload.len() > MAX_PACKET_BYTES {
        return None;
    }
    let mut packet = Packet::default();
    let mut sealed = Vec::with_capacity(payload.len());
    for field in Fields(payload) {
        packet.read(&field?, &mut sealed)?;
    }
    let Packet {
        sequence,
        mut identities,
        mut sids,
        legacy_identities,
        legacy_sids,
        claimed_identity,
        audience,
        content,
    } = packet;
    if identities.is_empty() {
        (identities, sids) = (legacy_identities, legacy_sids);
    }
    identities.truncate(MAX_DESTINATIONS);
    sids.truncate(MAX_DESTINATIONS);
    let participants = sids.into_iter().map(ParticipantSid::from).collect();
    let sealed = sealed.into();
    Some(DataPacket { sequence, identities, participants, claimed_identity, audience, content, sealed })
}

/// A packet that comes from no client.
pub(crate) fn from_server(user: UserPacket, identities: Vec<String>, sids: Vec<String>) -> DataPacket {
    let sealed = livekit_protocol::DataPacket { value: Some(Value::User(user)), ..Default::default() }.encode_to_vec();
    DataPacket {
        sequence: 0,
        identities,
        participants: sids.into_iter().map(ParticipantSid::from).collect(),
        claimed_identity: String::new(),
        audience: DataAudience::Anyone,
        content: DataContent::Other,
        sealed: sealed.into(),
    }
}

/// Writes words of the server's own, for clients that know the topic.
pub(crate) fn notice(topic: &str, payload: &str) -> Vec<u8> {
    let user = UserPacket { topic: Some(topic.to_owned()), payload: payload.as_bytes().to_vec(), ..Default::default() };
    livekit_protocol::DataPacket { value: Some(Value::User(user)), ..Default::default() }.encode_to_vec()
}

/// Writes a packet for those who receive it.
pub(crate) fn seal(message: &OutgoingData) -> Vec<u8> {
    let OutgoingData { packet, channel, sender } = message;
    let mut sealed = Vec::with_capacity(packet.sealed.len() + 96);
    sealed.extend_from_slice(&packet.sealed);
    if *channel == DataChannel::Lossy {
        encode_key(field::KIND, WireType::Varint, &mut sealed);
        encode_varint(livekit_protocol::data_packet::Kind::Lossy as u64, &mut sealed);
    }
    if packet.sequence > 0 {
        encode_key(field::SEQUENCE, WireType::Varint, &mut sealed);
        encode_varint(u64::from(packet.sequence), &mut sealed);
    }
    if let Some((identity, sid)) = sender {
        string::encode(field::PARTICIPANT_IDENTITY, &identity.to_string(), &mut sealed);
        string::encode(field::PARTICIPANT_SID, &sid.as_str().to_owned(), &mut sealed);
    }
    sealed
}

#[derive(Default)]
struct Packet {
    sequence: u32,
    identities: Vec<String>,
    sids: Vec<String>,
    legacy_identities: Vec<String>,
    legacy_sids: Vec<String>,
    claimed_identity: String,
    audience: DataAudience,
    content: DataContent,
}

impl Packet {
    /// Takes a field in, or leaves it sealed.
    fn read(&mut self, field: &Field<'_>, sealed: &mut Vec<u8>) -> Option<()> {
        match field.number {
            // Ours to say.
            field::KIND | field::PARTICIPANT_SID => {}
            // Only a server speaks of speakers.
            field::SPEAKER => return None,
            field::SEQUENCE => self.sequence = u32::try_from(field.varint()?).ok()?,
            field::PARTICIPANT_IDENTITY => self.claimed_identity = field.text()?,
            field::DESTINATION_IDENTITIES => self.identities.push(field.text()?),
            field::USER => self.read_user(field, sealed)?,
            number => {
                match number {
                    field::TRANSCRIPTION => self.audience = DataAudience::FromAgents,
                    field::METRICS => self.audience = DataAudience::ToMetricsReaders,
                    number if chat_packets::is_looked_at(number) => {
                        self.content = chat_packets::content(number, field.content()?)?;
                    }
                    _ => {}
                }
                sealed.extend_from_slice(field.raw);
            }
        }
        Some(())
    }

    /// Old clients name sender and receivers inside; then receivers would believe that name.
    fn read_user(&mut self, user: &Field<'_>, sealed: &mut Vec<u8>) -> Option<()> {
        let content = user.content()?;
        let mut kept = Vec::with_capacity(content.len());
        for field in Fields(content) {
            let field = field?;
            match field.number {
                user_field::PARTICIPANT_SID | user_field::PARTICIPANT_IDENTITY => {}
                user_field::DESTINATION_SIDS => self.legacy_sids.push(field.text()?),
                user_field::DESTINATION_IDENTITIES => self.legacy_identities.push(field.text()?),
                _ => {
                    if field.number == user_field::TOPIC && field.content()? == chat_packets::OLD_TOPIC.as_bytes() {
                        let change = MessageChange::default();
                        self.content = DataContent::Message { id: String::new(), text: String::new(), change };
                    }
                    kept.extend_from_slice(field.raw);
                }
            }
        }
        encode_key(field::USER, WireType::LengthDelimited, sealed);
        encode_varint(kept.len() as u64, sealed);
        sealed.extend_from_slice(&kept);
        Some(())
    }
}

/// The fields of a message, as they stand one after the other.
struct Fields<'a>(&'a [u8]);

struct Field<'a> {
    number: u32,
    wire_type: WireType,
    /// Key and value.
    raw: &'a [u8],
    value: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    /// `None` is nonsense.
    type Item = Option<Field<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.take();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn take(&mut self) -> Option<Field<'a>> {
        let start = self.0;
        let mut rest = start;
        let (number, wire_type) = decode_key(&mut rest).ok()?;
        let value = rest;
        skip_field(wire_type, number, &mut rest, DecodeContext::default()).ok()?;
        self.0 = rest;
        let raw = start.get(..start.len() - rest.len())?;
        let value = value.get(..value.len() - rest.len())?;
        Some(Field { number, wire_type, raw, value })
    }
}

impl<'a> Field<'a> {
    fn varint(&self) -> Option<u64> {
        let mut value = self.value;
        (self.wire_type == WireType::Varint).then(|| decode_varint(&mut value).ok())?
    }

    fn content(&self) -> Option<&'a [u8]> {
        let mut value = self.value;
        if self.wire_type != WireType::LengthDelimited {
            return None;
        }
        decode_varint(&mut value).ok()?;
        Some(value)
    }

    fn text(&self) -> Option<String> {
        String::from_utf8(self.content()?.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests;
