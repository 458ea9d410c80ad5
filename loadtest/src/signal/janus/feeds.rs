// SPDX-License-Identifier: EUPL-1.2
//! What others publish in a VideoRoom, and which of it a client wants.

use serde_json::{Value, json};

use crate::sdp::Kind;

/// A stream that somebody publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stream {
    feed: u64,
    mid: String,
    kind: Kind,
}

/// The streams that are known, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Feeds(Vec<Stream>);

impl Feeds {
    /// Takes note of the publishers that `data` lists: all when one joins, and new ones later.
    pub(super) fn take_note_of(&mut self, data: &Value) {
        for publisher in data["publishers"].as_array().into_iter().flatten() {
            let Some(feed) = publisher["id"].as_u64() else { continue };
            for stream in publisher["streams"].as_array().into_iter().flatten() {
                let kind = match stream["type"].as_str() {
                    Some("audio") => Kind::Audio,
                    Some("video") => Kind::Video,
                    _ => continue,
                };
                let Some(mid) = stream["mid"].as_str() else { continue };
                let stream = Stream { feed, mid: mid.to_owned(), kind };
                if !self.0.contains(&stream) {
                    self.0.push(stream);
                }
            }
        }
    }

    /// The first streams, `wanted` of each kind, as a subscription names them; `None` while there are fewer.
    pub(super) fn subscription(&self, wanted: impl Fn(Kind) -> usize) -> Option<Vec<Value>> {
        let mut chosen = Vec::new();
        for kind in Kind::ALL {
            let streams: Vec<_> = self.0.iter().filter(|stream| stream.kind == kind).take(wanted(kind)).collect();
            if streams.len() < wanted(kind) {
                return None;
            }
            chosen.extend(streams.into_iter().map(|stream| json!({ "feed": stream.feed, "mid": stream.mid })));
        }
        Some(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(id: u64) -> Value {
        json!({ "id": id, "streams": [
            { "type": "audio", "mid": "0" }, { "type": "video", "mid": "1" }, { "type": "data", "mid": "2" },
        ] })
    }

    #[test]
    fn as_many_streams_are_chosen_as_are_wanted() {
        let mut feeds = Feeds::default();
        feeds.take_note_of(&json!({ "publishers": [publisher(7)] }));
        let one_video = |kind| usize::from(kind == Kind::Video);
        assert_eq!(feeds.subscription(one_video), Some(vec![json!({ "feed": 7, "mid": "1" })]));
        let two_videos = |kind| 2 * usize::from(kind == Kind::Video);
        assert_eq!(feeds.subscription(two_videos), None, "there is only one");
        feeds.take_note_of(&json!({ "publishers": [publisher(8), publisher(7)] }));
        let both = [7, 8].map(|feed| json!({ "feed": feed, "mid": "1" })).to_vec();
        assert_eq!(feeds.subscription(two_videos), Some(both));
    }

    #[test]
    fn events_without_publishers_change_nothing() {
        let mut feeds = Feeds::default();
        feeds.take_note_of(&json!({ "leaving": 7 }));
        assert!(feeds.0.is_empty());
    }
}
