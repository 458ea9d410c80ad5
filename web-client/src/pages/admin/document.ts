// SPDX-License-Identifier: EUPL-1.2
// The server's OpenAPI document, as far as the administration reads it, and what its schemas mean.

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly example?: unknown;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

interface Content {
  readonly schema?: Schema;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema?: Schema;
}

export interface RawOperation {
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, Content>> };
  readonly responses?: Readonly<Record<string, { readonly content?: Readonly<Record<string, Content>> }>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> };
}

/** What a schema comes to when references are followed and nullable alternatives are undone. */
export interface Shape {
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean' | 'any';
  readonly schema: Schema;
  readonly isNullable: boolean;
  /** The innermost name it has in the document, such as `PolicyId`. */
  readonly name: string | null;
  readonly description: string;
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: ReadonlySet<string>;
}

const TYPES = ['object', 'array', 'string', 'integer', 'number', 'boolean'] as const;

/** References deeper than that go in a circle. */
const MAX_DEPTH = 20;

/** Reads schemas of one document. */
export class Schemas {
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #known = new WeakMap<Schema, Shape>();

  constructor(document: ApiDocument) {
    this.#schemas = document.components?.schemas ?? {};
  }

  /** What a schema comes to. */
  shape(schema: Schema | undefined): Shape {
    const given = schema ?? {};
    const known = this.#known.get(given);
    if (known !== undefined) return known;
    const shape = this.#shape(given, 0);
    this.#known.set(given, shape);
    return shape;
  }

  #shape(schema: Schema, depth: number): Shape {
    if (depth > MAX_DEPTH) return emptyShape(schema);
    if (schema.$ref !== undefined) {
      const name = schema.$ref.replace(/^.*\//, '');
      const target = this.#shape(this.#schemas[name] ?? {}, depth + 1);
      // What stands beside a reference is about this place, and says more than the type's own words.
      return { ...target, name: target.name ?? name, description: schema.description ?? target.description, schema: { ...target.schema, ...withoutRef(schema) } };
    }
    const alternatives = schema.oneOf ?? schema.anyOf;
    if (alternatives !== undefined) {
      const real = alternatives.filter((one) => one.type !== 'null');
      const isNullable = real.length < alternatives.length;
      const [first] = real;
      if (real.length === 1 && first !== undefined) {
        const inner = this.#shape(first, depth + 1);
        return { ...inner, isNullable: isNullable || inner.isNullable, description: schema.description ?? inner.description };
      }
      const constants = real.map((one) => one.const ?? (one.enum?.length === 1 ? one.enum[0] : undefined));
      if (constants.every((one) => typeof one === 'string')) {
        return { ...emptyShape({ ...schema, enum: constants }), type: 'string', isNullable };
      }
      return { ...emptyShape(schema), isNullable };
    }
    if (schema.allOf !== undefined) return this.#whole(schema, schema.allOf, depth);
    const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? []);
    const type = TYPES.find((one) => types.includes(one)) ?? (schema.properties !== undefined ? 'object' : schema.enum !== undefined ? 'string' : 'any');
    return {
      ...emptyShape(schema),
      type,
      isNullable: types.includes('null'),
      properties: schema.properties ?? {},
      required: new Set(schema.required),
    };
  }

  /** All of several: an object with the properties of each. */
  #whole(schema: Schema, parts: readonly Schema[], depth: number): Shape {
    const shapes = parts.map((part) => this.#shape(part, depth + 1));
    const [main = emptyShape(schema)] = shapes.filter(({ type }) => type !== 'any').toSorted((a, b) => Number(a.type === 'object' && isBare(a)) - Number(b.type === 'object' && isBare(b)));
    const properties = Object.assign({}, ...shapes.map((shape) => shape.properties)) as Record<string, Schema>;
    return {
      ...main,
      schema: Object.assign({}, ...shapes.map((shape) => shape.schema), main.schema) as Schema,
      name: shapes.length === 1 ? main.name : null,
      description: schema.description ?? main.description,
      properties,
      required: new Set(shapes.flatMap((shape) => Array.from(shape.required))),
    };
  }
}

/** An object that says nothing, as stands beside a value to give its default. */
function isBare(shape: Shape): boolean {
  return Object.keys(shape.properties).length === 0;
}

function withoutRef(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([name]) => name !== '$ref' && name !== 'description'));
}

function emptyShape(schema: Schema): Shape {
  return { type: 'any', schema, isNullable: false, name: null, description: schema.description ?? '', properties: {}, required: new Set() };
}
