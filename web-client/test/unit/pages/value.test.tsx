// SPDX-License-Identifier: EUPL-1.2
import { readFileSync } from 'node:fs';
import { cleanup, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, expect, it, vi } from 'vitest';
import { forgetChoices, PlaceValues, shapeOf, type Api } from '../../../src/pages/admin/api';
import { columnsOf } from '../../../src/pages/admin/curation';
import { Schemas, type ApiDocument } from '../../../src/pages/admin/document';
import type { Json } from '../../../src/pages/admin/form';
import { resourcesOf } from '../../../src/pages/admin/resources';
import { Brief } from '../../../src/pages/admin/Value';
import { session } from '../../../src/pages/api/session';

const PERSON = '01994a2c-0000-7000-8000-0000000000aa';

const document: ApiDocument = {
  paths: {
    '/meetings/{meeting_id}/invitees': {
      get: { responses: { '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Page' } } } } } },
    },
    '/meetings/{meeting_id}/invitees/{invitee_id}': {
      get: { responses: { '200': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Invitee' } } } } } },
    },
  },
  components: {
    schemas: {
      InviteeId: { type: 'string', format: 'uuid' },
      Invitee: { type: 'object', properties: { id: { $ref: '#/components/schemas/InviteeId' }, name: { type: 'string' } } },
      Page: { type: 'object', properties: { items: { type: 'array', items: { $ref: '#/components/schemas/Invitee' } } } },
    },
  },
};
const schemas = new Schemas(document);
const api: Api = { schemas, resources: resourcesOf(document, schemas) };

function show(values: Readonly<Record<string, string>>) {
  render(
    <PlaceValues.Provider value={values}>
      <Brief api={api} name="invitee_id" value={PERSON} schema={{ $ref: '#/components/schemas/InviteeId' }} />
    </PlaceValues.Provider>,
  );
}

afterEach(() => {
  cleanup();
  forgetChoices();
  vi.unstubAllGlobals();
  session.value = 'unknown';
});

it('shows whose an id is, and where to find them', async () => {
  session.value = { user_id: 'u', tenant_id: 't', email: 'a@x.de', name: 'A', role: 'tenant_admin', scopes: [], csrf_token: 'c', expires_at: '2026-12-01T00:00:00Z' };
  const asked: string[] = [];
  vi.stubGlobal('fetch', async (path: string) => {
    asked.push(path);
    return new Response(JSON.stringify({ items: [{ id: PERSON, name: 'Tim Teil' }] }), { headers: { 'content-type': 'application/json' } });
  });
  show({ meeting_id: 'm1' });
  const link = await waitFor(() => screen.getByText('Tim Teil'));
  expect(link.getAttribute('href')).toBe(`/admin/meetings/m1/invitees/${PERSON}`);
  expect(asked).toEqual(['/api/v1/meetings/m1/invitees?limit=200']);
});

it('shows the end of an id whose list is not known', () => {
  show({});
  expect(screen.getByText('…000000aa')).toBeTruthy();
});

it('shows how a trunk is in a few words, where the list has its columns', () => {
  const outline = JSON.parse(readFileSync('../signaling/src/api/openapi/outline.json', 'utf8')) as ApiDocument;
  const real = new Schemas(outline);
  const whole: Api = { schemas: real, resources: resourcesOf(outline, real) };
  const trunks = whole.resources.get('/phone/trunks');
  if (trunks?.get == null) throw new Error('trunks are not listed');
  const shape = shapeOf(whole, trunks.get);
  expect(columnsOf(trunks, shape, whole)).toEqual(['name', 'id', 'is_enabled', 'status']);
  const status = { calls: 3, destinations: ['reachable', 'unreachable'], registration: { state: 'registered', answer: 200 } };
  const shown = (value: Json) => {
    const { container } = render(<Brief api={whole} name="status" value={value} schema={shape.properties['status']} />);
    const text = container.textContent;
    cleanup();
    return text;
  };
  expect(shown(status)).toBe('Anrufe: 3 · Ziele: Antwortet, Antwortet nicht · Registrierung: Registriert');
  expect(shown({ ...status, registration: null, destinations: [] })).toBe('Anrufe: 3 · Ziele: –');
  expect(shown(null)).toBe('–');
});
