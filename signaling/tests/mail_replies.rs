// SPDX-License-Identifier: EUPL-1.2
//! Mails that are made to hurt whoever reads them. What reading one costs is counted, not timed: how often memory is asked
//! for, and how much of it.

use counting_allocator::{CountingAllocator, allocations_of, bytes_of};
use signaling::MailConfig;
use signaling::commands::{MAX_MAIL_BYTES, take_mail};
use store::testing::TestStore;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

const HEAD: &str = "From: <a@example.org>\r\nTo: <reply+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@conf.example.org>\r\n\
    Subject: Re\r\nMIME-Version: 1.0\r\n";

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:x\r\nSEQUENCE:0\r\n\
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// Looking up whether it answers something costs that much, whatever the mail is.
const ALLOCATIONS_OF_LOOKING_UP: usize = 4_000;

/// Reading costs at most that much for each byte of a mail: copies of it, and a record for each header and part.
const BYTES_PER_BYTE: usize = 120;

/// A reader of mails in front of a database that knows nobody.
struct Reader {
    runtime: tokio::runtime::Runtime,
    database: TestStore,
    config: MailConfig,
}

impl Reader {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let database = runtime.block_on(TestStore::sqlite());
        let mut config = MailConfig::new("smtp://127.0.0.1:25".into(), "invite@conf.example.org".into());
        config.replies = Some("reply+{token}@conf.example.org".to_owned());
        let reader = Self { runtime, database, config };
        // What is done once.
        reader.take(b"");
        reader
    }

    fn take(&self, mail: &[u8]) -> &'static str {
        self.runtime.block_on(take_mail(&self.database.store, &self.config, mail)).expect("the database is there")
    }

    /// Takes a mail that answers nothing, within bounds.
    fn check(&self, name: &str, mail: &[u8]) {
        let mut became = "";
        let (mut allocations, mut bytes) = (0, 0);
        bytes += bytes_of(|| allocations += allocations_of(|| became = self.take(mail)));
        assert_eq!(became, "not_for_us", "{name}");
        assert!(allocations < ALLOCATIONS_OF_LOOKING_UP + mail.len(), "{name}: {allocations} of {}", mail.len());
        let most = BYTES_PER_BYTE * mail.len() + 1024 * 1024;
        assert!(bytes < most, "{name}: {bytes} bytes for a mail of {}", mail.len());
    }
}

/// As long as is looked at.
fn filled(begin: &str, part: &str) -> Vec<u8> {
    let mut mail = begin.as_bytes().to_vec();
    while mail.len() + part.len() <= MAX_MAIL_BYTES {
        mail.extend_from_slice(part.as_bytes());
    }
    mail
}

