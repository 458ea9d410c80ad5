// SPDX-License-Identifier: EUPL-1.2
// What there is to administrate, worked out from the paths of the OpenAPI document: lists, what is in them, single things to
// look at, and what can be done with each. A path that is new in the document gets its page here by itself.
import type { ApiDocument, Parameter, RawOperation, Schema } from './document';
import { Schemas } from './document';

export type Verb = 'get' | 'post' | 'put' | 'patch' | 'delete';
const VERBS: readonly Verb[] = ['get', 'post', 'put', 'patch', 'delete'];

/** Something that can be asked of the server. */
export interface Operation {
  readonly verb: Verb;
  /** With placeholders: `/meetings/{meeting_id}`. */
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly tag: string;
  /** Of the query string. */
  readonly parameters: readonly Parameter[];
  readonly body: { readonly schema: Schema; readonly contentType: string } | null;
  /** Of the answer, when it is JSON. */
  readonly answer: Schema | null;
  /** Whether the answer is a file rather than something to show. */
  readonly isFile: boolean;
  readonly scopes: readonly string[];
  readonly needsEtag: boolean;
  readonly takesKey: boolean;
}

/** One page of the administration. */
export interface Resource {
  readonly path: string;
  /** Its last word: `invitees`. */
  readonly name: string;
  readonly kind: 'list' | 'item' | 'view' | 'form';
  /** Shows it; a form has none. */
  readonly get: Operation | null;
  /** Makes something: in a list, or the form itself. */
  readonly create: Operation | null;
  readonly put: Operation | null;
  readonly patch: Operation | null;
  readonly remove: Operation | null;
  /** What can be done with it beside that; of a list that has no pages for its items, with each item. */
  readonly actions: readonly Operation[];
  /** Pages below it. */
  readonly below: readonly string[];
  readonly tag: string;
}

/** Everything, by path. */
export type Resources = ReadonlyMap<string, Resource>;

const isParameter = (segment: string | undefined) => segment !== undefined && segment.startsWith('{');

/** Reads the document. */
export function resourcesOf(document: ApiDocument, schemas: Schemas): Resources {
  const all = operationsOf(document);
  const pages = new Map<string, Resource>();
  for (const [path, operations] of all) {
    const page = pageOf(path, operations, schemas);
    if (page !== null) pages.set(path, page);
  }
  for (const [path, operations] of all) if (!pages.has(path)) attach(pages, path, operations);
  for (const [path, page] of pages) {
    const above = parentOf(path, pages);
    const parent = above === null ? undefined : pages.get(above);
    // What is in a list is reached from its rows.
    if (parent !== undefined && !(parent.kind === 'list' && page.kind === 'item')) {
      pages.set(parent.path, { ...parent, below: [...parent.below, page.path] });
    }
  }
  return pages;
}

function operationsOf(document: ApiDocument): ReadonlyMap<string, readonly Operation[]> {
  const all = new Map<string, readonly Operation[]>();
  for (const [path, verbs] of Object.entries(document.paths)) {
    const operations = VERBS.flatMap((verb) => {
      const raw = verbs[verb];
      return raw === undefined || isForOthers(raw) ? [] : [operationOf(path, verb, raw)];
    });
    if (operations.length > 0) all.set(path, operations);
  }
  return all;
}

/** What nobody can ask for who is signed in here is for guests and machines, and has pages of its own or needs none. */
function isForOthers(raw: RawOperation): boolean {
  return raw.security !== undefined && raw.security.length > 0 && raw.security.every((way) => way['browser'] === undefined);
}

function operationOf(path: string, verb: Verb, raw: RawOperation): Operation {
  const [contentType, content] = Object.entries(raw.requestBody?.content ?? {})[0] ?? [];
  const success = Object.entries(raw.responses ?? {})
    .filter(([status]) => status.startsWith('2'))
    .map(([, response]) => Object.entries(response.content ?? {})[0]);
  const [answerType, answer] = success.find((one) => one !== undefined) ?? [];
  const isJson = answerType?.includes('json') === true;
  const headers = (raw.parameters ?? []).filter((parameter) => parameter.in === 'header');
  return {
    verb,
    path,
    summary: raw.summary ?? '',
    description: raw.description ?? '',
    tag: raw.tags?.[0] ?? '',
    parameters: (raw.parameters ?? []).filter((parameter) => parameter.in === 'query'),
    body: contentType === undefined ? null : { schema: content?.schema ?? {}, contentType },
    answer: isJson ? (answer?.schema ?? null) : null,
    isFile: verb === 'get' && ((answerType !== undefined && !isJson) || path.endsWith('/download')),
    scopes: [...new Set((raw.security ?? []).flatMap((way) => way['api_token'] ?? []))],
    needsEtag: headers.some(({ name }) => name === 'If-Match'),
    takesKey: headers.some(({ name }) => name === 'Idempotency-Key'),
  };
}

