// SPDX-License-Identifier: EUPL-1.2
//! What webhooks can be told.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal;)*) => {
        /// What a webhook can be told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) enum WebhookEvent {
            $($(#[doc = $doc])+ #[serde(rename = $text)] $name,)*
        }

        impl WebhookEvent {
            /// All there are.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name.
            pub(crate) const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

events! {
    /// A meeting was scheduled.
    MeetingCreated = "meeting.created";
    /// A meeting, or one of its occurrences, is different.
    MeetingUpdated = "meeting.updated";
    /// A meeting does not take place.
    MeetingCancelled = "meeting.cancelled";
    /// Somebody was invited, or their invitation is different.
    InviteeChanged = "invitee.changed";
    /// Somebody is not invited any more.
    InviteeRemoved = "invitee.removed";
    /// Somebody answered an invitation.
    InviteeResponded = "invitee.responded";
    /// The first came.
    SessionStarted = "session.started";
    /// The last left, or it was ended.
    SessionEnded = "session.ended";
    /// Somebody came in.
    ParticipantJoined = "participant.joined";
    /// Somebody left.
    ParticipantLeft = "participant.left";
    /// Somebody waits in the lobby.
    LobbyWaiting = "lobby.waiting";
    /// A message that was asked for, to see whether it arrives. Every webhook gets it.
    Test = "webhook.test";
}

// By hand: the derive does not see names that come out of a macro.
impl utoipa::PartialSchema for WebhookEvent {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let names = Self::ALL.iter().filter(|event| **event != Self::Test).map(|event| event.as_str());
        let schema = utoipa::openapi::schema::ObjectBuilder::new();
        let schema = schema.schema_type(utoipa::openapi::schema::Type::String).enum_values(Some(names));
        schema.description(Some("What a webhook can be told.")).into()
    }
}

impl ToSchema for WebhookEvent {}

/// Something that happens, with ids and nothing that people wrote: whoever wants to know more asks for it. That goes for
/// names, addresses and numbers, too; somebody in a meeting is named by their identity there, what kind of participant they
/// are, and their role.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Happening {
    /// What.
    pub(crate) event: WebhookEvent,
    /// To what: an object of ids.
    pub(crate) data: Json,
}
