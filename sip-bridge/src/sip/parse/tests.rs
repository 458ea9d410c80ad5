// SPDX-License-Identifier: EUPL-1.2
//! The grammar's corners, IPv6 (RFC 5118), bounds, streams, and messages that were damaged.

use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::sip::message::{Host, Method};

const HEADERS: &str = "Via: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n\
                       To: <sip:b@b.example>\r\nCall-ID: 1@a.example\r\nCSeq: 1 OPTIONS\r\n";

fn options(extra: &str) -> String {
    format!("OPTIONS sip:b@b.example SIP/2.0\r\n{HEADERS}{extra}Content-Length: 0\r\n\r\n")
}

fn read(text: &str) -> Result<Request, Flaw> {
    match parse(text.as_bytes(), Transport::Tcp) {
        Ok(Message::Request(request)) => Ok(request),
        Ok(Message::Response(_)) => panic!("a response"),
        Err(malformed) => Err(malformed.flaw),
    }
}

/// What becomes of a request with such a line more.
fn with(line: &str) -> Result<Request, Flaw> {
    read(&options(&format!("{line}\r\n")))
}

fn uri(text: &str) -> Option<Uri> {
    text.parse().ok()
}

fn torture_messages() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rfc4475");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "dat"));
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

#[test]
fn lines_end_with_both_characters() {
    assert!(with("Subject: x").is_ok());
    for line in ["Subject: x\nEvil: 1", "Subject: x\rEvil: 1", "Subject: x\n folded", "Subject: \0", "Subject: \u{7}"] {
        assert_eq!(with(line).unwrap_err(), Flaw::HeaderLine, "{line:?}");
    }
    let bare = options("").replace("\r\n", "\n");
    assert_eq!(read(&bare).unwrap_err(), Flaw::NotSip, "its first line has no end");
}

#[test]
fn names_of_headers_are_tokens_before_a_colon() {
    for line in ["Subject x", ": x", "Sub ject: x", "Subject\r\n : x", "Ünd: x"] {
        assert_eq!(with(line).unwrap_err(), Flaw::HeaderLine, "{line:?}");
    }
    // White space before the first header continues nothing.
    let text = options("").replacen("\r\nVia", "\r\n Via", 1);
    assert_eq!(read(&text).unwrap_err(), Flaw::HeaderLine);
}

#[test]
fn compact_names_are_expanded() {
    let request = with("x: 90\r\nk: timer\r\ne: identity").unwrap();
    let names: Vec<&str> = request.headers.others.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Session-Expires", "Supported", "Content-Encoding"]);
}

#[test]
fn text_that_is_no_utf8_is_marked() {
    let mut bytes = options("Subject: M?ller\r\n").into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
    bytes[at] = 0xfc;
    let Message::Request(request) = parse(&bytes, Transport::Tcp).unwrap() else { panic!("a response") };
    assert_eq!(request.headers.get("Subject"), Some("M\u{fffd}ller"));
}

#[test]
fn what_every_message_has_is_there_once() {
    for (name, line) in [
        ("Via", "Via: SIP/2.0/TCP a.example;branch=z9hG4bK1\r\n"),
        ("From", "From: <sip:a@a.example>;tag=1\r\n"),
        ("To", "To: <sip:b@b.example>\r\n"),
        ("Call-ID", "Call-ID: 1@a.example\r\n"),
        ("CSeq", "CSeq: 1 OPTIONS\r\n"),
    ] {
        assert!(options("").contains(line));
        let malformed = parse(options("").replace(line, "").as_bytes(), Transport::Udp).unwrap_err();
        assert_eq!(malformed.flaw, Flaw::Missing(name));
        assert!(malformed.refusal.is_none(), "there is nothing to answer with");
        if name != "Via" {
            assert_eq!(with(line.trim_end()).unwrap_err(), Flaw::Repeated(name));
        }
    }
    for line in ["Expires: 1\r\nExpires: 1", "o: a\r\nEvent: b", "x: 90\r\nSession-Expires: 90"] {
        assert!(matches!(with(line), Err(Flaw::Repeated(_))), "{line:?}");
    }
}

