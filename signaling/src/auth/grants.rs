// SPDX-License-Identifier: EUPL-1.2
//! What a token's `video` claim grants, and what of it applies to a participant who is in a room.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Where the media of a track comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TrackSource {
    #[default]
    Unknown,
    Camera,
    Microphone,
    ScreenShare,
    ScreenShareAudio,
}

impl TrackSource {
    /// Every source that a token can name.
    pub(crate) const NAMED: [Self; 4] = [Self::Camera, Self::Microphone, Self::ScreenShare, Self::ScreenShareAudio];

    /// The name in a token.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::ScreenShare => "screen_share",
            Self::ScreenShareAudio => "screen_share_audio",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|source| source.as_str().eq_ignore_ascii_case(name))
    }
}

/// The sources that may be published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sources {
    /// All of them.
    #[default]
    Any,
    /// These only. Without any, nothing may be published.
    Only(BTreeSet<TrackSource>),
}

impl Sources {
    /// A list in which none means all, as on the wire.
    pub(crate) fn from_list(sources: impl IntoIterator<Item = TrackSource>) -> Self {
        let sources: BTreeSet<_> = sources.into_iter().collect();
        if sources.is_empty() { Self::Any } else { Self::Only(sources) }
    }

    /// The list in which none means all.
    pub(crate) fn list(&self) -> Vec<TrackSource> {
        match self {
            Self::Any => Vec::new(),
            Self::Only(sources) => sources.iter().copied().collect(),
        }
    }

    fn allows(&self, source: TrackSource) -> bool {
        match self {
            Self::Any => true,
            Self::Only(sources) => sources.contains(&source),
        }
    }
}

/// What a participant may do while it is in a room. An administrator can change it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permissions {
    pub(crate) can_subscribe: bool,
    pub(crate) can_publish: bool,
    pub(crate) can_publish_data: bool,
    pub(crate) sources: Sources,
    pub(crate) can_update_own_metadata: bool,
    /// Nobody learns of the participant.
    pub(crate) is_hidden: bool,
    pub(crate) is_recorder: bool,
    pub(crate) is_agent: bool,
    pub(crate) can_subscribe_metrics: bool,
    pub(crate) can_manage_agent_session: bool,
}

impl Permissions {
    /// Whether a track of `source` may be published.
    pub(crate) fn allow_publishing(&self, source: TrackSource) -> bool {
        self.can_publish && self.sources.allows(source)
    }
}

/// The `video` claim of a room token, in LiveKit's names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct VideoGrants {
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_create: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_list: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_record: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_admin: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) room_join: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) room: String,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) ingress_admin: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_publish: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_publish_sources: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_subscribe: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_publish_data: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_update_own_metadata: Option<bool>,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) hidden: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) recorder: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) agent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_subscribe_metrics: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can_manage_agent_session: Option<bool>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) destination_room: String,
}

impl VideoGrants {
    /// What a participant who joins with these grants may do.
    pub(crate) fn permissions(&self) -> Permissions {
        let can_publish = self.can_publish.unwrap_or(true);
        let sources = match self.can_publish_sources.as_deref() {
            None | Some([]) => Sources::Any,
            // A name we do not know grants nothing; it must not turn a list into an empty one, which means all.
            Some(names) => Sources::Only(names.iter().filter_map(|name| TrackSource::parse(name)).collect()),
        };
        Permissions {
            can_subscribe: self.can_subscribe.unwrap_or(true),
            can_publish,
            can_publish_data: self.can_publish_data.unwrap_or(can_publish),
            sources,
            can_update_own_metadata: self.can_update_own_metadata.unwrap_or(false),
            is_hidden: self.hidden,
            is_recorder: self.recorder,
            is_agent: self.agent,
            can_subscribe_metrics: self.can_subscribe_metrics.unwrap_or(false),
            can_manage_agent_session: self.can_manage_agent_session.unwrap_or(false),
        }
    }

    /// The same grants with `permissions` in place of those they came with.
    pub(crate) fn with_permissions(&self, permissions: &Permissions) -> Self {
        let (can_publish, can_publish_sources) = match &permissions.sources {
            Sources::Only(sources) if sources.is_empty() => (false, None),
            Sources::Any => (permissions.can_publish, None),
            Sources::Only(sources) => {
                (permissions.can_publish, Some(sources.iter().map(|source| source.as_str().to_owned()).collect()))
            }
        };
        Self {
            can_publish: Some(can_publish),
            can_publish_sources,
            can_subscribe: Some(permissions.can_subscribe),
            can_publish_data: Some(permissions.can_publish_data),
            can_update_own_metadata: Some(permissions.can_update_own_metadata),
            hidden: permissions.is_hidden,
            recorder: permissions.is_recorder,
            agent: permissions.is_agent,
            can_subscribe_metrics: Some(permissions.can_subscribe_metrics),
            can_manage_agent_session: Some(permissions.can_manage_agent_session),
            ..self.clone()
        }
    }
}

/// The `sip` claim of a room token, in LiveKit's names. Saal itself makes no tokens with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SipGrants {
    /// Looks after trunks.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) admin: bool,
    /// Calls telephones, and connects callers elsewhere.
    #[serde(skip_serializing_if = "is_false")]
    pub(crate) call: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_false(value: &bool) -> bool {
    !value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(json: &str) -> VideoGrants {
        serde_json::from_str(json).expect("grants")
    }

    #[test]
    fn what_is_not_said_is_allowed_to_publish_and_subscribe_only() {
        let permissions = grants("{}").permissions();
        assert!(permissions.can_publish && permissions.can_subscribe && permissions.can_publish_data);
        assert!(!permissions.can_update_own_metadata && !permissions.is_hidden);
        assert!(permissions.allow_publishing(TrackSource::Unknown));
    }

    #[test]
    fn data_follows_publishing_unless_said_otherwise() {
        assert!(!grants(r#"{"canPublish":false}"#).permissions().can_publish_data);
        assert!(grants(r#"{"canPublish":false,"canPublishData":true}"#).permissions().can_publish_data);
    }

    #[test]
    fn a_list_of_sources_allows_those_only() {
        let permissions = grants(r#"{"canPublishSources":["microphone","screen_share"]}"#).permissions();
        assert!(permissions.allow_publishing(TrackSource::Microphone));
        assert!(!permissions.allow_publishing(TrackSource::Camera));
        assert!(!permissions.allow_publishing(TrackSource::Unknown));
        assert!(grants(r#"{"canPublishSources":[]}"#).permissions().allow_publishing(TrackSource::Camera));
    }

    #[test]
    fn an_unknown_source_grants_nothing() {
        let permissions = grants(r#"{"canPublishSources":["hologram"]}"#).permissions();
        assert!(TrackSource::NAMED.into_iter().all(|source| !permissions.allow_publishing(source)));
        let written = grants("{}").with_permissions(&permissions);
        assert!(!written.permissions().allow_publishing(TrackSource::Camera));
    }

    #[test]
    fn permissions_survive_a_round_trip() {
        let given =
            grants(r#"{"room":"r","roomJoin":true,"roomAdmin":true,"canPublishSources":["camera"],"hidden":true}"#);
        let written = given.with_permissions(&given.permissions());
        assert_eq!(written.permissions(), given.permissions());
        assert!(written.room_admin && written.room_join && written.room == "r");
    }
}
