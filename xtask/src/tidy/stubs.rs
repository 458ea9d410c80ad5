// SPDX-License-Identifier: EUPL-1.2

//! Nothing unfinished and no test switched off.

use super::Source;

/// Put together from halves, so that this file does not find itself.
const IN_RUST: [&str; 3] = [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore")];
const IN_SCRIPTS: [&str; 1] = [concat!(".on", "ly(")];

/// One line for each stub.
pub(super) fn problems(file: Source<'_>) -> Vec<String> {
    let words: &[&str] = match file {
        _ if file.has_extension(&["rs"]) => &IN_RUST,
        _ if file.has_extension(&["ts", "tsx", "mjs", "js"]) => &IN_SCRIPTS,
        _ => &[],
    };
    let found = file.lines().flat_map(|(number, line)| {
        words.iter().filter(move |word| line.contains(**word)).map(move |word| (number, word))
    });
    found.map(|(number, word)| file.at(number, &format!("{word:?} is left over"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        problems(Source { path, text }).len()
    }

    #[test]
    fn unfinished_rust_is_found() {
        for word in IN_RUST {
            assert_eq!(count("a.rs", &format!("fn a() {{\n    {word}\n}}")), 1, "{word}");
        }
    }

    #[test]
    fn a_lone_test_is_found_in_scripts_and_is_a_method_in_rust() {
        let line = format!("test{}'joins', join)", IN_SCRIPTS[0]);
        assert_eq!(count("a.test.ts", &line), 1);
        assert_eq!(count("a.rs", &line), 0);
    }

    #[test]
    fn prose_may_talk_about_them() {
        assert_eq!(count("a.md", IN_RUST[0]), 0);
    }
}