#[test]
fn malformed_values_are_named() {
    let long = "9".repeat(300);
    for (line, name) in [
        ("Max-Forwards: 256", "Max-Forwards"),
        ("Max-Forwards: -1", "Max-Forwards"),
        ("Max-Forwards: ", "Max-Forwards"),
        ("Expires: soon", "Expires"),
        ("Require: a b", "Require"),
        ("Require:", "Require"),
        ("Route: sip:a.example", "Route"),
        ("Route: <sip:a.example>,", "Route"),
        ("Route: <sip:a.example> x", "Route"),
        ("Record-Route: <sip:a.example", "Record-Route"),
        ("Contact: *", "Contact"),
        ("Contact: *, <sip:a.example>", "Contact"),
        ("Contact: <sip:a.example>;q=1;Q=2", "Contact"),
        ("Contact: <sip:a.example>;", "Contact"),
        ("Contact: <sip:a.example>;q=", "Contact"),
        ("Contact: \"x <sip:a.example>", "Contact"),
        ("Contact: \"\\\u{e4}\" <sip:a.example>", "Contact"),
        ("Content-Type: application", "Content-Type"),
        ("Via: SIP/2.0/UDP", "Via"),
        ("Via: SIP/3.0/UDP a.example", "Via"),
        ("Via: HTTP/2.0/UDP a.example", "Via"),
        ("Via: SIP/2.0/UDP a.example:0", "Via"),
        ("Via: SIP/2.0/UDP a.example:65536", "Via"),
        ("Via: SIP/2.0/UDP a.example;rport=x", "Via"),
        ("Via: SIP/2.0/UDP a.example;received=b.example", "Via"),
        ("Via: SIP/2.0/UDP a.example;ttl=256", "Via"),
        ("Via: SIP/2.0/UDP a.example;branch=", "Via"),
        ("Via: SIP/2.0/UDP a.example;branch=\"a b\"", "Via"),
    ] {
        assert_eq!(with(line).unwrap_err(), Flaw::Header(name), "{line}");
    }
    for wrong in [
        "CSeq: 1OPTIONS",
        "CSeq: OPTIONS",
        "CSeq: 2147483648 OPTIONS",
        "CSeq: 1 OPTIONS x",
        &format!("CSeq: {long} OPTIONS"),
    ] {
        assert_eq!(read(&options("").replace("CSeq: 1 OPTIONS", wrong)).unwrap_err(), Flaw::Header("CSeq"), "{wrong}");
    }
    assert!(read(&options("").replace("CSeq: 1 ", "CSeq: 2147483647 ")).is_ok());
    for wrong in ["Call-ID: ", "Call-ID: a b", "Call-ID: a@b@c", "Call-ID: a@", "Call-ID: \u{e4}"] {
        let found = read(&options("").replace("Call-ID: 1@a.example", wrong));
        assert_eq!(found.unwrap_err(), Flaw::Header("Call-ID"), "{wrong}");
    }
    for wrong in [
        "From: <sip:a@a.example>;tag",
        "From: sip:a@a.example;tag=\"a b\"",
        "From: a, b <sip:a.example>",
        "From: Ä <sip:a.example>",
    ] {
        let found = read(&options("").replace("From: <sip:a@a.example>;tag=1", wrong));
        assert_eq!(found.unwrap_err(), Flaw::Header("From"), "{wrong}");
    }
}

#[test]
fn an_ack_and_a_response_are_never_answered() {
    let ack = options("Max-Forwards: x\r\n").replace("OPTIONS", "ACK");
    let response = options("Max-Forwards: x\r\n").replacen("OPTIONS sip:b@b.example SIP/2.0", "SIP/2.0 200 OK", 1);
    for text in [ack, response] {
        let malformed = parse(text.as_bytes(), Transport::Tcp).unwrap_err();
        assert_eq!(malformed.flaw, Flaw::Header("Max-Forwards"));
        assert!(malformed.refusal.is_none());
    }
}

