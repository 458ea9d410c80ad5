// SPDX-License-Identifier: EUPL-1.2
//! Who gets the feed, and what is in it.

use axum::body::to_bytes;
use bus::Bus;
use chrono::DateTime;
use prometheus::Registry;
use store::Store;
use store::testing::TestStore;

use super::*;
use crate::config::Config;
use crate::identity::tenants;

async fn app(store: &Store) -> Arc<App> {
    Arc::new(App::new(Config::default(), store.clone(), Bus::local(), Registry::new()).await.expect("an app"))
}

/// Somebody with an account.
async fn write_user(store: &Store, email: &str) -> Owner {
    let mut tx = store.write().await.expect("a transaction");
    let tenant = tenants::named(&mut tx, None).await.expect("tenants").expect("one");
    let id = UserId::new();
    let insert =
        sql("INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at, updated_at)
         VALUES ($1, $2, $3, 'x', 'organizer', 0, 1, 0, 0)");
    tx.execute(insert.bind(id).bind(tenant).bind(email)).await.expect("an account");
    tx.commit().await.expect("kept");
    owner(&mut store.read().await.expect("a transaction"), id).await.expect("accounts").expect("one")
}

/// A meeting of one hour that somebody organises.
async fn write_meeting(store: &Store, owner: &Owner, title: &str, starts_at: DateTime<Utc>) -> MeetingId {
    let id = MeetingId::new();
    let mut tx = store.write().await.expect("a transaction");
    let insert =
        sql("INSERT INTO meetings (id, tenant_id, code, conference_id, title, description, agenda, type, status,
             starts_at, ends_at, over_at, time_zone, excluded_dates, organizer_id, organizer_email, organizer_name,
             policy_overrides, expected_participants, ical_uid, sequence, invitation_delivery, invitation_language,
             invitation_message, tags, revision, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, $3, $4, '', '', 'scheduled', 'scheduled', $5, $6, $6, 'Europe/Berlin', '[]', $7,
             'o@example.org', '', '{}', '{}', $3, 0, 'none', 'en', '', '{}', 1, 'test', 0, 0)");
    let insert = insert.bind(id).bind(owner.tenant_id).bind(id.to_string()).bind(title).bind(starts_at);
    tx.execute(insert.bind(starts_at + Duration::hours(1)).bind(owner.id)).await.expect("a meeting");
    tx.commit().await.expect("kept");
    id
}

async fn invite(store: &Store, meeting: MeetingId, tenant: TenantId, email: &str) {
    let mut tx = store.write().await.expect("a transaction");
    let insert = sql("INSERT INTO invitees (id, meeting_id, tenant_id, email, name, role, type, response_status,
             response_sequence, lobby_bypass, link_generation, last_notified_sequence, revision, created_at, updated_at)
         VALUES ($1, $2, $3, $4, '', 'attendee', 'internal', 'accepted', 0, $5, 0, -1, 1, 0, 0)");
    let insert = insert.bind(crate::api::ids::InviteeId::new()).bind(meeting).bind(tenant).bind(email);
    tx.execute(insert.bind(false)).await.expect("an invitee");
    tx.commit().await.expect("kept");
}

async fn fetch(app: &Arc<App>, file: &str, known: Option<&HeaderValue>) -> (StatusCode, HeaderMap, String) {
    let headers = known.map(|etag| (header::IF_NONE_MATCH, etag.clone())).into_iter().collect();
    let path = axum::extract::Path(file.to_owned());
    let (parts, body) = read(State(app.clone()), path, headers).await.into_parts();
    let body = to_bytes(body, 1024 * 1024).await.expect("a body");
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).expect("text"))
}

fn file(app: &App, owner: &Owner) -> String {
    url(app, owner).rsplit_once('/').expect("an address").1.to_owned()
}

