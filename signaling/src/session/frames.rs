// SPDX-License-Identifier: EUPL-1.2
//! Frames of the websocket: a binary one is protobuf, a text one is JSON (proto3 JSON mapping). The server answers in
//! whichever the client used last.

use axum::extract::ws::Message;
use livekit_protocol::{SignalRequest, SignalResponse};
use prost::Message as _;
use thiserror::Error;
use tracing::error;

/// How messages are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Protobuf,
    Json,
}

/// A frame that is no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the frame is no message")]
pub(super) struct Malformed;

impl Encoding {
    /// Reads a frame and remembers how it was written. `None` is a frame of the websocket itself.
    pub(super) fn read(&mut self, frame: &Message) -> Result<Option<SignalRequest>, Malformed> {
        match frame {
            Message::Binary(bytes) => {
                *self = Self::Protobuf;
                SignalRequest::decode(bytes.clone()).map(Some).map_err(|_| Malformed)
            }
            Message::Text(text) => {
                *self = Self::Json;
                serde_json::from_str(text).map(Some).map_err(|_| Malformed)
            }
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => Ok(None),
        }
    }

    /// Writes a message as the client does.
    pub(super) fn write(self, response: &SignalResponse) -> Option<Message> {
        match self {
            Self::Protobuf => Some(Message::Binary(response.encode_to_vec().into())),
            // It fails only for numbers that the protocol does not know, which we do not write.
            Self::Json => serde_json::to_string(response)
                .inspect_err(|error| error!(%error, "a message cannot be written as JSON"))
                .ok()
                .map(|json| Message::Text(json.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use livekit_protocol::{signal_request, signal_response};

    fn ping() -> SignalRequest {
        SignalRequest { message: Some(signal_request::Message::Ping(5)) }
    }

    fn pong() -> SignalResponse {
        SignalResponse { message: Some(signal_response::Message::Pong(7)) }
    }

    #[test]
    fn answers_follow_the_client() {
        let mut encoding = Encoding::default();
        assert!(matches!(encoding.write(&pong()), Some(Message::Binary(_))));
        assert_eq!(encoding.read(&Message::Text(r#"{"ping":"5"}"#.into())), Ok(Some(ping())));
        assert_eq!(encoding.write(&pong()), Some(Message::Text(r#"{"pong":"7"}"#.into())));
        assert_eq!(encoding.read(&Message::Ping(Vec::new().into())), Ok(None));
        assert_eq!(encoding, Encoding::Json);
        assert_eq!(encoding.read(&Message::Binary(ping().encode_to_vec().into())), Ok(Some(ping())));
        assert_eq!(encoding, Encoding::Protobuf);
    }

    #[test]
    fn both_spellings_and_unknown_fields_are_read() {
        let mut encoding = Encoding::default();
        for json in [
            r#"{"addTrack":{"cid":"c","simulcastCodecs":[]},"fromTheFuture":1}"#,
            r#"{"add_track":{"cid":"c","simulcast_codecs":[],"new":{}}}"#,
        ] {
            let request = encoding.read(&Message::Text(json.into())).expect("JSON");
            let message = request.and_then(|request| request.message);
            assert!(matches!(message, Some(signal_request::Message::AddTrack(add)) if add.cid == "c"), "{json}");
        }
    }

    #[test]
    fn what_is_unknown_is_an_empty_message() {
        let mut encoding = Encoding::default();
        let unknown = Message::Binary(vec![0xfa, 0x07, 0x01, 0x00].into());
        assert_eq!(encoding.read(&unknown), Ok(Some(SignalRequest { message: None })));
        assert_eq!(encoding.read(&Message::Text("{}".into())), Ok(Some(SignalRequest { message: None })));
    }

    #[test]
    fn nonsense_is_malformed() {
        let mut encoding = Encoding::default();
        for text in ["", "[]", "null", "{", r#"{"mute":7}"#, &"[".repeat(100_000)] {
            assert_eq!(encoding.read(&Message::Text(text.into())), Err(Malformed));
        }
        assert_eq!(encoding.read(&Message::Binary(vec![0xff; 100].into())), Err(Malformed));
    }
}