#[test]
fn a_response_is_not_lost_for_a_header_that_hardly_matters() {
    let start = "OPTIONS sip:b@b.example SIP/2.0";
    for line in ["Date: today\r\n", "Expires: soon\r\n", "Event: a\r\nEvent: b\r\n"] {
        let text = options(line).replacen(start, "SIP/2.0 200 OK", 1);
        assert!(parse(text.as_bytes(), Transport::Tcp).is_ok(), "{line}");
    }
    let text = options("Contact: sip\r\n").replacen(start, "SIP/2.0 200 OK", 1);
    assert_eq!(parse(text.as_bytes(), Transport::Tcp).unwrap_err().flaw, Flaw::Header("Contact"));
}

#[test]
fn the_way_back_is_read_from_a_via_with_anything_behind_it() {
    let refused = |via: &str| {
        let text = options("").replace("SIP/2.0/TCP a.example;branch=z9hG4bK1", via);
        parse(text.as_bytes(), Transport::Tcp).unwrap_err().refusal
    };
    let refusal = refused("SIP/2.0/UDP a.example:5070;;rport;branch=z9hG4bK1;x=\"").unwrap();
    assert_eq!(refusal.via[0].to_string(), "SIP/2.0/UDP a.example:5070;rport;branch=z9hG4bK1");
    let params: String = (0..3000).map(|index| format!(";{index}")).collect();
    assert_eq!(refused(&format!("SIP/2.0/UDP a.example{params}")).unwrap().via[0].params.0.len(), limits::MAX_PARAMS);
    for via in ["SIP/2.0/UDP", "UDP a.example", "SIP/2.0/UDP <a>", ""] {
        assert!(refused(via).is_none(), "{via}");
    }
}

#[test]
fn what_is_not_sip_is_dropped() {
    for text in ["GET / HTTP/1.1\r\n\r\n", "\0", "\u{16}\u{3}\u{1}", "INVITE\r\n\r\n", "SIP\r\n\r\n", "x\r\n\r\n"] {
        let malformed = parse(text.as_bytes(), Transport::Udp).unwrap_err();
        assert_eq!(malformed.flaw, Flaw::NotSip, "{text:?}");
        assert!(malformed.refusal.is_none());
    }
    for text in ["", "\r\n", "\r\n\r\n"] {
        assert_eq!(parse(text.as_bytes(), Transport::Udp).unwrap_err().flaw, Flaw::KeepAlive);
    }
    assert!(read(&format!("\r\n\r\n{}", options(""))).is_ok());
}

#[test]
fn other_versions_are_told_ours() {
    let text = options("").replacen(" SIP/2.0", " SIP/3.0", 1);
    let refusal = parse(text.as_bytes(), Transport::Tcp).unwrap_err().refusal.unwrap();
    assert_eq!(refusal.status, 505);
    assert!(read(&options("").replacen(" SIP/2.0", " sip/2.0", 1)).is_ok());
    assert_eq!(read(&options("").replacen(" SIP/2.0", " SIP/x", 1)).unwrap_err(), Flaw::StartLine);
}

#[test]
fn bounds_are_kept() {
    let many = |line: &str, count: usize| with(line.repeat(count).trim_end()).map(|_| ());
    assert_eq!(many("Subject: x\r\n", 194), Ok(()));
    assert_eq!(many("Subject: x\r\n", 195), Err(Flaw::TooMany("header lines")));
    assert_eq!(many("v: SIP/2.0/UDP a\r\n", 69), Ok(()));
    assert_eq!(many("v: SIP/2.0/UDP a\r\n", 70), Err(Flaw::TooMany("Via")));
    assert_eq!(with(&format!("m: {}", vec!["<sip:a>"; 33].join(","))).map(|_| ()), Err(Flaw::TooMany("Contact")));
    assert_eq!(with(&format!("Route: {}", vec!["<sip:a>"; 71].join(","))).map(|_| ()), Err(Flaw::TooMany("Route")));
    let params: String = (0..49).map(|index| format!(";p{index}")).collect();
    assert_eq!(with(&format!("m: <sip:a>{params}")).map(|_| ()), Err(Flaw::Header("Contact")));
    assert_eq!(with(&format!("m: <sip:a{params}>")).map(|_| ()), Err(Flaw::Header("Contact")));
    let long = with(&format!("Subject: {}", "x".repeat(limits::MAX_HEAD_BYTES)));
    assert_eq!(long.unwrap_err(), Flaw::TooLong);
    let text = options("Content-Type: text/plain\r\n").replace(": 0\r\n", ": 70000\r\n") + &"x".repeat(70_000);
    let refusal = parse(text.as_bytes(), Transport::Tcp).unwrap_err().refusal.unwrap();
    assert_eq!(refusal.status, 413);
}

