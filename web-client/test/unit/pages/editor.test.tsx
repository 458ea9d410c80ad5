// SPDX-License-Identifier: EUPL-1.2
// Forms of the administration, made of what the server's own document says.
import { readFileSync } from 'node:fs';
import { cleanup, render, screen } from '@testing-library/preact';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { chosenTenant, forgetChoices, shapeOf, type Api } from '../../../src/pages/admin/api';
import { columnsOf } from '../../../src/pages/admin/curation';
import { Schemas, type ApiDocument } from '../../../src/pages/admin/document';
import { Editor } from '../../../src/pages/admin/Editor';
import { resourcesOf } from '../../../src/pages/admin/resources';
import { session } from '../../../src/pages/api/session';

const outline = JSON.parse(readFileSync('../signaling/src/api/openapi/outline.json', 'utf8')) as ApiDocument;
const schemas = new Schemas(outline);
const api: Api = { schemas, resources: resourcesOf(outline, schemas) };

const TENANT_NEEDED = 'Wählen Sie oben den Mandanten, um den es geht.';

beforeEach(() => {
  const scopes = ['meetings:write', 'phone:read', 'phone:admin'];
  session.value = { user_id: 'u', tenant_id: 't', email: 'a@x.de', name: 'A', role: 'system_admin', scopes, csrf_token: 'c', expires_at: '2026-12-01T00:00:00Z' };
  chosenTenant.value = '';
});
afterEach(() => {
  cleanup();
  forgetChoices();
  vi.unstubAllGlobals();
  session.value = 'unknown';
});

function list(path: string) {
  const resource = api.resources.get(path);
  if (resource?.get == null || resource.create === null) throw new Error(`nothing is made at ${path}`);
  return { resource, create: resource.create, shape: shapeOf(api, resource.get) };
}

function form(path: string) {
  const { create, shape } = list(path);
  render(<Editor api={api} title="Neu" operation={create} path={path} known={shape} onDone={() => undefined} onCancel={() => undefined} />);
}

it('asks for a tenant where there is one, and not for what belongs to the installation', () => {
  vi.stubGlobal('fetch', async () => Response.json({ items: [] }));
  for (const [path, isNeeded] of [
    ['/meetings', true],
    ['/phone/trunks', false],
    ['/phone/numbers', false],
    ['/tenants', false],
  ] as const) {
    form(path);
    expect(screen.queryByText(TENANT_NEEDED) !== null, path).toBe(isNeeded);
    cleanup();
  }
});

it('has a number’s trunk chosen by name, and a text where trunks are not for them', async () => {
  vi.stubGlobal('fetch', async (path: string) => Response.json({ items: path.includes('/phone/trunks') ? [{ id: 'exchange', name: 'Anlage im Keller' }] : [] }));
  form('/phone/numbers');
  const option = await screen.findByRole<HTMLOptionElement>('option', { name: /Anlage im Keller/ });
  expect(option.value).toBe('exchange');
  expect(option.closest('select')).toBe(screen.getByLabelText(/Telefonanschluss/));
  cleanup();
  if (session.value === null || session.value === 'unknown') throw new Error('somebody is signed in');
  session.value = { ...session.value, scopes: ['phone:read'] };
  form('/phone/numbers');
  expect(screen.getByLabelText(/Telefonanschluss/).tagName).toBe('INPUT');
});

it('says what a number does that leads to one meeting', () => {
  vi.stubGlobal('fetch', async () => Response.json({ items: [] }));
  form('/phone/numbers');
  const field = screen.getByLabelText(/Führt direkt zu Konferenznummer/);
  const hint = document.getElementById((field.getAttribute('aria-describedby') ?? '').split(' ')[0] ?? '');
  expect(hint?.textContent).toContain('kommt ohne Eingabe in die Besprechung');
});

it('shows of calls first who and how far, which is all that a narrow screen has room for', () => {
  const calls = api.resources.get('/phone/calls');
  if (calls?.get == null) throw new Error('calls are not listed');
  expect(columnsOf(calls, shapeOf(api, calls.get), api).slice(0, 2)).toEqual(['number', 'stage']);
});
