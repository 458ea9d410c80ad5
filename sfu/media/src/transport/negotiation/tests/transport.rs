// SPDX-License-Identifier: EUPL-1.2
//! The one transport that all m-lines share.

use super::*;

const ICE: &str = "ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn";

fn refusal(sdp: &str) -> NegotiationError {
    negotiation().accept_offer(sdp).unwrap_err()
}

#[test]
fn the_shard_gets_all_that_it_needs() {
    let mut negotiation = negotiation();
    let accepted = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    let setup = negotiation.transport_setup(&accepted);
    assert_eq!(setup.id, TransportId(1));
    assert_eq!(&setup.local, negotiation.local());
    assert_eq!((&*setup.remote.ufrag, &*setup.remote.password), ("abcd", "0123456789abcdefghijklmn"));
    assert_eq!(setup.remote_fingerprint.0[..4], [0x12, 0x34, 0x56, 0x78]);
    assert!(setup.session.data_channels);
}

#[test]
fn no_two_transports_share_credentials() {
    let (one, other) = (seeded(1), seeded(2));
    assert_ne!(one.local().ufrag, other.local().ufrag);
    assert_eq!((one.local().ufrag.len(), one.local().password.len()), (16, 32));
}

#[test]
fn an_offer_without_usable_credentials_is_refused() {
    for ice in [
        "x:y",
        "ice-ufrag:abcd",
        "ice-ufrag:abc\r\na=ice-pwd:0123456789abcdefghijklmn",
        "ice-ufrag:abcd\r\na=ice-pwd:short",
        "ice-ufrag:ab:cd\r\na=ice-pwd:0123456789abcdefghijklmn",
    ] {
        let sdp = offer_with(ice, FINGERPRINT, &placeholders());
        assert_eq!(refusal(&sdp), NegotiationError::IceCredentials, "{ice}");
    }
}

#[test]
fn credentials_may_stand_in_the_line_with_the_bundle_tag() {
    let section = audio("0", "recvonly\nice-ufrag:line\nice-pwd:0123456789abcdefghijklmn");
    let accepted = negotiation().accept_offer(&offer(&[section, data("1")])).unwrap();
    assert_eq!(&*accepted.remote.ufrag, "line");
}

#[test]
fn the_certificate_must_be_named_once_with_sha_256() {
    let with = |lines: &str| audio("0", &format!("recvonly\n{lines}"));
    let other = FINGERPRINT.replace("12", "21");
    let no_fingerprint = |sdp: String| sdp.replacen(&format!("a=fingerprint:sha-256 {FINGERPRINT}\r\n"), "", 1);
    assert_eq!(refusal(&no_fingerprint(offer(&[data("0")]))), NegotiationError::Fingerprint);
    assert_eq!(refusal(&no_fingerprint(offer(&[with("fingerprint:sha-512 AB:CD")]))), NegotiationError::Fingerprint);
    assert_eq!(refusal(&offer_with(ICE, "12:34", &placeholders())), NegotiationError::Fingerprint);
    assert_eq!(
        refusal(&offer(&[with(&format!("fingerprint:sha-256 {other}"))])),
        NegotiationError::ConflictingFingerprints
    );
    let lower = with(&format!("fingerprint:SHA-256 {}", FINGERPRINT.to_lowercase()));
    assert!(negotiation().accept_offer(&no_fingerprint(offer(&[lower]))).is_ok());
}

#[test]
fn another_certificate_on_a_live_transport_is_refused() {
    let mut negotiation = negotiation();
    negotiation.accept_offer(&offer(&placeholders())).unwrap();
    let other = offer_with(ICE, &FINGERPRINT.replace("12", "21"), &placeholders());
    assert_eq!(negotiation.accept_offer(&other).unwrap_err(), NegotiationError::FingerprintChanged);
}

#[test]
fn a_refused_offer_changes_nothing() {
    let mut negotiation = negotiation();
    negotiation.subscribe(request(11, Codec::Opus));
    let first = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    let local = negotiation.local().clone();
    negotiation.subscribe(request(12, Codec::Opus));
    let restart = "ice-ufrag:efgh\r\na=ice-pwd:0123456789abcdefghijklmn";
    let other = offer_with(restart, &FINGERPRINT.replace("12", "21"), &placeholders());
    negotiation.accept_offer(&other).unwrap_err();
    negotiation.accept_offer("v=0\r\n").unwrap_err();
    assert_eq!(negotiation.local(), &local);
    let second = negotiation.accept_offer(&offer(&placeholders())).unwrap();
    assert_eq!(second.ice, IceChange::Same);
    assert_eq!(second.session.downlinks[0], first.session.downlinks[0]);
    assert_eq!(shown(&second), "0=11 1=12");
}

#[test]
fn a_client_that_waits_for_our_handshake_is_refused() {
    for role in ["passive", "holdconn"] {
        let sdp = offer(&placeholders()).replace("setup:actpass", &format!("setup:{role}"));
        assert_eq!(refusal(&sdp), NegotiationError::DtlsRole);
    }
    assert!(negotiation().accept_offer(&offer(&placeholders()).replace("setup:actpass", "setup:active")).is_ok());
}

#[test]
fn only_bundled_lines_are_used() {
    let sdp = offer(&placeholders());
    assert_eq!(refusal(&sdp.replace("a=group:BUNDLE", "a=group:LS")), NegotiationError::NothingBundled);
    let accepted = negotiation().accept_offer(&sdp.replace("BUNDLE 0 1 2 3 4 5 6", "BUNDLE 6 1")).unwrap();
    let answer = Answered::of(&accepted);
    assert!(answer.directions().starts_with("0:refused 1:inactive 2:refused"));
    assert_eq!(answer.0.attribute("group").map(String::as_str), Some("BUNDLE 6 1"));
    assert_eq!(values(answer.section("6"), "candidate").len(), 2);
    assert_eq!(values(answer.section("1"), "candidate").len(), 0);
}

#[test]
fn what_we_do_not_speak_is_refused_alone() {
    let sections = [
        data("0"),
        audio("1", "recvonly").replace("a=rtcp-mux\r\n", ""),
        audio("2", "recvonly").replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        "m=text 9 UDP/TLS/RTP/SAVPF 98\r\na=mid:3\r\na=rtcp-mux\r\n".to_owned(),
        "m=application 9 DTLS/SCTP 5000\r\na=mid:4\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n".to_owned(),
        audio("5", "recvonly"),
    ];
    let accepted = negotiation().accept_offer(&offer(&sections)).unwrap();
    let answer = Answered::of(&accepted);
    assert_eq!(answer.directions(), "0:data 1:refused 2:refused 3:refused 4:refused 5:inactive");
    assert_eq!(answer.0.attribute("group").map(String::as_str), Some("BUNDLE 0 5"));
    assert_eq!(answer.section("4").media_name.formats, ["5000"]);
}

#[test]
fn versions_of_our_answers_grow() {
    let mut negotiation = negotiation();
    let origins: Vec<_> = (0..3)
        .map(|_| Answered::of(&negotiation.accept_offer(&offer(&placeholders())).unwrap()).0.origin)
        .map(|origin| (origin.session_id, origin.session_version))
        .collect();
    assert!(origins[0].0 == origins[2].0 && origins[0].0 < 1 << 63);
    assert_eq!(origins.iter().map(|origin| origin.1).collect::<Vec<_>>(), [1, 2, 3]);
}
