// SPDX-License-Identifier: EUPL-1.2
//! What is written is read as the same, and no value makes a line of its own.

use std::net::IpAddr;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::sip::message::{
    CSeq, Headers, Host, Message, Method, NameAddr, Params, Request, Response, Scheme, SipUri, Transport, Uri, Via,
};
use crate::sip::parse::parse;

const TOKEN: &str = "abcxyz0189-.!%*_+`'~";
const WORD: &str = "abcXYZ019-.!%*_+`'~()<>:\\\"/[]?{}";
/// What has a meaning somewhere, and what is escaped.
const ANYTHING: &str = "aZ9 \t\"\\<>;,=:@%?&/[]()*#|{}^\0\u{7}\u{7f}äß電\u{1f600}";
const TEXT: &str = "aZ9 \"\\<>;,=:@%?&äß電";

fn text(rng: &mut StdRng, alphabet: &str, lengths: std::ops::Range<usize>) -> String {
    let alphabet: Vec<char> = alphabet.chars().collect();
    let length = rng.random_range(lengths);
    (0..length).map(|_| alphabet[rng.random_range(0..alphabet.len())]).collect()
}

fn some<T>(rng: &mut StdRng, make: impl FnOnce(&mut StdRng) -> T) -> Option<T> {
    if rng.random() { Some(make(rng)) } else { None }
}

fn many<T>(rng: &mut StdRng, max: usize, make: impl Fn(&mut StdRng) -> T) -> Vec<T> {
    let count = rng.random_range(0..=max);
    (0..count).map(|_| make(rng)).collect()
}

fn host(rng: &mut StdRng) -> Host {
    match rng.random_range(0..3) {
        0 => Host::Address(IpAddr::from(rng.random::<[u8; 4]>())),
        1 => Host::Address(IpAddr::from(rng.random::<[u8; 16]>())),
        _ => Host::Name(["a", "example.com", "x-1.2.example.", "sip_proxy.local"][rng.random_range(0..4)].to_owned()),
    }
}

fn port(rng: &mut StdRng) -> Option<u16> {
    some(rng, |rng| rng.random_range(1..=u16::MAX))
}

/// Names come once.
fn params(rng: &mut StdRng, names: &str, values: &str, shortest: usize) -> Params {
    let mut params = Params::default();
    for _ in 0..rng.random_range(0..4) {
        let name = text(rng, names, 1..6).to_ascii_lowercase();
        // Those have a form of their own.
        if !["tag", "ttl", "maddr"].contains(&name.as_str()) {
            let value = some(rng, |rng| text(rng, values, shortest..8));
            params.set(&name, value);
        }
    }
    params
}

fn uri(rng: &mut StdRng, has_headers: bool) -> Uri {
    const OTHERS: [&str; 3] = ["urn:service:sos", "http://a.example/x?y=%20;z", "isbn:2983792873"];
    const NUMBERS: [&str; 3] = ["+49-30-1234", "+1(2)3;ext=5", "*21#;phone-context=a.example"];
    match rng.random_range(0..8) {
        0 => Uri::Other(OTHERS[rng.random_range(0..3)].to_owned()),
        1 => Uri::Tel(NUMBERS[rng.random_range(0..3)].to_owned()),
        _ => {
            let user = some(rng, |rng| text(rng, ANYTHING, 1..12));
            Uri::Sip(SipUri {
                scheme: if rng.random() { Scheme::Sip } else { Scheme::Sips },
                password: user.as_ref().and_then(|_| some(rng, |rng| text(rng, ANYTHING, 0..5))),
                user,
                host: host(rng),
                port: port(rng),
                params: params(rng, ANYTHING, ANYTHING, 1),
                headers: if has_headers {
                    many(rng, 2, |rng| (text(rng, ANYTHING, 1..5), text(rng, ANYTHING, 0..9)))
                } else {
                    Vec::new()
                },
            })
        }
    }
}

