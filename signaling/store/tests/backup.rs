// SPDX-License-Identifier: EUPL-1.2
//! Backups of either kind of database, restored into either.

use std::io::{Read as _, Write as _};

use chrono::{DateTime, Utc};
use store::backup::{BackupError, Summary, back_up, check, restore};
use store::testing::TestStore;
use store::{FromRow, Location, Row, Store, StoreError, sql};

fn moment() -> DateTime<Utc> {
    "2026-10-25T01:30:00.123Z".parse().expect("a time")
}

/// Fills it with all kinds of values: quotes, line breaks, emoji, nothing, false, negative numbers.
async fn fill(store: &Store, tenants: i64) {
    let mut tx = store.write().await.expect("a transaction");
    for number in 0..tenants {
        let tenant = format!("tenant-{number}");
        let claim = (number % 2 == 0).then(|| format!("OU=\"{number}\"\n\\ 🏛 $1"));
        tx.execute(
            sql("INSERT INTO tenants (id, slug, name, oidc_claim_value, locale, settings, revision, created_at,
                     updated_at) VALUES ($1, $1, 'Behörde', $2, 'de', '{\"a\":[1,2]}', $3, $4, $4)")
            .bind(&tenant)
            .bind(claim)
            .bind(number - 1)
            .bind(moment()),
        )
        .await
        .expect("a tenant");
        tx.execute(
            sql("INSERT INTO users (id, tenant_id, email, name, role, feed_generation, revision, created_at, updated_at)
                 VALUES ($1, $2, 'a@example.org', 'Änne \\ \"x\"', 'organizer', 0, 1, $3, $3)")
            .bind(format!("user-{number}"))
            .bind(&tenant)
            .bind(moment()),
        )
        .await
        .expect("a user");
        tx.execute(
            sql("INSERT INTO audit_events (tenant_id, number, id, occurred_at, actor_type, actor_id, action, target_type,
                     target_id, result, details, previous_hash, hash)
                 VALUES ($1, 1, $1, 0, 'system', 'x', 'x', 'x', 'x', 'success', '{}', '0', '1')")
            .bind(&tenant),
        )
        .await
        .expect("an event");
    }
    tx.commit().await.expect("committed");
}

async fn backup_of(store: &Store) -> (Vec<u8>, Summary) {
    let mut file = Vec::new();
    let summary = back_up(store, &mut file, moment()).await.expect("a backup");
    (file, summary)
}

/// The lines of a backup.
fn unpacked(file: &[u8]) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("text");
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    file.write_all(text.as_bytes()).expect("packed");
    file.finish().expect("packed")
}

/// What a backup holds, whatever the order of its tables and columns.
fn contents(file: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut table = String::new();
    for line in unpacked(file).lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        if let Some(name) = line["table"].as_str() {
            table = name.to_owned();
            let columns = line["columns"].as_array().expect("columns");
            names = columns.iter().map(|column| column[0].to_string()).collect();
        } else if let Some(values) = line.as_array() {
            let mut row: Vec<_> = names.iter().zip(values).map(|(name, value)| format!("{name}={value}")).collect();
            row.sort();
            found.push(format!("{table}: {}", row.join(" ")));
        }
    }
    found.sort();
    found
}

struct Count(i64);

impl FromRow for Count {
    fn from_row(row: &Row) -> Result<Self, StoreError> {
        row.get("count").map(Self)
    }
}

async fn tenants(store: &Store) -> i64 {
    let mut tx = store.read().await.expect("a transaction");
    tx.one::<Count>(sql("SELECT COUNT(*) AS count FROM tenants")).await.expect("a count").0
}

/// An empty database without any tables.
async fn place(like: &TestStore) -> TestStore {
    match like.location {
        Location::Sqlite(_) => TestStore::sqlite().await,
        Location::Postgres(_) => TestStore::postgres().await,
    }
}

#[tokio::test]
async fn each_kind_is_restored_into_each() {
    for from in TestStore::both().await {
        fill(&from.store, 1500).await;
        let (file, summary) = backup_of(&from.store).await;
        assert_eq!((summary.rows, summary.created_at), (4500, moment()));
        assert_eq!(check(file.as_slice()).await.expect("whole"), summary);
        for into in TestStore::both().await {
            let (store, restored) = restore(&into.location, file.as_slice(), false).await.expect("restored");
            assert_eq!(restored, summary);
            let (again, _) = backup_of(&store).await;
            assert!(contents(&again) == contents(&file), "{:?} from {:?}", into.location, from.location);
        }
    }
}

#[tokio::test]
async fn what_is_there_stays_unless_it_is_to_be_replaced() {
    for from in TestStore::both().await {
        fill(&from.store, 3).await;
        let (file, _) = backup_of(&from.store).await;
        let into = place(&from).await;
        fill(&into.store, 5).await;
        let refused = restore(&into.location, file.as_slice(), false).await;
        assert!(matches!(refused, Err(BackupError::NotEmpty)));
        assert_eq!(tenants(&into.store).await, 5);
        restore(&into.location, file.as_slice(), true).await.expect("restored");
        assert_eq!(tenants(&into.store).await, 3);
    }
}

