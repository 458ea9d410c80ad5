// SPDX-License-Identifier: EUPL-1.2
//! Whether somebody comes in at once, waits, or does not come in: what the policy says, and nothing else.

use chrono::{DateTime, Duration, Utc};

use super::person::Person;
use super::venue::{Terms, Timing};
use crate::api::problem::Code;
use crate::meeting_sessions::model::MeetingRole;
use crate::meetings::policies::rules::{Guests, Lobby, Rules};
use crate::meetings::words::words;
use crate::phone::{self, Shown, Who};

words! {
    /// What somebody in the lobby waits for.
    WaitsFor {
        /// That a host lets them in.
        Admission = "admission",
        /// That a host comes.
        Host = "host",
        /// That it is time.
        Start = "start",
        /// That there is a place. Only callers wait for one: a browser is told that there is none, and asks again by itself.
        Place = "place",
    }
}

/// What becomes of somebody who wants in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Admit,
    Wait(WaitsFor),
    Refuse(Code),
}

/// What keeps somebody in the lobby beside the policy: nobody knows who they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Doubt {
    #[default]
    None,
    /// Somebody has to let them in, whatever the policy says: what a caller has keyed in proves nothing while codes are being
    /// guessed.
    Caller,
    /// The same, of a caller whose PIN is one person's, and may be theirs: a host is to say whether it is somebody who may
    /// come.
    OwnPin,
}

/// How it stands at the venue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// They may not come any more.
    pub(crate) is_banned: bool,
    /// It is not going on any more, because its time was over.
    pub(crate) has_had_its_time: bool,
    /// It is going on.
    pub(crate) is_running: bool,
    pub(crate) is_locked: bool,
    /// A host is there.
    pub(crate) has_host: bool,
    /// How many are there.
    pub(crate) participants: u32,
    /// As many as the tenant may have are in its meetings, or, of those who call, as many telephones.
    pub(crate) is_tenant_full: bool,
    /// They are there themselves, in another window or before the connection broke.
    pub(crate) is_inside: bool,
    /// They called, and the call has ended a moment ago.
    pub(crate) comes_back: bool,
    /// They were let in before, in this run, and not removed since.
    pub(crate) was_admitted: bool,
    /// Whether it is known who they are.
    pub(crate) doubt: Doubt,
}

/// Decides.
pub(crate) fn decide(person: &Person, terms: &Terms, at: Circumstances, now: DateTime<Utc>) -> Decision {
    let rules = &terms.rules;
    if let Some(refusal) = refusal(person, terms, at) {
        return Decision::Refuse(refusal);
    }
    if person.role == MeetingRole::Host || at.is_inside || at.was_admitted {
        return Decision::Admit;
    }
    if !at.has_host {
        let opens_at = match terms.timing {
            Timing::From(starts_at) => starts_at - Duration::minutes(rules.join_before_host_minutes.into()),
            Timing::Anytime | Timing::Over => now,
        };
        match (rules.join_before_host, terms.timing) {
            (true, _) if now >= opens_at => {}
            (true, _) => return Decision::Wait(WaitsFor::Start),
            (false, Timing::From(starts_at)) if now < starts_at => return Decision::Wait(WaitsFor::Start),
            (false, _) => return Decision::Wait(WaitsFor::Host),
        }
    }
    if at.doubt != Doubt::None || waits(person, rules) { Decision::Wait(WaitsFor::Admission) } else { Decision::Admit }
}

/// Whether the lobby is for them.
fn waits(person: &Person, rules: &Rules) -> bool {
    if person.calls() {
        let who = person.marks.invitee_id.map_or(Who::Room, Who::Invitee);
        let shown = Shown { who, has_account: !person.has_no_account(), lobby_bypass: person.lobby_bypass };
        return phone::waits(rules, &shown);
    }
    let is_for_them = match rules.lobby {
        Lobby::Off => false,
        Lobby::Guests | Lobby::GuestsAndPhone => person.has_no_account(),
        Lobby::Everyone => true,
    };
    is_for_them && !person.lobby_bypass
}

