// SPDX-License-Identifier: EUPL-1.2
//! Chat in data packets. LiveKit's clients write it as text streams on a topic of their components; older ones as a
//! message of its own, or as user data on an older topic.

use livekit_protocol as proto;
use prost::Message as _;

use crate::rooms::chat::{DataContent, MessageChange, StreamHeader};

/// The topic of text streams that are chat.
const TOPIC: &str = "lk.chat";

/// The topic of user data that is chat, in components from before text streams.
pub(super) const OLD_TOPIC: &str = "lk-chat-topic";

/// Numbers of `DataPacket`'s fields that may be chat.
mod field {
    pub(super) const CHAT_MESSAGE: u32 = 9;
    pub(super) const STREAM_HEADER: u32 = 13;
    pub(super) const STREAM_CHUNK: u32 = 14;
    pub(super) const STREAM_TRAILER: u32 = 15;
    pub(super) const ENCRYPTED: u32 = 18;
}

/// Whether a field of that number can be chat.
pub(super) fn is_looked_at(number: u32) -> bool {
    use field::{CHAT_MESSAGE, ENCRYPTED, STREAM_CHUNK, STREAM_HEADER, STREAM_TRAILER};
    matches!(number, CHAT_MESSAGE | STREAM_HEADER | STREAM_CHUNK | STREAM_TRAILER | ENCRYPTED)
}

/// What is in such a field. `None` is nonsense.
pub(super) fn content(number: u32, content: &[u8]) -> Option<DataContent> {
    Some(match number {
        field::CHAT_MESSAGE => {
            let message = proto::ChatMessage::decode(content).ok()?;
            let change = match message.edit_timestamp {
                _ if message.deleted => MessageChange::Deletion,
                Some(_) => MessageChange::Edit,
                None => MessageChange::New,
            };
            DataContent::Message { id: message.id, text: message.message, change }
        }
        field::STREAM_HEADER => header(proto::data_stream::Header::decode(content).ok()?),
        field::STREAM_CHUNK => {
            let chunk = proto::data_stream::Chunk::decode(content).ok()?;
            DataContent::Chunk { stream: chunk.stream_id, bytes: chunk.content }
        }
        field::STREAM_TRAILER => {
            DataContent::Trailer { stream: proto::data_stream::Trailer::decode(content).ok()?.stream_id }
        }
        field::ENCRYPTED => DataContent::Encrypted,
        _ => DataContent::Other,
    })
}

fn header(header: proto::data_stream::Header) -> DataContent {
    use proto::data_stream::header::ContentHeader;
    use proto::data_stream::{CompressionType, OperationType};
    if header.topic != TOPIC {
        return DataContent::Other;
    }
    let is_deflated = header.compression == i32::from(CompressionType::DeflateRaw);
    let change = match &header.content_header {
        Some(ContentHeader::TextHeader(text)) => match OperationType::try_from(text.operation_type) {
            Ok(OperationType::Create) => Some(MessageChange::New),
            Ok(OperationType::Update) => Some(MessageChange::Edit),
            Ok(OperationType::Delete) => Some(MessageChange::Deletion),
            _ => None,
        },
        _ => None,
    };
    DataContent::Header(StreamHeader { stream: header.stream_id, whole: header.inline_content, is_deflated, change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::data_packets::open;
    use proto::data_packet::Value;

    fn opened(value: Value) -> DataContent {
        let packet = proto::DataPacket { value: Some(value), ..Default::default() };
        open(&packet.encode_to_vec()).expect("a good packet").content
    }

    #[test]
    fn chat_is_known_in_each_of_its_forms() {
        let header = proto::data_stream::Header { stream_id: "s".into(), topic: TOPIC.into(), ..Default::default() };
        let text = proto::data_stream::header::ContentHeader::TextHeader(proto::data_stream::TextHeader::default());
        let header = proto::data_stream::Header { content_header: Some(text), ..header };
        let expected = StreamHeader { stream: "s".into(), change: Some(MessageChange::New), ..StreamHeader::default() };
        assert_eq!(opened(Value::StreamHeader(header)), DataContent::Header(expected));
        let message = proto::ChatMessage { id: "1".into(), message: "hello".into(), ..Default::default() };
        let expected = |change| DataContent::Message { id: "1".into(), text: "hello".into(), change };
        assert_eq!(opened(Value::ChatMessage(message.clone())), expected(MessageChange::New));
        let message = proto::ChatMessage { edit_timestamp: Some(1), ..message };
        assert_eq!(opened(Value::ChatMessage(message.clone())), expected(MessageChange::Edit));
        let message = proto::ChatMessage { deleted: true, ..message };
        assert_eq!(opened(Value::ChatMessage(message)), expected(MessageChange::Deletion));
        let user = proto::UserPacket { topic: Some(OLD_TOPIC.into()), ..Default::default() };
        assert!(matches!(opened(Value::User(user)), DataContent::Message { .. }));
    }

    #[test]
    fn other_streams_and_topics_are_no_chat() {
        let file = proto::data_stream::Header { stream_id: "s".into(), topic: "files".into(), ..Default::default() };
        assert_eq!(opened(Value::StreamHeader(file)), DataContent::Other);
        let user = proto::UserPacket { topic: Some("game".into()), ..Default::default() };
        assert_eq!(opened(Value::User(user)), DataContent::Other);
    }
}
