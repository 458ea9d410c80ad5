// SPDX-License-Identifier: EUPL-1.2
//! What every operation does with requests that are not as they should be.

use serde_json::{Value, json};
use store::testing::TestStore;

use crate::api::Api;
use crate::identity::permissions::Matrix;

/// Of its errors, pointer and code.
fn errors(problem: &Value) -> Vec<(String, String)> {
    let errors = problem["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |error: &Value, name: &str| error[name].as_str().unwrap_or_default().to_owned();
    errors.iter().map(|error| (text(error, "pointer"), text(error, "code"))).collect()
}

#[tokio::test]
async fn unknown_fields_are_refused_in_every_body() {
    let matrix = Matrix::new().await;
    let mut wrong = Vec::new();
    let browser = matrix.saal.browser(&matrix.own, "anna@example.org", "tenant_admin").await;
    for operation in &matrix.operations {
        // The standard of OAuth wants unknown parameters to be passed over.
        let is_other = operation.path == "/oauth/token";
        let (Some(schema), Some(content_type), false) = (&operation.schema, &operation.content_type, is_other) else {
            continue;
        };
        // Software is not invited, and has no password.
        let is_of_people = operation.is_for_browsers_alone() || operation.path == "/meetings/{meeting_id}/response";
        let shows = if is_of_people { &browser } else { &matrix.saal.root() };
        let mut body = matrix.body(schema, &matrix.own).await;
        body["surprise"] = json!(1);
        let path = matrix.filled(operation.path, &matrix.own).await;
        let separator = if path.contains('?') { '&' } else { '?' };
        let head = format!("{} {path}{separator}tenant_id={}", operation.method, matrix.own);
        let headers = [("if-match", "*"), ("content-type", content_type.as_str())];
        let answer = matrix.saal.ask(shows, &head, &headers, Some(&body)).await;
        let expected = vec![("/surprise".to_owned(), "unknown-field".to_owned())];
        if answer.status != 422 || errors(&answer.json()) != expected {
            wrong.push(format!("{}: {} {}", operation.name, answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn no_change_overwrites_what_was_not_seen() {
    let matrix = Matrix::new().await;
    let mut wrong = Vec::new();
    for operation in matrix.operations.iter().filter(|operation| operation.if_match == Some(true)) {
        let path = matrix.filled(operation.path, &matrix.own).await;
        let head = format!("{} {path}?tenant_id={}", operation.method, matrix.own);
        let body = match &operation.schema {
            Some(schema) => Some(matrix.body(schema, &matrix.own).await),
            None => None,
        };
        let content_type = operation.content_type.as_deref().unwrap_or("application/json");
        for (tag, status, code) in [
            (None, 428, "precondition-required"),
            (Some("\"4711\""), 412, "etag-mismatch"),
            (Some("W/\"1\""), 412, "etag-mismatch"),
        ] {
            let mut headers = vec![("content-type", content_type)];
            headers.extend(tag.map(|tag| ("if-match", tag)));
            let answer = matrix.saal.ask(&matrix.saal.root(), &head, &headers, body.as_ref()).await;
            if answer.status != status || answer.json()["code"] != code {
                wrong.push(format!("{} with {tag:?}: {} {}", operation.name, answer.status, answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_query_is_named_in_one_answer() {
    let api = Api::with_scopes(TestStore::sqlite().await, "meetings:read,audit:read").await;
    let long = "x".repeat(401);
    let path = format!("/meetings?limit=1000&starts_after=yesterday&status=maybe&organizer={long}&limit_of=1");
    let answer = api.get(&path).await;
    assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid")), "{}", answer.text());
    let found = errors(&answer.json());
    let mut found: Vec<_> = found.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    found.sort_unstable();
    let expected = [
        ("query/limit", "too-large"),
        ("query/limit_of", "unknown-field"),
        ("query/organizer", "too-long"),
        ("query/starts_after", "wrong-format"),
        ("query/status", "unknown-value"),
    ];
    assert_eq!(found, expected);
    let answer = api.get("/availability?from=2030-03-04T08:00:00Z").await;
    assert_eq!(errors(&answer.json()), [("query/to".to_owned(), "required".to_owned())]);
    let answer = api.get("/audit_events?limit=1&limit=2").await;
    assert_eq!(errors(&answer.json()), [("query/limit".to_owned(), "repeated".to_owned())]);
}

#[tokio::test]
async fn each_thing_that_is_wrong_with_a_query_is_enough_to_refuse_it() {
    let api = Api::with_scopes(TestStore::sqlite().await, "meetings:read,audit:read,users:read").await;
    for good in ["/meetings", "/meetings?status=scheduled&organizer=a@example.org&limit=1", "/audit_events", "/users"] {
        let answer = api.get(good).await;
        assert_eq!(answer.status, 200, "{good}: {}", answer.text());
    }
    let long = "x".repeat(255);
    let (long_organizer, long_words) = (format!("/meetings?organizer={long}"), format!("/meetings?q={long}"));
    for (path, pointer, code) in [
        ("/meetings?limit_of=1", "query/limit_of", "unknown-field"),
        // Misspelt, it would list all of them.
        ("/meetings?start_after=2030-03-04T08:00:00Z", "query/start_after", "unknown-field"),
        ("/meetings?STATUS=ended", "query/STATUS", "unknown-field"),
        ("/users?meetings", "query/meetings", "unknown-field"),
        ("/meetings?status=maybe", "query/status", "unknown-value"),
        ("/meetings?type=party", "query/type", "unknown-value"),
        (long_organizer.as_str(), "query/organizer", "too-long"),
        (long_words.as_str(), "query/q", "too-long"),
        ("/meetings?limit=many", "query/limit", "wrong-type"),
        ("/meetings?limit=0", "query/limit", "too-small"),
        ("/audit_events?tenant_id=mine", "query/tenant_id", "wrong-format"),
    ] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, &answer.json()["code"]), (422, &json!("invalid")), "{path}: {}", answer.text());
        assert_eq!(errors(&answer.json()), [(pointer.to_owned(), code.to_owned())], "{path}");
    }
    // No text that is stored may hold one.
    assert_eq!(api.get("/meetings?organizer=%00").await.status, 400);
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_every_operation() {
    let matrix = Matrix::new().await;
    let mut wrong = Vec::new();
    let browser = matrix.saal.browser(&matrix.own, "anna@example.org", "tenant_admin").await;
    for operation in &matrix.operations {
        // The standard of OAuth wants them to be passed over.
        if operation.path == "/oauth/token" {
            continue;
        }
        let shows = if operation.is_for_browsers_alone() { &browser } else { &matrix.saal.root() };
        let path = matrix.filled(operation.path, &matrix.own).await;
        let separator = if path.contains('?') { '&' } else { '?' };
        let head = format!("{} {path}{separator}surprise=1", operation.method);
        let answer = matrix.saal.ask(shows, &head, &[("if-match", "*")], None).await;
        let expected = vec![("query/surprise".to_owned(), "unknown-field".to_owned())];
        if answer.status != 422 || errors(&answer.json()) != expected {
            wrong.push(format!("{}: {} {}", operation.name, answer.status, answer.text()));
        }
    }
    assert!(wrong.is_empty(), "{} answers are wrong:\n{}", wrong.len(), wrong.join("\n"));
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let asked = matrix.saal.server.request("POST /api/v1/oauth/token?surprise=1", &form, b"grant_type=password").await;
    assert_eq!((asked.status, &asked.json()["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn a_recurrence_that_never_ends_is_written_down_for_a_time_only() {
    for database in TestStore::both().await {
        let api = Api::with_scopes(database, "meetings:*").await;
        let body = json!({ "title": "For ever", "starts_at": "2030-01-01T08:00:00Z", "duration_minutes": 5,
            "time_zone": "Etc/UTC", "recurrence_rule": "FREQ=DAILY", "organizer": { "email": "a@example.org" } });
        let made = api.ask("POST /meetings", &[], Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.text());
        struct Count(i64);
        impl store::FromRow for Count {
            fn from_row(row: &store::Row) -> Result<Self, store::StoreError> {
                row.get("written").map(Self)
            }
        }
        let mut tx = api.server.database.store.read().await.expect("a transaction");
        let count: Count = tx.one(store::sql("SELECT COUNT(*) AS written FROM occurrences")).await.expect("a row");
        // Times more than 400 days ahead are written down as they come nearer.
        assert!(count.0 <= 401, "{} occurrences", count.0);
        drop(tx);
        for rule in ["FREQ=SECONDLY", "FREQ=MINUTELY;INTERVAL=1"] {
            let mut body = body.clone();
            body["recurrence_rule"] = rule.into();
            let answer = api.ask("POST /meetings", &[], Some(&body)).await;
            assert_eq!(answer.status, 422, "{rule}: {}", answer.text());
            assert_eq!(answer.json()["errors"][0]["pointer"], "/recurrence_rule");
        }
    }
}
