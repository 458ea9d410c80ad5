// SPDX-License-Identifier: EUPL-1.2
//! What was written to everybody, kept for those who come later; and how messages come together from the packets that
//! they travel in.

use std::collections::VecDeque;
use std::io::Read as _;
use std::time::Duration;

use flate2::read::DeflateDecoder;

use crate::rooms::info::Identity;

/// Messages that are kept. When there are more, the oldest is forgotten.
const MAX_MESSAGES: usize = 500;

/// Bytes that they have all together.
const MAX_BYTES: usize = 256 * 1024;

/// Longest text that is kept. Our clients send 4,000 characters.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// Longest id of a message; clients use UUIDs.
const MAX_ID_BYTES: usize = 128;

/// Streams of one participant that are followed at a time. When there are more, the oldest is given up.
const MAX_STREAMS: usize = 16;

/// What is in a data packet, as far as a room looks at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum DataContent {
    /// Something that is no chat.
    #[default]
    Other,
    /// A whole message.
    Message { id: String, text: String, change: MessageChange },
    /// A message begins.
    Header(StreamHeader),
    /// A part of a message, or of something else.
    Chunk { stream: String, bytes: Vec<u8> },
    /// The end of a message, or of something else.
    Trailer { stream: String },
    /// Nobody but the receivers can read it.
    Encrypted,
}

/// What a message does to those that were written before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum MessageChange {
    /// Nothing: it is one more.
    #[default]
    New,
    /// It is what the one with its id says from now on.
    Edit,
    /// It takes back the one with its id.
    Deletion,
}

/// What became of what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChatChange {
    /// There is one message more.
    Added(ChatMessage),
    /// One says something else.
    Edited(ChatMessage),
    /// One is taken back.
    Deleted { id: String, sender: Identity },
}

/// The beginning of a chat message that comes in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamHeader {
    /// The message's id.
    pub(crate) stream: String,
    /// The whole message, when it is short.
    pub(crate) whole: Option<Vec<u8>>,
    /// Compressed (RFC 1951).
    pub(crate) is_deflated: bool,
    /// What it does. `None`: something that is no message, such as a reaction to one.
    pub(crate) change: Option<MessageChange>,
}

/// A message to everybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChatMessage {
    pub(crate) id: String,
    pub(crate) sender: Identity,
    /// As they were called when they wrote it.
    pub(crate) sender_name: String,
    pub(crate) text: String,
    /// Since 1970.
    pub(crate) at: Duration,
}

impl ChatMessage {
    fn bytes(&self) -> usize {
        self.id.len() + self.sender.len() + self.sender_name.len() + self.text.len()
    }
}

/// What was written to everybody.
#[derive(Debug, Default)]
pub(crate) struct ChatLog {
    messages: VecDeque<ChatMessage>,
    bytes: usize,
}

impl ChatLog {
    /// Takes a message in, or the change of one by whoever wrote it. Returns what follows for whoever keeps more of it than
    /// this log, who has to look again whose message it is.
    pub(crate) fn add(&mut self, message: ChatMessage, change: MessageChange) -> Option<ChatChange> {
        if message.id.is_empty() || message.id.len() > MAX_ID_BYTES {
            return None;
        }
        let known = self.messages.iter().position(|known| known.id == message.id);
        // Nobody rewrites what another has written.
        if known.is_some_and(|known| self.messages[known].sender != message.sender) {
            return None;
        }
        if change == MessageChange::Deletion {
            let gone = known.and_then(|known| self.messages.remove(known));
            self.bytes -= gone.map_or(0, |gone| gone.bytes());
            return Some(ChatChange::Deleted { id: message.id, sender: message.sender });
        }
        if message.text.len() > MAX_TEXT_BYTES || message.text.trim().is_empty() {
            return None;
        }
        let changed = match known {
            Some(known) => {
                let known = &mut self.messages[known];
                self.bytes = self.bytes - known.text.len() + message.text.len();
                known.text.clone_from(&message.text);
                ChatChange::Edited(message)
            }
            None if change == MessageChange::Edit => ChatChange::Edited(message),
            None => {
                self.bytes += message.bytes();
                self.messages.push_back(message.clone());
                ChatChange::Added(message)
            }
        };
        self.forget_oldest();
        Some(changed)
    }

