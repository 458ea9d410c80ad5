// SPDX-License-Identifier: EUPL-1.2
//! Letters as they are sent, compared with those that are kept in `golden/`.

use super::letter::Letter;
use super::message::{Headers, write};
use super::{html, text};
use crate::api::language::Language;
use crate::invitations::invitation::{Invitation, Method, News, Person, Recipient};
use crate::invitations::samples::{golden, moved, single, weekly};

fn headers() -> Headers<'static> {
    Headers {
        from: "einladung@conf.example.org",
        message_id: "<1@conf.example.org>",
        thread_id: "<m1@conf.example.org>",
        date: single().written_at,
    }
}

#[test]
fn mails_say_what_they_said() {
    let removed = Invitation { method: Method::Cancel, news: News::Removed, ..weekly() };
    let cancelled = Invitation { method: Method::Cancel, news: News::Cancelled, ..single() };
    let cases = [
        ("invited", single()),
        ("moved", moved()),
        ("changed", weekly()),
        ("removed", removed),
        ("cancelled", cancelled),
    ];
    for (name, invitation) in cases {
        for language in [Language::De, Language::En] {
            let letter = Letter::of(&Invitation { language, ..invitation.clone() });
            let language = language.as_str();
            golden(
                "mail",
                &format!("{name}.{language}.txt"),
                &format!("{}\n\n{}", letter.subject, text::write(&letter)),
            );
            golden("mail", &format!("{name}.{language}.html"), &html::write(&letter));
        }
    }
}

#[test]
fn a_mail_has_three_ways_to_read_and_a_file() {
    let message = String::from_utf8(write(&single(), &headers()).expect("a mail").formatted()).expect("ASCII");
    assert!(message.is_ascii());
    for line in [
        "Message-ID: <1@conf.example.org>",
        "References: <m1@conf.example.org>",
        "Auto-Submitted: auto-generated",
        "Date: Thu, 01 Oct 2026 06:15:00 +0000",
        "Content-Type: multipart/mixed;",
        "Content-Type: multipart/alternative;",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: text/html; charset=utf-8",
        "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
        "Content-Type: application/ics",
    ] {
        assert!(message.contains(line), "{line} is missing in\n{message}");
    }
    assert!(message.contains("<zofie@xn--bauhof-sd-x9a.example>"));
}

#[test]
fn what_somebody_typed_becomes_no_header_and_no_tag() {
    let evil = "x\r\nBcc: <evil@example.org>\r\n\r\n<script>\"'&</script>";
    let mut invitation = single();
    invitation.title = evil.to_owned();
    invitation.organizer.name = evil.to_owned();
    invitation.recipient.person.name = evil.to_owned();
    invitation.message = evil.to_owned();
    invitation.agenda = evil.to_owned();
    let sent = write(&invitation, &headers()).expect("a mail");
    assert_eq!(sent.envelope().to().len(), 1);
    let parsed = sent.formatted();
    let parsed = mail_parser::MessageParser::default().parse(&parsed).expect("a mail");
    assert!(parsed.bcc().is_none());
    let html = parsed.body_html(0).expect("HTML");
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    let calendar = crate::invitations::ical::calendar::write(&invitation);
    assert!(!calendar.contains("\r\nBcc"), "{calendar}");
}

#[test]
fn an_address_that_is_none_makes_no_mail() {
    let person = Person { name: String::new(), email: "x@example.org\r\nRCPT TO:<y@example.org>".to_owned() };
    let invitation = Invitation { recipient: Recipient { person, ..single().recipient }, ..single() };
    assert!(write(&invitation, &headers()).is_err());
}
