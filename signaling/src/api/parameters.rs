// SPDX-License-Identifier: EUPL-1.2
//! Checks what stands in queries against the parameters that the OpenAPI document shows, as bodies are checked against
//! their schemas. What is not known is refused as it is there: a filter that is misspelt would let everything through.

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

/// What software of the installation and the pages for its administrators send with whatever they ask. Where it says
/// nothing, it is passed over.
const TENANT: &str = "tenant_id";

/// The parameters of each operation, by its method and path.
pub(super) struct Parameters {
    operations: HashMap<String, Operation>,
    schemas: Value,
}

struct Operation {
    parameters: Vec<Parameter>,
    /// Whether parameters that are not known are passed over, which OAuth wants (RFC 6749 §3.2).
    takes_unknown: bool,
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
                operations.insert(format!("{} {path}", method.to_uppercase()), Operation::of(operation));
            }
        }
        Self { operations, schemas: document["components"]["schemas"].clone() }
    }

    /// Fails with everything that is wrong with the query of a request.
    pub(super) fn check(&self, parts: &Parts) -> Result<(), Problem> {
        let Some(path) = parts.extensions.get::<MatchedPath>() else { return Ok(()) };
        let path = path.as_str().strip_prefix(BASE).unwrap_or(path.as_str());
        let Some(operation) = self.operations.get(&format!("{} {path}", parts.method)) else { return Ok(()) };
        let query = parts.uri.query().unwrap_or_default();
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let mut invalid = Invalid::default();
        for parameter in &operation.parameters {
            let place = format!("query/{}", parameter.name);
            let mut values = given.iter().filter(|(name, _)| *name == parameter.name);
            match (values.next(), values.next()) {
                (None, _) if parameter.is_required => invalid.add(place, "required"),
                (None, _) => {}
                (Some(_), Some(_)) => invalid.add(place, "repeated"),
                (Some((_, text)), None) => parameter.check(text, &self.schemas, &place, &mut invalid),
            }
        }
        for (name, _) in given.iter().filter(|(name, _)| !operation.knows(name)) {
            invalid.add(format!("query/{name}"), "unknown-field");
        }
        invalid.finish()
    }
}

impl Operation {
    fn of(said: &Value) -> Self {
        let parameters = said["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
        let takes_unknown = said["requestBody"]["content"]["application/x-www-form-urlencoded"].is_object();
        Self { parameters: in_query.map(Parameter::of).collect(), takes_unknown }
    }

    fn knows(&self, name: &str) -> bool {
        self.takes_unknown || name == TENANT || self.parameters.iter().any(|parameter| parameter.name == name)
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
