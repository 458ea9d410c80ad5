// SPDX-License-Identifier: EUPL-1.2
//! A person is written down wherever that is possible. After the erasure neither name nor address nor number is found in
//! any table, nor in the bytes of the file.

use serde_json::{Value as Json, json};
use store::Location;
use store::testing::TestStore;

use super::*;
use crate::phone::known_callers;
use crate::records::everywhere::{EMAIL, INVITATIONS, MARKS, NAME, PHONE, World, execute};
use crate::records::privacy::{erase, exports};

/// Where somebody's id may stay that leads nowhere any more.
const KEEPS_IDS: [&str; 2] = ["audit_events", "token_revocations"];

impl World {
    async fn erase(&self, known_by: &KnownBy, hand_over_to: Option<UserId>) -> super::model::Erasure {
        let mut tx = self.database.store.write().await.expect("a transaction");
        let person = self.person(&mut tx, known_by).await;
        let successor = match hand_over_to {
            Some(id) => erase::successor(&mut tx, &person, id).await.expect("rows"),
            None => None,
        };
        assert_eq!(successor.is_some(), hand_over_to.is_some());
        let erasure = erase::erase(&mut tx, &self.keys, &person, successor.as_ref(), self.now).await.expect("erased");
        tx.commit().await.expect("committed");
        erasure
    }

    /// Erases the person in each way they are known.
    async fn erase_altogether(&self, hand_over_to: Option<UserId>) -> super::model::Erasure {
        self.erase(&KnownBy::Phone(PHONE.to_owned()), None).await;
        self.erase(&KnownBy::Account(self.user), hand_over_to).await
    }
}

#[tokio::test]
async fn nothing_is_left_of_somebody_who_is_erased() {
    for world in World::both().await {
        let before = world.everything().await;
        let rows = |mark: &str| before.iter().filter(|line| line.contains(mark)).count();
        assert!(MARKS.iter().all(|mark| rows(mark) >= 3), "otherwise this shows nothing");
        let erasure = world.erase_altogether(None).await;
        assert_eq!((erasure.cancelled, erasure.handed_over), (1, 0));
        for (name, count) in [
            ("account", 1),
            ("attendance", 4),
            ("bans", 4),
            ("exports", 1),
            ("invitations", 2),
            // The tenant's went when the phone number was erased.
            ("kept_answers", 1),
            ("lobby", 4),
            ("mails", 4),
            ("mails_about_meetings", 1),
            ("meetings_organised", 2),
            ("messages", 4),
            ("rooms", 1),
        ] {
            assert_eq!(erasure.erased[name], count, "{name}: {erasure:?}");
        }
        let after = world.everything().await;
        for mark in MARKS {
            let left: Vec<_> = after.iter().filter(|line| line.contains(mark)).collect();
            assert!(left.is_empty(), "{mark}: {left:#?}");
        }
        for table in ["phone_callers: ", "dial_attempts: "] {
            assert!(!after.iter().any(|line| line.starts_with(table)), "not even a hash of the number in {table}");
        }
        let user = world.user.to_string();
        let names_them = |line: &&String| line.contains(&user);
        let may = |line: &&String| KEEPS_IDS.iter().any(|table| line.starts_with(&format!("{table}: ")));
        let left: Vec<_> = after.iter().filter(names_them).filter(|line| !may(line)).collect();
        assert!(left.is_empty(), "{left:#?}");
        let others = after.iter().filter(|line| line.contains("Somebody Else")).count();
        let others_before = before.iter().filter(|line| line.contains("Somebody Else")).count();
        assert_eq!(others, others_before, "what is others' stays");
        world.assert_chains_are_intact().await;
        if let Location::Sqlite(file) = &world.database.location {
            // Closing folds the journal into the file.
            world.database.store.close().await;
            for file in [file.clone(), file.with_extension("db-wal")] {
                let bytes = std::fs::read(&file).unwrap_or_default();
                for mark in MARKS {
                    let is_left = bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
                    assert!(!is_left, "{mark} is in the bytes of {}", file.display());
                }
            }
        }
    }
}

