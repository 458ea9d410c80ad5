// SPDX-License-Identifier: EUPL-1.2
//! Finding meetings by words of their titles. Each word is a row, so that a search reads an index, and not every title.

use std::collections::BTreeSet;

use store::{Statement, StoreError, Tx, sql};

use super::model::Meeting;
use crate::api::ids::TenantId;

/// Most words of a title that are looked for: a title has at most 300 characters.
const MAX_WORDS: usize = 40;

/// Longest part of a word that counts.
const MAX_WORD_CHARS: usize = 40;

/// Most words of a search.
pub(super) const MAX_SOUGHT: usize = 5;

/// What comes behind every word that begins like another: no character is larger.
const LAST: char = char::MAX;

/// The words of a text, in small letters, each once.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let parts = text.split(|character: char| !character.is_alphanumeric()).filter(|part| !part.is_empty());
    let word = |part: &str| part.chars().take(MAX_WORD_CHARS).flat_map(char::to_lowercase).collect();
    parts.map(word).take(MAX_WORDS).collect()
}

/// Notes the words of a meeting's title in the place of those that were noted.
pub(super) async fn note_words(tx: &mut Tx, meeting: &Meeting) -> Result<(), StoreError> {
    tx.execute(sql("DELETE FROM meeting_words WHERE meeting_id = $1").bind(meeting.id)).await?;
    let words = words(&meeting.title);
    if words.is_empty() {
        return Ok(());
    }
    let mut insert = sql("INSERT INTO meeting_words (meeting_id, word, tenant_id) VALUES ");
    for (index, word) in words.iter().enumerate() {
        insert.push_bound(if index == 0 { "(" } else { ", (" }, meeting.id);
        insert.push_bound(", ", word).push_bound(", ", meeting.tenant_id).push(")");
    }
    tx.execute(insert).await?;
    Ok(())
}

/// Appends a table `found` with the ids of a tenant's meetings in whose titles each of these words begins one.
pub(super) fn push_found(select: &mut Statement, tenant: TenantId, sought: &BTreeSet<String>) {
    select.push("(");
    for (index, word) in sought.iter().enumerate() {
        // A set, though several words of a title may begin alike.
        select.push(if index == 0 { "SELECT DISTINCT" } else { " INTERSECT SELECT" });
        select
            .push_bound(" meeting_id FROM meeting_words WHERE tenant_id = ", tenant)
            .push_bound(" AND word >= ", word)
            .push_bound(" AND word < ", format!("{word}{LAST}"));
    }
    select.push(") AS found");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_taken_apart_where_no_letter_is() {
        let found: Vec<_> = words("Jour fixe: JOUR-Straße, Haushalt 2027/28 (Entwurf)").into_iter().collect();
        assert_eq!(found, ["2027", "28", "entwurf", "fixe", "haushalt", "jour", "straße"]);
        assert!(words(" …–() ").is_empty());
        assert!(words(&"x".repeat(300)).iter().all(|word| word.len() == MAX_WORD_CHARS));
    }
}
