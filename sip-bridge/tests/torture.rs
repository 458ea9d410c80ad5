// SPDX-License-Identifier: EUPL-1.2
//! What becomes of the messages of RFC 4475.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use sip_bridge::sip::check::{Supported, check, is_for_sender};
use sip_bridge::sip::message::{Host, Message, Method, Request, Response, Transport, Uri};
use sip_bridge::sip::parse::{Flaw, parse};
use sip_bridge::sip::session_body::session_description;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// A request to serve or a response to take.
    Understood,
    /// Well-formed, and rejected with that status for what it asks.
    Rejected(u16),
    /// Malformed, and refused with that status.
    Refused(u16),
    /// Malformed, and not answered.
    Dropped,
    /// A response for somebody else, which is not taken.
    Stray,
}
use Outcome::{Dropped, Refused, Rejected, Stray, Understood};

/// In the order of the RFC, with the section there.
const EXPECTED: [(&str, &str, Outcome); 49] = [
    ("3.1.1.1", "wsinv", Understood),
    ("3.1.1.2", "intmeth", Rejected(501)),
    ("3.1.1.3", "esc01", Understood),
    ("3.1.1.4", "escnull", Understood),
    ("3.1.1.5", "esc02", Rejected(501)),
    ("3.1.1.6", "lwsdisp", Understood),
    ("3.1.1.7", "longreq", Understood),
    ("3.1.1.8", "dblreq", Understood),
    ("3.1.1.9", "semiuri", Understood),
    ("3.1.1.10", "transports", Understood),
    ("3.1.1.11", "mpart01", Understood),
    ("3.1.1.12", "unreason", Understood),
    ("3.1.1.13", "noreason", Understood),
    ("3.1.2.1", "badinv01", Refused(400)),
    ("3.1.2.2", "clerr", Refused(400)),
    ("3.1.2.3", "ncl", Refused(400)),
    ("3.1.2.4", "scalar02", Refused(400)),
    ("3.1.2.5", "scalarlg", Dropped),
    ("3.1.2.6", "quotbal", Refused(400)),
    ("3.1.2.7", "ltgtruri", Refused(400)),
    ("3.1.2.8", "lwsruri", Refused(400)),
    ("3.1.2.9", "lwsstart", Refused(400)),
    ("3.1.2.10", "trws", Refused(400)),
    ("3.1.2.11", "escruri", Refused(400)),
    ("3.1.2.12", "baddate", Refused(400)),
    ("3.1.2.13", "regbadct", Refused(400)),
    ("3.1.2.14", "badaspec", Refused(400)),
    ("3.1.2.15", "baddn", Refused(400)),
    ("3.1.2.16", "badvers", Refused(505)),
    ("3.1.2.17", "mismatch01", Refused(400)),
    ("3.1.2.18", "mismatch02", Refused(501)),
    ("3.1.2.19", "bigcode", Dropped),
    ("3.2.1", "badbranch", Refused(400)),
    // It lacks what an answer would have to copy.
    ("3.3.1", "insuf", Dropped),
    ("3.3.2", "unkscm", Rejected(416)),
    ("3.3.3", "novelsc", Rejected(416)),
    ("3.3.4", "unksm2", Rejected(400)),
    ("3.3.5", "bext01", Rejected(420)),
    ("3.3.6", "invut", Rejected(415)),
    // An unknown scheme in Authorization is as none, which the check of credentials sees.
    ("3.3.7", "regaut01", Understood),
    ("3.3.8", "multi01", Refused(400)),
    ("3.3.9", "mcl01", Refused(400)),
    ("3.3.10", "bcast", Stray),
    // Only who forwards it minds.
    ("3.3.11", "zeromf", Understood),
    ("3.3.12", "cparam01", Understood),
    ("3.3.13", "cparam02", Understood),
    ("3.3.14", "regescrt", Understood),
    ("3.3.15", "sdp01", Rejected(406)),
    ("3.4.1", "inv2543", Understood),
];

/// Parts in which these requests are malformed, so that the answers that copy them are, too.
const MALFORMED_ANSWERS: [&str; 5] = ["badbranch", "scalar02", "quotbal", "badaspec", "baddn"];

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4475").join(format!("{name}.dat"));
    std::fs::read(path).unwrap()
}

fn supported() -> Supported {
    use Method::{Ack, Bye, Cancel, Invite, Message, Options, Register};
    Supported {
        methods: vec![Invite, Ack, Bye, Cancel, Options, Register, Message],
        extensions: vec!["timer".to_owned()],
        content_types: vec!["application/sdp".to_owned(), "multipart/mixed".to_owned()],
        answer_types: vec!["application/sdp".to_owned()],
        does_tel: true,
    }
}

fn outcome(bytes: &[u8]) -> Outcome {
    match parse(bytes, Transport::Udp) {
        Ok(Message::Request(request)) => match check(&request, &supported()) {
            Ok(()) => Understood,
            Err(rejection) => Rejected(rejection.status),
        },
        Ok(Message::Response(response)) if is_for_sender(&response) => Understood,
        Ok(Message::Response(_)) => Stray,
        Err(malformed) => malformed.refusal.map_or(Dropped, |refusal| Refused(refusal.status)),
    }
}

