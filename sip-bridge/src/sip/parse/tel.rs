// SPDX-License-Identifier: EUPL-1.2
//! Telephone numbers in `tel:` URIs (RFC 3966 §3): global ones, which begin with `+`, and local ones, which say where
//! they are valid.

use super::escape::is_escaped;
use super::limits::MAX_PARAMS;

/// Signs that people put between digits; they mean nothing (RFC 3966 §3).
const fn is_visual_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '(' | ')')
}

/// Whether the text behind `tel:` is well-formed.
pub(super) fn is_number(text: &str) -> bool {
    let mut parts = text.split(';');
    let number = parts.next().unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    let mut has_context = false;
    for part in parts {
        let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value)));
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_value = value.is_none_or(|value| !value.is_empty() && is_escaped(value, is_param_char));
        let is_new = !names.iter().any(|known| known.eq_ignore_ascii_case(name));
        if !is_name || !is_value || !is_new || names.len() == MAX_PARAMS {
            return false;
        }
        if name.eq_ignore_ascii_case("phone-context") {
            match value {
                Some(value) if is_context(value) => has_context = true,
                _ => return false,
            }
        }
        names.push(name);
    }
    match number.strip_prefix('+') {
        Some(global) => is_global(global),
        None => has_context && is_local(number),
    }
}

fn is_global(digits: &str) -> bool {
    digits.chars().all(|c| c.is_ascii_digit() || is_visual_separator(c))
        && digits.contains(|c: char| c.is_ascii_digit())
}

fn is_local(digits: &str) -> bool {
    let is_digit = |c: char| c.is_ascii_hexdigit() || matches!(c, '*' | '#');
    digits.chars().all(|c| is_digit(c) || is_visual_separator(c)) && digits.contains(is_digit)
}

/// A domain, or the beginning of a global number.
fn is_context(value: &str) -> bool {
    match value.strip_prefix('+') {
        Some(digits) => is_global(digits),
        None => value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.')),
    }
}

const fn is_param_char(c: char) -> bool {
    super::escape::is_param_char(c)
}
