// SPDX-License-Identifier: EUPL-1.2
//! What is decided before a call: by the number that was called, and by whoever runs the bridge.

use std::time::Duration;

use bus::phone::CallPurpose;

use crate::prompts::Language;

/// How a caller is led.
#[derive(Clone, Debug)]
pub struct CallerSettings {
    /// The languages of the number that was called, the usual one first. With more than one, the caller is asked. None
    /// means German.
    pub languages: Vec<Language>,
    /// How the caller says where they want to go.
    pub entry: Entry,
    /// With so many digits a conference number is whole and needs no `#`. Shorter ones end by it, or by a pause.
    pub id_digits: Option<usize>,
    /// Wrong numbers and PINs, counted together, until the call ends.
    pub max_tries: u8,
    /// For how long a caller may go without a right code, from the first word.
    pub time_to_enter: Duration,
    /// For how long somebody may wait: before the beginning, in the lobby, for a place, or for the host.
    pub longest_wait: Duration,
}

impl Default for CallerSettings {
    fn default() -> Self {
        Self {
            languages: vec![Language::German, Language::English],
            entry: Entry::ByNumber,
            id_digits: Some(10),
            max_tries: 3,
            time_to_enter: Duration::from_secs(5 * 60),
            longest_wait: Duration::from_secs(2 * 60 * 60),
        }
    }
}

/// How a caller gets to a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// By keying in its conference number.
    ByNumber,
    /// The number that was called belongs to one room.
    Direct,
    /// By being called. There is one room at most, and the first of the languages is spoken.
    Called(CallPurpose),
}