#[tokio::test]
async fn a_damaged_backup_changes_nothing() {
    let from = TestStore::sqlite().await;
    fill(&from.store, 40).await;
    let (file, _) = backup_of(&from.store).await;
    let text = unpacked(&file);
    let lines: Vec<_> = text.lines().collect();
    let without = |left_out: usize| {
        let kept: Vec<_> =
            lines.iter().enumerate().filter(|(index, _)| *index != left_out).map(|(_, line)| *line).collect();
        packed(&(kept.join("\n") + "\n"))
    };
    let mut flipped = file.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    let damaged = [
        ("cut off in the middle", file[..file.len() / 2].to_vec()),
        ("without its last byte", file[..file.len() - 9].to_vec()),
        ("with another bit", flipped),
        ("without a row", without(lines.iter().position(|line| line.starts_with('[')).expect("a row"))),
        ("without a table", without(lines.iter().position(|line| line.contains("\"policies\"")).expect("a table"))),
        ("without its end", without(lines.len() - 1)),
        ("with another name", packed(&text.replacen("Behörde", "Behorde", 1))),
        ("with more behind it", packed(&(text.clone() + "[]\n"))),
        ("with a table of others", packed(&text.replace("\"table\":\"users\"", "\"table\":\"losers\""))),
        ("with a column of others", packed(&text.replace("\"email\"", "\"phone\""))),
    ];
    for into in TestStore::both().await {
        for (what, file) in &damaged {
            let refused = restore(&into.location, file.as_slice(), true).await;
            assert!(matches!(refused, Err(BackupError::Damaged(_))), "{what}: {refused:?}");
            assert_eq!(tenants(&into.store).await, 0, "{what}");
        }
    }
    for (what, file) in &damaged[..8] {
        assert!(matches!(check(file.as_slice()).await, Err(BackupError::Damaged(_))), "{what}");
    }
}

#[tokio::test]
async fn what_is_no_backup_or_too_new_is_told() {
    let from = TestStore::sqlite().await;
    let (file, _) = backup_of(&from.store).await;
    for other in [&b""[..], b"SQLite format 3\0", &packed("{}\n"), &packed("hello\n"), &packed("")] {
        assert!(matches!(check(other).await, Err(BackupError::NotABackup)));
    }
    let text = unpacked(&file);
    let newer = packed(&text.replacen("\"saal_backup\":1", "\"saal_backup\":2", 1));
    assert!(matches!(check(newer.as_slice()).await, Err(BackupError::TooNew)));
    let newer = packed(&text.replacen("\"migrations\":[", "\"migrations\":[9999,", 1));
    assert!(matches!(check(newer.as_slice()).await, Err(BackupError::TooNew)));
}

#[tokio::test]
async fn an_older_backup_is_brought_up_to_date() {
    for into in TestStore::both().await {
        let from = TestStore::sqlite().await;
        let (file, _) = backup_of(&from.store).await;
        // As of the first step alone, whose tables are these.
        let text = unpacked(&file);
        let first = ["tenants", "users", "user_sessions", "api_tokens", "oauth_clients", "installation_secrets"];
        let is_old = |line: &&str| first.iter().any(|name| line.contains(&format!("\"table\":\"{name}\"")));
        let mut old = "{\"saal_backup\":1,\"created_at_ms\":0,\"migrations\":[1]}\n".to_owned();
        for line in text.lines().filter(is_old) {
            // Later steps add a column each to these, as their last.
            let added = [("oauth_clients", "expires_at"), ("users", "phone_e164")];
            let added = added.iter().find(|(table, _)| line.contains(&format!("\"table\":\"{table}\"")));
            let later = added.and_then(|(_, column)| line.rfind(&format!(",[\"{column}\"")));
            old += later.map(|at| format!("{}]}}", &line[..at])).as_deref().unwrap_or(line);
            old.push('\n');
        }
        let hash = sha256(&old);
        let tables = old.lines().count() - 1;
        old += &format!("{{\"tables\":{tables},\"rows\":0,\"sha256\":\"{hash}\"}}\n");
        let refused = restore(&into.location, packed(&old).as_slice(), false).await;
        assert!(matches!(refused, Err(BackupError::NewerTables)), "its tables cannot be taken back: {refused:?}");
        let bare = into.without_tables().await;
        let (store, summary) = restore(&bare, packed(&old).as_slice(), false).await.expect("restored");
        assert_eq!((summary.tables, summary.rows), (tables, 0));
        let (again, _) = backup_of(&store).await;
        assert_eq!(unpacked(&again).lines().count(), text.lines().count(), "all tables are there");
    }
}

fn sha256(text: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_backup_is_of_one_moment_while_others_write() {
    for database in TestStore::both().await {
        fill(&database.store, 50).await;
        let store = database.store.clone();
        let writing = async {
            // Tenant and user in one transaction each: a backup must never have one without the other.
            for number in 0..50 {
                let mut tx = store.write().await.expect("a transaction");
                tx.execute(sql("DELETE FROM users WHERE id = $1").bind(format!("user-{number}")))
                    .await
                    .expect("deleted");
                tx.execute(sql("DELETE FROM tenants WHERE id = $1").bind(format!("tenant-{number}")))
                    .await
                    .expect("deleted");
                tx.commit().await.expect("committed");
            }
        };
        let backing_up = async {
            let mut files = Vec::new();
            for _ in 0..8 {
                files.push(backup_of(&database.store).await.0);
            }
            files
        };
        let ((), files) = tokio::join!(writing, backing_up);
        for file in files {
            let found = contents(&file);
            let count = |table: &str| found.iter().filter(|row| row.starts_with(table)).count();
            assert_eq!(count("tenants: "), count("users: "));
            assert_eq!(count("audit_events: "), 50);
        }
    }
}