#[tokio::test]
async fn the_account_of_whoever_is_erased_by_a_number_stays_without_it() {
    for world in World::both().await {
        struct Kept(String, Option<String>, i64);
        impl FromRow for Kept {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                Ok(Self(row.get("name")?, row.get("phone_e164")?, row.get("revision")?))
            }
        }
        let kept = async || {
            let mut tx = world.database.store.read().await.expect("a transaction");
            let select = sql("SELECT name, phone_e164, revision FROM users WHERE id = $1").bind(world.user);
            tx.one::<Kept>(select).await.expect("the account")
        };
        let Kept(name, number, before) = kept().await;
        assert_eq!((name.as_str(), number.as_deref()), (NAME, Some(PHONE)));
        let erasure = world.erase(&KnownBy::Phone(PHONE.to_owned()), None).await;
        assert_eq!((erasure.erased["account_numbers"], erasure.erased["account"]), (1, 0));
        let Kept(name, number, after) = kept().await;
        assert_eq!((name.as_str(), number), (NAME, None));
        assert_eq!(after, before + 1, "who has read it writes nothing over it");
    }
}

#[tokio::test]
async fn calls_that_the_directory_named_go_with_the_account_and_those_of_others_with_that_number_stay() {
    for is_shared in [false, true] {
        for world in World::both().await {
            let mark = known_callers::mark(&world.keys, PHONE);
            for (identity, name) in [("p_1", NAME), ("p_2", "Somebody Else")] {
                let marks = json!({ "session_id": "s1", "identity": identity, "caller": mark, "name": name,
                    "role": "attendee" });
                world.database.insert("session_people", marks).await;
                let ban = json!({ "id": identity, "tenant_id": world.tenant, "meeting_id": world.over,
                    "venue_id": world.over, "caller": mark, "name": name });
                world.database.insert("meeting_bans", ban.clone()).await;
                let mut waits = ban;
                waits["identity"] = json!(identity);
                world.database.insert("lobby_entries", waits).await;
            }
            if is_shared {
                let same = sql("UPDATE users SET phone_e164 = $1 WHERE id = $2").bind(PHONE).bind(world.other);
                execute(&world.database, same).await;
            }
            // Somebody has had it whose account is not used any more.
            let row = json!({ "id": UserId::new(), "tenant_id": world.tenant, "email": "gone@example.org",
                "role": "participant", "phone_e164": PHONE, "disabled_at": 1 });
            world.database.insert("users", row).await;
            world.erase(&KnownBy::Account(world.user), None).await;
            let of_calls = world.everything().await.into_iter().filter(|line| line.contains(&mark));
            let of_calls: Vec<_> =
                of_calls.filter(|line| line.contains(NAME) || line.contains("Somebody Else")).collect();
            assert!(!of_calls.iter().any(|line| line.contains(NAME)), "{of_calls:#?}");
            assert_eq!(of_calls.len(), if is_shared { 3 } else { 0 }, "{of_calls:#?}");
        }
    }
}

#[tokio::test]
async fn what_is_to_come_can_be_handed_over() {
    for world in World::both().await {
        let erasure = world.erase_altogether(Some(world.other)).await;
        assert_eq!((erasure.cancelled, erasure.handed_over), (0, 1));
        struct Organised(String, Option<UserId>, String);
        impl FromRow for Organised {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                Ok(Self(row.get("id")?, row.get("organizer_id")?, row.get("organizer_email")?))
            }
        }
        let mut tx = world.database.store.read().await.expect("a transaction");
        let select = sql("SELECT id, organizer_id, organizer_email FROM meetings");
        let meetings: Vec<Organised> = tx.all(select).await.expect("rows");
        drop(tx);
        assert_eq!(meetings.len(), 3);
        for Organised(id, organizer, email) in meetings {
            let is_over = id == world.over.to_string();
            let expected = if is_over { (None, "") } else { (Some(world.other), "other@example.org") };
            assert_eq!((organizer, email.as_str()), expected, "{id}");
        }
        let after = world.everything().await;
        let left: Vec<_> = after.iter().filter(|line| MARKS.iter().any(|mark| line.contains(mark))).collect();
        assert!(left.is_empty(), "{left:#?}");
        assert!(after.iter().any(|line| line.contains("Office")), "the room is somebody else's");
    }
}

