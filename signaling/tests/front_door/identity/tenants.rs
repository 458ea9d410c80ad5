// SPDX-License-Identifier: EUPL-1.2
//! Tenants, and who may change what of them.

use serde_json::json;
use store::testing::TestStore;

use super::installation::Installation;

#[tokio::test]
async fn tenants_are_made_changed_and_removed() {
    for database in TestStore::both().await {
        let saal = Installation::on(database).await;
        let root = saal.root();
        let input = json!({ "name": "Ministry A", "slug": "ministry-a", "oidc_claim_value": "min-a", "locale": "en",
            "legal": { "imprint_url": "https://example.org/imprint" }, "limits": { "max_meeting_minutes": 480 } });
        let made = saal.made(&root, "/tenants", &input).await;
        assert_eq!((&made["locale"], &made["retention"], &made["revision"]), (&json!("en"), &json!({}), &json!(1)));
        let path = format!("/tenants/{}", made["id"].as_str().expect("an id"));
        let again = saal.ask(&root, "POST /tenants", &[], Some(&input)).await;
        assert_eq!((again.status, &again.json()["code"]), (409, &json!("taken")));
        let patched = saal.patch(&root, &path, &json!({ "limits": null, "retention": { "chat_days": 7 } })).await;
        assert_eq!((patched.status, &patched.json()["limits"]), (200, &json!({})));
        assert_eq!(saal.get(&root, &path).await.json()["retention"]["chat_days"], 7);
        let policy = json!({ "default_policy_id": "0190f3a0-0000-7000-8000-000000000000" });
        assert_eq!(saal.patch(&root, &path, &policy).await.json()["errors"][0]["pointer"], "/default_policy_id");
        let codes = json!({ "dial_out": { "countries": ["+49", "+35", "+1876", "+1"] } });
        let problem = saal.patch(&root, &path, &codes).await.json();
        let named = ["pointer", "code"].map(|name| problem["errors"][0][name].clone());
        assert_eq!(
            named,
            ["/dial_out/countries/1", "unknown-reference"],
            "that is the beginning of codes, and none: {problem}"
        );
        assert_eq!(problem["errors"].as_array().map(Vec::len), Some(1), "{problem}");
        let bad = json!({ "name": "", "slug": "Bad Slug", "branding": { "accent_colour": "red" }, "x": 1 });
        let problem = saal.ask(&root, "POST /tenants", &[], Some(&bad)).await.json();
        let mut pointers: Vec<_> =
            problem["errors"].as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
        pointers.sort_by_key(ToString::to_string);
        assert_eq!(pointers, ["/branding/accent_colour", "/name", "/slug", "/x"]);
        let any = [("if-match", "*")];
        assert_eq!(saal.ask(&root, &format!("DELETE {path}"), &any, None).await.status, 204);
        let last = saal.first_tenant().await;
        let answer = saal.ask(&root, &format!("DELETE /tenants/{last}"), &any, None).await;
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("conflict")), "the last one stays");
    }
}

#[tokio::test]
async fn a_tenant_admin_changes_their_own_tenant_but_not_what_it_may_use() {
    let saal = Installation::on(TestStore::sqlite().await).await;
    let (own, other) = (saal.first_tenant().await, saal.tenant("other").await);
    let admin = saal.browser(&own, "ann@example.org", "tenant_admin").await;
    let organizer = saal.browser(&own, "bob@example.org", "organizer").await;
    let own = format!("/tenants/{own}");
    assert_eq!(saal.get(&admin, &own).await.status, 200);
    assert_eq!(saal.get(&organizer, &own).await.status, 403);
    assert_eq!(saal.get(&admin, &format!("/tenants/{other}")).await.status, 404);
    assert_eq!(saal.get(&admin, "/tenants").await.status, 403);
    assert_eq!(saal.patch(&admin, &own, &json!({ "name": "Ours" })).await.json()["name"], "Ours");
    let greedy =
        json!({ "slug": "x", "oidc_claim_value": "x", "limits": { "max_meeting_minutes": 5 }, "locale": "en" });
    let problem = saal.patch(&admin, &own, &greedy).await.json();
    let pointers: Vec<_> =
        problem["errors"].as_array().expect("errors").iter().map(|error| error["pointer"].clone()).collect();
    assert_eq!(pointers, ["/slug", "/oidc_claim_value", "/limits"]);
    let shown = saal.get(&admin, &own).await;
    let known = shown.head.lines().find_map(|line| line.strip_prefix("etag: ")).expect("a tag");
    assert_eq!(saal.ask(&admin, &format!("GET {own}"), &[("if-none-match", known)], None).await.status, 304);
}
