// SPDX-License-Identifier: EUPL-1.2
//! Checks bodies against the very schemas that the OpenAPI document shows, so that what is documented is what is taken.
//! One check names everything that is wrong.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

use super::problem::{Invalid, MAX_ERRORS, Problem};

/// A check for each schema of the document.
pub(crate) struct Schemas(HashMap<String, Validator>);

impl Schemas {
    /// Prepares them.
    ///
    /// # Panics
    ///
    /// When the document's schemas contradict themselves, which a test would see.
    pub(super) fn of(document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).expect("a document made by us can be written");
        let schemas = &document["components"]["schemas"];
        let names = schemas.as_object().into_iter().flat_map(|schemas| schemas.keys());
        let prepare = |name: &String| {
            let schema = json!({
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "$ref": format!("#/components/schemas/{name}"),
                "components": { "schemas": schemas },
            });
            let validator = jsonschema::options().should_validate_formats(true).build(&schema);
            (name.clone(), validator.unwrap_or_else(|error| panic!("the schema {name}: {error}")))
        };
        Self(names.map(prepare).collect())
    }

    /// Fails with everything that is wrong with `body`.
    ///
    /// # Panics
    ///
    /// When the document has no schema of that name, which a test would see.
    pub(super) fn check(&self, name: &str, body: &Value) -> Result<(), Problem> {
        let validator = self.0.get(name).unwrap_or_else(|| panic!("the document has no schema {name}"));
        let mut invalid = Invalid::default();
        for error in validator.iter_errors(body).take(MAX_ERRORS) {
            note(&error, &mut invalid);
        }
        find_control_characters(body, &mut String::new(), &mut invalid);
        invalid.finish()
    }
}

/// Says in our codes what the validator found.
fn note(error: &ValidationError<'_>, invalid: &mut Invalid) {
    let pointer = error.instance_path().as_str();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            invalid.add(format!("{pointer}/{}", escape(name)), "required");
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected
                .iter()
                .take(MAX_ERRORS)
                .for_each(|name| invalid.add(format!("{pointer}/{}", escape(name)), "unknown-field"));
        }
        ValidationErrorKind::Type { kind } => invalid.add_with(pointer, "wrong-type", type_names(kind)),
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<_> = options.iter().filter_map(Value::as_str).collect();
            invalid.add_with(pointer, "unknown-value", options.join(", "));
        }
        ValidationErrorKind::MaxLength { limit } => invalid.add_with(pointer, "too-long", limit),
        ValidationErrorKind::MinLength { limit } => invalid.add_with(pointer, "too-short", limit),
        ValidationErrorKind::Maximum { limit } => invalid.add_with(pointer, "too-large", limit),
        ValidationErrorKind::Minimum { limit } => invalid.add_with(pointer, "too-small", limit),
        ValidationErrorKind::MaxItems { limit } | ValidationErrorKind::MaxProperties { limit } => {
            invalid.add_with(pointer, "too-many", limit);
        }
        ValidationErrorKind::MinItems { limit } | ValidationErrorKind::MinProperties { limit } => {
            invalid.add_with(pointer, "too-few", limit);
        }
        ValidationErrorKind::UniqueItems => invalid.add(pointer, "repeated"),
        ValidationErrorKind::Format { format } => invalid.add_with(pointer, "wrong-format", format),
        ValidationErrorKind::Pattern { pattern } => invalid.add_with(pointer, "wrong-format", pattern),
        // What may be null is one of two schemas: what the other one says is meant.
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            let of_null = |error: &&ValidationError<'_>| error.schema_path().as_str().ends_with("/0/type");
            let branch = context.iter().rfind(|errors| !errors.iter().all(|error| of_null(&error)));
            match branch {
                Some(errors) => errors.iter().take(MAX_ERRORS).for_each(|error| note(error, invalid)),
                None => invalid.add(pointer, "invalid"),
            }
        }
        _ => invalid.add(pointer, "invalid"),
    }
}

fn type_names(kind: &jsonschema::error::TypeKind) -> String {
    match kind {
        jsonschema::error::TypeKind::Single(kind) => kind.to_string(),
        jsonschema::error::TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(", ")
        }
    }
}

/// PostgreSQL stores no NUL, and in names and titles no other control character is meant. Line breaks and tabs are.
fn find_control_characters(value: &Value, pointer: &mut String, invalid: &mut Invalid) {
    let is_bad = |text: &str| text.chars().any(|character| character.is_control() && !"\n\r\t".contains(character));
    match value {
        _ if invalid.is_full() => {}
        Value::String(text) if is_bad(text) => invalid.add(pointer.clone(), "control-character"),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                within(pointer, &index.to_string(), |pointer| find_control_characters(item, pointer, invalid));
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                within(pointer, &escape(name), |pointer| {
                    // A name may be as long as a body, and it is in the pointer of all that is within.
                    if is_bad(name) {
                        invalid.add(pointer.clone(), "control-character");
                    }
                    find_control_characters(member, pointer, invalid);
                });
            }
        }
        _ => {}
    }
}

fn within(pointer: &mut String, step: &str, work: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(step);
    work(pointer);
    pointer.truncate(length);
}

/// RFC 6901 §3.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
