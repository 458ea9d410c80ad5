// SPDX-License-Identifier: EUPL-1.2
//! What a meeting allows in its room, whatever the tokens of those who are in it say. A room without a meeting allows all.
//! Moderators are bound by the time and the places only.

use std::time::Duration;

use bus::MediaKind;

use crate::auth::grants::TrackSource;
use crate::rooms::details::Details;

/// How long somebody who was let into a meeting has for coming. Who is in gets younger tokens.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(10 * 60);

/// Digits of a number that is masked.
const SHOWN_DIGITS: usize = 3;

/// What stands for those before them.
const HIDDEN_DIGITS: char = '…';

/// With more people there nobody wants to hear who comes and goes; what a meeting's policy says by default.
const ANNOUNCED_UP_TO: u32 = 12;

/// The attribute in which LiveKit's telephone bridge shows the number.
const PHONE_NUMBER: &str = "sip.phoneNumber";

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

/// How somebody at the telephone is shown to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerRule {
    /// No meeting says it: as LiveKit's own bridge has it, and those of ours by name or the number's last digits.
    Unsaid,
    /// By name, or else by the whole number.
    Number,
    /// By name, or else by the number's last digits.
    Name,
    /// By the number's last digits.
    Masked,
    /// As nobody in particular.
    Hidden,
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

impl CallerRule {
    /// Has the details of somebody whom our bridge let in say no more than that, wherever they were let in. Whether they are
    /// called by a name was decided there.
    pub(crate) fn mask(self, details: &mut Details) {
        self.mask_number(details);
        details.name = self.mask_name(&details.name);
    }

    /// What somebody is called who calls, with no more of a number than that.
    pub(crate) fn mask_name(self, name: &str) -> String {
        let words = name
            .split(' ')
            .map(|word| if is_number(word) { self.shown(word).unwrap_or_default() } else { word.to_owned() });
        words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    }

    fn mask_number(self, details: &mut Details) {
        if let Some(number) = details.attributes.remove(PHONE_NUMBER)
            && let Some(shown) = self.shown(&number)
        {
            details.attributes.insert(PHONE_NUMBER.to_owned(), shown);
        }
    }

    /// As much of a number as others may see. What hides some of it already stays as it is.
    fn shown(self, number: &str) -> Option<String> {
        match self {
            Self::Number => Some(number.to_owned()),
            Self::Unsaid | Self::Name | Self::Masked if number.starts_with(HIDDEN_DIGITS) => Some(number.to_owned()),
            Self::Unsaid | Self::Name | Self::Masked => last_digits(number),
            Self::Hidden => None,
        }
    }

    /// Has the details of somebody whom LiveKit's own bridge let in say no more than that.
    pub(crate) fn apply(self, details: &mut Details) {
        if matches!(self, Self::Unsaid | Self::Number) {
            return;
        }
        self.mask_number(details);
        // That bridge calls those by their number whose name it does not know.
        let digits = last_digits(&details.name).filter(|_| self != Self::Hidden);
        if digits.is_some() || self != Self::Name {
            details.name = digits.unwrap_or_default();
        }
    }
}

/// The digits at the end of a number that others may see. None where that would be half of it, or all.
pub(crate) fn last_digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let shown = digits.len().checked_sub(SHOWN_DIGITS).filter(|hidden| *hidden > SHOWN_DIGITS)?;
    Some(format!("{HIDDEN_DIGITS}{}", &digits[shown..]))
}

/// Whether a word of what somebody is called is a number, whole or its last digits.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix('+').or_else(|| word.strip_prefix(HIDDEN_DIGITS));
    digits.is_some_and(|digits| digits.len() >= SHOWN_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
}
