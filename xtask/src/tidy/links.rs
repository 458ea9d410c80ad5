// SPDX-License-Identifier: EUPL-1.2

//! A link from one of our documents to a file of the project leads to a file.

use super::Source;

/// One line for each link that leads nowhere. Links to the web and within a page are not followed.
pub(super) fn problems(file: Source<'_>, paths: &[String]) -> Vec<String> {
    if !file.has_extension(&["md"]) {
        return Vec::new();
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut problems = Vec::new();
    for (number, line) in file.lines() {
        for link in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let is_elsewhere = target.is_empty() || target.contains(':');
            if !is_elsewhere && !exists(&resolve(folder, target), paths) {
                problems.push(file.at(number, &format!("the link to {target} leads nowhere")));
            }
        }
    }
    problems
}

fn exists(target: &str, paths: &[String]) -> bool {
    let as_folder = format!("{}/", target.trim_end_matches('/'));
    paths.iter().any(|path| path == target || path.starts_with(&as_folder))
}

fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(path: &str, text: &str) -> usize {
        let paths = ["README.md", "docs/adr/0001-a.md"].map(str::to_owned);
        problems(Source { path, text }, &paths).len()
    }

    #[test]
    fn links_are_followed_from_where_they_stand() {
        assert_eq!(broken("README.md", "[a](docs/adr/0001-a.md) and [b](docs/adr/)"), 0);
        assert_eq!(broken("docs/adr/0001-a.md", "[a](../../README.md#start) [b](#here)"), 0);
        assert_eq!(broken("docs/adr/0001-a.md", "[a](README.md)"), 1);
    }

    #[test]
    fn the_web_is_not_asked() {
        assert_eq!(broken("README.md", "[a](https://example.org/b) [m](mailto:a@example.org)"), 0);
    }
}