#[test]
fn uris_that_do_not_fit_the_grammar_are_refused() {
    for text in [
        "",
        ":",
        "sip:",
        "sip",
        "sip:@a.example",
        "sip::x@a.example",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b c",
        "sip:a@b:",
        "sip:a@b:0",
        "sip:a@b:99999",
        "sip:a@b;",
        "sip:a@b;;lr",
        "sip:a@b;x=",
        "sip:a@b;x=1;X=2",
        "sip:a@b?",
        "sip:a@b?x",
        "sip:a@b?=x",
        "sip:%zz@b",
        "sip:%4@b",
        "sip:%ff@b",
        "sip:\u{e4}@b",
        "sip:a@-b.de",
        "sip:a@b..de",
        "sip:a@256.1.1.1",
        "sip:a@1.2.3",
        "sip:a@[::1",
        "sip:a@::1",
        "sip:a@[1.2.3.4]",
        "sip:a@b#c",
        "sip:a<b@c",
        "1x:y",
        "x y:z",
        "http:a b",
        "http:<x>",
        "x:%1",
        "tel:",
        "tel:+",
        "tel:123",
        "tel:+12a",
        "tel:+1;",
        "tel:+1;ext=1;ext=2",
        "tel:1;phone-context=",
        "tel:1;phone-context=a b",
        "tel:+1;x=",
    ] {
        assert_eq!(uri(text), None, "{text:?}");
    }
}

#[test]
fn uris_that_fit_are_understood_and_written_the_same() {
    for text in [
        "sip:a.example",
        "sips:a:b@a.example:5061;transport=tcp;lr?Subject=x%20y&Priority=",
        "sip:+49-30;ext=5@a.example;user=phone",
        "sip:a:@a.example.",
        "sip:%C3%A4@a.example",
        "sip:a@1.2.3.4:5060;maddr=[::1]",
        "sip:sip_proxy",
        "tel:+49-(30).123;ext=5",
        "tel:*21#;phone-context=+4930",
        "tel:7042;phone-context=a.example",
        "urn:service:sos",
        "http://a.example/x?y=%20",
    ] {
        let uri = uri(text).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(uri.to_string(), text);
    }
    assert_eq!(uri("SIP:A@A.Example;LR").unwrap().to_string(), "sip:A@a.example;lr");
}

/// RFC 5118 §4: IPv6 addresses in their brackets, and where they have none.
#[test]
fn ipv6_addresses_stand_in_brackets() {
    let address = |text: &str| Host::Address(IpAddr::V6(text.parse::<Ipv6Addr>().unwrap()));
    let host = |text: &str| match uri(text) {
        Some(Uri::Sip(uri)) => Some((uri.host, uri.port)),
        _ => None,
    };
    assert_eq!(host("sip:[2001:db8::10]"), Some((address("2001:db8::10"), None)));
    // Without brackets nobody knows where the port begins (§4.2).
    assert_eq!(host("sip:2001:db8::10"), None);
    // A port that is forgotten within the brackets is a part of the address (§4.3).
    assert_eq!(host("sip:[2001:db8::10:5070]"), Some((address("2001:db8::10:5070"), None)));
    assert_eq!(host("sip:[2001:db8::10]:5070"), Some((address("2001:db8::10"), Some(5070))));
    // Both ways to write `received` (§4.5).
    for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
        let request = with(&format!("Via: SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3")).unwrap();
        assert_eq!(request.headers.via[1].params.get("received"), Some(received));
        assert_eq!(request.headers.via[1].host, address("2001:db8::9:1"));
    }
    // An IPv4 address within, and one colon too many before it (§4.8, §4.10).
    assert_eq!(host("sip:[::ffff:192.0.2.2]"), Some((address("::ffff:192.0.2.2"), None)));
    assert_eq!(host("sip:[2001:db8:::192.0.2.1]"), Some((address("2001:db8::192.0.2.1"), None)));
}