fn address(rng: &mut StdRng) -> NameAddr {
    let mut params = params(rng, TOKEN, ANYTHING, 0);
    if rng.random() {
        params.set("tag", Some(text(rng, TOKEN, 1..9)));
    }
    NameAddr { display_name: some(rng, |rng| text(rng, ANYTHING, 0..12)), uri: uri(rng, true), params }
}

fn via(rng: &mut StdRng) -> Via {
    let mut params = params(rng, TOKEN, ANYTHING, 0);
    params.set("branch", Some(format!("z9hG4bK{}", text(rng, TOKEN, 1..9))));
    if rng.random() {
        params.set("rport", some(rng, |_| "5060".to_owned()));
        params.set("received", Some(["192.0.2.1", "2001:db8::1", "[2001:db8::1]"][rng.random_range(0..3)].to_owned()));
    }
    Via {
        transport: ["UDP", "TCP", "TLS", "x+y"][rng.random_range(0..4)].to_owned(),
        host: host(rng),
        port: port(rng),
        params,
    }
}

fn headers(rng: &mut StdRng, method: &Method) -> Headers {
    let mut via_list = vec![via(rng)];
    via_list.extend(many(rng, 3, via));
    let other = |rng: &mut StdRng| {
        let name = ["Subject", "Supported", "X-Own", "Proxy-Authorization", "z"][rng.random_range(0..5)];
        (name.to_owned(), text(rng, TEXT, 0..20).trim().to_owned())
    };
    let is_contact_star = *method == Method::Register && rng.random();
    Headers {
        via: via_list,
        from: address(rng),
        to: address(rng),
        call_id: format!("{}@{}", text(rng, WORD, 1..20), text(rng, WORD, 1..20)),
        cseq: CSeq { number: rng.random_range(0..1 << 31), method: method.clone() },
        max_forwards: some(rng, Rng::random),
        contact: if is_contact_star { Vec::new() } else { many(rng, 3, address) },
        is_contact_star,
        route: many(rng, 3, address),
        record_route: many(rng, 3, address),
        content_type: some(rng, |_| "multipart/mixed; boundary=\"a b\"".to_owned()),
        others: many(rng, 5, other),
    }
}

fn message(rng: &mut StdRng) -> Message {
    let method = match rng.random_range(0..5) {
        0 => Method::Register,
        1 => Method::Other(format!("X{}", text(rng, TOKEN, 1..9))),
        _ => Method::Invite,
    };
    let headers = headers(rng, &method);
    let body = many(rng, 50, Rng::random);
    if rng.random() {
        Message::Request(Request { method, uri: uri(rng, false), headers, body })
    } else {
        let reason = text(rng, TEXT, 0..20);
        Message::Response(Response { status: rng.random_range(100..700), reason, headers, body })
    }
}

#[test]
fn what_is_written_is_read_as_the_same() {
    for seed in 0..5_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let message = message(&mut rng);
        let written = message.to_bytes();
        let read = parse(&written, Transport::Tcp);
        let read =
            read.unwrap_or_else(|malformed| panic!("seed {seed}: {malformed}\n{}", String::from_utf8_lossy(&written)));
        assert_eq!(read, message, "seed {seed}\n{}", String::from_utf8_lossy(&written));
    }
}

#[test]
fn uris_and_addresses_are_read_from_what_is_displayed() {
    for seed in 0..5_000 {
        let mut rng = StdRng::seed_from_u64(seed);
        let uri = uri(&mut rng, true);
        assert_eq!(uri.to_string().parse().as_ref(), Ok(&uri), "seed {seed}: {uri}");
        let address = address(&mut rng);
        assert_eq!(address.to_string().parse().as_ref(), Ok(&address), "seed {seed}: {address}");
    }
}