#[test]
fn what_is_made_to_hurt_costs_no_more_than_its_length() {
    let reader = Reader::new();
    let multipart = |boundary: &str| format!("Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n");
    let nested: String = (0..8_000).map(|depth| format!("{}--b{depth}\r\n", multipart(&format!("b{depth}")))).collect();
    let same: String = format!("{}--b\r\n", multipart("b")).repeat(8_000);
    let messages = format!("{HEAD}Content-Type: message/rfc822\r\n\r\n").repeat(4_000);
    let folded = CALENDAR.replace("UID:x", &format!("UID:{}", "x\r\n ".repeat(200_000)));
    let calendar = |text: &str| format!("{HEAD}Content-Type: text/calendar; method=REPLY\r\n\r\n{text}");
    let encoded = "Content-Type: text/calendar; method=REPLY\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("an answer to nothing", calendar(CALENDAR).into_bytes()),
        ("parts within parts", format!("{HEAD}{nested}").into_bytes()),
        ("parts within parts with one boundary", format!("{HEAD}{same}").into_bytes()),
        (
            "some parts within parts",
            format!("{HEAD}{}", format!("{}--b\r\n", multipart("b")).repeat(2_000)).into_bytes(),
        ),
        ("some parts", filled(&format!("{HEAD}{}{}", multipart("b"), "--b\r\n\r\n".repeat(4_000)), "x")),
        ("messages within messages", messages.into_bytes()),
        ("nothing but parts", filled(&format!("{HEAD}{}", multipart("b")), "--b\r\n\r\n")),
        (
            "nothing but calendars",
            filled(
                &format!("{HEAD}{}", multipart("b")),
                &format!("--b\r\nContent-Type: text/calendar\r\n\r\n{CALENDAR}"),
            ),
        ),
        ("nothing but headers", filled(HEAD, "X: y\r\n")),
        ("nothing but recipients", filled("To: ", "<reply+a@conf.example.org>, ")),
        (
            "nothing but addresses of ours",
            filled(HEAD, "Delivered-To: reply+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@conf.example.org\r\n"),
        ),
        ("a header without end", filled("Subject: ", "x\r\n ")),
        ("encoded words", filled("Subject: ", "=?utf-8?B?eA==?= ")),
        ("brackets in an address", filled("To: ", "(((")),
        ("a long line", filled(HEAD, "x")),
        ("one large calendar", filled(&calendar("BEGIN:VCALENDAR\r\n"), "X:y\r\n")),
        ("a folded name", calendar(&folded).into_bytes()),
        (
            "attendees",
            filled(
                &calendar("BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:x\r\n"),
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:a@example.org\r\n",
            ),
        ),
        ("base64 that says nothing", filled(&format!("{HEAD}{encoded}"), "AAAA")),
        (
            "a boundary of everything",
            filled(&format!("{HEAD}Content-Type: multipart/mixed; boundary=\"-\"\r\n\r\n"), "--"),
        ),
        ("zero bytes", vec![0; MAX_MAIL_BYTES]),
        ("high bytes", vec![0xff; MAX_MAIL_BYTES]),
    ];
    for (name, mail) in &cases {
        reader.check(name, mail);
    }
    // One byte more is not looked at.
    let allocations = allocations_of(|| assert_eq!(reader.take(&vec![b'x'; MAX_MAIL_BYTES + 1]), "not_for_us"));
    assert!(allocations < ALLOCATIONS_OF_LOOKING_UP, "{allocations}");
}

#[test]
fn no_mail_makes_the_reader_fail() {
    let reader = Reader::new();
    let whole = format!(
        "{HEAD}Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nOK\r\n--b\r\n\
         Content-Type: text/calendar; method=REPLY; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{CALENDAR}--b--\r\n"
    );
    let words = [
        "\r\n",
        "--b",
        "--b--",
        ";",
        ":",
        "=",
        "\"",
        "\0",
        "é",
        "\u{202e}",
        "BEGIN:VEVENT",
        "END:VCALENDAR",
        "UID:",
        "SEQUENCE:-1",
        "SEQUENCE:99999999999999999999",
        "Content-Type: message/rfc822\r\n\r\n",
        "boundary=",
        "base64",
        "charset=utf-7",
        "=?x?Q?=?=",
        "<",
        ">",
        "@",
        "RECURRENCE-ID",
        "{token}",
    ];
    // A fixed seed: what fails once fails again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below).expect("small")).expect("small")
    };
    for round in 0..2_000 {
        let mut mail = whole.clone().into_bytes();
        for _ in 0..=random(6) {
            let place = random(mail.len() + 1);
            match random(4) {
                0 => drop(mail.splice(place..place, words[random(words.len())].bytes())),
                1 => mail.truncate(place),
                2 => {
                    let end = (place + random(40)).min(mail.len());
                    drop(mail.drain(place..end));
                }
                _ => {
                    if let Some(byte) = mail.get_mut(place) {
                        *byte = u8::try_from(random(256)).expect("a byte");
                    }
                }
            }
        }
        reader.check(&format!("round {round}: {}", String::from_utf8_lossy(&mail)), &mail);
    }
}
