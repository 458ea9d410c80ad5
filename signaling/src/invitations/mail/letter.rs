// SPDX-License-Identifier: EUPL-1.2
//! What stands in a mail, before it is text or HTML: so that both say the same.

use crate::api::language::Language;
use crate::invitations::invitation::{Change, Invitation, News};
use crate::invitations::words::{self, Words};
use crate::meetings::model::ResponseStatus;

/// A mail's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::invitations) struct Letter {
    pub(super) language: Language,
    pub(in crate::invitations) subject: String,
    /// What the meeting is called.
    pub(super) title: String,
    /// What is new, first of all.
    pub(super) lead: String,
    /// What has changed.
    pub(super) changes: Vec<Changed>,
    /// A personal line.
    pub(super) message: String,
    /// What it is, and what it says.
    pub(super) facts: Vec<(String, Fact)>,
    /// What to do about it.
    pub(super) join: Option<Link>,
    /// A question with its answers.
    pub(super) answers: Option<(String, Vec<Link>)>,
    /// Longer texts with headings.
    pub(super) sections: Vec<(String, String)>,
    /// What comes last, in small print.
    pub(super) notes: Vec<String>,
    /// Where it is said how personal data is dealt with.
    pub(super) privacy: Option<Link>,
}

/// Something that is different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Changed {
    /// What does not hold any more, with a word that says so before it.
    pub(super) was: Option<(String, String)>,
    /// What holds now.
    pub(super) is: String,
}

/// Something that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Text(String),
    Link(Link),
}

/// A link and what stands on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) text: String,
    pub(super) url: String,
}

impl Letter {
    /// What an invitation says by mail.
    pub(in crate::invitations) fn of(invitation: &Invitation) -> Self {
        let words = words::of(invitation.language);
        let title = one_line(&invitation.title);
        let organizer = one_line(invitation.organizer.shown());
        let (subject, lead, changes) = match &invitation.news {
            News::Invited => (words.subject_new, Words::fill(words.lead_new, &organizer), Vec::new()),
            News::Changed(changes) => {
                let changes = changes.iter().map(|change| changed(words, invitation, change)).collect();
                (words.subject_changed, words.lead_changed.to_owned(), changes)
            }
            News::Cancelled => (words.subject_cancelled, Words::fill(words.lead_cancelled, &organizer), Vec::new()),
            News::Removed => (words.subject_cancelled, words.lead_removed.to_owned(), Vec::new()),
        };
        let is_over = matches!(invitation.news, News::Cancelled | News::Removed);
        let mut letter = Self {
            language: invitation.language,
            subject: Words::fill(subject, &title),
            title,
            lead,
            changes,
            message: if is_over { String::new() } else { invitation.message.clone() },
            facts: facts(words, invitation, is_over),
            join: None,
            answers: None,
            sections: Vec::new(),
            notes: vec![Words::fill(words.sent_for, &organizer)],
            privacy: invitation.privacy_url.clone().map(|url| Link { text: words.privacy.to_owned(), url }),
        };
        if !is_over {
            letter.add_ways_in(words, invitation);
        }
        letter
    }

    /// What somebody needs who is to come.
    fn add_ways_in(&mut self, words: &Words, invitation: &Invitation) {
        self.join = Some(Link { text: words.join.to_owned(), url: invitation.join_url.clone() });
        self.answers = invitation.answer_url.as_ref().map(|url| {
            let link = |(response, name)| Link {
                text: words.response(response).to_owned(),
                url: format!("{url}?answer={name}"),
            };
            let answers = [
                (ResponseStatus::Accepted, "accepted"),
                (ResponseStatus::Tentative, "tentative"),
                (ResponseStatus::Declined, "declined"),
            ];
            (words.answer.to_owned(), answers.into_iter().map(link).collect())
        });
        let sections = [(words.description, &invitation.description), (words.agenda, &invitation.agenda)];
        let sections = sections.into_iter().filter(|(_, text)| !text.trim().is_empty());
        self.sections = sections.map(|(heading, text)| (heading.to_owned(), text.replace("\r\n", "\n"))).collect();
        self.notes.insert(0, words.personal.to_owned());
    }
}

fn changed(words: &Words, invitation: &Invitation, change: &Change) -> Changed {
    let was = if *change == Change::Time { words.was(invitation) } else { None };
    let was = was.map(|time| (words.until_now.to_owned(), time));
    Changed { was, is: words.change(invitation, change) }
}

fn facts(words: &Words, invitation: &Invitation, is_over: bool) -> Vec<(String, Fact)> {
    let mut facts = vec![(words.when.to_owned(), Fact::Text(words.when(invitation)))];
    if let Some(schedule) = &invitation.schedule
        && let Some(recurrence) = &schedule.recurrence
    {
        let rule = words.rule(&recurrence.rule, schedule.time_zone, schedule.starts_at);
        facts.push((words.repeats.to_owned(), Fact::Text(rule)));
    }
    facts.push((words.organizer.to_owned(), Fact::Text(one_line(&shown_with_address(invitation)))));
    let dial_in = invitation.dial_in.as_ref().filter(|_| !is_over);
    if let Some(dial_in) = dial_in {
        for number in &dial_in.numbers {
            let text = format!("{} ({})", number.e164, one_line(&number.label));
            facts.push((words.by_phone.to_owned(), Fact::Link(Link { text, url: dial_in.one_tap(number) })));
        }
        facts.push((words.conference_id.to_owned(), Fact::Text(grouped(&dial_in.conference_id))));
        facts.extend(dial_in.pin.as_ref().map(|pin| (words.pin.to_owned(), Fact::Text(grouped(pin)))));
    }
    facts
}

fn shown_with_address(invitation: &Invitation) -> String {
    let organizer = &invitation.organizer;
    if organizer.name.is_empty() {
        organizer.email.clone()
    } else {
        format!("{} ({})", organizer.name, organizer.email)
    }
}

/// Digits in groups of three, or of four where that leaves none alone: easier to type.
fn grouped(digits: &str) -> String {
    let size = if digits.len().is_multiple_of(3) { 3 } else { 4 };
    let groups = digits.as_bytes().chunks(size).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join(" ")
}

/// A title in one line: nothing that somebody typed becomes another header or fact.
pub(super) fn one_line(text: &str) -> String {
    text.split(|character: char| character.is_control() || character.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