/** The page of a path; null for one at which something is only done. */
function pageOf(path: string, operations: readonly Operation[], schemas: Schemas): Resource | null {
  const of = (verb: Verb) => operations.find((operation) => operation.verb === verb) ?? null;
  const get = of('get');
  const segments = path.split('/').filter((segment) => segment !== '');
  const last = segments.at(-1);
  const base = {
    path,
    name: (isParameter(last) ? segments.at(-2) : last) ?? '',
    get,
    create: null,
    put: of('put'),
    patch: of('patch'),
    remove: of('delete'),
    actions: [],
    below: [],
    tag: operations[0]?.tag ?? '',
  };
  if (get === null) {
    // At the top there is nothing else that it could belong to.
    return segments.length === 1 && of('post') !== null ? { ...base, kind: 'form', create: of('post') } : null;
  }
  if (isParameter(last)) return { ...base, kind: 'item', actions: of('post') === null ? [] : operations.filter(({ verb }) => verb === 'post') };
  if (itemsOf(get, schemas) !== null) return { ...base, kind: 'list', create: of('post') };
  return { ...base, kind: 'view', actions: operations.filter(({ verb }) => verb === 'post') };
}

/** What is done at a path without a page belongs to the thing before its last word. */
function attach(pages: Map<string, Resource>, path: string, operations: readonly Operation[]): void {
  const above = parentOf(path, pages) ?? itemListOf(path, pages);
  const parent = above === null ? undefined : pages.get(above);
  if (parent !== undefined) pages.set(parent.path, { ...parent, actions: [...parent.actions, ...operations] });
}

/** The nearest page above a path. */
function parentOf(path: string, pages: ReadonlyMap<string, Resource>): string | null {
  const segments = path.split('/');
  for (let length = segments.length - 1; length > 1; length -= 1) {
    const above = segments.slice(0, length).join('/');
    if (pages.has(above)) return above;
    // `/meetings/by_external_id/{id}` belongs to the list, `/phone_pins/{id}/rotate` to none that is above it.
    if (length === 2) return null;
  }
  return null;
}

/** `/phone_pins/{id}/rotate` is done with what `/meetings/{id}/phone_pins` lists. */
function itemListOf(path: string, pages: ReadonlyMap<string, Resource>): string | null {
  const name = path.split('/')[1];
  return [...pages.values()].find((page) => page.kind === 'list' && page.name === name)?.path ?? null;
}

/** What a list's answer holds one by one; null when it is no list. */
export function itemsOf(operation: Operation, schemas: Schemas): Schema | null {
  if (operation.answer === null) return null;
  const items = schemas.shape(operation.answer).properties['items'];
  if (items === undefined) return null;
  const shape = schemas.shape(items);
  return shape.type === 'array' ? (shape.schema.items ?? null) : null;
}

/** What no page shows: nothing, unless the document has something that this file does not understand. */
export function uncovered(document: ApiDocument, schemas: Schemas): readonly string[] {
  const name = ({ verb, path }: { verb: string; path: string }) => `${verb} ${path}`;
  const names = new Set<string>();
  for (const page of resourcesOf(document, schemas).values()) {
    for (const operation of [page.get, page.create, page.put, page.patch, page.remove, ...page.actions]) {
      if (operation !== null) names.add(name(operation));
    }
  }
  return [...operationsOf(document).values()].flat().map(name).filter((one) => !names.has(one));
}

/** Where somebody is: a page with the values of its placeholders. */
export interface Place {
  readonly resource: Resource;
  readonly values: Readonly<Record<string, string>>;
}

/** The page of an address such as `/meetings/0199…/invitees`. Words win over placeholders. */
export function placeOf(path: string, resources: Resources): Place | null {
  const asked = path.split('/').filter((segment) => segment !== '');
  const found: { place: Place; words: number }[] = [];
  for (const resource of resources.values()) {
    const segments = resource.path.split('/').filter((segment) => segment !== '');
    if (segments.length !== asked.length) continue;
    const values: Record<string, string> = {};
    let words = 0;
    const isIt = segments.every((segment, index) => {
      const value = asked[index] ?? '';
      if (!isParameter(segment)) {
        words += 1;
        return segment === value;
      }
      values[segment.slice(1, -1)] = decodeURIComponent(value);
      return true;
    });
    if (isIt) found.push({ place: { resource, values }, words });
  }
  return found.toSorted((a, b) => b.words - a.words)[0]?.place ?? null;
}

/** A path without its placeholders: `meetings/deliveries`. */
export function wordsOf(path: string): string {
  return path
    .split('/')
    .filter((segment) => segment !== '' && !isParameter(segment))
    .join('/');
}

/** A path with its placeholders filled in. Null while one is missing. */
export function fillPath(path: string, values: Readonly<Record<string, string>>): string | null {
  let isWhole = true;
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined || value === '') isWhole = false;
    return encodeURIComponent(value ?? '');
  });
  return isWhole ? filled : null;
}

/** Placeholders of a path that have no value. */
export function missingValues(path: string, values: Readonly<Record<string, string>>): readonly string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name).filter((name) => (values[name] ?? '') === '');
}
