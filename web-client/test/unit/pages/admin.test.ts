// SPDX-License-Identifier: EUPL-1.2
// What the administration makes of an OpenAPI document, with a small one that has each kind of thing once.
import { describe, expect, it } from 'vitest';
import { Schemas, type ApiDocument, type Schema } from '../../../src/pages/admin/document';
import { controlOf, initial, mergePatch, missing, pick, pointerTo, said } from '../../../src/pages/admin/form';
import { fillPath, itemsOf, missingValues, placeOf, resourcesOf, uncovered } from '../../../src/pages/admin/resources';

const ref = (name: string): Schema => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Schema) => ({ content: { 'application/json': { schema } } });
const list = (schema: Schema): Schema => ({ type: 'object', properties: { items: { type: 'array', items: schema } } });
const scope = (name: string): Record<string, string[]>[] => [{ api_token: [name] }, { browser: [] }];

const api: ApiDocument = {
  paths: {
    '/things': {
      get: { security: scope('things:read'), responses: { '200': json(list(ref('Thing'))) }, parameters: [{ name: 'kind', in: 'query' }] },
      post: {
        security: scope('things:write'),
        requestBody: json(ref('ThingInput')),
        responses: { '201': json(ref('Thing')) },
        parameters: [{ name: 'Idempotency-Key', in: 'header' }],
      },
    },
    '/things/batch': { post: { security: scope('things:write'), requestBody: json({ type: 'object' }) } },
    '/things/me': { get: { responses: { '200': json(ref('Thing')) } } },
    '/things/{thing_id}': {
      get: { responses: { '200': json(ref('Thing')) } },
      patch: { parameters: [{ name: 'If-Match', in: 'header' }], requestBody: json(ref('ThingInput')) },
      delete: { parameters: [{ name: 'If-Match', in: 'header' }] },
    },
    '/things/{thing_id}/lock': { post: {} },
    '/things/{thing_id}/parts': { get: { responses: { '200': json(list({ type: 'object', properties: { id: { type: 'string' } } })) } } },
    '/parts/{part_id}/rotate': { post: {} },
    '/erasures': { post: { requestBody: json({ type: 'object' }) } },
    '/things/{thing_id}/file': { get: { responses: { '200': { content: { 'text/calendar': { schema: { type: 'string' } } } } } } },
    '/lobby/{entry_id}': { get: { security: [{ lobby_ticket: [] }], responses: { '200': json({ type: 'object' }) } } },
    '/join/{code}': { get: { security: [{}], responses: { '200': json({ type: 'object' }) } } },
  },
  components: {
    schemas: {
      ThingId: { type: 'string', format: 'uuid' },
      Kind: { type: 'string', enum: ['big', 'small'], description: 'Of what kind.' },
      Inner: { type: 'object', required: ['url'], properties: { url: { type: 'string', format: 'uri' } } },
      ThingInput: {
        type: 'object',
        required: ['name', 'kinds'],
        properties: {
          name: { type: 'string', minLength: 1, maxLength: 100 },
          kind: { oneOf: [ref('Kind'), { type: 'null' }] },
          kinds: { type: 'array', items: ref('Kind'), minItems: 1 },
          note: { type: ['string', 'null'], maxLength: 5000 },
          is_on: { type: 'boolean', default: true },
          may: { type: ['boolean', 'null'] },
          at: { type: 'string', format: 'date-time' },
          inner: { $ref: '#/components/schemas/Inner', description: 'Something inside.' },
          tags: { type: 'object', additionalProperties: { type: 'string' } },
          anything: {},
          owner_id: { oneOf: [ref('ThingId'), { type: 'null' }] },
        },
      },
      Thing: { allOf: [ref('ThingInput'), { type: 'object', required: ['id'], properties: { id: ref('ThingId') } }] },
    },
  },
};
const schemas = new Schemas(api);
const resources = resourcesOf(api, schemas);

