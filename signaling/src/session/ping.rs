// SPDX-License-Identifier: EUPL-1.2
//! Whether the other end is still there. Clients ask by messages; the server asks by frames of the websocket.

use std::time::{Duration, Instant};

use livekit_protocol::{Pong, signal_response::Message};

/// How often clients ask, as they are told. LiveKit's figures.
pub(super) const PING_INTERVAL_SECONDS: i32 = 5;

/// When they give up.
pub(super) const PING_TIMEOUT_SECONDS: i32 = 15;

/// How often the server asks a client that says nothing by itself.
pub(super) const WEBSOCKET_PING_INTERVAL: Duration = Duration::from_secs(10);

/// When it gives up: three questions were left without an answer.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(35);

/// How long nothing was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// A client that asks by itself, as all of LiveKit's do, need not be asked: in a large audience that would be much of
    /// the work that signaling has.
    Short,
    /// It is time to ask.
    Long,
    /// Nobody is there.
    TooLong,
}

/// What the time since a client was last heard means.
pub(super) fn judge(now: Instant, last_heard: Instant) -> Silence {
    let silence = now.saturating_duration_since(last_heard);
    match silence {
        silence if silence >= SILENCE_TIMEOUT => Silence::TooLong,
        // An answer to the last question is older than that.
        silence if silence > WEBSOCKET_PING_INTERVAL / 2 => Silence::Long,
        _ => Silence::Short,
    }
}

/// Answers the older of the two questions, which takes no time as answer but ours.
pub(super) fn pong(unix: Duration) -> Message {
    Message::Pong(milliseconds(unix))
}

/// Answers the newer one.
pub(super) fn pong_response(asked_at: i64, unix: Duration) -> Message {
    Message::PongResp(Pong { last_ping_timestamp: asked_at, timestamp: milliseconds(unix) })
}

/// Clients read these numbers as milliseconds and overflow on anything finer.
fn milliseconds(unix: Duration) -> i64 {
    i64::try_from(unix.as_millis()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_comes_back_with_our_time() {
        let answer = pong_response(5, Duration::from_millis(1234));
        assert_eq!(answer, Message::PongResp(Pong { last_ping_timestamp: 5, timestamp: 1234 }));
        assert_eq!(pong(Duration::from_secs(2)), Message::Pong(2000));
    }

    #[test]
    fn three_missed_answers_are_the_end() {
        let start = Instant::now();
        assert_eq!(judge(start + Duration::from_secs(30), start), Silence::Long);
        assert_eq!(judge(start + Duration::from_secs(35), start), Silence::TooLong);
    }

    #[test]
    fn a_client_that_asks_by_itself_is_not_asked() {
        let start = Instant::now();
        assert_eq!(judge(start + Duration::from_secs(PING_INTERVAL_SECONDS as u64), start), Silence::Short);
    }
}
