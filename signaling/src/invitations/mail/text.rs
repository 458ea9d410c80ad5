// SPDX-License-Identifier: EUPL-1.2
//! A mail as plain text.

use super::letter::{Changed, Fact, Letter};

/// All of it.
pub(in crate::invitations) fn write(letter: &Letter) -> String {
    let mut parts = vec![letter.title.clone(), letter.lead.clone()];
    if !letter.changes.is_empty() {
        parts.push(letter.changes.iter().map(changed).collect::<Vec<_>>().join("\n"));
    }
    if !letter.message.trim().is_empty() {
        parts.push(letter.message.replace("\r\n", "\n"));
    }
    let fact = |(label, fact): &(String, Fact)| match fact {
        Fact::Text(text) => format!("{label}: {text}"),
        Fact::Link(link) => format!("{label}: {}", link.text),
    };
    parts.push(letter.facts.iter().map(fact).collect::<Vec<_>>().join("\n"));
    parts.extend(letter.join.iter().map(|link| format!("{}:\n{}", link.text, link.url)));
    if let Some((question, answers)) = &letter.answers {
        let answers = answers.iter().map(|link| format!("{}: {}", link.text, link.url));
        parts.push(format!("{question}\n{}", answers.collect::<Vec<_>>().join("\n")));
    }
    parts.extend(letter.sections.iter().map(|(heading, text)| format!("{heading}:\n{}", text.trim())));
    let privacy = letter.privacy.iter().map(|link| format!("{}: {}", link.text, link.url));
    let notes = letter.notes.iter().cloned().chain(privacy).collect::<Vec<_>>();
    parts.push(format!("-- \n{}", notes.join("\n")));
    parts.join("\n\n") + "\n"
}

fn changed(change: &Changed) -> String {
    match &change.was {
        Some((label, was)) => format!("* {label}: {was}\n  {}", change.is),
        None => format!("* {}", change.is),
    }
}