describe('pages', () => {
  it('are made of paths', () => {
    const kinds = Object.fromEntries([...resources.values()].map(({ path, kind }) => [path, kind]));
    expect(kinds).toEqual({
      '/things': 'list',
      '/things/me': 'view',
      '/things/{thing_id}': 'item',
      '/things/{thing_id}/parts': 'list',
      '/things/{thing_id}/file': 'view',
      '/erasures': 'form',
    });
    expect(resources.get('/things/{thing_id}/file')?.get?.isFile).toBe(true);
  });

  it('have what is done at paths that are no things', () => {
    const actions = (path: string) => resources.get(path)?.actions.map((action) => action.path);
    expect(actions('/things')).toEqual(['/things/batch']);
    expect(actions('/things/{thing_id}')).toEqual(['/things/{thing_id}/lock']);
    expect(actions('/things/{thing_id}/parts')).toEqual(['/parts/{part_id}/rotate']);
    expect(resources.get('/things/{thing_id}')?.below).toEqual(['/things/{thing_id}/parts', '/things/{thing_id}/file']);
  });

  it('leave nothing out but what guests use', () => {
    expect(uncovered(api, schemas)).toEqual([]);
    expect(resources.has('/join/{code}')).toBe(false);
    expect(resources.has('/lobby/{entry_id}')).toBe(false);
    const odd: ApiDocument = { ...api, paths: { ...api.paths, '/odd/{id}/thing/{other}': { put: {} } } };
    expect(uncovered(odd, new Schemas(odd))).toEqual(['put /odd/{id}/thing/{other}']);
  });

  it('know what their requests need', () => {
    const things = resources.get('/things');
    expect(things?.create).toMatchObject({ takesKey: true, needsEtag: false, scopes: ['things:write'] });
    expect(resources.get('/things/{thing_id}')?.remove?.needsEtag).toBe(true);
  });

  it('are found by address, words before placeholders', () => {
    expect(placeOf('/things/me', resources)?.resource.kind).toBe('view');
    expect(placeOf('/things/a%2Fb/parts', resources)).toMatchObject({ values: { thing_id: 'a/b' }, resource: { kind: 'list' } });
    expect(placeOf('/nothing', resources)).toBeNull();
  });

  it('fill their paths', () => {
    expect(fillPath('/things/{thing_id}/lock', { thing_id: 'a/b' })).toBe('/things/a%2Fb/lock');
    expect(fillPath('/things/{thing_id}', {})).toBeNull();
    expect(missingValues('/things/{thing_id}/{x}', { x: '1' })).toEqual(['thing_id']);
  });
});

describe('shapes', () => {
  const input = schemas.shape(ref('ThingInput'));
  const of = (name: string) => schemas.shape(input.properties[name]);

  it('follow references, undo null and put parts together', () => {
    expect(of('kind')).toMatchObject({ type: 'string', isNullable: true, name: 'Kind', description: 'Of what kind.' });
    expect(of('inner')).toMatchObject({ type: 'object', description: 'Something inside.' });
    const operation = resources.get('/things')?.get;
    const item = operation === null || operation === undefined ? null : itemsOf(operation, schemas);
    const thing = schemas.shape(item ?? undefined);
    expect(Object.keys(thing.properties)).toContain('id');
    expect([...thing.required]).toEqual(['name', 'kinds', 'id']);
  });

  it('are entered by what suits them', () => {
    const control = (name: string) => controlOf(of(name), schemas, (id) => id === 'ThingId');
    const controls = Object.fromEntries(Object.keys(input.properties).map((name) => [name, control(name)]));
    expect(controls).toEqual({
      name: 'text',
      kind: 'choice',
      kinds: 'choices',
      note: 'area',
      is_on: 'tick',
      may: 'yes-no',
      at: 'time',
      inner: 'object',
      tags: 'map',
      anything: 'json',
      owner_id: 'reference',
    });
    expect(controlOf(schemas.shape({ type: 'array', items: ref('Inner') }), schemas, () => false)).toBe('list');
  });

  it('that go in circles do not hang', () => {
    const circle = new Schemas({ paths: {}, components: { schemas: { A: ref('A') } } });
    expect(circle.shape(ref('A')).type).toBe('any');
  });
});

describe('forms', () => {
  const input = schemas.shape(ref('ThingInput'));

  it('begin with the defaults and take only what they can change', () => {
    expect(initial(input, schemas)).toEqual({ is_on: true });
    expect(pick({ id: 'x', name: 'n', note: null, is_on: false }, input)).toEqual({ name: 'n', is_on: false });
  });

  it('leave out what is not said', () => {
    expect(said({ name: 'n', note: '', inner: { url: null }, kinds: ['big', ''], n: 0, off: false })).toEqual({
      name: 'n',
      inner: {},
      kinds: ['big'],
      n: 0,
      off: false,
    });
  });

  it('send only what differs, and null for what is gone', () => {
    const before = { name: 'a', note: 'x', inner: { url: 'u', more: 1 }, kinds: ['big'] };
    expect(mergePatch(before, { name: 'a', inner: { url: 'v', more: 1 }, kinds: ['big', 'small'] })).toEqual({
      note: null,
      inner: { url: 'v' },
      kinds: ['big', 'small'],
    });
    expect(mergePatch(before, before)).toEqual({});
  });

  it('name what is missing by pointer', () => {
    expect(missing({ kinds: [], inner: {} }, input, schemas)).toEqual(['/name', '/kinds', '/inner/url']);
    expect(missing({ name: 'n', kinds: ['big'] }, input, schemas)).toEqual([]);
    expect(pointerTo('/a', 'b/c~d')).toBe('/a/b~1c~0d');
  });
});
