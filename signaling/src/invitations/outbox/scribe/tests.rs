// SPDX-License-Identifier: EUPL-1.2
//! Who hears of what, and in how many mails.

use serde_json::json;
use store::testing::TestStore;

use super::*;
use crate::identity::tenants;

fn waiting(news: MailNews, changes: Vec<Change>) -> Mail {
    let now = Utc::now();
    let (tenant_id, meeting_id) = (crate::api::ids::TenantId::new(), MeetingId::new());
    let (invitee_id, id) = (InviteeId::new(), MailId::new());
    let (leased_until, problem, given_up_at) = (None, None, None);
    let (created_at, due_at, attempts) = (now, now, 0);
    Mail {
        id,
        tenant_id,
        meeting_id,
        invitee_id,
        news,
        changes,
        created_at,
        due_at,
        attempts,
        leased_until,
        problem,
        given_up_at,
    }
}

#[test]
fn what_happens_before_a_mail_is_sent_becomes_one_mail() {
    use MailNews::{Cancelled, Changed, Invited, Removed};
    let title = [Change::Title];
    let invited = waiting(Invited, Vec::new());
    let changed = waiting(Changed, vec![Change::Time, Change::Title]);
    assert_eq!(merge(None, false, Invited, &[]), (Some(Invited), vec![]));
    assert_eq!(merge(Some(&invited), false, Changed, &title), (Some(Invited), vec![]), "they know nothing yet");
    assert_eq!(merge(Some(&invited), false, Cancelled, &[]), (None, vec![]), "they never heard of it");
    assert_eq!(merge(None, false, Changed, &title), (Some(Invited), vec![]));
    assert_eq!(merge(None, true, Changed, &title), (Some(Changed), title.to_vec()));
    assert_eq!(merge(Some(&changed), true, Changed, &title), (Some(Changed), vec![Change::Time, Change::Title]));
    assert_eq!(merge(Some(&changed), true, Removed, &[]), (Some(Removed), vec![]));
    assert_eq!(merge(Some(&waiting(Removed, vec![])), true, Invited, &[]), (Some(Invited), vec![]));
    assert_eq!(merge(Some(&invited), true, Changed, &title), (Some(Invited), vec![]), "invited again, and moved");
    let interrupted = Mail { problem: Some(MailProblem::Interrupted), ..invited };
    assert_eq!(merge(Some(&interrupted), true, Changed, &title), (Some(Changed), title.to_vec()), "it may be there");
}

#[test]
fn a_time_that_is_moved_and_then_cancelled_is_told_as_cancelled() {
    let (at, later) = (Utc::now(), Utc::now() + Duration::hours(1));
    let moved = Change::OccurrenceMoved { from: at, to: later, ends_at: later };
    let cancelled = Change::OccurrenceCancelled { at };
    let mail = waiting(MailNews::Changed, vec![moved]);
    let (_, changes) = merge(Some(&mail), true, MailNews::Changed, std::slice::from_ref(&cancelled));
    assert_eq!(changes, [cancelled]);
}

/// A meeting to which two people are invited; the first has heard of it.
async fn write_meeting(test: &TestStore) -> (MeetingId, [InviteeId; 2]) {
    let (id, invitees) = (MeetingId::new(), [InviteeId::new(), InviteeId::new()]);
    let mut tx = test.store.write().await.expect("a transaction");
    tenants::ensure_one(&mut tx).await.expect("a tenant");
    let tenant = tenants::named(&mut tx, None).await.expect("tenants").expect("one");
    tx.commit().await.expect("kept");
    let mut rows = vec![(
        "meetings",
        json!({ "id": id, "tenant_id": tenant, "code": id, "conference_id": id, "title": "Budget",
            "type": "scheduled", "status": "scheduled", "starts_at": 0, "ends_at": 3_600_000, "time_zone": "UTC",
            "excluded_dates": "[]", "organizer_email": "o@example.org", "policy_overrides": "{}",
            "expected_participants": "{}", "ical_uid": id, "invitation_delivery": "mail",
            "invitation_language": "en", "tags": "{}", "revision": 1, "created_by": "x" }),
    )];
    for (invitee, (email, told)) in invitees.iter().zip([("told@example.org", 0), ("new@example.org", -1)]) {
        rows.push((
            "invitees",
            json!({ "id": invitee, "meeting_id": id, "tenant_id": tenant, "email": email, "role": "attendee",
                "type": "external", "response_status": "needs_action", "last_notified_sequence": told }),
        ));
    }
    test.insert_all(rows).await;
    (id, invitees)
}

#[tokio::test]
async fn who_was_invited_is_not_invited_once_more_with_all_others() {
    for test in TestStore::both().await {
        let (id, [told, new]) = write_meeting(&test).await;
        let fields = vec!["invitation".to_owned()];
        // A meeting that was made; and one whose invitations are to go out by mail from now on.
        for kind in [ChangeKind::Created, ChangeKind::Updated { fields }] {
            let mut tx = test.store.write().await.expect("a transaction");
            let meeting = meetings::find(&mut tx, None, id).await.expect("rows").expect("a meeting");
            for _ in 0..2 {
                tell(&mut tx, &meeting, &kind, Utc::now(), Utc::now()).await.expect("told");
            }
            assert_eq!(table::unsent(&mut tx, id, told).await.expect("mails"), []);
            let mails = table::unsent(&mut tx, id, new).await.expect("mails");
            assert_eq!(mails.iter().map(|mail| mail.news).collect::<Vec<_>>(), [MailNews::Invited]);
        }
    }
}