/// Puts a text everywhere where a text can be.
fn poisoned(text: &str) -> Request {
    let text = || text.to_owned();
    let params = || Params(vec![(text(), Some(text())), (text(), None)]);
    let uri = || {
        Uri::Sip(SipUri {
            scheme: Scheme::Sip,
            user: Some(text()),
            password: Some(text()),
            host: Host::Name(text()),
            port: None,
            params: params(),
            headers: vec![(text(), text())],
        })
    };
    let address = |uri: Uri| NameAddr { display_name: Some(text()), uri, params: params() };
    Request {
        method: Method::Other(text()),
        uri: uri(),
        headers: Headers {
            via: vec![Via { transport: text(), host: Host::Name(text()), port: None, params: params() }],
            from: address(uri()),
            to: address(Uri::Tel(text())),
            call_id: text(),
            cseq: CSeq { number: 1, method: Method::Other(text()) },
            max_forwards: Some(70),
            contact: vec![address(Uri::Other(text()))],
            is_contact_star: false,
            route: vec![address(uri())],
            record_route: vec![address(uri())],
            content_type: Some(text()),
            others: vec![
                ("Subject".to_owned(), text()),
                (text(), "x".to_owned()),
                ("Content-Length".to_owned(), "9".to_owned()),
            ],
        },
        body: Vec::new(),
    }
}

#[test]
fn no_value_makes_a_line_of_its_own() {
    for text in [
        "\r\nEvil: 1",
        "x\r\n\r\nEvil: 1",
        "x\nEvil: 1",
        "x\rEvil: 1",
        "\0\r\n\tEvil: 1",
        "\"\r\nEvil: 1\r\n\"",
        "\\\r\nEvil: 1",
    ] {
        let request = poisoned(text);
        let mut response = request.response(200, text);
        response.headers.others.clone_from(&request.headers.others);
        for (written, lines) in [(request.to_bytes(), 14), (response.to_bytes(), 9)] {
            let written = String::from_utf8(written).unwrap();
            assert_eq!(written.matches("\r\n").count(), lines, "{written}");
            assert!(!written.replace("\r\n", "").contains(['\r', '\n']), "{written}");
            // It may be a part of a name, escaped.
            assert!(!written.replace("\\\0", "").contains('\0'), "{written}");
            assert!(!written.lines().any(|line| line.trim_start().starts_with("Evil")), "{written}");
            assert_eq!(written.matches("Content-Length").count(), 1);
        }
    }
}

#[test]
fn the_length_of_the_body_is_always_said() {
    let mut rng = StdRng::seed_from_u64(1);
    let Message::Request(mut request) =
        std::iter::repeat_with(|| message(&mut rng)).find(|message| matches!(message, Message::Request(_))).unwrap()
    else {
        unreachable!();
    };
    for (body, end) in
        [(Vec::new(), "Content-Length: 0\r\n\r\n"), (b"v=0\r\n".to_vec(), "Content-Length: 5\r\n\r\nv=0\r\n")]
    {
        request.body = body;
        let written = request.to_bytes();
        assert!(written.ends_with(end.as_bytes()));
    }
}

#[test]
fn parts_are_written_in_their_usual_form() {
    let via = Via {
        transport: "TLS".to_owned(),
        host: Host::Address("2001:db8::1".parse().unwrap()),
        port: Some(5061),
        params: Params(vec![("branch".to_owned(), Some("z9hG4bK1".to_owned())), ("rport".to_owned(), None)]),
    };
    assert_eq!(via.to_string(), "SIP/2.0/TLS [2001:db8::1]:5061;branch=z9hG4bK1;rport");
    assert_eq!(CSeq { number: 7, method: Method::Bye }.to_string(), "7 BYE");
    let address: NameAddr = "\"A \\\\ \\\"B\\\"\" <sip:a@b>;x=\"c d\";y=z".parse().unwrap();
    assert_eq!(address.to_string(), "\"A \\\\ \\\"B\\\"\" <sip:a@b>;x=\"c d\";y=z");
}