fn request(name: &str) -> Request {
    match parse(&file(name), Transport::Udp).unwrap() {
        Message::Request(request) => request,
        Message::Response(_) => panic!("{name} is a response"),
    }
}

fn response(name: &str) -> Response {
    match parse(&file(name), Transport::Udp).unwrap() {
        Message::Response(response) => response,
        Message::Request(_) => panic!("{name} is a request"),
    }
}

fn user(uri: &Uri) -> &str {
    match uri {
        Uri::Sip(uri) => uri.user.as_deref().unwrap(),
        other => panic!("{other} is not of SIP"),
    }
}

#[test]
fn each_message_gets_what_the_rfc_asks_for() {
    for (section, name, expected) in EXPECTED {
        assert_eq!(outcome(&file(name)), expected, "{section} {name}");
    }
}

#[test]
fn what_is_understood_stays_the_same_when_it_is_written() {
    for (_, name, _) in EXPECTED {
        if let Ok(message) = parse(&file(name), Transport::Udp) {
            let written = message.to_bytes();
            assert_eq!(parse(&written, Transport::Tcp).unwrap(), message, "{name}");
        }
    }
}

#[test]
fn refusals_are_responses_to_their_requests() {
    for (_, name, expected) in EXPECTED {
        let Refused(status) = expected else {
            continue;
        };
        let refusal = parse(&file(name), Transport::Udp).unwrap_err().refusal.unwrap();
        let written = refusal.to_bytes("mine");
        assert!(written.starts_with(format!("SIP/2.0 {status} ").as_bytes()), "{name}");
        // By which the other side finds its request, whatever else is wrong.
        let has_branch = refusal.via[0].branch().is_some();
        assert_eq!(has_branch, !["badinv01", "ltgtruri"].contains(&name), "{name}");
        if MALFORMED_ANSWERS.contains(&name) {
            continue;
        }
        let Message::Response(response) = parse(&written, Transport::Tcp).unwrap() else {
            panic!("the answer to {name} is a request");
        };
        // Only this one has a tag in To already.
        let tag = if name == "lwsruri" { "3xfe-9921883-z9f" } else { "mine" };
        assert_eq!((response.status, response.headers.to.tag()), (status, Some(tag)), "{name}");
    }
}

#[test]
fn reasons_say_what_is_wrong() {
    let flaws = [
        ("badinv01", Flaw::Header("Via")),
        ("clerr", Flaw::Truncated),
        ("ncl", Flaw::Header("Content-Length")),
        ("scalar02", Flaw::Header("CSeq")),
        ("scalarlg", Flaw::Header("CSeq")),
        ("quotbal", Flaw::Header("To")),
        ("ltgtruri", Flaw::RequestUri),
        ("lwsruri", Flaw::StartLine),
        ("lwsstart", Flaw::StartLine),
        ("trws", Flaw::StartLine),
        ("escruri", Flaw::RequestUri),
        ("baddate", Flaw::Header("Date")),
        ("regbadct", Flaw::Header("Contact")),
        ("badaspec", Flaw::Header("To")),
        ("baddn", Flaw::Header("From")),
        ("badvers", Flaw::Version),
        ("mismatch01", Flaw::MethodMismatch),
        ("mismatch02", Flaw::MethodMismatch),
        ("bigcode", Flaw::StartLine),
        ("badbranch", Flaw::Header("Via")),
        ("insuf", Flaw::Missing("From")),
        ("multi01", Flaw::Repeated("CSeq")),
        ("mcl01", Flaw::Repeated("Content-Length")),
    ];
    for (name, flaw) in flaws {
        let malformed = parse(&file(name), Transport::Udp).unwrap_err();
        assert_eq!(malformed.flaw, flaw, "{name}");
        if let Some(refusal) = malformed.refusal.filter(|refusal| refusal.status == 400) {
            assert_eq!(refusal.reason, format!("Bad Request ({flaw})"), "{name}");
        }
    }
}