#[test]
fn addresses_have_names_and_parameters() {
    let address: NameAddr = "\"A \\\"B\\\"\" <sip:a@b;x?y=z>;tag=1;Q=\"a,b\"".parse().unwrap();
    assert_eq!(address.display_name.as_deref(), Some("A \"B\""));
    assert_eq!((address.tag(), address.params.get("q")), (Some("1"), Some("a,b")));
    let bare: NameAddr = "sip:a@b;x".parse().unwrap();
    assert_eq!(bare.params.get("x"), Some(""));
    let list = with("m: <sip:a@b>;q=1 , \"x, y\" <sip:c@d> ,sip:e@f").unwrap();
    assert_eq!(list.headers.contact.len(), 3);
}

#[test]
fn all_contacts_are_taken_away_by_a_registration_alone() {
    let register = options("Contact: *\r\n").replace("OPTIONS", "REGISTER");
    let request = read(&register).unwrap();
    assert!(request.headers.is_contact_star && request.headers.contact.is_empty());
    assert_eq!(request.method, Method::Register);
}

/// All frames of a stream that comes in pieces.
fn frames(stream: &[u8], piece: usize) -> Vec<Result<Frame, Flaw>> {
    let mut framer = Framer::new();
    let mut frames = Vec::new();
    for piece in stream.chunks(piece) {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = framer.handle_bytes(rest);
            let before = frames.len();
            frames
                .extend(std::iter::from_fn(|| framer.poll_frame()).map(|frame| frame.map_err(|broken| broken.0.flaw)));
            assert!(taken > 0 || frames.len() > before, "the framer is stuck");
            rest = &rest[taken..];
        }
    }
    frames
}

#[test]
fn a_stream_is_cut_the_same_however_it_comes() {
    let body = options("Content-Type: text/plain\r\n").replace(": 0\r\n", ": 5\r\n") + "\r\n\r\nx";
    let stream = format!("{}\r\n\r\n{body}\r\n{}\r\n", options(""), options("Subject: x\r\n"));
    let expected = [
        Ok(Frame::Message(options("").into_bytes())),
        Ok(Frame::Pong),
        Ok(Frame::Ping),
        Ok(Frame::Message(body.into_bytes())),
        Ok(Frame::Pong),
        Ok(Frame::Message(options("Subject: x\r\n").into_bytes())),
        Ok(Frame::Pong),
    ];
    for piece in [1, 2, 3, 7, 100, stream.len()] {
        assert_eq!(frames(stream.as_bytes(), piece), expected, "pieces of {piece}");
    }
}

#[test]
fn a_stream_breaks_where_the_next_message_cannot_be_found() {
    let good = options("");
    for (bad, flaw) in [
        (options("").replace("Content-Length: 0\r\n", ""), Flaw::Missing("Content-Length")),
        (options("").replace(": 0\r\n", ": -1\r\n"), Flaw::Header("Content-Length")),
        (options("l: 0\r\n"), Flaw::Repeated("Content-Length")),
        (options("").replace(": 0\r\n", ": 65536\r\n"), Flaw::TooLong),
        (options("").replace(": 0\r\n", ": 99999999999999999999999999\r\n"), Flaw::TooLong),
        (options("no header\r\n"), Flaw::HeaderLine),
        ("x".repeat(limits::MAX_HEAD_BYTES), Flaw::NotSip),
        (options(&format!("Subject: {}\r\n", "x".repeat(limits::MAX_HEAD_BYTES))), Flaw::TooLong),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), Flaw::NotSip),
    ] {
        let found = frames(format!("{good}{bad}{good}").as_bytes(), 1000);
        assert_eq!(found.len(), 2, "{flaw}: nothing follows");
        assert_eq!(found[0], Ok(Frame::Message(good.clone().into_bytes())));
        let expected = if bad.starts_with("GET") { Flaw::NotSip } else { flaw };
        assert_eq!(found[1], Err(expected));
    }
}

