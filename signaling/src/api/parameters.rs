// SPDX-License-Identifier: EUPL-1.2
//! Checks what stands in queries against the parameters that the OpenAPI document shows, as bodies are checked against
//! their schemas. Parameters that are not known are passed over, as everywhere on the web.

use std::collections::HashMap;
use std::sync::OnceLock;

use axum::extract::MatchedPath;
use axum::http::request::Parts;
use jsonschema::Validator;
use serde_json::Value;

use super::problem::{Invalid, Problem};
use super::schema;

/// Where the paths of the document begin.
const BASE: &str = "/api/v1";

/// The parameters of each operation, by its method and path.
pub(super) struct Parameters {
    operations: HashMap<String, Vec<Parameter>>,
    schemas: Value,
}

struct Parameter {
    name: String,
    is_required: bool,
    kind: Kind,
    schema: Value,
    /// Made when it is first needed.
    check: OnceLock<Validator>,
}

/// What its text stands for.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
}

impl Parameters {
    pub(super) fn of(document: &Value) -> Self {
        let mut operations = HashMap::new();
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in methods.as_object().into_iter().flatten() {
                let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
                let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
                operations.insert(format!("{} {path}", method.to_uppercase()), in_query.map(Parameter::of).collect());
            }
        }
        Self { operations, schemas: document["components"]["schemas"].clone() }
    }

    /// Fails with everything that is wrong with the query of a request.
    pub(super) fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let Some(path) = parts.extensions.get::<MatchedPath>() else { return Ok(()) };
        let path = path.as_str().strip_prefix(BASE).unwrap_or(path.as_str());
        let Some(parameters) = self.operations.get(&format!("{} {path}", parts.method)) else { return Ok(()) };
        let query = parts.uri.query().unwrap_or_default();
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut invalid = Invalid::default();
        for parameter in parameters {
            let place = format!("query/{}", parameter.name);
            let mut values = given.iter().filter(|(name, _)| *name == parameter.name);
            match (values.next(), values.next()) {
                (None, _) if parameter.is_required => invalid.add(place, "required"),
                (None, _) => {}
                (Some(_), Some(_)) => invalid.add(place, "repeated"),
                (Some((_, text)), None) => parameter.check(text, &self.schemas, &place, &mut invalid),
            }
        }
        invalid.finish()
    }
}

impl Parameter {
    fn of(said: &Value) -> Self {
        let kind = match said["schema"]["type"].as_str() {
            Some("integer" | "number") => Kind::Number,
            Some("boolean") => Kind::Truth,
            _ => Kind::Text,
        };
        Self {
            name: said["name"].as_str().unwrap_or_default().to_owned(),
            is_required: said["required"] == true,
            kind,
            schema: said["schema"].clone(),
            check: OnceLock::new(),
        }
    }

    fn check(&self, text: &str, schemas: &Value, place: &str, invalid: &mut Invalid) {
        let value = match self.kind {
            Kind::Text => None,
            Kind::Number => text.parse::<i64>().ok().map(Value::from),
            Kind::Truth => text.parse::<bool>().ok().map(Value::from),
        };
        let value = value.unwrap_or_else(|| Value::from(text));
        let check = self.check.get_or_init(|| schema::validator(&self.schema, schemas));
        schema::note_all(check, &value, place, invalid);
    }
}
