// SPDX-License-Identifier: EUPL-1.2
//! What is said in mails and calendars, in each language. Here is what both have in common: which facts, in which order.

mod de;
mod en;
mod rule;
mod time;

use chrono_tz::Tz;

use super::invitation::{Change, Invitation};
use crate::api::language::Language;
use crate::meetings::model::ResponseStatus;

/// The sentences of a language. `{}` is filled in.
pub(super) struct Words {
    pub(super) subject_new: &'static str,
    pub(super) subject_changed: &'static str,
    pub(super) subject_cancelled: &'static str,
    pub(super) lead_new: &'static str,
    pub(super) lead_changed: &'static str,
    pub(super) lead_cancelled: &'static str,
    pub(super) lead_removed: &'static str,
    pub(super) when: &'static str,
    at_any_time: &'static str,
    pub(super) repeats: &'static str,
    pub(super) organizer: &'static str,
    pub(super) by_phone: &'static str,
    pub(super) conference_id: &'static str,
    pub(super) pin: &'static str,
    pub(super) join: &'static str,
    pub(super) agenda: &'static str,
    pub(super) description: &'static str,
    pub(super) answer: &'static str,
    pub(super) accept: &'static str,
    pub(super) tentative: &'static str,
    pub(super) decline: &'static str,
    pub(super) personal: &'static str,
    pub(super) sent_for: &'static str,
    pub(super) privacy: &'static str,
    /// Before a time that does not hold any more.
    pub(super) until_now: &'static str,
    pub(super) changed_time: &'static str,
    pub(super) changed_recurrence: &'static str,
    pub(super) changed_title: &'static str,
    pub(super) changed_description: &'static str,
    pub(super) changed_access: &'static str,
    pub(super) changed_organizer: &'static str,
    pub(super) occurrence_moved: &'static str,
    pub(super) occurrence_cancelled: &'static str,
    pub(super) occurrence_changed: &'static str,
    /// From Monday.
    weekdays: [&'static str; 7],
    /// From January.
    months: [&'static str; 12],
    /// A day: weekday, day, month, year.
    date: &'static str,
    /// Behind a time of day, with the space before it.
    o_clock: &'static str,
    /// Times that people have a word for, by their abbreviation. It says all; others stand behind the name of the zone.
    known_times: &'static [(&'static str, &'static str)],
    /// For each frequency (day, week, month, year): every one, and every so many.
    every: [(&'static str, &'static str); 4],
    /// On a weekday of a week; on a numbered one or the last one of a month; on a day of the month.
    on: &'static str,
    on_numbered: &'static str,
    on_last: &'static str,
    on_day: &'static str,
    and: &'static str,
    times: &'static str,
    until: &'static str,
    pub(super) own_rule: &'static str,
    // The page on which people answer.
    pub(super) page_question: &'static str,
    pub(super) page_confirm: &'static str,
    /// What somebody has answered, in the order of the buttons.
    pub(super) page_said: [&'static str; 3],
    pub(super) page_thanks: &'static str,
    pub(super) page_change: &'static str,
    pub(super) page_gone: &'static str,
    pub(super) page_cancelled: &'static str,
    pub(super) page_busy: &'static str,
    pub(super) page_unavailable: &'static str,
    pub(super) feed_name: &'static str,
    pub(super) counter_subject: &'static str,
    pub(super) counter_lead: &'static str,
    pub(super) one_time_subject: &'static str,
    pub(super) one_time_lead: &'static str,
}

/// Those of a language.
pub(super) const fn of(language: Language) -> &'static Words {
    match language {
        Language::De => &de::WORDS,
        Language::En => &en::WORDS,
    }
}

impl Words {
    /// A sentence with its value.
    pub(super) fn fill(template: &str, value: &str) -> String {
        template.replace("{}", value)
    }

    /// What is on a button for that answer, or in a sentence about it.
    pub(super) const fn response(&self, response: ResponseStatus) -> &'static str {
        match response {
            ResponseStatus::Accepted | ResponseStatus::NeedsAction => self.accept,
            ResponseStatus::Tentative => self.tentative,
            ResponseStatus::Declined => self.decline,
        }
    }

    /// The time that somebody was told last, when the meeting takes place at another.
    pub(super) fn was(&self, invitation: &Invitation) -> Option<String> {
        let told = invitation.told.as_ref()?;
        let schedule = invitation.schedule.as_ref();
        let is_same = schedule.is_some_and(|new| {
            (new.time_zone, new.starts_at, new.ends_at) == (told.time_zone, told.starts_at, told.ends_at)
        });
        (!is_same).then(|| self.span(told.time_zone, told.starts_at, told.ends_at))
    }

    /// What has changed, as a sentence.
    pub(super) fn change(&self, invitation: &Invitation, change: &Change) -> String {
        let zone = invitation.schedule.as_ref().map_or(Tz::UTC, |schedule| schedule.time_zone);
        match change {
            Change::Time => Self::fill(self.changed_time, &self.when(invitation)),
            Change::Recurrence => self.changed_recurrence.to_owned(),
            Change::Title => Self::fill(self.changed_title, &invitation.title),
            Change::Description => self.changed_description.to_owned(),
            Change::Access => self.changed_access.to_owned(),
            Change::Organizer => Self::fill(self.changed_organizer, invitation.organizer.shown()),
            Change::OccurrenceMoved { from, to, ends_at } => {
                let text = self.occurrence_moved.replace("{from}", &self.moment(zone, *from));
                text.replace("{to}", &self.span(zone, *to, *ends_at))
            }
            Change::OccurrenceCancelled { at } => Self::fill(self.occurrence_cancelled, &self.moment(zone, *at)),
            Change::OccurrenceChanged { at } => Self::fill(self.occurrence_changed, &self.moment(zone, *at)),
        }
    }

    /// When it takes place, or for the first time.
    pub(super) fn when(&self, invitation: &Invitation) -> String {
        match &invitation.schedule {
            Some(schedule) => self.span(schedule.time_zone, schedule.starts_at, schedule.ends_at),
            None => self.at_any_time.to_owned(),
        }
    }
}

/// The words on what leads into the meeting.
pub(super) const fn join_label(language: Language) -> &'static str {
    of(language).join
}

/// What stands in the calendar's entry: all that somebody needs who has no mail at hand.
pub(super) fn calendar_text(invitation: &Invitation) -> String {
    let words = of(invitation.language);
    let mut parts = vec![format!("{}: {}", words.join, invitation.join_url)];
    if let Some(dial_in) = &invitation.dial_in {
        let numbers = dial_in.numbers.iter().map(|number| format!("{} ({})", number.e164, number.label));
        let mut lines = vec![format!("{}: {}", words.by_phone, numbers.collect::<Vec<_>>().join(", "))];
        lines.push(format!("{}: {}", words.conference_id, dial_in.conference_id));
        lines.extend(dial_in.pin.as_ref().map(|pin| format!("{}: {pin}", words.pin)));
        parts.push(lines.join("\n"));
    }
    parts.extend([&invitation.message, &invitation.description].into_iter().filter(|text| !text.is_empty()).cloned());
    if !invitation.agenda.is_empty() {
        parts.push(format!("{}:\n{}", words.agenda, invitation.agenda));
    }
    parts.join("\n\n")
}

#[cfg(test)]
mod tests;
