// SPDX-License-Identifier: EUPL-1.2
//! Those who write, over HTTP, and remember what they were told.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::Dice;

/// How many times each meeting happens.
pub(crate) const OCCURRENCES: usize = 5;

/// When each happens first: 1 January 2035, 9:00.
const FIRST_START: DateTime<Utc> = DateTime::from_timestamp(2_051_254_800, 0).expect("a time");

/// How a meeting is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) revision: i64,
    pub(crate) title: String,
    pub(crate) is_cancelled: bool,
    pub(crate) invitees: BTreeSet<String>,
    /// In the order of the rule.
    pub(crate) occurrences: Vec<Occurrence>,
    /// What was done to it since it was made, in the words of the audit log.
    pub(crate) actions: Vec<String>,
}

/// How one time of a meeting is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) title: Option<String>,
    /// By how much it is later than the rule says.
    pub(crate) later_minutes: i64,
    pub(crate) is_cancelled: bool,
}

/// What a writer knows of a meeting.
pub(crate) struct Entry {
    /// By which it is asked for again when no answer came, and what it is called by its `external_id`.
    pub(crate) key: String,
    /// Once it was acknowledged.
    pub(crate) id: Option<String>,
    /// What was acknowledged; before that, what was asked for.
    pub(crate) state: State,
    /// What a change would make of it to which no answer came.
    pub(crate) asked: Option<State>,
}

/// Somebody who writes.
pub(crate) struct Writer {
    number: usize,
    dice: Dice,
    token: String,
    acknowledged: Arc<AtomicUsize>,
    pub(crate) entries: Vec<Entry>,
}

/// An answer, all of it.
struct Answer {
    status: u16,
    head: String,
    body: Value,
}

impl Writer {
    pub(crate) fn new(number: usize, seed: u64, token: String, acknowledged: Arc<AtomicUsize>) -> Self {
        Self { number, dice: Dice(seed), token, acknowledged, entries: Vec::new() }
    }

    /// Asks for one thing after the other.
    pub(crate) fn write_until_it_is_dead(&mut self, server: SocketAddr) {
        loop {
            let is_answered = match self.entries.iter().position(|entry| entry.id.is_none()) {
                Some(unanswered) => self.create(server, unanswered),
                None => self.write_something(server),
            };
            if is_answered {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
            } else if TcpStream::connect(server).is_err() {
                return;
            }
        }
    }

    fn write_something(&mut self, server: SocketAddr) -> bool {
        let is_free = |entry: &&mut Entry| entry.asked.is_none() && !entry.state.is_cancelled;
        let free =
            self.entries.iter().filter(|entry| entry.asked.is_none() && !entry.state.is_cancelled).count() as u64;
        let kind = self.dice.throw(10);
        if free == 0 || kind < 4 {
            let key = format!("w{}-{}", self.number, self.entries.len());
            let invitees = (0..self.dice.throw(4)).map(|guest| format!("{key}-{guest}@example.org")).collect();
            let occurrences = vec![Occurrence::default(); OCCURRENCES];
            let state = State {
                revision: 1,
                title: key.clone(),
                is_cancelled: false,
                invitees,
                occurrences,
                actions: Vec::new(),
            };
            self.entries.push(Entry { key, id: None, state, asked: None });
            return self.create(server, self.entries.len() - 1);
        }
        let chosen = usize::try_from(self.dice.throw(free)).expect("few");
        let which = usize::try_from(self.dice.throw(OCCURRENCES as u64)).expect("few");
        let entry = self.entries.iter_mut().filter(is_free).nth(chosen).expect("a meeting");
        let id = entry.id.as_deref().expect("it was acknowledged");
        // What repeats what is there changes nothing, not even the revision.
        let serial = entry.state.revision;
        let mut wanted = State { revision: entry.state.revision + 1, ..entry.state.clone() };
        let tag = format!("\"{}\"", entry.state.revision);
        let start = FIRST_START + TimeDelta::weeks(which as i64);
        let one = format!("/meetings/{id}/occurrences/{}", start.format("%Y%m%dT%H%M%SZ"));
        let occurrence = &mut wanted.occurrences[which];
        let (path, change, action) = match kind {
            4..7 => {
                // The first one goes, and another comes.
                wanted.invitees.pop_first();
                wanted.invitees.insert(format!("{}-new-{serial}@example.org", entry.key));
                wanted.title = format!("{} {serial}", entry.key);
                let invitees: Vec<_> = wanted.invitees.iter().map(|email| json!({ "email": email })).collect();
                let change = json!({ "title": wanted.title, "invitees": invitees });
                (format!("PATCH /meetings/{id}"), Some(change), "meeting.update")
            }
            7 if which > 0 && !occurrence.is_cancelled => {
                occurrence.is_cancelled = true;
                (format!("DELETE {one}"), None, "meeting.cancel_occurrence")
            }
            7 | 8 => {
                occurrence.title = Some(format!("{} {serial}", entry.key));
                occurrence.later_minutes = serial % 600;
                let starts_at = start + TimeDelta::minutes(occurrence.later_minutes);
                let change = json!({ "title": occurrence.title, "starts_at": starts_at });
                (format!("PATCH {one}"), Some(change), "meeting.update_occurrence")
            }
            _ => {
                wanted.is_cancelled = true;
                wanted.occurrences.iter_mut().for_each(|occurrence| occurrence.is_cancelled = true);
                (format!("DELETE /meetings/{id}"), None, "meeting.cancel")
            }
        };
        wanted.actions.push(action.to_owned());
        match ask(server, &self.token, &path, &[("if-match", &tag)], change.as_ref()) {
            Some(answer) => {
                assert!(matches!(answer.status, 200 | 204), "{path}: {} {}", answer.head, answer.body);
                entry.state = wanted;
                true
            }
            None => {
                entry.asked = Some(wanted);
                false
            }
        }
    }

