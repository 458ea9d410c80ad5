// SPDX-License-Identifier: EUPL-1.2
//! What a tenant decides for itself, with what holds where it has not.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a tenant decides for itself. Stored as JSON, in which anything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    /// The zone of meetings that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<String>,
    pub(crate) branding: Branding,
    pub(crate) legal: Legal,
    pub(crate) dial_in: DialIn,
    pub(crate) dial_out: DialOut,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    /// Whether lists of who was there outlast the meetings.
    pub(crate) keep_attendance: bool,
}

/// How meetings are reached by telephone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DialIn {
    /// The numbers to call, few enough to stand in each invitation. The first one is in links for telephones. Without any, the
    /// installation's are shown that lead to the tenant's meetings.
    #[schema(max_items = 20)]
    pub(crate) numbers: Vec<DialInNumber>,
}

/// A number that one can call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DialInNumber {
    /// The number, as in E.164.
    #[schema(pattern = "^\\+[1-9][0-9]{1,14}$", example = "+4930123456")]
    pub(crate) e164: String,
    /// What it is called, such as the city.
    #[serde(default)]
    #[schema(max_length = 100, example = "Berlin")]
    pub(crate) label: String,
    /// The country (ISO 3166-1 alpha-2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z]{2}$", example = "DE")]
    pub(crate) country: Option<String>,
    /// The language that is spoken there (RFC 5646).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length = 35, example = "de")]
    pub(crate) language: Option<String>,
}

/// Whether moderators of the tenant's meetings may call telephones, and which. Only the installation's administration sets it:
/// its trunks pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DialOut {
    /// Whether they may.
    #[schema(default = false)]
    pub(crate) is_enabled: bool,
    /// The countries that may be called, by their calling codes. Emergency and premium numbers are never called.
    #[schema(max_items = 250, example = json!(["+49"]))]
    pub(crate) countries: Vec<CallingCode>,
    /// Minutes that all of them may take on a day.
    #[schema(minimum = 0, maximum = 1_000_000, default = 600)]
    pub(crate) minutes_per_day: u32,
    /// The longest call.
    #[schema(minimum = 1, maximum = 1_440, default = 120)]
    pub(crate) longest_call_minutes: u32,
}

impl Default for DialOut {
    fn default() -> Self {
        let countries = vec![CallingCode("+49".to_owned())];
        Self { is_enabled: false, countries, minutes_per_day: 600, longest_call_minutes: 120 }
    }
}

/// The calling code of a country (ITU-T E.164), or in North America, where many share one, with the area's: `+1` alone is the
/// United States and Canada, `+1876` Jamaica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(pattern = r"^\+(1([2-9][0-9]{2})?|7|[2-9][0-9]{1,2})$", example = "+49")]
pub(crate) struct CallingCode(pub(crate) String);

/// How pages of the tenant look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Branding {
    /// Whose meetings they are, in the words of those who join them; the tenant's name without it.
    #[schema(min_length = 1, max_length = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) display_name: Option<String>,
    /// The logo: a path on our own server, since pages load nothing from elsewhere. Without effect so far.
    #[schema(max_length = 400, pattern = r"^/[^/\\].*$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logo_path: Option<String>,
    /// The colour of buttons and links. Without effect so far.
    #[schema(pattern = "^#[0-9a-fA-F]{6}$", example = "#004b76")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accent_colour: Option<String>,
}

/// What the law wants people to find.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Legal {
    /// How personal data is dealt with.
    #[schema(max_length = 2000, pattern = "^https?://[^ ]+$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) privacy_url: Option<String>,
    /// Who is responsible.
    #[schema(max_length = 2000, pattern = "^https?://[^ ]+$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) imprint_url: Option<String>,
    /// How accessible the service is.
    #[schema(max_length = 2000, pattern = "^https?://[^ ]+$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) accessibility_url: Option<String>,
}

/// How much a tenant may use; no limit where nothing is said. Only the installation's administration sets them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Limits {
    /// People in meetings at the same time.
    #[schema(minimum = 1, maximum = 1_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_concurrent_participants: Option<u32>,
    /// Telephones in meetings at the same time, whoever called whom. Hosts come in also beyond it.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_concurrent_phone_calls: Option<u32>,
    /// Media that goes out for the tenant, in kilobits a second. Without effect so far.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_bitrate_kbps: Option<u32>,
    /// The longest meeting.
    #[schema(minimum = 1, maximum = 10_080)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_meeting_minutes: Option<u32>,
    /// Room for recordings. Without effect so far: nothing is recorded.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) recording_storage_bytes: Option<u64>,
}

/// For how many days things are kept; where nothing is said, as long as the installation keeps them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Retention {
    /// Meetings, after they have ended.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended_meetings_days: Option<u32>,
    /// What is known of their runs, after these have ended.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) meeting_sessions_days: Option<u32>,
    /// Lists of who was there, after a run has ended, where they are kept at all.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) attendance_days: Option<u32>,
    /// Chat that a policy keeps.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) chat_days: Option<u32>,
    /// Mails that could not be sent. Those that were are gone at once.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mails_days: Option<u32>,
    /// What webhooks were told.
    #[schema(minimum = 1, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) webhook_deliveries_days: Option<u32>,
    /// The audit log.
    #[schema(minimum = 30, maximum = 3_650)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) audit_events_days: Option<u32>,
}