    /// All of it, the oldest first.
    pub(crate) fn messages(&self) -> Vec<ChatMessage> {
        self.messages.iter().cloned().collect()
    }

    fn forget_oldest(&mut self) {
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.messages.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }
}

/// The messages of one participant that are still coming in.
#[derive(Debug, Default)]
pub(crate) struct ChatStreams(VecDeque<Stream>);

#[derive(Debug)]
struct Stream {
    id: String,
    fate: Fate,
}

#[derive(Debug)]
enum Fate {
    /// It may not be sent, and nor may the rest of it.
    Refused,
    /// It is sent, and kept when it is complete.
    Collected { bytes: Vec<u8>, is_deflated: bool, change: MessageChange },
}

impl ChatStreams {
    /// A message begins that may not be sent.
    pub(crate) fn refuse(&mut self, header: StreamHeader) {
        self.begin(header.stream, Fate::Refused);
    }

    /// A message begins that is sent. Returns its text when that is all of it, and what it does.
    pub(crate) fn collect(&mut self, header: StreamHeader) -> Option<(String, MessageChange)> {
        let StreamHeader { stream, whole, is_deflated, change } = header;
        let change = change?;
        if change == MessageChange::Deletion {
            return Some((String::new(), change));
        }
        if let Some(whole) = whole {
            return text(&whole, is_deflated).map(|text| (text, change));
        }
        self.begin(stream, Fate::Collected { bytes: Vec::new(), is_deflated, change });
        None
    }

    fn begin(&mut self, id: String, fate: Fate) {
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return;
        }
        self.0.retain(|stream| stream.id != id);
        if self.0.len() >= MAX_STREAMS {
            self.0.pop_front();
        }
        self.0.push_back(Stream { id, fate });
    }

    /// Another part came. Returns whether it may be sent.
    pub(crate) fn take_chunk(&mut self, id: &str, chunk: &[u8]) -> bool {
        let Some(stream) = self.0.iter_mut().find(|stream| stream.id == id) else { return true };
        match &mut stream.fate {
            Fate::Refused => false,
            Fate::Collected { bytes, .. } if bytes.len() + chunk.len() <= MAX_TEXT_BYTES => {
                bytes.extend_from_slice(chunk);
                true
            }
            Fate::Collected { .. } => {
                // Too long to be kept.
                self.0.retain(|stream| stream.id != id);
                true
            }
        }
    }

    /// The end came. Returns whether it may be sent, and the text and what it does if it is to be kept.
    pub(crate) fn finish(&mut self, id: &str) -> (bool, Option<(String, MessageChange)>) {
        let Some(index) = self.0.iter().position(|stream| stream.id == id) else { return (true, None) };
        match self.0.remove(index).map(|stream| stream.fate) {
            Some(Fate::Refused) => (false, None),
            Some(Fate::Collected { bytes, is_deflated, change }) => {
                (true, text(&bytes, is_deflated).map(|text| (text, change)))
            }
            None => (true, None),
        }
    }
}

