// SPDX-License-Identifier: EUPL-1.2

//! The map in `ARCHITECTURE.md` names every folder a newcomer meets, and none that is gone.

use std::collections::BTreeSet;

/// Where the map is.
pub(super) const DOCUMENT: &str = "ARCHITECTURE.md";

/// The fenced block that is the map begins after this heading.
const HEADING: &str = "## Map";

/// Compares the map with the folders of `paths`.
pub(super) fn problems(document: &str, paths: &[String]) -> Vec<String> {
    let Some(named) = folders_in_map(document) else {
        return vec![format!("{DOCUMENT} needs a fenced map after its heading {HEADING:?}")];
    };
    let expected = expected_folders(paths);
    let existing = all_folders(paths);
    let missing = expected.iter().filter(|folder| !named.contains(*folder));
    let gone = named.iter().filter(|folder| !existing.contains(*folder));
    missing
        .map(|folder| format!("{DOCUMENT}: the map does not name {folder}/"))
        .chain(gone.map(|folder| format!("{DOCUMENT}: the map names {folder}/, which is not there")))
        .collect()
}

/// The first word of every line of the block that ends in `/`, and the folders it lies in.
fn folders_in_map(document: &str) -> Option<BTreeSet<String>> {
    let after = document.split_once(HEADING)?.1;
    let block = after.split("```").nth(1)?;
    let words = block.lines().filter_map(|line| line.split_whitespace().next());
    Some(words.filter_map(|word| word.strip_suffix('/')).flat_map(with_parents).collect())
}

/// Top-level folders, and the folders of crates wherever they are. Dot folders are for tools.
fn expected_folders(paths: &[String]) -> BTreeSet<String> {
    let mut folders = BTreeSet::new();
    for path in paths.iter().filter(|path| !path.starts_with('.')) {
        if let Some((top, _)) = path.split_once('/') {
            folders.insert(top.to_owned());
        }
        if let Some(folder) = path.strip_suffix("/Cargo.toml") {
            folders.insert(folder.to_owned());
        }
    }
    folders
}

fn all_folders(paths: &[String]) -> BTreeSet<String> {
    let folders = paths.iter().filter_map(|path| path.rsplit_once('/'));
    folders.flat_map(|(folder, _)| with_parents(folder)).collect()
}

fn with_parents(folder: &str) -> Vec<String> {
    let ends = folder.match_indices('/').map(|(at, _)| at).chain([folder.len()]);
    ends.map(|end| folder[..end].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: &str = "# A\n## Map\n```\nCargo.toml   workspace\nsrc/   main\nsfu/media/   crate\n```\n";

    fn check(document: &str, paths: &[&str]) -> Vec<String> {
        problems(document, &paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_complete_map_passes() {
        let paths = ["Cargo.toml", "src/main.rs", "sfu/media/Cargo.toml", ".ci/run"];
        assert!(check(DOC, &paths).is_empty());
    }

    #[test]
    fn a_new_folder_must_be_named() {
        let paths = ["src/main.rs", "sfu/media/Cargo.toml", "sfu/node/Cargo.toml", "docs/a.md"];
        let found = check(DOC, &paths);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("docs/") && found[1].contains("sfu/node/"));
    }

    #[test]
    fn a_folder_that_is_gone_must_leave_the_map() {
        let found = check(DOC, &["src/main.rs"]);
        assert!(found.iter().any(|problem| problem.contains("names sfu/media/")), "{found:?}");
    }

    #[test]
    fn a_document_without_a_map_is_named() {
        assert_eq!(check("# A\n", &[]).len(), 1);
    }
}
