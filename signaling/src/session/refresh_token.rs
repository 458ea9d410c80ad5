// SPDX-License-Identifier: EUPL-1.2
//! Tokens for the way back. A client that was let in with a token must be able to reconnect after it has ended; so it
//! gets a young one now and then, which also says what an administrator has changed.

use std::time::{Duration, SystemTime};

use tracing::error;

use crate::auth::grants::VideoGrants;
use crate::auth::room_token::{RoomToken, TokenKeys};
use crate::rooms::input::Destination;
use crate::rooms::output::TokenContent;

/// How long a renewed token lives at least: twice as long as until the next one. LiveKit's figure.
const MIN_LIFE: Duration = Duration::from_secs(10 * 60);

/// Renews `token`, so that it says `content` and lives on as long as it would have, or ten minutes if that is longer.
pub(super) fn renew(keys: &TokenKeys, token: &RoomToken, content: TokenContent, now: SystemTime) -> Option<String> {
    let remaining = token.expires_at().duration_since(now).unwrap_or_default();
    let grants = token.grants.with_permissions(&content.permissions);
    let mut renewed = token.clone();
    renewed.claims.name = content.details.name;
    renewed.claims.metadata = content.details.metadata;
    renewed.claims.attributes = Some(content.details.attributes);
    // It applied when the room was made.
    renewed.claims.room_config = None;
    keys.renew(&renewed, grants, now, remaining.max(MIN_LIFE))
        .inspect_err(|error| error!(%error, "a token cannot be renewed"))
        .ok()
}

/// The token for the room that somebody is sent to.
pub(crate) fn for_move(
    keys: &TokenKeys,
    token: &RoomToken,
    to: Destination,
    content: TokenContent,
    now: SystemTime,
) -> Option<String> {
    match to {
        Destination::Token(token) => Some(token),
        Destination::Room(room) => renew_for(keys, token, room, content, now),
    }
}

/// The same as [`renew`] for another room, in which its bearer administers nothing.
fn renew_for(
    keys: &TokenKeys,
    token: &RoomToken,
    room: String,
    content: TokenContent,
    now: SystemTime,
) -> Option<String> {
    let mut moved = token.clone();
    moved.grants = VideoGrants { room, room_admin: false, room_create: false, room_list: false, ..moved.grants };
    renew(keys, &moved, content, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::room_token::{RoomTokenRequest, mint};
    use crate::auth::secret::ApiKey;
    use crate::rooms::details::Details;

    const SECRET: &str = "a secret of at least thirty-two bytes";

    fn check(lives_for: Duration, renewed_lives_for: Duration) {
        let now = SystemTime::now();
        let keys = [ApiKey { key: "key".into(), secret: SECRET.into() }];
        let keys = TokenKeys::new(&keys).expect("good keys");
        let request = RoomTokenRequest {
            room: "r".into(),
            identity: "ann".into(),
            name: "Ann".into(),
            admin: false,
            valid_for: lives_for,
            now,
        };
        let token = keys.verify(&mint("key", SECRET, &request).expect("a token")).expect("a good token");
        let mut permissions = token.grants.permissions();
        permissions.can_publish = false;
        let details = Details { name: "Anna".into(), ..Details::default() };
        let renewed = renew(&keys, &token, TokenContent { details, permissions, caller: None }, now).expect("a token");
        let renewed = keys.verify(&renewed).expect("a good token");
        assert_eq!((renewed.identity(), renewed.claims.name.as_str()), ("ann", "Anna"));
        assert!(!renewed.grants.permissions().can_publish && renewed.grants.room_join);
        let life = renewed.expires_at().duration_since(now).expect("in the future");
        // Times in tokens are whole seconds.
        assert!(life.abs_diff(renewed_lives_for) <= Duration::from_secs(2), "{life:?}");
    }

    #[test]
    fn a_renewed_token_lives_as_long_as_the_old_one_or_ten_minutes() {
        check(Duration::from_secs(6 * 3600), Duration::from_secs(6 * 3600));
        check(Duration::from_secs(5), MIN_LIFE);
    }
}
