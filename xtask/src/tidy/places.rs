// SPDX-License-Identifier: EUPL-1.2

//! No package registry's host and no path of one machine: both are true in one place only.

use super::Source;

/// Put together from halves, so that this file does not find itself.
const PLACES: [&str; 8] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("registry", ".npmjs"),
    concat!("proxy", ".golang.org"),
    concat!("deb", ".debian.org"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
];

const LOCK_FILES: [&str; 2] = ["Cargo.lock", "package-lock.json"];

/// One line for each place; lock files name registries by their nature.
pub(super) fn problems(file: Source<'_>) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or(file.path);
    if LOCK_FILES.contains(&name) {
        return Vec::new();
    }
    let found = file.lines().flat_map(|(number, line)| {
        PLACES.iter().filter(move |place| line.contains(**place)).map(move |place| (number, place))
    });
    found.map(|(number, place)| file.at(number, &format!("names {place}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_machine_paths_are_found_in_every_kind_of_file() {
        let text = format!("fetch https://{}/x\ncd {}saal\n", PLACES[0], PLACES[5]);
        assert_eq!(problems(Source { path: "notes.md", text: &text }).len(), 2);
        assert_eq!(problems(Source { path: "a.rs", text: &text }).len(), 2);
    }

    #[test]
    fn lock_files_are_left_alone() {
        for path in ["Cargo.lock", "web-client/package-lock.json"] {
            assert!(problems(Source { path, text: PLACES[0] }).is_empty());
        }
    }
}
