// SPDX-License-Identifier: EUPL-1.2
//! Mends the schemas: patches are made of inputs, and what is made of several parts becomes one.

use serde_json::{Map, Value, json};

use super::REFERENCE;

/// For each `ThingInput` a `ThingPatch`, in which everything may be left out and what may be left out there may be null.
pub(super) fn add_patches(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let patches: Vec<_> = schemas
        .iter()
        .filter_map(|(name, schema)| Some((format!("{}Patch", name.strip_suffix("Input")?), patch_of(schema))))
        .collect();
    schemas.extend(patches);
}

fn patch_of(schema: &Value) -> Value {
    let mut patch = schema.clone();
    let Some(members) = patch.as_object_mut() else { return patch };
    let required = members.remove("required").unwrap_or_default();
    let is_required = |name: &String| required.as_array().is_some_and(|names| names.iter().any(|known| known == name));
    members.remove("example");
    members.insert("description".to_owned(), "Changes (RFC 7396): what is left out stays, null takes it away.".into());
    if let Some(properties) = members.get_mut("properties").and_then(Value::as_object_mut) {
        for (_, property) in properties.iter_mut().filter(|(name, _)| !is_required(name)) {
            *property = json!({ "anyOf": [{ "type": "null" }, property.take()] });
        }
    }
    patch
}

/// Patches that no operation takes are none.
pub(super) fn remove_unused_patches(document: &mut Value) {
    let text = document.to_string();
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    schemas.retain(|name, _| !name.ends_with("Patch") || text.contains(&format!("\"{REFERENCE}{name}\"")));
}

/// What is made of an input and more would be refused by the input's schema, which takes nothing else. So both become one,
/// in pages of them, too.
pub(super) fn join_parts(schemas: &mut Value) {
    let parts = schemas.clone();
    join_within(schemas, &parts);
}

fn join_within(schema: &mut Value, parts: &Value) {
    if schema.get("allOf").is_some_and(Value::is_array) {
        *schema = joined(schema, parts);
    }
    match schema {
        Value::Object(members) => members.values_mut().for_each(|member| join_within(member, parts)),
        Value::Array(items) => items.iter_mut().for_each(|item| join_within(item, parts)),
        _ => {}
    }
}

fn joined(schema: &Value, schemas: &Value) -> Value {
    let (mut required, mut properties) = (Vec::new(), Map::new());
    collect(schema, schemas, &mut required, &mut properties);
    let mut joined = json!({ "type": "object", "required": required, "properties": properties });
    if let Some(description) = schema.get("description") {
        joined["description"] = description.clone();
    }
    joined
}

fn collect(schema: &Value, schemas: &Value, required: &mut Vec<Value>, properties: &mut Map<String, Value>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix(REFERENCE)) {
        collect(&schemas[name], schemas, required, properties);
    }
    schema["allOf"].as_array().into_iter().flatten().for_each(|part| collect(part, schemas, required, properties));
    required.extend(schema["required"].as_array().into_iter().flatten().cloned());
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_may_leave_out_everything_and_take_away_what_is_optional() {
        let input = json!({
            "type": "object", "required": ["a"], "additionalProperties": false,
            "properties": { "a": { "type": "string" }, "b": { "type": "integer" } },
        });
        let mut schemas = json!({ "ThingInput": input, "Other": {} });
        add_patches(&mut schemas);
        let patch = &schemas["ThingPatch"];
        assert!(patch["required"].is_null() && patch["additionalProperties"] == false);
        assert_eq!(patch["properties"]["a"], json!({ "type": "string" }));
        assert_eq!(patch["properties"]["b"], json!({ "anyOf": [{ "type": "null" }, { "type": "integer" }] }));
        assert!(schemas["OtherPatch"].is_null());
    }

    #[test]
    fn what_is_shown_has_what_was_put_in_and_more() {
        let mut schemas = json!({
            "ThingInput": { "type": "object", "required": ["a"], "additionalProperties": false, "properties": { "a": {} } },
            "Thing": { "allOf": [{ "$ref": "#/components/schemas/ThingInput" }, { "required": ["id"], "properties": { "id": {} } }] },
            "PageOf_Thing": { "properties": { "items": { "items": { "allOf": [{ "$ref": "#/components/schemas/Thing" }] } } } },
            "NewThing": { "allOf": [{ "$ref": "#/components/schemas/Thing" }, { "properties": { "secret": {} } }] },
        });
        join_parts(&mut schemas);
        let whole =
            json!({ "type": "object", "required": ["a", "id"], "properties": { "a": {}, "id": {}, "secret": {} } });
        assert_eq!(schemas["NewThing"], whole);
        assert!(schemas["Thing"]["additionalProperties"].is_null());
        assert_eq!(schemas["PageOf_Thing"]["properties"]["items"]["items"]["required"], json!(["a", "id"]));
    }
}
