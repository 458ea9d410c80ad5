// SPDX-License-Identifier: EUPL-1.2
//! What calendars answer (RFC 5546 §3.2.3, §3.2.7). Everything in it may be made up.

use crate::identity::users::model::tidy_email;
use crate::meetings::model::ResponseStatus;

/// Longest answer that is looked at. Real ones have a few thousand bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Names and values.
type Parameters = Vec<(String, String)>;

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::invitations) struct Answer {
    /// What it is, such as REPLY.
    pub(in crate::invitations) method: String,
    /// The meeting's UID.
    pub(in crate::invitations) uid: String,
    /// The SEQUENCE that it answers.
    pub(in crate::invitations) sequence: i64,
    /// Whether it is about one time of a series only.
    pub(in crate::invitations) is_about_one_time: bool,
    /// Addresses in small letters, and what their owners say.
    pub(in crate::invitations) attendees: Vec<(String, ResponseStatus)>,
}

/// Reads one. None for what is no answer to anything.
pub(in crate::invitations) fn answer(text: &str) -> Option<Answer> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let unfolded = text.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let mut answer = Answer::default();
    let mut depth = Vec::new();
    for line in unfolded.lines() {
        let Some((name, parameters, value)) = parts(line) else { continue };
        match (name.as_str(), depth.last().map(String::as_str)) {
            ("BEGIN", _) if depth.len() < 8 => depth.push(value.trim().to_ascii_uppercase()),
            ("END", _) => drop(depth.pop()),
            ("METHOD", Some("VCALENDAR")) => answer.method = value.trim().to_ascii_uppercase(),
            ("UID", Some("VEVENT")) if answer.uid.is_empty() => answer.uid = unescaped(value),
            ("SEQUENCE", Some("VEVENT")) => answer.sequence = value.trim().parse().ok()?,
            ("RECURRENCE-ID", Some("VEVENT")) => answer.is_about_one_time = true,
            ("ATTENDEE", Some("VEVENT")) if answer.attendees.len() < 16 => {
                answer.attendees.extend(attendee(&parameters, value));
            }
            _ => {}
        }
    }
    let is_answer = !answer.method.is_empty() && !answer.uid.is_empty();
    is_answer.then_some(answer)
}

fn attendee(parameters: &[(String, String)], value: &str) -> Option<(String, ResponseStatus)> {
    let (scheme, address) = value.trim().split_once(':')?;
    let response = parameters.iter().find(|(name, _)| name == "PARTSTAT").map(|(_, value)| value.as_str());
    let response = match response?.to_ascii_uppercase().as_str() {
        "ACCEPTED" => ResponseStatus::Accepted,
        "DECLINED" => ResponseStatus::Declined,
        "TENTATIVE" => ResponseStatus::Tentative,
        _ => return None,
    };
    scheme.eq_ignore_ascii_case("mailto").then(|| (tidy_email(address), response))
}

/// A line's name, parameters and value.
fn parts(line: &str) -> Option<(String, Parameters, &str)> {
    let mut is_quoted = false;
    let mut cuts = Vec::new();
    let mut colon = None;
    for (index, character) in line.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            ';' if !is_quoted => cuts.push(index),
            ':' if !is_quoted => {
                colon = Some(index);
                break;
            }
            _ => {}
        }
    }
    let colon = colon?;
    let name_end = cuts.first().copied().unwrap_or(colon);
    cuts.push(colon);
    let parameters = cuts.windows(2).filter_map(|pair| {
        let (name, value) = line[pair[0] + 1..pair[1]].split_once('=')?;
        Some((name.to_ascii_uppercase(), value.trim_matches('"').to_owned()))
    });
    Some((line[..name_end].to_ascii_uppercase(), parameters.collect(), &line[colon + 1..]))
}

fn unescaped(text: &str) -> String {
    text.trim().replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_calendars_answer_is_read() {
        // Outlook puts the line breaks so, quotes what needs it not, and names the language.
        let text = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nPRODID:x\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:W. Europe\r\n\
            END:VTIMEZONE\r\nBEGIN:VEVENT\r\nATTENDEE;PARTSTAT=ACCEPTED;CN=\"Nov: a; b\";X=\"mailto:z@example.org\":mailto:Zofie@\r\n \
            Example.org\r\nCOMMENT;LANGUAGE=de-DE:\\n\r\nUID:0198f2c4@conf.example.org\r\nDTSTAMP:20261001T000000Z\r\n\
            SEQUENCE:3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let expected = Answer {
            method: "REPLY".to_owned(),
            uid: "0198f2c4@conf.example.org".to_owned(),
            sequence: 3,
            is_about_one_time: false,
            attendees: vec![("zofie@example.org".to_owned(), ResponseStatus::Accepted)],
        };
        assert_eq!(answer(text), Some(expected.clone()));
        assert_eq!(answer(&text.replace("\r\n", "\n")), Some(expected));
        let one_time = text.replace("SEQUENCE:3", "SEQUENCE:3\r\nRECURRENCE-ID:20261103T090000Z");
        assert!(answer(&one_time).expect("an answer").is_about_one_time);
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in [
            "",
            "\r\n \r\n",
            "BEGIN:VCALENDAR",
            "UID:x",
            "BEGIN:VEVENT\nUID:x\nSEQUENCE:99999999999999999999\nEND:VEVENT",
            "\"::;;=é\nATTENDEE;PARTSTAT:x",
        ] {
            assert_eq!(answer(text), None, "{text:?}");
        }
        let endless = "BEGIN:VEVENT\n".repeat(MAX_BYTES);
        assert_eq!(answer(&endless), None);
        assert_eq!(answer(&endless[..MAX_BYTES / 2]), None);
    }
}