    /// Asks for a meeting, perhaps not for the first time.
    fn create(&mut self, server: SocketAddr, index: usize) -> bool {
        let entry = &mut self.entries[index];
        let invitees: Vec<_> = entry.state.invitees.iter().map(|email| json!({ "email": email })).collect();
        let body = json!({
            "title": entry.state.title, "external_id": entry.key, "starts_at": FIRST_START, "time_zone": "UTC",
            "duration_minutes": 30, "recurrence_rule": format!("FREQ=WEEKLY;COUNT={OCCURRENCES}"),
            "organizer": { "email": "organizer@example.org" }, "invitees": invitees,
        });
        let answer = ask(server, &self.token, "POST /meetings", &[("idempotency-key", &entry.key)], Some(&body));
        let Some(answer) = answer else { return false };
        assert_eq!(answer.status, 201, "{} {}", answer.head, answer.body);
        entry.id = Some(answer.body["id"].as_str().expect("an id").to_owned());
        true
    }

    /// Asks again for what has no answer. Returns how much that was.
    pub(crate) fn settle(&mut self, server: SocketAddr) -> usize {
        let unanswered: Vec<_> =
            self.entries.iter().enumerate().filter(|(_, entry)| entry.id.is_none()).map(|(index, _)| index).collect();
        for index in &unanswered {
            assert!(self.create(server, *index), "the server lives");
        }
        unanswered.len()
    }

    /// Looks at all meetings over HTTP.
    pub(crate) fn look(&self, server: SocketAddr) {
        for entry in &self.entries {
            let path = format!("GET /meetings/{}?expand=invitees", entry.id.as_deref().expect("it was acknowledged"));
            let answer = ask(server, &self.token, &path, &[], None).expect("the server lives");
            assert_eq!(answer.status, 200, "{} {}", entry.key, answer.head);
            let tag = format!("etag: \"{}-", entry.state.revision);
            assert!(answer.head.to_lowercase().contains(&tag), "{}: {tag} {}", entry.key, answer.head);
            assert_eq!(answer.body["title"], entry.state.title);
            assert_eq!(answer.body["status"] == "cancelled", entry.state.is_cancelled, "{}", answer.body["status"]);
            let invitees = answer.body["invitees"].as_array().expect("invitees").iter();
            let invitees: BTreeSet<_> = invitees
                .filter(|invitee| invitee["revoked_at"].is_null())
                .map(|invitee| invitee["email"].as_str().expect("an address").to_owned())
                .collect();
            assert_eq!(invitees, entry.state.invitees, "{}", entry.key);
        }
    }
}

/// Sends a request. None when no answer came, or only some of it, or the database was away: then nobody knows whether it
/// was done.
fn ask(server: SocketAddr, token: &str, head: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Option<Answer> {
    let (method, path) = head.split_once(' ').expect("a method and a path");
    let body = body.map(Value::to_string).unwrap_or_default();
    let mut request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n",
        body.len()
    );
    headers.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
    request += &format!("\r\n{body}");
    let mut stream = TcpStream::connect(server).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if status == 503 {
        assert!(head.to_lowercase().contains("retry-after: "), "{head}");
        return None;
    }
    let body = if status == 204 { Value::Null } else { serde_json::from_str(body).ok()? };
    Some(Answer { status, head: head.to_owned(), body })
}
