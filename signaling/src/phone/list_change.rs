// SPDX-License-Identifier: EUPL-1.2
//! How a list is to change, where other software names what comes in and what goes out. It looks nothing up.

use std::collections::HashSet;

/// How a list is to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum ListChange {
    /// Not at all.
    #[default]
    None,
    /// Into this one.
    Set(Vec<String>),
    /// By some entries.
    By {
        /// Those that come in, behind the others, unless they are there.
        added: Vec<String>,
        /// Those that go out, if they are there.
        removed: Vec<String>,
    },
}

impl ListChange {
    /// What a list becomes; `None` when it stays. Entries are the same when `form` makes the same of them.
    pub(crate) fn applied(self, current: Vec<String>, form: impl Fn(&str) -> String) -> Option<Vec<String>> {
        match self {
            Self::None => None,
            Self::Set(list) => Some(list),
            Self::By { added, removed } => {
                let removed: HashSet<String> = removed.iter().map(|entry| form(entry)).collect();
                let mut list: Vec<String> =
                    current.into_iter().filter(|entry| !removed.contains(&form(entry))).collect();
                let mut known: HashSet<String> = list.iter().map(|entry| form(entry)).collect();
                list.extend(added.into_iter().filter(|entry| known.insert(form(entry))));
                Some(list)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn entries_come_in_once_and_go_out_in_whatever_form() {
        let applied = |change: ListChange| change.applied(list(&["a", "b"]), str::to_lowercase);
        assert_eq!(applied(ListChange::None), None);
        assert_eq!(applied(ListChange::Set(list(&["C"]))), Some(list(&["C"])));
        let by =
            |added: &[&str], removed: &[&str]| applied(ListChange::By { added: list(added), removed: list(removed) });
        assert_eq!(by(&["B", "c", "C"], &["A", "x"]), Some(list(&["b", "c"])));
        assert_eq!(by(&["A"], &["a"]), Some(list(&["b", "A"])), "what goes out may come in anew");
        assert_eq!(by(&[], &["a", "b"]), Some(Vec::new()));
    }
}
