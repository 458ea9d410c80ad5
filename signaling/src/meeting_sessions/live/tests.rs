// SPDX-License-Identifier: EUPL-1.2
//! Runs and their rooms: they begin and end together, whichever process keeps them and whatever comes in between.

use std::task::Poll;
use std::time::SystemTime;

use bus::Bus;
use prometheus::Registry;
use store::testing::TestStore;
use store::{FromRow, Row, Store, sql};

use super::*;
use crate::api::ids::{InviteeId, MeetingId};
use crate::config::Config;
use crate::identity::tenants;
use crate::joining::admission::{self, Admission};
use crate::joining::person::Person;
use crate::meeting_sessions::model::{Marks, MeetingRole};

async fn app(store: &Store) -> Arc<App> {
    use crate::auth::secret::ApiKey;
    let api_keys = vec![ApiKey { key: "key".into(), secret: "a secret of at least thirty-two bytes".into() }];
    let config = Config { api_keys, ..Config::default() };
    Arc::new(App::new(config, store.clone(), Bus::local(), Registry::new()).await.expect("an app"))
}

/// Where everybody may come.
async fn venue(store: &Store) -> Venue {
    let (id, mut tx) = (MeetingId::new(), store.write().await.expect("a transaction"));
    let tenant = tenants::named(&mut tx, None).await.expect("tenants").expect("one");
    let insert =
        sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
             starts_at, time_zone, excluded_dates, organizer_email, organizer_name, policy_overrides,
             expected_participants, ical_uid, sequence, invitation_delivery, invitation_language,
             invitation_message, tags, revision, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $3, 'x', '', '', 'ad_hoc', 'scheduled', 0, 'Europe/Berlin', '[]', 'o@example.org', '',
             '{}', '{}', $3, 0, 'none', 'en', '', '{}', 1, 'test', 0, 0)");
    tx.execute(insert.bind(id).bind(tenant).bind(id.to_string())).await.expect("a meeting");
    let venue = Venue::find(&mut tx, Some(id), None).await.expect("meetings").expect("one");
    tx.commit().await.expect("kept");
    venue
}

/// Begins a run.
async fn begin(app: &Arc<App>, venue: &Venue) -> (Session, Rules) {
    let mut tx = app.store.write().await.expect("a transaction");
    let terms = venue.terms(&mut tx, Utc::now(), None).await.expect("terms");
    let (session, _) = admission::begin(&mut tx, app, venue, &terms, Utc::now()).await.expect("a run");
    tx.commit().await.expect("kept");
    (session, terms.rules)
}

async fn stored(app: &App, id: MeetingSessionId) -> Option<Session> {
    let mut tx = app.store.read().await.expect("a transaction");
    table::find(&mut tx, None, id).await.expect("runs")
}

async fn is_running(app: &App, id: MeetingSessionId) -> bool {
    stored(app, id).await.is_some_and(|session| session.ended_at.is_none())
}

/// Ends a run in the database only.
async fn end_in_database(app: &App, session: &Session) {
    let mut tx = app.store.write().await.expect("a transaction");
    assert!(table::end(&mut tx, session, EndReason::Moderator, false, Utc::now()).await.expect("ended"));
    tx.commit().await.expect("kept");
}

fn has_room(app: &App, session: &Session) -> bool {
    app.directory.get(&session.room_name()).is_some()
}

fn guest() -> Person {
    Person {
        identity: "g_1".into(),
        marks: Marks { browser: Some("b".into()), ..Marks::default() },
        name: "Gus".into(),
        role: MeetingRole::Guest,
        lobby_bypass: false,
        acr: None,
    }
}

fn is_honoured(app: &App, token: &str) -> bool {
    let token = app.keys.verify(token).expect("a good token");
    !app.revocations.is_revoked(SystemTime::now(), &token.grants.room, token.identity(), token.issued_at())
}

