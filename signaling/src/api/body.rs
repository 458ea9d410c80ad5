// SPDX-License-Identifier: EUPL-1.2
//! JSON bodies, checked against the schema of what they are read as.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::problem::{Code, Problem};
use crate::app::App;

/// Most values in a body: a hundred meetings at once have about 20,000. The check of a schema remembers something for each
/// that is wrong.
const MAX_VALUES: usize = 100_000;

/// A body that is all of a resource.
pub(crate) struct Body<T>(pub(crate) T);

/// Changes to a resource: a JSON Merge Patch (RFC 7396).
pub(crate) struct Patch(Value);

impl<T: DeserializeOwned + ToSchema> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        check_type(request.headers(), &["application/json"])?;
        let value = parse(request, app).await?;
        read(app, value).map(Self)
    }
}

impl FromRequest<Arc<App>> for Patch {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        check_type(request.headers(), &["application/merge-patch+json", "application/json"])?;
        match parse(request, app).await? {
            patch @ Value::Object(_) => Ok(Self(patch)),
            _ => Err(Problem::field("", "wrong-type")),
        }
    }
}

impl Patch {
    /// Changes that other software than the REST API's named in its own words.
    pub(crate) fn of(changes: Map<String, Value>) -> Self {
        Self(Value::Object(changes))
    }

    /// What nothing becomes by the changes: a resource that is new.
    pub(crate) fn whole<T: DeserializeOwned + ToSchema>(self, app: &App) -> Result<T, Problem> {
        let mut made = Value::Null;
        merge(&mut made, self.0);
        read(app, made)
    }

    /// Whether it says anything about that field.
    pub(crate) fn names(&self, field: &str) -> bool {
        self.0.get(field).is_some()
    }

    /// Whether it says something else than `current` about what is at that place, such as `/organizer/email`.
    pub(crate) fn differs_at(&self, pointer: &str, current: &str) -> bool {
        let says = self.0.pointer(pointer).and_then(Value::as_str);
        says.is_some_and(|says| !says.eq_ignore_ascii_case(current))
    }

    /// What `current` becomes by the changes, which may name only what `T` has.
    pub(crate) fn apply<T: Serialize + DeserializeOwned + ToSchema>(
        self,
        app: &App,
        current: &T,
    ) -> Result<T, Problem> {
        let mut merged = serde_json::to_value(current).map_err(|error| {
            tracing::error!(%error, "a resource cannot be written");
            Problem::new(Code::Internal)
        })?;
        merge(&mut merged, self.0);
        read(app, merged)
    }
}

/// RFC 7396 §2.
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Some(members) = target.as_object_mut() else { return };
    for (name, change) in changes {
        if change.is_null() {
            members.remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), change);
        }
    }
}

fn check_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    let is_taken = types.iter().any(|known| known.eq_ignore_ascii_case(essence));
    if is_taken { Ok(()) } else { Err(Code::UnsupportedMediaType.into()) }
}

async fn parse(request: Request, app: &Arc<App>) -> Result<Value, Problem> {
    // The front door has read it all, within its limit.
    let bytes = Bytes::from_request(request, app).await.map_err(|_| Code::Malformed)?;
    let value = serde_json::from_slice(&bytes).map_err(|_| Code::Malformed)?;
    let mut left = MAX_VALUES;
    if is_within(&value, &mut left) { Ok(value) } else { Err(Code::BodyTooLarge.into()) }
}

/// Whether there are no more values in it than are left.
fn is_within(value: &Value, left: &mut usize) -> bool {
    let Some(others) = left.checked_sub(1) else { return false };
    *left = others;
    match value {
        Value::Array(items) => items.iter().all(|item| is_within(item, left)),
        Value::Object(members) => members.values().all(|member| is_within(member, left)),
        _ => true,
    }
}

/// A body, or a part of one, as what it is to be.
pub(crate) fn read<T: DeserializeOwned + ToSchema>(app: &App, value: Value) -> Result<T, Problem> {
    app.api.description.schemas.check(&T::name(), &value)?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        // The schema allows something that the type does not: numbers too large for it, mostly.
        let path = error.path().iter().fold(String::new(), |mut pointer, segment| {
            pointer.push('/');
            pointer.push_str(&segment.to_string());
            pointer
        });
        Problem::field(path, "invalid")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn a_merge_patch_does_what_the_standard_says() {
        let examples = [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (json!({"a":"b","b":"c"}), json!({"a":null}), json!({"b":"c"})),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (json!({"a":{"b":"c"}}), json!({"a":{"b":"d","c":null}}), json!({"a":{"b":"d"}})),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"a":"b"}), json!(["c"]), json!(["c"])),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (json!([1, 2]), json!({"a":"b","c":null}), json!({"a":"b"})),
            (json!({}), json!({"a":{"bb":{"ccc":null}}}), json!({"a":{"bb":{}}})),
        ];
        for (mut target, patch, result) in examples {
            merge(&mut target, patch);
            assert_eq!(target, result);
        }
    }
}
