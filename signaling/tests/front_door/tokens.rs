// SPDX-License-Identifier: EUPL-1.2
//! Who is let in, and what whoever is not hears.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::Algorithm;
use livekit_protocol as proto;
use serde_json::{Value, json};

use crate::support::client::{join_request, path};
use crate::support::token::{SECRET, now};
use crate::support::{Client, Server, Token};

const INVALID: (u16, &str) = (401, "invalid authorization token");

/// Both the websocket and the path by which a browser learns why it did not open must say the same.
async fn check(server: &Server, token: &str, join: &proto::JoinRequest, expected: (u16, &str)) {
    let path = path(token, join);
    let refusal = Client::connect(server, &path).await.err().expect("refused");
    assert_eq!((refusal.status, refusal.text.as_str()), expected, "{token}");
    let answer = server.get(&path.replace("/rtc/v1", "/rtc/v1/validate")).await;
    assert_eq!((answer.status, answer.text()), expected, "{token}");
    assert!(answer.head.contains("access-control-allow-origin: *"), "browsers must be able to read it");
}

async fn check_token(server: &Server, token: &Token, expected: (u16, &str)) {
    check(server, &token.sign(), &join_request(), expected).await;
}

#[tokio::test]
async fn a_good_token_is_valid() {
    let server = Server::start().await;
    let path = path(&Token::join("room", "ann").sign(), &join_request());
    for path in [path.replace("/rtc/v1", "/rtc/v1/validate"), path.replace("/rtc/v1", "/rtc/validate")] {
        let answer = server.get(&path).await;
        assert_eq!((answer.status, answer.text()), (200, "success"));
        assert!(answer.head.contains("access-control-allow-origin: *"));
    }
    assert!(server.sfu.log().is_empty(), "nobody came in by asking");
}

#[tokio::test]
async fn tokens_that_are_not_ours_or_not_current_are_all_refused_alike() {
    let server = Server::start().await;
    let good = Token::join("room", "ann");
    let with = |claim: &str, value: Value| good.clone().with(claim, value).sign();
    let signed = good.sign();
    let mut parts = signed.split('.');
    let (_, claims, signature) = (parts.next(), parts.next().expect("claims"), parts.next().expect("signature"));
    let header = |header: Value| BASE64.encode(header.to_string());
    let tokens = [
        String::new(),
        "nonsense".into(),
        with("exp", json!(now() - 120)),
        with("exp", Value::Null),
        with("exp", json!((now() + 600).to_string())),
        with("nbf", json!(now() + 120)),
        with("nbf", json!("tomorrow")),
        with("iss", json!("stranger")),
        with("iss", Value::Null),
        good.sign_as(Algorithm::HS256, "another secret of thirty-two bytes"),
        good.sign_as(Algorithm::HS256, ""),
        good.sign_as(Algorithm::HS512, SECRET),
        format!("{}.{claims}.", header(json!({ "alg": "none" }))),
        format!("{}.{claims}.{signature}", header(json!({ "alg": "none" }))),
        format!("{}.{claims}.{signature}", header(json!({ "alg": "HS256", "kid": "' OR 1=1 --" }))),
        format!("{}.{claims}.{signature}", header(json!({ "alg": "RS256" }))),
    ];
    for token in tokens {
        check(&server, &token, &join_request(), INVALID).await;
    }
}

#[tokio::test]
async fn a_header_that_is_no_bearer_token_is_refused() {
    let server = Server::start().await;
    let good = Token::join("room", "ann").sign();
    // A header counts more than the query.
    for header in ["Basic abc", "Bearer", "Bearer nonsense", &good] {
        let refusal = Client::connect_with_header(&server, &path(&good, &join_request()), Some(header)).await.err();
        assert_eq!(refusal.map(|refusal| refusal.status), Some(401), "{header}");
    }
}

#[tokio::test]
async fn a_token_must_say_who_joins_what() {
    let server = Server::start().await;
    let good = Token::join("room", "ann");
    let denied = (401, "permissions denied");
    check_token(&server, &good.clone().granting("roomJoin", json!(false)), denied).await;
    check_token(&server, &good.clone().with("video", Value::Null), denied).await;
    check_token(&server, &good.clone().with("sub", Value::Null), (400, "identity cannot be empty")).await;
    check_token(&server, &good.clone().with("sub", json!("x".repeat(300))), (400, "identity length exceeds limits"))
        .await;
    check_token(&server, &good.clone().granting("room", json!("")), (400, "no room name")).await;
    let long = good.clone().granting("room", json!("x".repeat(300)));
    check_token(&server, &long, (400, "room name length exceeds limits")).await;
    let (_client, joined) =
        Client::join_with(&server, &good.with("sub", Value::Null).with("jti", json!("eve")), &join_request()).await;
    assert_eq!(joined.participant.expect("a participant").identity, "eve");
}

#[tokio::test]
async fn a_join_request_must_be_one() {
    let server = Server::start().await;
    let token = Token::join("room", "ann").sign();
    for (parameter, text) in [
        ("", "missing join_request"),
        ("%21", "join_request is not base64"),
        ("____", "join_request is not valid"),
        ("CAE", "join_request cannot be decompressed"),
    ] {
        let path = format!("/rtc/v1?access_token={token}&join_request={parameter}");
        let refusal = Client::connect(&server, &path).await.err().expect("refused");
        assert_eq!((refusal.status, refusal.text.as_str()), (400, text));
    }
    let details = proto::JoinRequest { metadata: "x".repeat(70_000), ..join_request() };
    let token = Token::join("room", "ann").granting("canUpdateOwnMetadata", json!(true)).sign();
    check(&server, &token, &details, (400, "metadata size exceeds limits")).await;
}

#[tokio::test]
async fn a_bad_token_for_somebody_s_identity_does_not_disturb_it() {
    let server = Server::start().await;
    let (mut victim, _) = Client::join(&server, "room", "victim").await;
    let forged = Token::join("room", "victim").sign_as(Algorithm::HS256, "another secret of thirty-two bytes");
    check(&server, &forged, &join_request(), INVALID).await;
    let expired = Token::join("room", "victim").with("exp", json!(now() - 120));
    check_token(&server, &expired, INVALID).await;
    victim.ping().await;
    let elsewhere = Token::join("elsewhere", "victim");
    let (_other, _) = Client::join_with(&server, &elsewhere, &join_request()).await;
    victim.ping().await;
}
