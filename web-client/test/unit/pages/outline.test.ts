// SPDX-License-Identifier: EUPL-1.2
// The administration and the real API: the outline of its document, which a test of the server holds to what it serves.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { NO_FILTERS } from '../../../src/pages/admin/curation';
import { Schemas, type ApiDocument, type Schema } from '../../../src/pages/admin/document';
import { itemsOf, missingValues, resourcesOf, uncovered, wordsOf, type Operation, type Resource } from '../../../src/pages/admin/resources';
import { adminNames } from '../../../src/pages/admin/words';

const outline = JSON.parse(readFileSync('../signaling/src/api/openapi/outline.json', 'utf8')) as ApiDocument;
const schemas = new Schemas(outline);
const resources = [...resourcesOf(outline, schemas).values()];

/** Everything that pages name: `Schema.field`, and `field.word`. */
const fields = new Map<string, string>();
const values = new Map<string, string>();

function shows(owner: string | null, name: string, schema: Schema | undefined, above: readonly Schema[] = []): void {
  const shape = schemas.shape(schema);
  fields.set(`${owner ?? ''}.${name}`, name);
  for (const word of shape.schema.enum ?? []) if (word !== null) values.set(`${name}.${String(word)}`, String(word));
  if (shape.type === 'array') shows(owner, name, shape.schema.items, above);
  else showsAll(schema, above);
}

function showsAll(schema: Schema | undefined, above: readonly Schema[] = []): void {
  const shape = schemas.shape(schema);
  if (above.includes(shape.schema)) return;
  for (const [name, property] of Object.entries(shape.properties)) shows(shape.name, name, property, [...above, shape.schema]);
}

function asks(operation: Operation | null, page: Resource): void {
  if (operation === null) return;
  const known = Object.fromEntries(missingValues(page.path, {}).map((name) => [name, 'known']));
  // What is done with an entry of a list knows which.
  const isOfEntry = page.kind === 'list' && /\}\/[^/{]+$/.test(operation.path);
  if (!isOfEntry) for (const name of missingValues(operation.path, known)) shows(null, name, {});
  for (const { name, schema } of operation.parameters) if (!NO_FILTERS.has(name)) shows(null, name, schema);
  if (operation.body !== null) showsAll(operation.body.schema);
  if (operation.answer !== null) showsAll(itemsOf(operation, schemas) ?? operation.answer);
}

for (const page of resources) {
  for (const operation of [page.get, page.create, page.put, page.patch, ...page.actions]) asks(operation, page);
}

/** Words of fields that the document calls texts. */
const WORDS = {
  event: ['webhook.test'],
  actor: ['user', 'api_token', 'oauth_client', 'participant', 'system'],
  target: 'erasure export invitee lobby_entry meeting meeting_session phone_call phone_number phone_pin phone_trunk policy retention room tenant webhook'.split(' '),
  result: ['success', 'denied'],
  last_error: ['not-public', 'connect', 'timeout', 'broken'],
};
for (const [name, words] of Object.entries(WORDS)) {
  const field = name === 'actor' || name === 'target' ? 'type' : name;
  for (const word of words) values.set(`${field}.${word}`, word);
}

it('every operation is on a page', () => {
  expect(resources.length).toBeGreaterThan(40);
  expect(uncovered(outline, schemas)).toEqual([]);
});

it('every field has a German name', () => {
  const { fields: names } = adminNames.de;
  expect(fields.size).toBeGreaterThan(300);
  expect([...fields].filter(([whole, name]) => !(whole in names) && !(name in names)).map(([whole]) => whole)).toEqual([]);
});

it('every word that a field can have has a German name', () => {
  const { values: names } = adminNames.de;
  expect(values.size).toBeGreaterThan(100);
  expect([...values].filter(([whole, word]) => !(whole in names) && !(word in names)).map(([whole]) => whole)).toEqual([]);
});

it('every page, and what can be done there, has German words', () => {
  const { resources: titles, actions } = adminNames.de;
  expect(resources.filter(({ path, name }) => !(wordsOf(path) in titles) && !(name in titles)).map(({ path }) => path)).toEqual([]);
  const done = resources.flatMap((resource) => resource.actions).map(({ path }) => path.split('/').at(-1) ?? '');
  expect(done.filter((word) => !(word in actions))).toEqual([]);
});

it('German names are all of something', () => {
  const { fields: names, values: words } = adminNames.de;
  const isField = (key: string) => fields.has(key) || [...fields.values()].includes(key);
  expect(Object.keys(names).filter((key) => !isField(key))).toEqual([]);
  const isWord = (key: string) => values.has(key) || [...values.values()].includes(key);
  expect(Object.keys(words).filter((key) => !isWord(key))).toEqual([]);
});
