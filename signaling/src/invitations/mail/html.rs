// SPDX-License-Identifier: EUPL-1.2
//! A mail as HTML: nothing in it is loaded from anywhere, and it can be read in light and dark, large and aloud.

use std::fmt::Write as _;

use super::letter::{Changed, Fact, Letter, Link};

/// Colours with a contrast of 4.5 or more on their ground, in light and in dark (WCAG 2.2, 1.4.3).
const STYLE: &str = "\
:root{color-scheme:light dark}\
body{margin:0;padding:24px 12px;background:#f4f5f7;color:#1b1f24;font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
main{max-width:560px;margin:0 auto;padding:24px;background:#fff;border:1px solid #d5d9e0;border-radius:8px}\
h1{margin:0 0 12px;font-size:22px;line-height:1.3}h2{margin:24px 0 4px;font-size:16px}\
p,ul{margin:0 0 16px}ul{padding-left:20px}blockquote{margin:0 0 16px;padding:0 0 0 12px;border-left:3px solid #8a94a3}\
dl{margin:0 0 16px}dt{color:#57606a;font-size:14px}dd{margin:0 0 8px;overflow-wrap:anywhere}\
a{color:#0b57d0}a.button{display:inline-block;margin:0 8px 8px 0;padding:10px 16px;border:1px solid #0b57d0;\
border-radius:6px;text-decoration:none;font-weight:600}a.main{background:#0b57d0;color:#fff}\
.notes,.address{color:#57606a;font-size:14px;overflow-wrap:anywhere}\
@media (prefers-color-scheme:dark){body{background:#15181c;color:#e6e8eb}main{background:#1e2227;border-color:#3a4048}\
dt,.notes,.address{color:#a8b1bd}blockquote{border-left-color:#77818f}a{color:#8ab4f8}a.button{border-color:#8ab4f8}\
a.main{background:#8ab4f8;color:#15181c}}";

/// All of it.
pub(in crate::invitations) fn write(letter: &Letter) -> String {
    let mut html = String::with_capacity(8 * 1024);
    let language = letter.language.as_str();
    html += &format!("<!DOCTYPE html>\n<html lang=\"{language}\">\n<head>\n<meta charset=\"utf-8\">\n");
    html += "<meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n";
    html += &format!("<title>{}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n", escaped(&letter.subject));
    html += &format!("<h1>{}</h1>\n<p>{}</p>\n", escaped(&letter.title), escaped(&letter.lead));
    if !letter.changes.is_empty() {
        html += &format!("<ul>\n{}</ul>\n", letter.changes.iter().map(changed).collect::<String>());
    }
    if !letter.message.trim().is_empty() {
        html += &format!("<blockquote>{}</blockquote>\n", paragraph(&letter.message));
    }
    html += "<dl>\n";
    for (label, fact) in &letter.facts {
        let value = match fact {
            Fact::Text(text) => escaped(text),
            Fact::Link(link) => anchor(link, None),
        };
        // Writing to a string cannot fail.
        _ = writeln!(html, "<dt>{}</dt><dd>{value}</dd>", escaped(label));
    }
    html += "</dl>\n";
    if let Some(link) = &letter.join {
        html += &format!("<p>{}</p>\n", anchor(link, Some("button main")));
        // For those whose program shows no buttons, and to copy.
        let address = Link { text: link.url.clone(), url: link.url.clone() };
        html += &format!("<p class=\"address\">{}</p>\n", anchor(&address, None));
    }
    if let Some((question, answers)) = &letter.answers {
        let answers = answers.iter().map(|link| anchor(link, Some("button"))).collect::<Vec<_>>().join("\n");
        html += &format!("<h2>{}</h2>\n<p>{answers}</p>\n", escaped(question));
    }
    for (heading, text) in &letter.sections {
        html += &format!("<h2>{}</h2>\n<p>{}</p>\n", escaped(heading), paragraph(text));
    }
    let privacy = letter.privacy.iter().map(|link| anchor(link, None));
    let notes = letter.notes.iter().map(|note| escaped(note)).chain(privacy).collect::<Vec<_>>().join("<br>\n");
    html += &format!("<p class=\"notes\">{notes}</p>\n</main>\n</body>\n</html>\n");
    html
}

fn changed(change: &Changed) -> String {
    let was = change.was.as_ref().map(|(label, was)| format!("{}: <s>{}</s><br>\n", escaped(label), escaped(was)));
    format!("<li>{}<strong>{}</strong></li>\n", was.unwrap_or_default(), escaped(&change.is))
}

fn anchor(link: &Link, class: Option<&str>) -> String {
    let class = class.map(|class| format!(" class=\"{class}\"")).unwrap_or_default();
    format!("<a href=\"{}\"{class}>{}</a>", escaped(&link.url), escaped(&link.text))
}

/// Text in which lines stay lines.
fn paragraph(text: &str) -> String {
    escaped(text.trim()).replace("\r\n", "\n").replace('\n', "<br>\n")
}

/// Text that means no more than its letters.
pub(in crate::invitations) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}