#[test]
fn white_space_and_folding_do_not_change_a_message() {
    let invite = request("wsinv");
    let headers = &invite.headers;
    assert_eq!(headers.to.tag(), Some("1918181833n"));
    assert_eq!(headers.from.display_name.as_deref(), Some(r#"J Rosenberg \""#));
    assert_eq!(headers.from.tag(), Some("98asjd8"));
    assert_eq!((headers.max_forwards, headers.cseq.number), (Some(68), 9));
    let hops: Vec<_> = headers.via.iter().map(|via| (via.transport.as_str(), via.branch().unwrap())).collect();
    assert_eq!(hops, [("UDP", "390skdjuw"), ("TCP", "z9hG4bK9ikj8"), ("UDP", "z9hG4bK30239")]);
    assert_eq!(headers.get("Subject"), Some(""));
    assert_eq!(headers.get("newfangledheader"), Some("newfangled value continued newfangled value"));
    assert_eq!(headers.get("UnknownHeaderWithUnusualValue"), Some(";;,,;;,;"));
    assert_eq!(headers.contact[0].display_name.as_deref(), Some(r#"Quoted string """#));
    assert_eq!(headers.contact[0].params.get("newparam"), Some("newvalue"));
    assert_eq!(headers.contact[0].params.get("q"), Some("0.33"));
    assert_eq!(headers.route.len(), 1);
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn unusual_characters_are_kept() {
    let strange = request("intmeth");
    assert_eq!(strange.method, Method::Other("!interesting-Method0123456789_*+`.%indeed'~".to_owned()));
    assert_eq!(user(&strange.uri), "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert_eq!(strange.headers.to.display_name.as_deref(), Some("BEL:\u{7} NUL:\0 DEL:\u{7f}"));
    assert_eq!(strange.headers.from.display_name.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
    // Russian. spelling: no English
    assert_eq!(strange.headers.from.params.get("fromparam''~+*_!.-%"), Some("работающий"));
}

#[test]
fn escapes_are_understood_where_they_are_escapes() {
    let invite = request("esc01");
    assert_eq!(user(&invite.uri), "sips:user@example.com");
    assert_eq!(user(&invite.headers.to.uri), "user");
    assert_eq!(user(&invite.headers.from.uri), "I have spaces");
    let Uri::Sip(contact) = &invite.headers.contact[0].uri else {
        panic!("not of SIP");
    };
    assert_eq!((contact.params.get("lr"), contact.params.get("name")), (Some(""), Some("value%41")));
    assert_eq!(user(&request("escnull").headers.contact[1].uri), "\0\0");
    // Neither a REGISTER nor a third Contact.
    let other = request("esc02");
    assert_eq!(other.method.as_str(), "RE%47IST%45R");
    assert_eq!(other.headers.from.display_name.as_deref(), Some("%Z%45"));
    assert_eq!(other.headers.contact.len(), 2);
    assert_eq!(user(&request("semiuri").uri), "user;par=u@example.net");
}

#[test]
fn long_values_and_many_hops_are_understood() {
    let long = request("longreq");
    assert_eq!(long.headers.via.len(), 34);
    assert_eq!(long.headers.via[0].host, Host::Name("sip33.example.com".to_owned()));
    assert_eq!(long.headers.via[33].branch().unwrap().len(), 215);
    let transports: Vec<_> = request("transports").headers.via.into_iter().map(|via| via.transport).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
}

#[test]
fn what_follows_the_body_in_a_datagram_is_ignored() {
    let register = request("dblreq");
    assert_eq!((register.method, register.body.len()), (Method::Register, 0));
}

#[test]
fn a_body_with_parts_has_no_description_if_none_of_them_is_one() {
    let message = request("mpart01");
    assert_eq!(message.body.len(), 553);
    assert_eq!(session_description(&message.headers, &message.body), None);
    let invite = request("wsinv");
    assert_eq!(session_description(&invite.headers, &invite.body), Some(invite.body.as_slice()));
}

#[test]
fn reasons_of_responses_may_be_anything_or_nothing() {
    // Russian. spelling: no English
    assert_eq!(response("unreason").reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
    assert_eq!((response("noreason").status, response("noreason").reason.as_str()), (100, ""));
}

#[test]
fn parameters_belong_to_the_uri_only_within_brackets() {
    let outside = &request("cparam01").headers.contact[0];
    assert!(outside.params.get("unknownparam").is_some());
    let inside = &request("cparam02").headers.contact[0];
    assert!(inside.params.get("unknownparam").is_none());
    let Uri::Sip(uri) = &request("regescrt").headers.contact[0].uri else {
        panic!("not of SIP");
    };
    assert_eq!(uri.headers, [("Route".to_owned(), "<sip:sip.example.com>".to_owned())]);
}

#[test]
fn rejections_say_what_would_do() {
    let header = |name: &str| {
        let request = request(name);
        let rejection = check(&request, &supported()).unwrap_err();
        rejection.response(&request).headers.others
    };
    let expected = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
    assert_eq!(header("bext01"), expected("Unsupported", "nothingSupportsThis, nothingSupportsThisEither"));
    assert_eq!(header("invut"), expected("Accept", "application/sdp, multipart/mixed"));
    assert_eq!(header("esc02"), expected("Allow", "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, MESSAGE"));
}

#[test]
fn a_request_from_the_time_of_the_first_standard_is_understood() {
    let invite = request("inv2543");
    assert_eq!((invite.headers.from.tag(), invite.headers.max_forwards), (None, None));
    assert_eq!(invite.headers.via[0].branch(), None);
    assert_eq!(invite.headers.to.params.get("user"), Some("phone"));
    assert!(!invite.body.is_empty());
    // A stream would not tell where its body ends.
    let malformed = parse(&file("inv2543"), Transport::Tcp).unwrap_err();
    assert_eq!(malformed.flaw, Flaw::Missing("Content-Length"));
}
