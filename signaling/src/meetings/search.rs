// SPDX-License-Identifier: EUPL-1.2
//! Finding meetings by words of their titles. Each word is a row, so that a search reads an index, and not every title.

use std::collections::BTreeSet;

use store::{Single, Statement, StoreError, Tx, sql};

use super::model::Meeting;
use crate::api::ids::TenantId;

/// Most words of a title that are looked for: a title has at most 300 characters.
const MAX_WORDS: usize = 40;

/// Longest part of a word that counts.
const MAX_WORD_CHARS: usize = 40;

/// Most words of a search.
pub(super) const MAX_SOUGHT: usize = 5;

/// So many meetings that have a word are many.
const MANY: i64 = 1000;

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

/// Words that are looked for, and how.
pub(super) struct Search {
    tenant: TenantId,
    /// A word that few meetings have: they are looked at, and no others. Without one, meetings are taken in their order,
    /// of which many will do.
    rare: Option<String>,
    others: BTreeSet<String>,
}

impl Search {
    /// Finds out which word leads to the fewest meetings.
    pub(super) async fn plan(tx: &mut Tx, tenant: TenantId, mut sought: BTreeSet<String>) -> Result<Self, StoreError> {
        let mut rarest: Option<(i64, String)> = None;
        for word in &sought {
            let mut count = sql("SELECT COUNT(*) AS number FROM (SELECT 1 FROM meeting_words WHERE tenant_id = ");
            count.push_bound("", tenant);
            push_beginning(&mut count, word);
            count.push_bound(" LIMIT ", MANY).push(") AS probed");
            let Single(number) = tx.one::<Single<i64>>(count).await?;
            if number < MANY && rarest.as_ref().is_none_or(|(fewest, _)| number < *fewest) {
                rarest = Some((number, word.clone()));
            }
        }
        let rare = rarest.map(|(_, word)| word);
        if let Some(rare) = &rare {
            sought.remove(rare);
        }
        Ok(Self { tenant, rare, others: sought })
    }

    /// Whether it leads to few meetings.
    pub(super) const fn is_narrow(&self) -> bool {
        self.rare.is_some()
    }

    /// Appends a table `found` with the ids of the meetings that the rare word leads to, each once.
    pub(super) fn push_found(&self, select: &mut Statement) {
        let Some(rare) = &self.rare else { return };
        select.push_bound("(SELECT DISTINCT meeting_id FROM meeting_words WHERE tenant_id = ", self.tenant);
        push_beginning(select, rare);
        select.push(") AS found");
    }

    /// Appends that the meetings have the other words, too.
    pub(super) fn push_others(&self, select: &mut Statement) {
        for word in &self.others {
            select.push(" AND EXISTS (SELECT 1 FROM meeting_words WHERE meeting_words.meeting_id = meetings.id");
            push_beginning(select, word);
            select.push(")");
        }
    }
}

/// Appends that a word begins so.
fn push_beginning(select: &mut Statement, word: &str) {
    select.push_bound(" AND word >= ", word).push_bound(" AND word < ", format!("{word}{LAST}"));
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
