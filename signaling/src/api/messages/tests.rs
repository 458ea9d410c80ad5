// SPDX-License-Identifier: EUPL-1.2
//! Nothing is left in the other language. The sources are read, so that no text is forgotten.

use std::collections::BTreeSet;

/// The words of both languages, German first.
const SOURCES: [(&str, &str); 3] = [
    (include_str!("de.rs"), include_str!("en.rs")),
    (include_str!("../../identity/oidc/texts/de.rs"), include_str!("../../identity/oidc/texts/en.rs")),
    (include_str!("../../invitations/words/de.rs"), include_str!("../../invitations/words/en.rs")),
];

/// What is called the same in both.
const SAME: [&str; 5] = ["April", "August", "November", "September", "PIN"];

/// The texts of a source: its literals, without the words that it looks for.
fn texts(source: &str) -> BTreeSet<&str> {
    let parts: Vec<_> = source.split('"').collect();
    let literals = parts.iter().enumerate().filter(|(index, _)| index % 2 == 1);
    literals
        .filter(|(index, _)| !parts.get(index + 1).is_some_and(|next| next.trim_start().starts_with("=>")))
        .map(|(_, literal)| *literal)
        .filter(|literal| has_words(literal))
        .collect()
}

/// Whether there are letters beside what is filled in.
fn has_words(text: &str) -> bool {
    let parts = text.split('{').map(|part| part.split_once('}').map_or(part, |(_, rest)| rest));
    parts.flat_map(str::chars).any(char::is_alphabetic)
}

#[test]
fn no_german_text_is_english() {
    for (german, english) in SOURCES {
        let (german, english) = (texts(german), texts(english));
        assert!(german.len() > 30 && english.len() > 30, "the texts were not found: {german:?}");
        let same: Vec<_> = german.intersection(&english).filter(|text| !SAME.contains(text)).collect();
        assert!(same.is_empty(), "the same in German and English: {same:?}");
    }
}
