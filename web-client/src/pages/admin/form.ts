// SPDX-License-Identifier: EUPL-1.2
// Values that forms hold, and what is sent of them. A field that says nothing is left out, or null in a patch.
import type { Schema, Schemas, Shape } from './document';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/** How a field is entered. */
export type Control =
  | 'text'
  | 'area'
  | 'password'
  | 'email'
  | 'url'
  | 'number'
  | 'choice'
  | 'choices'
  | 'yes-no'
  | 'tick'
  | 'time'
  | 'reference'
  | 'object'
  | 'list'
  | 'texts'
  | 'map'
  | 'json';

/** Texts that may be longer than that get several lines. */
const LINE_CHARS = 400;

/** Which control suits a shape. `references` knows of which ids there are lists to choose from. */
export function controlOf(shape: Shape, schemas: Schemas, references: (name: string) => boolean): Control {
  const { schema, type } = shape;
  if (schema.enum !== undefined) return 'choice';
  switch (type) {
    case 'boolean':
      return shape.isNullable ? 'yes-no' : 'tick';
    case 'integer':
    case 'number':
      return 'number';
    case 'string':
      return textControl(shape, references);
    case 'array': {
      const item = schemas.shape(schema.items);
      if (item.schema.enum !== undefined) return 'choices';
      if (item.type === 'string') return 'texts';
      return item.type === 'object' && Object.keys(item.properties).length > 0 ? 'list' : 'json';
    }
    case 'object': {
      if (Object.keys(shape.properties).length > 0) return 'object';
      const values = typeof schema.additionalProperties === 'object' ? schemas.shape(schema.additionalProperties) : null;
      return values !== null && ['string', 'integer', 'number'].includes(values.type) ? 'map' : 'json';
    }
    case 'any':
      return 'json';
  }
}

function textControl(shape: Shape, references: (name: string) => boolean): Control {
  const { schema } = shape;
  if (schema.format === 'date-time') return 'time';
  if (schema.format === 'password') return 'password';
  if (schema.format === 'email') return 'email';
  if (schema.format === 'uri') return 'url';
  if (shape.name !== null && references(shape.name)) return 'reference';
  return (schema.maxLength ?? 0) > LINE_CHARS ? 'area' : 'text';
}

/** What a new form begins with: what the schema gives as default. */
export function initial(shape: Shape, schemas: Schemas): JsonObject {
  const given: Record<string, Json> = {};
  for (const [name, schema] of Object.entries(shape.properties)) {
    const value = schemas.shape(schema).schema.default;
    if (value !== undefined && value !== null) given[name] = value as Json;
  }
  return given;
}

/** What of a thing the form can change: the properties that its schema names. */
export function pick(thing: JsonObject, shape: Shape): JsonObject {
  return Object.fromEntries(Object.entries(thing).filter(([name, value]) => name in shape.properties && value !== null));
}

/** Without empty texts, nulls, and objects of which nothing is left: what is not said. */
export function said(value: Json): Json | undefined {
  if (value === null || value === '') return undefined;
  if (Array.isArray(value)) return value.map((one: Json) => said(one)).filter((one): one is Json => one !== undefined);
  if (typeof value === 'object') {
    const members = Object.entries(value).flatMap(([name, member]) => {
      const kept = said(member);
      return kept === undefined ? [] : [[name, kept] as const];
    });
    return Object.fromEntries(members);
  }
  return value;
}

/** A merge patch (RFC 7396) that turns one into the other. */
export function mergePatch(before: JsonObject, after: JsonObject): JsonObject {
  const patch: Record<string, Json> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, now] = [before[name], after[name]];
    if (now === undefined || now === null) {
      if (old !== undefined && old !== null) patch[name] = null;
    } else if (isObject(old) && isObject(now)) {
      const inner = mergePatch(old, now);
      if (Object.keys(inner).length > 0) patch[name] = inner;
    } else if (JSON.stringify(old) !== JSON.stringify(now)) patch[name] = now;
  }
  return patch;
}

/** Neither null nor a list. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value with one member set; undefined takes it away. */
export function withMember(value: JsonObject, name: string, member: Json | undefined): JsonObject {
  const { [name]: _, ...rest } = value;
  return member === undefined ? rest : { ...value, [name]: member };
}

/** A pointer to a member (RFC 6901 §3). */
export function pointerTo(pointer: string, name: string | number): string {
  return `${pointer}/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** What is missing that the schema requires, by pointer. The server checks everything else, and all at once. */
export function missing(value: JsonObject, shape: Shape, schemas: Schemas, pointer = ''): readonly string[] {
  const wrong: string[] = [];
  for (const [name, schema] of Object.entries(shape.properties)) {
    const member = value[name];
    const inner = schemas.shape(schema);
    const here = pointerTo(pointer, name);
    const isEmpty = member === undefined || member === '' || (Array.isArray(member) && member.length === 0 && (inner.schema.minItems ?? 0) > 0);
    if (isEmpty) {
      if (shape.required.has(name) && inner.type !== 'boolean') wrong.push(here);
    } else if (inner.type === 'object' && isObject(member)) wrong.push(...missing(member, inner, schemas, here));
  }
  return wrong;
}

/** The schema of a property, by name. */
export function property(shape: Shape, name: string): Schema | undefined {
  return shape.properties[name];
}