#[tokio::test]
async fn what_is_cancelled_with_its_organizer_is_in_no_calendar() {
    for world in World::both().await {
        let begun =
            sql("UPDATE meetings SET type = 'recurring', recurrence_rule = 'FREQ=DAILY', expanded_until = ends_at
             WHERE id = $1");
        execute(&world.database, begun.bind(world.to_come)).await;
        let draft = sql("UPDATE meetings SET status = 'draft' WHERE id = $1").bind(world.over);
        execute(&world.database, draft).await;
        let update = sql("UPDATE meetings SET type = 'ad_hoc' WHERE id = $1").bind(world.over);
        execute(&world.database, update).await;
        let erasure = world.erase(&KnownBy::Account(world.user), None).await;
        let actions: Vec<_> = erasure.events.iter().map(|event| event.action).collect();
        assert_eq!((erasure.cancelled, actions), (2, vec!["meeting.cancel"; 2]));
        struct Kept(String, Option<i64>, Option<String>);
        impl FromRow for Kept {
            fn from_row(row: &Row) -> Result<Self, StoreError> {
                Ok(Self(row.get("id")?, row.get("expanded_until")?, row.get("occurrence_status")?))
            }
        }
        let mut tx = world.database.store.read().await.expect("a transaction");
        let select = sql("SELECT m.id, m.expanded_until, o.status AS occurrence_status
             FROM meetings m LEFT JOIN occurrences o ON o.meeting_id = m.id WHERE m.id IN ($1, $2)");
        let kept: Vec<Kept> = tx.all(select.bind(world.to_come).bind(world.over)).await.expect("rows");
        let [Kept(id, None, Some(status))] = kept.as_slice() else { panic!("a draft is gone: {}", kept.len()) };
        assert_eq!((id, status.as_str()), (&world.to_come.to_string(), "cancelled"));
    }
}

/// What the exports have that the world asked for: by account, and by telephone.
async fn contents(world: &World) -> Vec<Json> {
    struct Content(String);
    impl FromRow for Content {
        fn from_row(row: &Row) -> Result<Self, StoreError> {
            row.get("content").map(Self)
        }
    }
    let mut tx = world.database.store.read().await.expect("a transaction");
    let found: Vec<Content> = tx.all(sql("SELECT content FROM exports ORDER BY id")).await.expect("exports");
    found.into_iter().map(|content| serde_json::from_str(&content.0).expect("JSON")).collect()
}

#[tokio::test]
async fn an_export_has_all_that_is_kept_and_no_secrets() {
    for world in World::both().await {
        let contents = contents(&world).await;
        let [by_account, by_phone] = contents.as_slice() else { panic!("{contents:?}") };
        let counts = |content: &Json| {
            assert_eq!(content["is_complete"], true);
            let object = content.as_object().expect("an object").clone();
            let lists = object.into_iter().filter_map(|(name, found)| Some((name, found.as_array()?.len())));
            lists.filter(|(_, count)| *count > 0).collect::<Vec<_>>()
        };
        let named = |expected: &[(&str, usize)]| {
            expected.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect::<Vec<_>>()
        };
        let expected = [
            ("account", 1),
            ("api_tokens_made", 1),
            ("attendance", 4),
            ("audit_events", 2),
            ("bans", 4),
            ("invitations", 2),
            ("lobby", 4),
            ("mails", 4),
            ("meetings_organised", 2),
            ("messages", 4),
            ("oauth_clients_made", 1),
            ("rooms", 1),
            ("sessions", 1),
        ];
        assert_eq!(counts(by_account), named(&expected), "{by_account:#}");
        let expected =
            [("account_numbers", 1), ("attendance", 2), ("bans", 2), ("invitations", 1), ("lobby", 2), ("messages", 2)];
        assert_eq!(counts(by_phone), named(&expected), "{by_phone:#}");
        let account = &by_account["account"][0];
        assert_eq!((&account["email"], &account["name"]), (&EMAIL.into(), &NAME.into()));
        assert_eq!(
            (&account["phone_e164"], &by_phone["account_numbers"][0]["id"]),
            (&PHONE.into(), &json!(world.user))
        );
        assert_eq!(by_account["sessions"][0]["expires_at"], "1970-01-01T00:00:00Z");
        assert_eq!(by_phone["invitations"][0]["phone_e164"], PHONE);
        for content in &contents {
            assert!(!content.to_string().contains("hash"), "{content}");
            assert!(!content.to_string().contains("Somebody Else"), "nothing of others: {content}");
        }
    }
}

#[tokio::test]
async fn somebody_without_an_account_is_found_by_their_address() {
    for world in World::both().await {
        let mut tx = world.database.store.write().await.expect("a transaction");
        let find =
            async |tx: &mut Tx, tenant, known_by: &KnownBy| Person::find(tx, tenant, known_by).await.expect("rows");
        let by_address = |address: &str| KnownBy::Email(address.to_owned());
        let guest = find(&mut tx, world.tenant, &by_address("Nobody@Example.org ")).await.expect("anybody");
        assert_eq!((guest.user, guest.email.as_deref()), (None, Some("nobody@example.org")));
        let found = find(&mut tx, world.tenant, &by_address("XAVERIA.marker@example.org")).await;
        assert_eq!(found.and_then(|person| person.user), Some(world.user));
        assert_eq!(find(&mut tx, world.tenant, &KnownBy::Account(UserId::new())).await, None);
        assert_eq!(find(&mut tx, TenantId::new(), &KnownBy::Account(world.user)).await, None);
        // What has no account and no address of its own is not touched by an empty text.
        let erasure = erase::erase(&mut tx, &world.keys, &guest, None, world.now).await.expect("erased");
        assert!(erasure.erased.iter().all(|(place, count)| *count == 0 || place == "kept_answers"), "{erasure:?}");
    }
}

#[tokio::test]
async fn another_tenants_people_with_the_same_address_stay() {
    for world in World::both().await {
        let before = world.everything().await;
        let elsewhere = TenantId::new();
        let mut tx = world.database.store.write().await.expect("a transaction");
        for known_by in [KnownBy::Email(EMAIL.to_owned()), KnownBy::Phone(PHONE.to_owned())] {
            let person = Person::find(&mut tx, elsewhere, &known_by).await.expect("rows").expect("a person");
            assert_eq!(person.user, None);
            erase::erase(&mut tx, &world.keys, &person, None, world.now).await.expect("erased");
        }
        tx.commit().await.expect("committed");
        // A number by which calls are known again is of no tenant.
        let is_of_none =
            |line: &String| ["idempotency_keys: ", "phone_callers: "].iter().any(|of| line.starts_with(of));
        let kept: Vec<_> = before.iter().filter(|line| !is_of_none(line)).cloned().collect();
        let mut after = world.everything().await;
        after.retain(|line| !is_of_none(line));
        assert_eq!(after, kept);
    }
}

#[tokio::test]
async fn an_export_that_nobody_made_ready_is_made_by_another_process() {
    for world in World::both().await {
        let update = "UPDATE exports SET status = 'pending', content = NULL, claimed_until = $1";
        let minute = chrono::Duration::minutes(1);
        execute(&world.database, sql(update).bind(world.now + minute)).await;
        exports::run_pending(&world.database.store, world.now).await.expect("nothing");
        let ready = async || {
            let lines = world.everything().await;
            lines.iter().filter(|line| line.starts_with("exports: ") && line.contains("\"ready\"")).count()
        };
        assert_eq!(ready().await, 0, "another process is at it");
        exports::run_pending(&world.database.store, world.now + minute).await.expect("put together");
        assert_eq!(ready().await, 2);
    }
}

#[tokio::test]
async fn each_place_is_there_in_both_databases() {
    for database in TestStore::both().await {
        let world = World::on(database).await;
        for place in places::PLACES {
            let mut tx = world.database.store.write().await.expect("a transaction");
            if let Some(find) = place.find {
                let find = sql(find).bind(world.tenant).bind("").bind("").bind("").bind(10_i64);
                let found: Vec<store::Object> = tx.all(find).await.expect(place.name);
                assert!(found.is_empty(), "{}: an empty text is nobody: {}", place.name, found.len());
            }
            if let Some(erase) = place.erase {
                let erased = tx.execute(sql(erase).bind(world.tenant).bind("").bind("").bind("")).await;
                assert_eq!(erased.expect(place.name), 0, "{}", place.name);
            }
        }
        assert!(INVITATIONS.iter().all(|id| !id.is_empty()));
    }
}