async fn admit(app: &Arc<App>, venue: &Venue, person: Person) -> Admission {
    let mut tx = app.store.write().await.expect("a transaction");
    let terms = venue.terms(&mut tx, Utc::now(), None).await.expect("terms");
    let admission = admission::admit(&mut tx, app, venue, &terms, person, "test").await.expect("let in");
    tx.commit().await.expect("kept");
    admission
}

#[tokio::test]
async fn no_room_is_opened_for_a_run_that_is_over_or_gone() {
    for database in TestStore::both().await {
        let app = app(&database.store).await;
        let venue = venue(&database.store).await;
        let (session, rules) = begin(&app, &venue).await;
        end_in_database(&app, &session).await;
        assert!(open(&app, &session, &rules).await.expect("looked").is_none());
        let gone = Session { id: MeetingSessionId::new(), ..session.clone() };
        assert!(open(&app, &gone, &rules).await.expect("looked").is_none());
        assert!(!has_room(&app, &session) && !has_room(&app, &gone));
        let late = admit(&app, &venue, guest()).await;
        end_in_database(&app, &late.session).await;
        assert_eq!(late.token(&app).await, Ok(None), "who was let in a moment before gets no token");
    }
}

#[tokio::test]
async fn a_room_does_not_outlive_a_run_that_ends_while_it_is_opened() {
    for database in TestStore::both().await {
        let app = app(&database.store).await;
        let (session, rules) = begin(&app, &venue(&database.store).await).await;
        let mut opening = Box::pin(open(&app, &session, &rules));
        let mut opened = Poll::Pending;
        while !has_room(&app, &session) {
            opened = futures_util::poll!(opening.as_mut());
            tokio::task::yield_now().await;
        }
        // At that moment nothing goes on in `opening`.
        end_in_database(&app, &session).await;
        let opened = match opened {
            Poll::Ready(opened) => opened,
            Poll::Pending => opening.await,
        };
        let opened = opened.expect("looked");
        if let Some(room) = opened {
            // It had looked already, in that case whoever ends the run sees the room.
            close(&app, session.id, DisconnectReason::RoomDeleted).await;
            room.ended().await;
        } else {
            while has_room(&app, &session) {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn rooms_whose_run_is_over_or_gone_are_ended() {
    for database in TestStore::both().await {
        let app = app(&database.store).await;
        let (over, rules) = begin(&app, &venue(&database.store).await).await;
        let (gone, _) = begin(&app, &venue(&database.store).await).await;
        let (running, _) = begin(&app, &venue(&database.store).await).await;
        for session in [&over, &gone, &running] {
            open(&app, session, &rules).await.expect("looked").expect("a room");
        }
        end_in_database(&app, &over).await;
        let mut tx = app.store.write().await.expect("a transaction");
        tx.execute(sql("DELETE FROM meetings WHERE id = $1").bind(gone.meeting_id)).await.expect("removed");
        tx.commit().await.expect("kept");
        hold_on(&app, Utc::now()).await.expect("looked");
        assert!(!has_room(&app, &over) && !has_room(&app, &gone) && has_room(&app, &running));
    }
}

#[tokio::test]
async fn a_run_goes_on_when_somebody_is_back_before_its_end_is_written_down() {
    for database in TestStore::both().await {
        let app = app(&database.store).await;
        let (session, rules) = begin(&app, &venue(&database.store).await).await;
        open(&app, &session, &rules).await.expect("looked").expect("a room");
        // The room that was there before would have said so.
        end(&app, &session, EndReason::Idle, Utc::now()).await.expect("looked");
        assert!(is_running(&app, session.id).await && has_room(&app, &session));
        end(&app, &session, EndReason::TimeLimit, Utc::now()).await.expect("ended");
        assert!(!is_running(&app, session.id).await && !has_room(&app, &session), "a limit ends both");
    }
}

#[tokio::test]
async fn processes_leave_each_other_their_runs_and_end_those_of_dead_ones() {
    for database in TestStore::both().await {
        let (one, other) = (app(&database.store).await, app(&database.store).await);
        let (session, rules) = begin(&one, &venue(&database.store).await).await;
        open(&one, &session, &rules).await.expect("looked").expect("a room");
        let refused = open(&other, &session, &rules).await.map(|_| ()).map_err(|problem| problem.code());
        assert_eq!(refused, Err(Code::Unavailable), "there is one room for a run");
        let later = Utc::now() + chrono::Duration::hours(1);
        hold_on(&one, later).await.expect("held");
        tidy(&other, later).await.expect("looked");
        assert!(is_running(&one, session.id).await, "its process lives");
        // From here on the first one says nothing any more.
        let dead = later + HOLD;
        tidy(&other, dead).await.expect("looked");
        assert!(is_running(&other, session.id).await, "people may come back");
        tidy(&other, dead + WITHOUT_ROOM).await.expect("ended");
        let ended = stored(&other, session.id).await.expect("a run");
        assert_eq!(ended.end_reason, Some(EndReason::Lost));
    }
}

#[tokio::test]
async fn a_process_that_starts_takes_over_what_another_let_go() {
    for database in TestStore::both().await {
        let one = app(&database.store).await;
        let (session, rules) = begin(&one, &venue(&database.store).await).await;
        open(&one, &session, &rules).await.expect("looked").expect("a room");
        one.shut_down().await;
        let next = app(&database.store).await;
        open(&next, &session, &rules).await.expect("looked").expect("a room");
        assert_eq!(stored(&next, session.id).await.map(|session| session.holder), Some(next.process.clone()));
        // Should the first one live after all, it gives way.
        hold_on(&one, Utc::now()).await.expect("looked");
        assert!(is_running(&next, session.id).await && has_room(&next, &session));
    }
}

#[tokio::test]
async fn of_a_file_only_one_process_has_anything() {
    let database = TestStore::sqlite().await;
    let dead = app(&database.store).await;
    let (session, rules) = begin(&dead, &venue(&database.store).await).await;
    let next = app(&database.store).await;
    assert!(open(&next, &session, &rules).await.expect("looked").is_some(), "people come back at once");
}

#[tokio::test]
async fn a_token_is_from_before_the_removal_that_follows_the_admission() {
    for database in TestStore::both().await {
        let app = app(&database.store).await;
        let admission = admit(&app, &venue(&database.store).await, guest()).await;
        let mut tx = app.store.write().await.expect("a transaction");
        let revocation = removal::revoke(&mut tx, &app, &admission.session, "g_1").await.expect("revoked");
        tx.commit().await.expect("kept");
        app.revocations.note(SystemTime::now(), &revocation);
        let token = admission.token(&app).await.expect("signed").expect("a room");
        assert!(!is_honoured(&app, &token), "it is void");
    }
}

struct Time(Option<DateTime<Utc>>);

impl FromRow for Time {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("removed_at").map(Self)
    }
}

#[tokio::test]
async fn whose_invitation_is_withdrawn_has_to_go() {
    for database in TestStore::both().await {
        let (app, venue) = (app(&database.store).await, venue(&database.store).await);
        let (welcome, withdrawn) = (InviteeId::new(), InviteeId::new());
        let mut tx = app.store.write().await.expect("a transaction");
        for id in [welcome, withdrawn] {
            let insert =
                sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status,
                     response_sequence, lobby_bypass, link_generation, last_notified_sequence, revision, created_at,
                     updated_at)
                 VALUES ($1, $2, $3, $4, '', 'attendee', 'internal', 'accepted', 0, $5, 0, -1, 1, 0, 0)");
            let insert =
                insert.bind(id).bind(venue.meeting_id()).bind(venue.tenant_id()).bind(format!("{id}@example.org"));
            tx.execute(insert.bind(false)).await.expect("an invitee");
        }
        tx.commit().await.expect("kept");
        let mut runs = Vec::new();
        for id in [welcome, withdrawn] {
            let marks = Marks { invitee_id: Some(id), ..Marks::default() };
            let person = Person { identity: format!("i_{id}"), marks, role: MeetingRole::Attendee, ..guest() };
            runs.push(admit(&app, &venue, person).await);
        }
        let tokens =
            [runs[0].token(&app).await, runs[1].token(&app).await].map(|token| token.expect("signed").expect("one"));
        let mut tx = app.store.write().await.expect("a transaction");
        let update = sql("UPDATE invitees SET revoked_at = 1 WHERE id = $1");
        tx.execute(update.bind(withdrawn)).await.expect("withdrawn");
        tx.commit().await.expect("kept");
        removal::send_away_unwelcome(&app, Utc::now()).await.expect("looked");
        let works = tokens.map(|token| is_honoured(&app, &token));
        assert_eq!(works, [true, false]);
        let mut tx = app.store.read().await.expect("a transaction");
        let select = sql("SELECT removed_at FROM session_people WHERE identity = $1");
        let removed: Time = tx.one(select.bind(format!("i_{withdrawn}"))).await.expect("a person");
        assert!(removed.0.is_some());
    }
}

/// A meeting with an occurrence that has just ended, and one that begins soon.
async fn series(store: &Store, now: DateTime<Utc>) -> Venue {
    let Venue::Meeting(meeting) = venue(store).await else { panic!("no meeting") };
    let mut tx = store.write().await.expect("a transaction");
    let update = sql("UPDATE meetings SET type = 'recurring', policy_overrides = $1 WHERE id = $2");
    let overrides = r#"{"max_duration_minutes":30}"#;
    tx.execute(update.bind(overrides).bind(meeting.id)).await.expect("changed");
    for (starts_at, overrides) in [(now - chrono::Duration::hours(1), "{}"), (now, r#"{"audio_only":true}"#)] {
        let insert = sql("INSERT INTO occurrences (meeting_id, recurrence_id, tenant_id, starts_at, ends_at, status,
                 is_exception, policy_overrides, sequence, expected_total, expected_phone)
             VALUES ($1, $2, $3, $2, $4, 'scheduled', $5, $6, 0, 0, 0)");
        let insert = insert.bind(meeting.id).bind(starts_at).bind(meeting.tenant_id);
        let insert = insert.bind(starts_at + chrono::Duration::minutes(50)).bind(true).bind(overrides);
        tx.execute(insert).await.expect("an occurrence");
    }
    let venue = Venue::find(&mut tx, Some(meeting.id), None).await.expect("meetings").expect("one");
    tx.commit().await.expect("kept");
    venue
}

#[tokio::test]
async fn a_run_keeps_the_rules_of_its_own_occurrence_however_long_it_takes() {
    for database in TestStore::both().await {
        let (app, now) = (app(&database.store).await, Utc::now());
        let venue = series(&database.store, now).await;
        let (session, _) = begin(&app, &venue).await;
        let mut tx = app.store.read().await.expect("a transaction");
        let first = Session { recurrence_id: Some(now - chrono::Duration::hours(1)), ..session };
        let overrun = venue.terms(&mut tx, now, Some(&first)).await.expect("terms");
        assert!(!overrun.rules.audio_only, "that is for the next one");
        assert!(venue.terms(&mut tx, now, None).await.expect("terms").rules.audio_only);
    }
}

#[tokio::test]
async fn whose_time_was_over_is_not_begun_anew() {
    for database in TestStore::both().await {
        let (app, now) = (app(&database.store).await, Utc::now());
        let venue = series(&database.store, now).await;
        let (session, _) = begin(&app, &venue).await;
        let is_over = async |longest| {
            let mut tx = app.store.read().await.expect("a transaction");
            let mut terms = venue.terms(&mut tx, now, None).await.expect("terms");
            terms.rules.max_duration_minutes = longest;
            let at = (&venue, &terms);
            let at = admission::circumstances(&mut tx, &app, at, None, &guest(), admission::Presence::UNKNOWN).await;
            at.expect("looked").has_had_its_time
        };
        assert!(!is_over(Some(30)).await);
        end(&app, &session, EndReason::TimeLimit, Utc::now()).await.expect("ended");
        assert!(is_over(Some(30)).await);
        assert!(!is_over(Some(60)).await && !is_over(None).await, "it got more of it");
    }
}
