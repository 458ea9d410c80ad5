// SPDX-License-Identifier: EUPL-1.2
//! How many calls there may be, how often and for how long, and who is not called because nobody would let them in.

use bus::phone::{DialProgress, NotReachedReason, Refusal, Verdict};
use serde_json::{Value, json};
use store::sql;
use store::testing::TestStore;

use super::{ANSWERED, AS_DIALLED, NUMBER, Scene, come_in, nothing};
use crate::support::hall::code;
use crate::support::soon;

#[tokio::test]
async fn two_people_come_in_from_one_number_one_after_the_other() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let (first, mut ada, _) = scene.call(json!({ "number": NUMBER, "name": "Ada" })).await;
        for progress in [DialProgress::Ringing, ANSWERED] {
            ada.progress(progress).await;
            let again = scene.ask(json!({ "number": AS_DIALLED })).await;
            assert_eq!(code(&again), (409, "being-called".into()), "it rings already");
        }
        come_in(&mut ada).await;
        scene.is(&first, "in_meeting").await;
        let (second, mut ben, _) = scene.call(json!({ "number": NUMBER, "name": "Ben" })).await;
        ben.progress(ANSWERED).await;
        come_in(&mut ben).await;
        scene.is(&second, "in_meeting").await;
        let people = scene.participants().await;
        let there = |name: &str| people.iter().any(|person| person["name"] == name);
        assert!(
            there("Ada") && there("Ben"),
            "nobody is thrown out by whoever comes from the same switchboard: {people:?}"
        );
        assert_eq!(scene.shown(&first).await["state"], "in_meeting");
    }
}

#[tokio::test]
async fn nobodys_telephone_rings_all_night() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        for _ in 0..6 {
            let (call, phone, _) = scene.call(json!({ "number": NUMBER })).await;
            phone.progress(nothing(NotReachedReason::NotAnswered, Some(480))).await;
            assert_eq!(scene.ended(&call).await, "not_answered");
        }
        let refused = scene.ask(json!({ "number": AS_DIALLED })).await;
        assert_eq!(code(&refused), (429, "called-too-often".into()), "however it is typed");
        let wait = crate::api::header(&refused, "retry-after").and_then(|wait| wait.parse::<u64>().ok());
        assert!(wait.is_some_and(|wait| (3_000..=3_601).contains(&wait)), "{wait:?}");
        assert_eq!(scene.ask(json!({ "number": "+49 89 7654321" })).await.status, 202, "others may be called");
    }
}

#[tokio::test]
async fn nobody_is_called_whom_the_door_would_refuse() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let ask_under = async |overrides: Value| {
            scene.execute(sql("UPDATE meetings SET policy_overrides = $1").bind(overrides.to_string())).await;
            scene.ask(json!({ "number": NUMBER })).await
        };
        for (overrides, status, refusal) in [
            (json!({ "e2ee": "required" }), 403, "phones-excluded"),
            (json!({ "required_acr": "high" }), 403, "phones-excluded"),
            (json!({ "guests": "forbidden" }), 403, "guests-forbidden"),
            (json!({ "max_participants": 1 }), 409, "meeting-full"),
        ] {
            assert_eq!(code(&ask_under(overrides.clone()).await), (status, refusal.into()), "{overrides}");
        }
        assert_eq!(ask_under(json!({ "max_participants": 2 })).await.status, 202);
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_telephones_at_a_time() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let limit = async |limits: Value| {
            let settings = json!({ "dial_out": { "is_enabled": true }, "limits": limits }).to_string();
            scene.execute(sql("UPDATE tenants SET settings = $1").bind(settings)).await;
        };
        limit(json!({ "max_concurrent_phone_calls": 2 })).await;
        let (first, mut inside, _) = scene.call(json!({ "number": NUMBER })).await;
        inside.progress(ANSWERED).await;
        come_in(&mut inside).await;
        scene.is(&first, "in_meeting").await;
        soon(async {
            while scene.hall.session(&scene.host.session).await["current_participants"] != 2 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let (second, mut rings, _) = scene.call(json!({ "number": "+49 89 7654321" })).await;
        let third = scene.ask(json!({ "number": "+49 89 7654322" })).await;
        assert_eq!(code(&third), (409, "too-many-calls".into()), "one is in, and one may come");
        limit(json!({ "max_concurrent_phone_calls": 1 })).await;
        rings.progress(ANSWERED).await;
        assert_eq!(rings.room().await, Verdict::Refused(Refusal::Full), "as with whoever calls by themselves");
        drop(rings);
        assert_eq!(scene.ended(&second).await, "not_admitted");
        limit(json!({ "max_concurrent_participants": 2 })).await;
        assert_eq!(code(&scene.ask(json!({ "number": "+49 89 7654322" })).await), (409, "meeting-full".into()));
        limit(json!({ "max_concurrent_participants": 3 })).await;
        assert_eq!(scene.ask(json!({ "number": "+49 89 7654322" })).await.status, 202);
    }
}

#[tokio::test]
async fn many_calls_at_once_take_no_more_minutes_than_there_are() {
    for database in TestStore::both().await {
        let terms = json!({ "is_enabled": true, "minutes_per_day": 25 });
        let scene = Scene::on(database, terms, json!({})).await;
        let asked = (0..9).map(|number| scene.ask(json!({ "number": format!("+49 89 123450{number}") })));
        let answers = futures_util::future::join_all(asked).await;
        let made = answers.iter().filter(|answer| answer.status == 202).count();
        let refused = answers.iter().filter(|answer| code(answer) == (409, "minutes-used-up".into())).count();
        assert_eq!((made, refused), (3, 6));
        let mut minutes: Vec<u32> = scene.minutes().await.iter().map(|text| text.parse().expect("minutes")).collect();
        minutes.sort_unstable();
        assert_eq!(minutes, [5, 10, 10]);
    }
}

#[tokio::test]
async fn a_meeting_makes_ten_calls_at_a_time() {
    for database in TestStore::both().await {
        let scene = Scene::usual(database).await;
        let asked = (10..22).map(|number| scene.ask(json!({ "number": format!("+49 89 12345{number}") })));
        let answers = futures_util::future::join_all(asked).await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.status == 202).collect();
        let refused = answers.iter().filter(|answer| code(answer) == (409, "too-many-calls".into())).count();
        assert_eq!((made.len(), refused), (10, 2));
        assert_eq!(scene.delete(&made[0].json()).await, 204);
        assert_eq!(scene.ended(&made[0].json()).await, "given_up");
        assert_eq!(scene.ask(json!({ "number": NUMBER })).await.status, 202);
    }
}