/// The text in some bytes. Nothing that unpacks to more than a message may have.
fn text(bytes: &[u8], is_deflated: bool) -> Option<String> {
    if !is_deflated {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let mut text = String::new();
    DeflateDecoder::new(bytes).take(MAX_TEXT_BYTES as u64 + 1).read_to_string(&mut text).ok()?;
    (text.len() <= MAX_TEXT_BYTES).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use std::io::Write as _;

    fn message(id: impl ToString, sender: &str, text: &str) -> ChatMessage {
        ChatMessage {
            id: id.to_string(),
            sender: sender.into(),
            sender_name: sender.to_uppercase(),
            text: text.into(),
            at: Duration::ZERO,
        }
    }

    #[test]
    fn the_oldest_go_when_there_are_too_many_or_they_are_too_long() {
        let mut log = ChatLog::default();
        for number in 0..MAX_MESSAGES + 3 {
            assert!(log.add(message(number, "ann", "x"), MessageChange::New).is_some());
        }
        assert_eq!(log.messages().len(), MAX_MESSAGES);
        assert_eq!(log.messages()[0].id, "3");
        let long = "x".repeat(MAX_TEXT_BYTES);
        for number in 0..100 {
            assert!(log.add(message(format!("long {number}"), "ann", &long), MessageChange::New).is_some());
        }
        assert!(log.bytes <= MAX_BYTES && log.messages().len() == MAX_BYTES / (MAX_TEXT_BYTES + 100));
        let longer = message("longer", "ann", &"x".repeat(MAX_TEXT_BYTES + 1));
        assert_eq!(log.add(longer, MessageChange::New), None);
    }

    #[test]
    fn only_its_author_changes_a_message() {
        let mut log = ChatLog::default();
        let mut log_of = |who: &str, text: &str, change| log.add(message(1, who, text), change);
        assert_eq!(log_of("ann", "first", MessageChange::New), Some(ChatChange::Added(message(1, "ann", "first"))));
        for change in [MessageChange::New, MessageChange::Edit, MessageChange::Deletion] {
            assert_eq!(log_of("eve", "forged", change), None);
        }
        let mended = Some(ChatChange::Edited(message(1, "ann", "mended")));
        assert_eq!(log_of("ann", "mended", MessageChange::Edit), mended);
        assert_eq!(log.messages(), [message(1, "ann", "mended")]);
        let gone = ChatChange::Deleted { id: "1".into(), sender: "ann".into() };
        assert_eq!(log.add(message(1, "ann", ""), MessageChange::Deletion), Some(gone));
        assert!(log.messages().is_empty() && log.bytes == 0);
        let forgotten = ChatChange::Edited(message(2, "ann", "mended"));
        assert_eq!(log.add(message(2, "ann", "mended"), MessageChange::Edit), Some(forgotten));
        assert!(log.messages().is_empty(), "what was forgotten does not come back");
    }

    #[test]
    fn a_message_comes_together_from_its_parts() {
        let mut streams = ChatStreams::default();
        let header = StreamHeader { stream: "s".into(), change: Some(MessageChange::New), ..StreamHeader::default() };
        assert_eq!(streams.collect(header), None);
        assert!(streams.take_chunk("s", "gr".as_bytes()));
        assert!(streams.take_chunk("s", "üß".as_bytes()));
        assert!(streams.take_chunk("a file", b"x"), "what is no chat is none of our business");
        assert_eq!(streams.finish("s"), (true, Some(("grüß".into(), MessageChange::New))));
        assert_eq!(streams.finish("s"), (true, None));
    }

    #[test]
    fn nothing_of_a_refused_message_goes_through() {
        let mut streams = ChatStreams::default();
        streams.refuse(StreamHeader { stream: "s".into(), ..StreamHeader::default() });
        assert!(!streams.take_chunk("s", b"x"));
        assert_eq!(streams.finish("s"), (false, None));
    }

    #[test]
    fn a_packed_message_cannot_grow_without_bound() {
        let deflate = |text: &[u8]| {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(text).expect("written to memory");
            encoder.finish().expect("written to memory")
        };
        assert_eq!(text(&deflate(b"hello"), true).as_deref(), Some("hello"));
        assert_eq!(text(&deflate(&vec![b'x'; 10 * 1024 * 1024]), true), None);
        assert_eq!(text(b"no deflate", true), None);
    }

    #[test]
    fn streams_without_an_end_are_given_up() {
        let mut streams = ChatStreams::default();
        for number in 0..1_000 {
            let change = Some(MessageChange::New);
            streams.collect(StreamHeader { stream: number.to_string(), change, ..StreamHeader::default() });
        }
        assert_eq!(streams.0.len(), MAX_STREAMS);
        assert!(streams.take_chunk("999", &vec![b'x'; MAX_TEXT_BYTES + 1]), "too long to be kept, not to be sent");
        assert_eq!(streams.finish("999"), (true, None));
    }
}