/// What becomes of somebody whom a host has let in from the lobby: the host's word goes before what the policy says of
/// strangers and before a lock, but not before a ban or the end, and it makes no place where there is none.
pub(crate) fn decide_for_admitted(person: &Person, terms: &Terms, at: Circumstances, now: DateTime<Utc>) -> Decision {
    match decide(person, terms, Circumstances { is_locked: false, ..at }, now) {
        Decision::Wait(_) => Decision::Admit,
        decision => decision,
    }
}

fn refusal(person: &Person, terms: &Terms, at: Circumstances) -> Option<Code> {
    let rules = &terms.rules;
    if at.is_banned {
        return Some(Code::Banned);
    }
    let may_be_guest = match rules.guests {
        // A caller who hosts has the organizer's PIN, and no way to show an account.
        Guests::Forbidden => person.calls() && (person.role == MeetingRole::Host || at.doubt == Doubt::OwnPin),
        // A meeting's PIN is told to those who are invited.
        Guests::InvitedOnly => person.marks.invitee_id.is_some() || person.calls(),
        Guests::Link => true,
    };
    if person.has_no_account() && !may_be_guest {
        return Some(Code::GuestsForbidden);
    }
    let suffices = |wanted: &String| wanted.split_whitespace().any(|one| person.acr.as_deref() == Some(one));
    if rules.required_acr.as_ref().is_some_and(|wanted| !suffices(wanted)) {
        return Some(Code::AcrTooLow);
    }
    if (terms.timing == Timing::Over || at.has_had_its_time) && !at.is_running {
        return Some(Code::MeetingEnded);
    }
    let is_host = person.role == MeetingRole::Host;
    if at.is_locked && !is_host && !at.is_inside && !at.comes_back {
        return Some(Code::MeetingLocked);
    }
    let is_full = at.is_tenant_full || rules.max_participants.is_some_and(|most| at.participants >= most);
    // Somebody must be able to keep order, and to end it.
    (is_full && !is_host && !at.is_inside).then_some(Code::MeetingFull)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::{InviteeId, UserId};
    use crate::meeting_sessions::model::Marks;
    use crate::meetings::policies::rules::RuleChanges;
    use serde_json::json;

    fn person(role: MeetingRole, marks: Marks) -> Person {
        Person { identity: "x".into(), marks, name: "X".into(), role, lobby_bypass: false, acr: None }
    }

    fn user(role: MeetingRole) -> Person {
        person(role, Marks { user_id: Some(UserId::new()), ..Marks::default() })
    }

    fn invitee() -> Person {
        person(MeetingRole::Attendee, Marks { invitee_id: Some(InviteeId::new()), ..Marks::default() })
    }

    fn guest() -> Person {
        person(MeetingRole::Guest, Marks { browser: Some("b".into()), ..Marks::default() })
    }

    fn caller(role: MeetingRole, marks: Marks) -> Person {
        person(role, Marks { caller: Some("c".into()), ..marks })
    }

    fn terms(rules: serde_json::Value, timing: Timing) -> Terms {
        let changes: RuleChanges = serde_json::from_value(rules).expect("rules");
        let mut rules = Rules::default();
        rules.apply(&changes);
        Terms { rules, timing, occurrence: None }
    }

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
    }

    fn with_host() -> Circumstances {
        Circumstances { has_host: true, is_running: true, participants: 1, ..Circumstances::default() }
    }

    #[test]
    fn by_default_guests_need_a_link_of_their_own_and_wait_for_a_host_and_then_for_admission() {
        let terms = terms(json!({}), Timing::Anytime);
        let decide = |person: &Person, at| decide(person, &terms, at, now());
        assert_eq!(decide(&guest(), with_host()), Decision::Refuse(Code::GuestsForbidden));
        assert_eq!(decide(&invitee(), Circumstances::default()), Decision::Wait(WaitsFor::Host));
        assert_eq!(decide(&invitee(), with_host()), Decision::Wait(WaitsFor::Admission));
        assert_eq!(decide(&user(MeetingRole::Attendee), with_host()), Decision::Admit);
        assert_eq!(decide(&user(MeetingRole::Host), Circumstances::default()), Decision::Admit);
    }

    #[test]
    fn a_lobby_holds_those_it_is_for() {
        let check = |lobby: &str, person: &Person, expected| {
            let terms = terms(json!({ "lobby": lobby, "guests": "link" }), Timing::Anytime);
            assert_eq!(decide(person, &terms, with_host(), now()), expected, "{lobby}");
        };
        check("off", &guest(), Decision::Admit);
        check("guests", &guest(), Decision::Wait(WaitsFor::Admission));
        check("guests", &user(MeetingRole::Attendee), Decision::Admit);
        check("everyone", &user(MeetingRole::Presenter), Decision::Wait(WaitsFor::Admission));
        check("everyone", &user(MeetingRole::Host), Decision::Admit);
        check("everyone", &Person { lobby_bypass: true, ..invitee() }, Decision::Admit);
    }

    #[test]
    fn callers_wait_as_the_policy_says_of_them() {
        let check = |rules: serde_json::Value, person: &Person, at, expected| {
            let terms = terms(rules.clone(), Timing::Anytime);
            assert_eq!(decide(person, &terms, at, now()), expected, "{rules} {person:?}");
        };
        let (stranger, host) =
            [MeetingRole::Guest, MeetingRole::Host].map(|role| caller(role, Marks::default())).into();
        let colleague = caller(MeetingRole::Attendee, user(MeetingRole::Attendee).marks);
        let invited = caller(MeetingRole::Attendee, invitee().marks);
        let waits = Decision::Wait(WaitsFor::Admission);
        check(json!({}), &stranger, with_host(), waits);
        check(json!({}), &colleague, with_host(), waits);
        check(json!({}), &host, Circumstances::default(), Decision::Admit);
        check(json!({ "lobby": "guests" }), &colleague, with_host(), Decision::Admit);
        check(json!({ "lobby": "guests" }), &invited, with_host(), waits);
        check(json!({ "phone_lobby_bypass": true }), &invited, with_host(), Decision::Admit);
        check(json!({ "phone_lobby_bypass": true }), &stranger, with_host(), waits);
        check(json!({ "lobby": "off" }), &stranger, with_host(), Decision::Admit);
        let doubted = Circumstances { doubt: Doubt::Caller, ..with_host() };
        check(json!({ "lobby": "off" }), &stranger, doubted, waits);
        let forbidden = json!({ "guests": "forbidden", "lobby": "off" });
        check(forbidden.clone(), &stranger, with_host(), Decision::Refuse(Code::GuestsForbidden));
        check(forbidden.clone(), &stranger, doubted, Decision::Refuse(Code::GuestsForbidden));
        check(forbidden.clone(), &stranger, Circumstances { doubt: Doubt::OwnPin, ..with_host() }, waits);
        check(forbidden.clone(), &host, with_host(), Decision::Admit);
        check(forbidden, &colleague, with_host(), Decision::Admit);
        check(json!({ "required_acr": "high" }), &host, with_host(), Decision::Refuse(Code::AcrTooLow));
    }

    #[test]
    fn before_the_start_people_wait_for_it_and_then_for_a_host() {
        let start = now() + Duration::minutes(30);
        let someone = user(MeetingRole::Attendee);
        let early = terms(json!({ "join_before_host": true, "join_before_host_minutes": 10 }), Timing::From(start));
        let check = |terms: &Terms, minutes, expected| {
            let at = Circumstances::default();
            assert_eq!(decide(&someone, terms, at, start + Duration::minutes(minutes)), expected, "{minutes}");
        };
        check(&early, -11, Decision::Wait(WaitsFor::Start));
        check(&early, -10, Decision::Admit);
        let late = terms(json!({}), Timing::From(start));
        check(&late, -1, Decision::Wait(WaitsFor::Start));
        check(&late, 0, Decision::Wait(WaitsFor::Host));
        assert_eq!(decide(&someone, &late, with_host(), start - Duration::minutes(20)), Decision::Admit);
    }

    #[test]
    fn refusals_come_before_everything_else() {
        let open = json!({ "guests": "link", "lobby": "off", "max_participants": 1 });
        let check = |person: &Person, timing, at, expected| {
            assert_eq!(decide(person, &terms(open.clone(), timing), at, now()), Decision::Refuse(expected));
        };
        let at = with_host();
        check(&user(MeetingRole::Host), Timing::Anytime, Circumstances { is_banned: true, ..at }, Code::Banned);
        check(&guest(), Timing::Anytime, Circumstances { is_locked: true, ..at }, Code::MeetingLocked);
        check(
            &guest(),
            Timing::Anytime,
            Circumstances { is_locked: true, was_admitted: true, ..at },
            Code::MeetingLocked,
        );
        check(&guest(), Timing::Anytime, at, Code::MeetingFull);
        check(&guest(), Timing::Over, Circumstances::default(), Code::MeetingEnded);
        let strict = terms(json!({ "required_acr": "high" }), Timing::Anytime);
        let someone = user(MeetingRole::Attendee);
        assert_eq!(decide(&someone, &strict, at, now()), Decision::Refuse(Code::AcrTooLow));
        let strong = Person { acr: Some("high".into()), ..someone };
        assert_eq!(decide(&strong, &strict, at, now()), Decision::Admit);
        let either = terms(json!({ "required_acr": "substantial high" }), Timing::Anytime);
        assert_eq!(decide(&strong, &either, at, now()), Decision::Admit);
        let odd = Person { acr: Some("substantial high".into()), ..strong };
        assert_eq!(decide(&odd, &either, at, now()), Decision::Refuse(Code::AcrTooLow));
    }

    #[test]
    fn a_lock_lets_back_in_whose_call_has_just_ended() {
        let terms = terms(json!({ "max_participants": 2 }), Timing::Anytime);
        let invited = caller(MeetingRole::Attendee, invitee().marks);
        let check = |at, expected| assert_eq!(decide(&invited, &terms, at, now()), expected, "{at:?}");
        let was_there = Circumstances { is_locked: true, was_admitted: true, ..with_host() };
        check(was_there, Decision::Refuse(Code::MeetingLocked));
        let comes_back = Circumstances { comes_back: true, ..was_there };
        check(comes_back, Decision::Admit);
        check(Circumstances { participants: 2, ..comes_back }, Decision::Refuse(Code::MeetingFull));
        check(Circumstances { is_banned: true, ..comes_back }, Decision::Refuse(Code::Banned));
    }

    #[test]
    fn a_hosts_word_goes_before_the_lobby_and_a_lock_and_before_nothing_else() {
        let check = |at, expected| {
            let terms = terms(json!({ "guests": "link", "max_participants": 2 }), Timing::Anytime);
            for person in [guest(), caller(MeetingRole::Guest, Marks::default())] {
                assert_eq!(decide_for_admitted(&person, &terms, at, now()), expected, "{person:?} {at:?}");
            }
        };
        let locked = Circumstances { is_locked: true, ..with_host() };
        check(with_host(), Decision::Admit);
        check(locked, Decision::Admit);
        check(Circumstances { participants: 2, ..locked }, Decision::Refuse(Code::MeetingFull));
        check(Circumstances { is_tenant_full: true, ..locked }, Decision::Refuse(Code::MeetingFull));
        check(Circumstances { is_banned: true, ..locked }, Decision::Refuse(Code::Banned));
        check(
            Circumstances { is_running: false, has_had_its_time: true, ..locked },
            Decision::Refuse(Code::MeetingEnded),
        );
    }

    #[test]
    fn who_is_inside_or_was_let_in_comes_back_without_waiting() {
        let terms = terms(json!({ "guests": "link", "max_participants": 1 }), Timing::Anytime);
        let inside = Circumstances { is_inside: true, is_locked: true, was_admitted: true, ..with_host() };
        assert_eq!(decide(&guest(), &terms, inside, now()), Decision::Admit);
        let was_there = Circumstances { was_admitted: true, participants: 0, ..with_host() };
        assert_eq!(decide(&guest(), &terms, was_there, now()), Decision::Admit);
        let nobody = Circumstances { was_admitted: true, is_running: true, ..Circumstances::default() };
        assert_eq!(decide(&guest(), &terms, nobody, now()), Decision::Admit, "also when the host has gone");
    }
}