#[test]
fn a_broken_stream_says_how_to_answer() {
    let mut framer = Framer::new();
    assert!(framer.handle_bytes(options("").replace(": 0\r\n", ": 70000\r\n").as_bytes()) > 0);
    let broken = framer.poll_frame().unwrap().unwrap_err();
    assert_eq!(broken.0.refusal.unwrap().status, 413);
    assert!(framer.poll_frame().is_none());
    assert_eq!(framer.handle_bytes(b"more"), 4);
    assert!(framer.poll_frame().is_none());
}

#[test]
fn a_full_framer_lets_the_rest_wait() {
    let mut framer = Framer::new();
    let stream = options("").repeat(1000);
    let taken = framer.handle_bytes(stream.as_bytes());
    assert!(taken < stream.len());
    assert_eq!(framer.handle_bytes(&stream.as_bytes()[taken..]), 0);
    assert!(framer.poll_frame().is_some());
    assert_eq!(framer.handle_bytes(&stream.as_bytes()[taken..]), options("").len());
}

/// Damages a message in one of the ways in which parsers are attacked.
fn damage(rng: &mut StdRng, message: &mut Vec<u8>, others: &[Vec<u8>]) {
    const PIECES: [&[u8]; 18] = [
        b"\r\n", b"\r", b"\n", b"\0", b"\"", b"\\", b"<", b">", b";", b",", b"=", b":", b"%", b"[", b"]", b" ",
        b"\xff", b"\r\n ",
    ];
    let at = rng.random_range(0..=message.len());
    match rng.random_range(0..7) {
        0 if at < message.len() => message[at] = rng.random(),
        1 if at < message.len() => _ = message.remove(at),
        2 => {
            let piece = PIECES[rng.random_range(0..PIECES.len())];
            message.splice(at..at, piece.iter().copied());
        }
        3 => message.truncate(at),
        4 => {
            let end = rng.random_range(at..=message.len().min(at + 200));
            let copy = message[at..end].to_vec();
            let to = rng.random_range(0..=message.len());
            message.splice(to..to, copy);
        }
        5 => {
            let other = &others[rng.random_range(0..others.len())];
            let from = rng.random_range(0..other.len());
            let end = rng.random_range(from..=other.len().min(from + 300));
            message.splice(at..at, other[from..end].iter().copied());
        }
        _ => {
            let piece = PIECES[rng.random_range(0..PIECES.len())].repeat(rng.random_range(1..200));
            message.splice(at..at, piece);
        }
    }
}

#[test]
fn damaged_messages_are_refused_or_understood_but_never_more() {
    let messages = torture_messages();
    assert_eq!(messages.len(), 49);
    let mut rng = StdRng::seed_from_u64(4475);
    let mut understood = 0;
    for round in 0..50_000 {
        let mut message = messages[rng.random_range(0..messages.len())].clone();
        for _ in 0..rng.random_range(1..4) {
            damage(&mut rng, &mut message, &messages);
        }
        let transport = if rng.random() { Transport::Udp } else { Transport::Tcp };
        match parse(&message, transport) {
            Ok(parsed) => {
                understood += 1;
                let written = parsed.to_bytes();
                let again = parse(&written, Transport::Tcp).unwrap_or_else(|malformed| {
                    panic!("round {round}: {malformed}\n{}", String::from_utf8_lossy(&written))
                });
                assert_eq!(again, parsed, "round {round}");
            }
            Err(Malformed { refusal: Some(refusal), .. }) => {
                let written = refusal.to_bytes("tag");
                let lines = written.split(|byte| *byte == b'\n').count();
                // Status, From, To, Call-ID, CSeq, Content-Length, the empty line and what is behind it.
                assert_eq!(lines, refusal.via.len() + 8, "round {round}");
            }
            Err(_) => {}
        }
        let mut framer = Framer::new();
        _ = framer.handle_bytes(&message);
        while framer.poll_frame().is_some() {}
    }
    assert!(understood > 2_000, "{understood} of 50,000 were understood");
}