#[tokio::test]
async fn a_feed_shows_what_is_somebodys_own_and_not_long_over() {
    for test in TestStore::both().await {
        let app = app(&test.store).await;
        let somebody = write_user(&test.store, "somebody@example.org").await;
        let other = write_user(&test.store, "other@example.org").await;
        let soon = Utc::now() + Duration::days(3);
        write_meeting(&test.store, &somebody, "Own", soon).await;
        write_meeting(&test.store, &somebody, "Old", Utc::now() - PAST - Duration::days(1)).await;
        let invited = write_meeting(&test.store, &other, "Invited", soon).await;
        write_meeting(&test.store, &other, "Foreign", soon).await;
        invite(&test.store, invited, other.tenant_id, "somebody@example.org").await;
        let (status, headers, body) = fetch(&app, &file(&app, &somebody), None).await;
        assert_eq!(
            (status, &headers[header::CONTENT_TYPE]),
            (StatusCode::OK, &HeaderValue::from_static("text/calendar; charset=utf-8"))
        );
        let has = |title: &str| body.contains(&format!("SUMMARY:{title}\r\n"));
        assert!(has("Own") && has("Invited") && !has("Old") && !has("Foreign"), "{body}");
        assert_eq!((body.matches("BEGIN:VTIMEZONE").count(), body.matches("METHOD:PUBLISH").count()), (1, 1));
        let (status, _, again) = fetch(&app, &file(&app, &somebody), Some(&headers[header::ETAG])).await;
        assert_eq!((status, again.as_str()), (StatusCode::NOT_MODIFIED, ""), "the same state has the same tag");
        write_meeting(&test.store, &somebody, "New", soon).await;
        let (status, ..) = fetch(&app, &file(&app, &somebody), Some(&headers[header::ETAG])).await;
        assert_eq!(status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_is_to_come_next_is_shown_however_much_there_is() {
    for test in TestStore::both().await {
        let app = app(&test.store).await;
        let somebody = write_user(&test.store, "somebody@example.org").await;
        let series = write_meeting(&test.store, &somebody, "Series", Utc::now() - Duration::days(700)).await;
        let mut tx = test.store.write().await.expect("a transaction");
        let repeat = sql("UPDATE meetings SET type = 'recurring', recurrence_rule = 'FREQ=DAILY', over_at = $1
             WHERE id = $2");
        let end = Utc::now() + Duration::days(400);
        tx.execute(repeat.bind(end).bind(series)).await.expect("a series");
        tx.commit().await.expect("kept");
        for days in 1..=MAX_MEETINGS {
            write_meeting(&test.store, &somebody, &format!("In {days}"), Utc::now() + Duration::days(days)).await;
        }
        write_meeting(&test.store, &somebody, "Over", Utc::now() - Duration::days(2)).await;
        let (_, _, body) = fetch(&app, &file(&app, &somebody), None).await;
        let has = |title: &str| body.contains(&format!("SUMMARY:{title}\r\n"));
        assert!(has("Series") && has("In 1") && has("In 299") && !has("In 300") && !has("Over"));
    }
}

#[tokio::test]
async fn only_the_newest_address_leads_to_a_feed() {
    let test = TestStore::sqlite().await;
    let app = app(&test.store).await;
    let owner = write_user(&test.store, "somebody@example.org").await;
    let newer = Owner { generation: 1, ..owner };
    let (old, new) = (file(&app, &Owner { generation: 0, ..newer }), file(&app, &newer));
    assert_eq!(fetch(&app, &old, None).await.0, StatusCode::OK);
    for wrong in [&new, "x.ics", old.trim_end_matches(".ics"), &old.to_uppercase()] {
        assert_eq!(fetch(&app, wrong, None).await.0, StatusCode::NOT_FOUND, "{wrong}");
    }
    let mut tx = test.store.write().await.expect("a transaction");
    tx.execute(sql("UPDATE users SET feed_generation = 1")).await.expect("changed");
    tx.commit().await.expect("kept");
    assert_eq!(fetch(&app, &old, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(fetch(&app, &new, None).await.0, StatusCode::OK);
}
