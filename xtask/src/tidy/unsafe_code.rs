// SPDX-License-Identifier: EUPL-1.2

//! `unsafe` stands in a short list of files, and each time with the reason why it is sound.

use serde::Deserialize;

use super::Source;

/// How far above `unsafe` its `SAFETY` comment may begin.
const REACH: usize = 8;

/// An entry of `tidy.toml`: this file, or this folder when it ends in `/`, may say `unsafe`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Permit {
    path: String,
    /// For the person who reads the list; a permit without one does not parse.
    #[serde(rename = "reason")]
    _reason: String,
}

impl Permit {
    fn covers(&self, path: &str) -> bool {
        if self.path.ends_with('/') { path.starts_with(&self.path) } else { path == self.path }
    }
}

/// One line for each `unsafe` that should not be, or that gives no reason.
pub(super) fn problems(file: Source<'_>, permits: &[Permit]) -> Vec<String> {
    if !file.has_extension(&["rs"]) {
        return Vec::new();
    }
    let is_permitted = permits.iter().any(|permit| permit.covers(file.path));
    let lines: Vec<&str> = file.text.lines().collect();
    let mut problems = Vec::new();
    for (index, _) in lines.iter().enumerate().filter(|(_, line)| says_unsafe(line)) {
        let before = &lines[index.saturating_sub(REACH)..=index];
        if !is_permitted {
            problems.push(file.at(index + 1, "unsafe outside the files that tidy.toml permits"));
        } else if !before.iter().any(|line| line.contains("SAFETY") || line.contains("# Safety")) {
            problems.push(file.at(index + 1, "unsafe without a SAFETY comment"));
        }
    }
    problems
}

/// Permits for what is gone.
pub(super) fn stale(permits: &[Permit], paths: &[String]) -> Vec<String> {
    let gone = permits.iter().filter(|permit| !paths.iter().any(|path| permit.covers(path)));
    gone.map(|permit| format!("xtask/tidy.toml permits {}, which is not there", permit.path)).collect()
}

/// Whether the keyword stands in the code of this line: not in a comment, a string or a longer word.
fn says_unsafe(line: &str) -> bool {
    let code = without_strings(line);
    let code = code.split("//").next().unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.split(|c| !is_word(c)).any(|word| word == concat!("un", "safe"))
}

fn without_strings(line: &str) -> String {
    let mut outside = true;
    let mut escaped = false;
    let mut code = String::new();
    for letter in line.chars() {
        match letter {
            '"' if !escaped => outside = !outside,
            _ if outside => code.push(letter),
            _ => {}
        }
        escaped = letter == '\\' && !escaped;
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let permits = [Permit { path: "allowed.rs".into(), _reason: "sendmmsg".into() }];
        problems(Source { path: "allowed.rs", text }, &permits)
    }

    #[test]
    fn a_permitted_file_still_gives_its_reason() {
        assert!(found("// SAFETY: the buffer outlives the call.\nlet n = unsafe { send() };").is_empty());
        assert_eq!(found("let n = unsafe { send() };").len(), 1);
    }

    #[test]
    fn one_reason_far_above_does_not_count() {
        let far = format!("// SAFETY: x\n{}unsafe {{}}", "a();\n".repeat(REACH + 1));
        assert_eq!(found(&far).len(), 1);
    }

    #[test]
    fn other_files_may_not() {
        let text = "// SAFETY: fine\nunsafe { f() }";
        assert_eq!(problems(Source { path: "other.rs", text }, &[]).len(), 1);
    }

    #[test]
    fn a_folder_can_be_permitted() {
        let permits = [Permit { path: "sfu/node/src/os/".into(), _reason: "system calls".into() }];
        let text = "// SAFETY: fine\nunsafe { f() }";
        assert!(problems(Source { path: "sfu/node/src/os/wake.rs", text }, &permits).is_empty());
        assert_eq!(problems(Source { path: "sfu/node/src/os.rs", text }, &permits).len(), 1);
    }

    #[test]
    fn the_word_in_comments_strings_and_lint_names_is_no_code() {
        for line in ["// unsafe", "#![deny(unsafe_code)]", "let a = \"say \\\"unsafe\\\" here\";"] {
            assert!(!says_unsafe(line), "{line}");
        }
        assert!(says_unsafe("pub unsafe fn f() {}"));
    }

    #[test]
    fn permits_for_files_that_are_gone_are_named() {
        let permits = [Permit { path: "gone.rs".into(), _reason: String::new() }];
        assert_eq!(stale(&permits, &["here.rs".to_owned()]).len(), 1);
        assert!(stale(&permits, &["gone.rs".to_owned()]).is_empty());
    }
}
