// SPDX-License-Identifier: EUPL-1.2
//! What a meeting allows in its room, whatever the tokens of those who are in it say. A room without a meeting allows all.
//! Moderators are bound by the time and the places only.

use std::time::Duration;

use bus::MediaKind;

use super::caller_rule::CallerRule;
use crate::auth::grants::TrackSource;

/// How long somebody who was let into a meeting has for coming. Who is in gets younger tokens.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);

/// With more people there nobody wants to hear who comes and goes; what a meeting's policy says by default.
const ANNOUNCED_UP_TO: u32 = 12;

/// What a room allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RoomPolicy {
    /// Whoever comes is heard only after having opened the microphone again.
    pub(crate) mute_upon_entry: bool,
    /// Who may open a microphone.
    pub(crate) unmute: UnmuteRule,
    pub(crate) allow_camera: bool,
    pub(crate) allow_screen_share: bool,
    pub(crate) chat: ChatRule,
    /// Messages are kept for those who come later.
    pub(crate) has_chat_history: bool,
    /// Messages outlive the room: each is reported to whoever opened it.
    pub(crate) keeps_chat: bool,
    /// Nobody comes in who is not in.
    pub(crate) is_locked: bool,
    /// Nobody has a picture, whoever moderates or presents neither.
    pub(crate) is_audio_only: bool,
    /// How those are shown who call.
    pub(crate) caller: CallerRule,
    /// Whose coming and going those hear who call.
    pub(crate) announce: AnnounceRule,
    /// When it ends, since 1970.
    pub(crate) ends_at: Option<Duration>,
}

/// Who may open a microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnmuteRule {
    /// Everybody, unless a moderator forbids it to one.
    Always,
    /// Those to whom a moderator permits it.
    OnPermission,
}

/// What may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChatRule {
    Off,
    /// To everybody at once.
    Public,
    /// To single people, too.
    PublicPrivate,
}

/// Whose coming and going those hear who call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AnnounceRule {
    pub(crate) of: Announced,
    /// With how many people there at most.
    pub(crate) up_to: u32,
}

/// Who is heard to come and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    Nobody,
    Callers,
    Everybody,
}

impl Default for RoomPolicy {
    fn default() -> Self {
        Self {
            mute_upon_entry: false,
            unmute: UnmuteRule::Always,
            allow_camera: true,
            allow_screen_share: true,
            chat: ChatRule::PublicPrivate,
            has_chat_history: false,
            keeps_chat: false,
            is_locked: false,
            is_audio_only: false,
            caller: CallerRule::Unsaid,
            announce: AnnounceRule { of: Announced::Callers, up_to: ANNOUNCED_UP_TO },
            ends_at: None,
        }
    }
}

impl RoomPolicy {
    /// Whether it says the same of pictures as `other`.
    pub(crate) fn allows_pictures_like(&self, other: &Self) -> bool {
        let pictures = |policy: &Self| (policy.allow_camera, policy.allow_screen_share, policy.is_audio_only);
        pictures(self) == pictures(other)
    }

    /// Whether a track may be published. What a client calls it does not count: a picture is a camera's unless it is a
    /// screen's.
    pub(crate) fn allows(&self, kind: MediaKind, source: TrackSource) -> bool {
        match (kind, source) {
            (MediaKind::Video, TrackSource::ScreenShare) | (MediaKind::Audio, TrackSource::ScreenShareAudio) => {
                self.allow_screen_share
            }
            (MediaKind::Video, _) => self.allow_camera,
            (MediaKind::Audio, _) => true,
        }
    }
}

/// Whether a track of that kind can come from there.
pub(crate) fn fits(kind: MediaKind, source: TrackSource) -> bool {
    match source {
        TrackSource::Unknown => true,
        TrackSource::Camera | TrackSource::ScreenShare => kind == MediaKind::Video,
        TrackSource::Microphone | TrackSource::ScreenShareAudio => kind == MediaKind::Audio,
    }
}
