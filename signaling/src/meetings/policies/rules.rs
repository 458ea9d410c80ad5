// SPDX-License-Identifier: EUPL-1.2
//! What a meeting allows. Rules come in layers, each of which says only what differs from the one below: what is built in,
//! the tenant's default policy, the meeting's policy, the meeting itself, the single occurrence.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::super::tenant::Limits;
use super::super::words::words;
use crate::api::problem::Invalid;

words! {
    /// Who waits in the lobby until a host lets them in.
    Lobby {
        /// Nobody.
        Off = "off",
        /// Who has no account.
        Guests = "guests",
        /// Who has no account, and who calls.
        GuestsAndPhone = "guests_and_phone",
        /// Everybody but hosts.
        Everyone = "everyone",
    }

    /// Whether people may switch their microphone on.
    AllowUnmute {
        /// They may.
        Always = "always",
        /// When a host lets them.
        OnPermission = "on_permission",
    }

    /// What may be written.
    AllowChat {
        /// Nothing.
        Off = "off",
        /// To everybody.
        Public = "public",
        /// To everybody and to single people.
        PublicPrivate = "public_private",
    }

    /// Whether media are encrypted from person to person, so that the server cannot read them. Excludes the telephone.
    EndToEndEncryption {
        /// They are not.
        Off = "off",
        /// When the host says so.
        Optional = "optional",
        /// Always.
        Required = "required",
    }

    /// Whether people without an account may come.
    Guests {
        /// They may not.
        Forbidden = "forbidden",
        /// With a personal link.
        InvitedOnly = "invited_only",
        /// With the meeting's link.
        Link = "link",
    }

    /// How somebody who calls is shown to others.
    CallerDisplay {
        /// By the name that is known, and the whole number, unless it is withheld.
        Number = "number",
        /// By the name that is known, and the last digits of the number.
        Name = "name",
        /// By the last digits of the number, also who is known by name.
        Masked = "masked",
        /// As somebody at the telephone.
        Hidden = "hidden",
    }

    /// Whose coming and going is heard.
    AnnounceJoinLeave {
        /// Nobody's.
        Off = "off",
        /// Of those at the telephone.
        Phone = "phone",
        /// Everybody's.
        All = "all",
    }
}

/// How a layer changes what the one below says.
trait Overlay<Change> {
    fn overlay(&mut self, change: &Change);
}

impl<T: Clone> Overlay<T> for T {
    fn overlay(&mut self, change: &T) {
        self.clone_from(change);
    }
}

/// Zero lifts the limit of the layer below.
impl Overlay<u32> for Option<u32> {
    fn overlay(&mut self, change: &u32) {
        *self = Some(*change).filter(|limit| *limit > 0);
    }
}

/// Nothing lifts the demand of the layer below.
impl Overlay<String> for Option<String> {
    fn overlay(&mut self, change: &String) {
        *self = Some(change.clone()).filter(|text| !text.is_empty());
    }
}

