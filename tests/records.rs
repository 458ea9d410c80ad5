// SPDX-License-Identifier: EUPL-1.2

//! Backups and the audit log, from the command line.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use store::testing::TestStore;
use store::{Location, sql};

fn saal(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saal"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SAAL_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().expect("running saal")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn printed(folder: &Path, arguments: &[&str]) -> String {
    let output = saal(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", said(&output));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = saal(folder, arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", said(&output));
    said(&output)
}

fn with_tokens(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in names {
        printed(folder.path(), &["api-token", "create", "--name", name, "--scopes", "audit:read"]);
    }
    folder
}

#[test]
fn a_backup_is_restored_elsewhere() {
    let first = with_tokens(&["a", "b"]);
    let file = first.path().join("saal.backup");
    let name = file.to_str().expect("text");
    assert!(printed(first.path(), &["backup", name]).contains("rows of"));
    let mode = std::fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    printed(first.path(), &["api-token", "create", "--name", "c", "--scopes", "audit:read"]);
    printed(first.path(), &["backup", name]);
    let names: Vec<_> =
        std::fs::read_dir(first.path()).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left over: {names:?}");
    let second = tempfile::tempdir().expect("a folder");
    let restored = printed(second.path(), &["restore", name]);
    assert!(restored.contains("intact, 3 events"), "{restored}");
    assert!(refused(second.path(), &["restore", name]).contains("--force"));
    assert!(printed(second.path(), &["restore", "--force", name]).contains("intact, 3 events"));
    let export = |folder: &Path| printed(folder, &["audit", "export"]);
    assert_eq!(export(first.path()), export(second.path()));
    assert_eq!(export(first.path()).lines().count(), 3);
}

#[test]
fn what_is_no_backup_is_refused_and_no_backup_is_made_of_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("file"), "hello").expect("written");
    assert!(refused(folder.path(), &["restore", "file"]).contains("no backup of Saal"));
    assert!(refused(folder.path(), &["restore", "other"]).contains("other"));
    let empty = tempfile::tempdir().expect("a folder");
    assert!(refused(empty.path(), &["backup", "file"]).contains("saal.db"));
    assert_eq!(std::fs::read_dir(empty.path()).expect("a folder").count(), 0, "nothing is left over");
}

#[test]
fn the_audit_log_is_verified_and_its_end_remembered() {
    let folder = with_tokens(&["a", "b", "c"]);
    let folder = folder.path();
    let verified = printed(folder, &["audit", "verify", "--tenant", "main"]);
    assert!(verified.contains("intact, 3 events, numbers 1 to 3"), "{verified}");
    let head = printed(folder, &["audit", "head", "--tenant", "main"]);
    std::fs::write(folder.join("heads"), &head).expect("written");
    printed(folder, &["audit", "verify", "--expect-heads", "heads", "--expect-head", head.trim()]);
    assert!(refused(folder, &["audit", "verify", "--expect-head", "made up"]).contains("no head"));
    assert!(refused(folder, &["audit", "verify", "--tenant", "nobody"]).contains("no such tenant"));
    change(folder, "DELETE FROM audit_events WHERE number = 2");
    let broken = refused(folder, &["audit", "verify"]);
    assert!(broken.contains("event 2 is missing") && broken.contains("BROKEN"), "{broken}");
    // Whoever cuts off the end and mends what remembers it is found by the head alone.
    change(folder, "DELETE FROM audit_events WHERE number > 1");
    change(folder, "UPDATE audit_heads SET number = 1, hash = (SELECT hash FROM audit_events)");
    assert!(printed(folder, &["audit", "verify"]).contains("intact, 1 events"));
    let cut = refused(folder, &["audit", "verify", "--expect-heads", "heads"]);
    assert!(cut.contains("events 2 to 3 are missing at the end"), "{cut}");
}

/// What somebody does who can write to the file.
fn change(folder: &Path, statement: &'static str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let location = Location::Sqlite(folder.join("data/saal.db"));
        let store = store::Store::open_as_it_is(&location).await.expect("the database");
        let mut tx = store.write().await.expect("a transaction");
        tx.execute(sql(statement)).await.expect("done");
        tx.commit().await.expect("committed");
        store.close().await;
    });
}

#[test]
fn an_installation_moves_from_sqlite_to_postgresql() {
    let first = with_tokens(&["a", "b"]);
    printed(first.path(), &["backup", "file"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let postgres = runtime.block_on(TestStore::postgres());
    let url = postgres.url().expect("a server");
    let restored = Command::new(env!("CARGO_BIN_EXE_saal"))
        .args(["restore", "file"])
        .env("SAAL_DATABASE__URL", url)
        .current_dir(first.path())
        .output()
        .expect("running saal");
    assert!(restored.status.success(), "{}", said(&restored));
    assert!(said(&restored).contains("intact, 2 events"), "{}", said(&restored));
}

#[test]
fn the_database_is_for_its_owner_alone_also_in_a_folder_that_was_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o755)).expect("permissions");
    let data_dir = data.to_str().expect("text");
    printed(folder.path(), &["api-token", "create", "--data-dir", data_dir, "--name", "a", "--scopes", "audit:read"]);
    let mut found = 0;
    for entry in std::fs::read_dir(&data).expect("a folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", entry.path().display());
        found += 1;
    }
    assert!(found >= 1);
}

#[tokio::test]
async fn whoever_was_signed_in_signs_in_anew_after_a_restoration() {
    for test in TestStore::both().await {
        let folder = tempfile::tempdir().expect("a folder");
        let database = |test: &TestStore| test.url();
        let flags = match (&test.location, database(&test)) {
            (Location::Sqlite(file), _) => {
                vec!["--data-dir".to_owned(), file.parent().expect("a folder").display().to_string()]
            }
            (_, Some(url)) => {
                std::fs::write(folder.path().join("saal.toml"), format!("[database]\nurl = \"{url}\"\n"))
                    .expect("settings");
                Vec::new()
            }
            (_, None) => panic!("nowhere"),
        };
        let run = |arguments: &[&str]| {
            let flags = flags.iter().map(String::as_str);
            printed(folder.path(), &arguments.iter().copied().chain(flags).collect::<Vec<_>>())
        };
        run(&["user", "create", "ann@example.org", "--no-password"]);
        let mut tx = test.store.write().await.expect("a transaction");
        let insert = sql("INSERT INTO user_sessions (token_hash, user_id, created_at, last_seen_at, expires_at)
             SELECT 'x', id, 0, 0, 0 FROM users");
        assert_eq!(tx.execute(insert).await.expect("inserted"), 1);
        tx.commit().await.expect("kept");
        run(&["backup", "saal.backup"]);
        assert!(run(&["restore", "saal.backup", "--force", "--keep-sessions"]).contains("intact"));
        let printed = run(&["restore", "saal.backup", "--force"]);
        assert!(printed.contains("browsers signed out: 1"), "that they were kept before is seen now: {printed}");
        let mut tx = test.store.write().await.expect("a transaction");
        assert_eq!(tx.execute(sql("DELETE FROM user_sessions")).await, Ok(0));
    }
}
