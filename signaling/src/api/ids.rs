// SPDX-License-Identifier: EUPL-1.2
//! Ids of what is stored: UUIDs of version 7 (RFC 9562 §5.7), which sort by the time they were made.

use std::fmt;

use serde::{Deserialize, Serialize};
use store::Textual;
use utoipa::ToSchema;
use uuid::Uuid;

/// Makes a type for the ids of one kind of thing.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        pub(crate) struct $name(Uuid);

        impl $name {
            /// One that nothing has yet.
            pub(crate) fn new() -> Self {
                Self(Uuid::now_v7())
            }

            /// Reads one. Only the usual form with hyphens is one.
            pub(crate) fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().filter(|id| id.to_string() == text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl Textual for $name {
            fn to_text(&self) -> String {
                self.to_string()
            }

            fn from_text(text: &str) -> Option<Self> {
                Self::parse(text)
            }
        }
    )*};
}

id! {
    /// A tenant: an authority with its own people and meetings.
    TenantId;
    /// Somebody who can sign in.
    UserId;
    /// A token for software.
    ApiTokenId;
    /// Software that asks for tokens by OAuth 2.0.
    OauthClientId;
    /// What a kind of meeting allows.
    PolicyId;
    /// A permanent room.
    RoomId;
    /// A meeting.
    MeetingId;
    /// Somebody who is invited.
    InviteeId;
    /// A mail that is to be sent.
    MailId;
    /// A PIN for the telephone.
    PhonePinId;
    /// A number that can be called.
    PhoneNumberId;
    /// Somebody's call.
    PhoneCallId;
    /// One run of a meeting, from the first who comes to the last who leaves.
    MeetingSessionId;
    /// Somebody who may not come to a meeting any more.
    BanId;
    /// Somebody who waits in the lobby.
    LobbyEntryId;
    /// An address that is told what happens.
    WebhookId;
    /// Something that was done.
    AuditEventId;
    /// A person's data, put together for them.
    ExportId;
    /// A person's data, erased.
    ErasureId;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_form() {
        let id = MeetingId::new();
        assert_eq!(MeetingId::parse(&id.to_string()), Some(id));
        let text = id.to_string();
        for other in [text.to_uppercase(), text.replace('-', ""), format!("{{{text}}}"), String::new(), "x".into()] {
            assert_eq!(MeetingId::parse(&other), None, "{other}");
        }
    }
}
