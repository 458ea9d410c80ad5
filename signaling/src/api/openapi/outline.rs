// SPDX-License-Identifier: EUPL-1.2
//! The document without its words is kept in `outline.json`. A difference in it is one for those who use the API; the web
//! client's tests read it, to see that there are pages and German names for everything.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::document;

/// What explains, and says nothing that software keeps to.
const WORDS: [&str; 4] = ["description", "example", "examples", "summary"];

/// Where keys are names that somebody chose: a property can be called `description`.
const NAMED: [&str; 3] = ["paths", "properties", "schemas"];

/// Longer lines are broken, for differences that can be read.
const LINE_CHARS: usize = 140;

/// The document without words, and of the answers only those that succeed: the others are the same everywhere.
fn outline(document: &Value) -> Value {
    let mut paths = without_words(&document["paths"], true);
    for operation in paths.as_object_mut().into_iter().flatten().flat_map(|(_, methods)| members(methods)) {
        let answers = operation["responses"].as_object_mut().expect("answers");
        answers.retain(|status, _| status.starts_with('2'));
        for answer in answers.values_mut().filter_map(Value::as_object_mut) {
            answer.remove("headers");
        }
    }
    json!({ "paths": paths, "components": { "schemas": without_words(&document["components"]["schemas"], true) } })
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

fn without_words(value: &Value, has_chosen_keys: bool) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| has_chosen_keys || !WORDS.contains(&key.as_str()))
            .map(|(key, member)| {
                (key.clone(), without_words(member, !has_chosen_keys && NAMED.contains(&key.as_str())))
            })
            .collect(),
        Value::Array(items) => items.iter().map(|item| without_words(item, false)).collect(),
        other => other.clone(),
    }
}

/// As JSON, with what is short on one line.
fn write(text: &mut String, value: &Value, indent: usize) {
    let line = value.to_string();
    let (opening, closing, parts): (_, _, Vec<(String, &Value)>) = match value {
        Value::Object(members) if line.len() + indent > LINE_CHARS => (
            '{',
            '}',
            members.iter().map(|(key, member)| (format!("{}: ", Value::from(key.as_str())), member)).collect(),
        ),
        Value::Array(items) if line.len() + indent > LINE_CHARS => {
            ('[', ']', items.iter().map(|item| (String::new(), item)).collect())
        }
        _ => return text.push_str(&line),
    };
    text.push(opening);
    for (index, (key, part)) in parts.into_iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&" ".repeat(indent + 2));
        text.push_str(&key);
        write(text, part, indent + 2);
    }
    text.push('\n');
    text.push_str(&" ".repeat(indent));
    text.push(closing);
}

#[test]
fn outline_is_the_one_that_is_kept() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/api/openapi/outline.json");
    let now = outline(&document());
    if std::env::var_os("SAAL_KEEP_GOLDEN").is_some() {
        let mut text = String::new();
        write(&mut text, &now, 0);
        text.push('\n');
        std::fs::write(path, text).expect("a file to write");
    }
    let kept = std::fs::read_to_string(path).expect("the kept outline");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    for part in ["/paths", "/components/schemas"] {
        let of = |outline: &Value| outline.pointer(part).and_then(Value::as_object).cloned().expect("an object");
        let (was, is) = (of(&kept), of(&now));
        let differs: BTreeSet<_> = was.keys().chain(is.keys()).filter(|key| was.get(*key) != is.get(*key)).collect();
        assert!(
            differs.is_empty(),
            "the API has changed at {differs:?}: `SAAL_KEEP_GOLDEN=1 cargo test -p signaling --lib outline` keeps it; read \
             the difference in {path}, and give what is new a German name in web-client/src/pages/admin/words/names"
        );
    }
}