/// Makes the rules, and the same with everything optional.
macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $([$($limit:tt)+])? $name:ident: $type:ty = $default:expr, $change:ty;)+) => {
        /// All rules that hold for a meeting.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
        pub(crate) struct Rules {
            $($(#[doc = $doc])+ pub(crate) $name: $type,)+
        }

        impl Default for Rules {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Rules that differ from the layer below, for policies and overrides. What is left out stays as it is there.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct RuleChanges {
            $(
                $(#[doc = $doc])+
                #[serde(default, skip_serializing_if = "Option::is_none")]
                $(#[schema($($limit)+)])?
                pub(crate) $name: Option<$change>,
            )+
        }

        impl Rules {
            /// Puts another layer on top.
            pub(crate) fn apply(&mut self, changes: &RuleChanges) {
                $(if let Some(change) = &changes.$name {
                    self.$name.overlay(change);
                })+
            }
        }
    };
}

rules! {
    /// Who waits in the lobby: by default whoever has no account, and whoever calls. Hosts who call with their PIN do not.
    lobby: Lobby = Lobby::GuestsAndPhone, Lobby;
    /// Whether a caller with a personal PIN need not wait. Default: no.
    phone_lobby_bypass: bool = false, bool;
    /// Whether people may be in the meeting before a host is. Default: no.
    join_before_host: bool = false, bool;
    /// How many minutes before the start, if so. Default: 15.
    [minimum = 0, maximum = 1440]
    join_before_host_minutes: u32 = 15, u32;
    /// Whether microphones are off when somebody comes. Default: yes.
    mute_upon_entry: bool = true, bool;
    /// Whether people may switch them on themselves. Default: always.
    allow_unmute: AllowUnmute = AllowUnmute::Always, AllowUnmute;
    /// Whether cameras may be on. Default: yes.
    allow_camera: bool = true, bool;
    /// Whether people may show their screen. Default: yes.
    allow_screen_share: bool = true, bool;
    /// What may be written. Default: to everybody and to single people.
    allow_chat: AllowChat = AllowChat::PublicPrivate, AllowChat;
    /// Whether people may send reactions. Default: yes. Without effect so far.
    allow_reactions: bool = true, bool;
    /// Whether the meeting may be recorded. Default: no. Without effect so far: nothing is recorded.
    allow_recording: bool = false, bool;
    /// Whether what is said may be written down by software. Default: no. Without effect so far: none does.
    allow_transcription: bool = false, bool;
    /// Whether media are encrypted from person to person. Default: off. The others are refused so far.
    e2ee: EndToEndEncryption = EndToEndEncryption::Off, EndToEndEncryption;
    /// Whether people without an account may come. Default: with a personal link.
    guests: Guests = Guests::InvitedOnly, Guests;
    /// How strongly people must have proven who they are, in the identity provider's words (acr); each of several, with
    /// blanks between them, suffices. Empty asks for nothing.
    [max_length = 200]
    required_acr: Option<String> = None, String;
    /// Most people at once; 0 is no limit of its own.
    [minimum = 0, maximum = 100_000]
    max_participants: Option<u32> = None, u32;
    /// Longest that it takes; 0 is no limit of its own.
    [minimum = 0, maximum = 10_080]
    max_duration_minutes: Option<u32> = None, u32;
    /// Whether there is no video at all. Default: no.
    audio_only: bool = false, bool;
    /// Most video of one person, in kbit/s; 0 is no limit of its own. Without effect so far.
    [minimum = 0, maximum = 100_000]
    video_cap_kbps: Option<u32> = None, u32;
    /// How callers are shown. Default: by the name that is known, or else by the last digits of their number, or by none where
    /// they withhold it.
    caller_display: CallerDisplay = CallerDisplay::Name, CallerDisplay;
    /// Whose coming and going callers hear. Default: of those at the telephone.
    announce_join_leave: AnnounceJoinLeave = AnnounceJoinLeave::Phone, AnnounceJoinLeave;
    /// Up to how many people in the meeting callers hear that. Default: 12.
    [minimum = 2, maximum = 1_000]
    announce_up_to: u32 = 12, u32;
    /// Whether what was written stays after the meeting. Default: no.
    keep_chat: bool = false, bool;
}

impl RuleChanges {
    /// Names what would be believed and does not hold: people who are promised that nobody can listen must not be heard.
    pub(crate) fn check(&self, pointer: &str, invalid: &mut Invalid) {
        if self.e2ee.is_some_and(|e2ee| e2ee != EndToEndEncryption::Off) {
            invalid.add(format!("{pointer}/e2ee"), "not-there-yet");
        }
    }
}

impl Rules {
    /// What is left of them within the tenant's limits, which no policy lifts.
    pub(crate) fn cap(&mut self, limits: &Limits) {
        let cap = |own: &mut Option<u32>, limit: Option<u32>| {
            *own = [*own, limit].into_iter().flatten().min();
        };
        cap(&mut self.max_participants, limits.max_concurrent_participants);
        cap(&mut self.max_duration_minutes, limits.max_meeting_minutes);
        cap(&mut self.video_cap_kbps, limits.max_bitrate_kbps);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changes(json: serde_json::Value) -> RuleChanges {
        serde_json::from_value(json).expect("rules")
    }

    #[test]
    fn each_layer_changes_only_what_it_names() {
        let mut rules = Rules::default();
        rules.apply(&changes(json!({ "lobby": "everyone", "max_participants": 20, "required_acr": "high" })));
        rules.apply(&changes(json!({ "allow_chat": "off" })));
        assert_eq!(
            (rules.lobby, rules.allow_chat, rules.guests),
            (Lobby::Everyone, AllowChat::Off, Guests::InvitedOnly)
        );
        assert_eq!((rules.max_participants, rules.required_acr.as_deref()), (Some(20), Some("high")));
        rules.apply(&changes(json!({ "max_participants": 0, "required_acr": "" })));
        assert_eq!((rules.max_participants, rules.required_acr), (None, None));
    }

    #[test]
    fn no_policy_lifts_the_limits_of_the_tenant() {
        let limits =
            Limits { max_concurrent_participants: Some(50), max_meeting_minutes: Some(60), ..Limits::default() };
        let mut rules = Rules::default();
        rules.apply(&changes(json!({ "max_participants": 200, "max_duration_minutes": 30 })));
        rules.cap(&limits);
        assert_eq!(
            (rules.max_participants, rules.max_duration_minutes, rules.video_cap_kbps),
            (Some(50), Some(30), None)
        );
    }

    #[test]
    fn without_a_word_nothing_is_kept_and_strangers_wait() {
        let rules = Rules::default();
        assert!(!rules.allow_recording && !rules.allow_transcription && !rules.keep_chat && !rules.join_before_host);
        assert_eq!((rules.lobby, rules.guests), (Lobby::GuestsAndPhone, Guests::InvitedOnly));
    }
}
