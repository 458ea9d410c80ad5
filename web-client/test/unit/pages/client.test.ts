// SPDX-License-Identifier: EUPL-1.2
// Requests as somebody who is signed in, with a server of the test's own.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ask, query } from '../../../src/pages/api/client';
import { ApiProblem } from '../../../src/app/problem';
import { asksToSignInAgain, finishSignInAgain, providerPath, refreshSession, safeReturn, session, signIn, signOut } from '../../../src/pages/api/session';
import { hasAccountHere } from '../../../src/app/account-hint';
import { language } from '../../../src/app/preferences';

const ANN = { user_id: 'u1', tenant_id: 't', email: 'ann@example.org', name: 'Ann', role: 'organizer', scopes: ['meetings:read'], csrf_token: 'c1', expires_at: '' };

/** Answers every request in turn, and keeps what was asked. */
function serve(...answers: [status: number, body?: unknown, headers?: Record<string, string>][]) {
  const asked: { path: string; init: RequestInit }[] = [];
  const fetch = vi.fn(async (path: string, init: RequestInit = {}) => {
    asked.push({ path, init });
    const [status, body, headers = {}] = answers[asked.length - 1] ?? [500, {}];
    const hasBody = status !== 204 && status !== 304;
    return new Response(hasBody ? JSON.stringify(body ?? {}) : null, { status, headers: { 'content-type': 'application/json', ...headers } });
  });
  vi.stubGlobal('fetch', fetch);
  return asked;
}

beforeEach(() => {
  localStorage.clear();
  session.value = ANN as typeof session.value;
  asksToSignInAgain.value = false;
});
afterEach(() => vi.unstubAllGlobals());

describe('a request', () => {
  it('carries what the server wants to see', async () => {
    const asked = serve([200, { ok: true }, { etag: '"4"' }]);
    language.value = 'en';
    const answer = await ask('PATCH', '/things/1', { body: { a: 1 }, etag: '"3"', idempotencyKey: 'k' });
    expect(answer).toEqual({ body: { ok: true }, etag: '"4"', status: 200 });
    expect(asked[0]).toMatchObject({
      path: '/api/v1/things/1',
      init: {
        method: 'PATCH',
        body: '{"a":1}',
        headers: {
          'accept-language': 'en',
          'content-type': 'application/merge-patch+json',
          'if-match': '"3"',
          'idempotency-key': 'k',
          'x-csrf-token': 'c1',
        },
      },
    });
  });

  it('that only reads proves nothing', async () => {
    const asked = serve([200, {}]);
    await ask('GET', '/things');
    expect(asked[0]?.init.headers).toEqual({ 'accept-language': 'de' });
  });

  it('waits until somebody has signed in again, and goes on', async () => {
    const asked = serve([401, { code: 'unauthenticated' }], [201, { ...ANN, csrf_token: 'c2' }], [204]);
    const waiting = ask('POST', '/things', { body: {} });
    await vi.waitFor(() => expect(asksToSignInAgain.value).toBe(true));
    await signIn('ann@example.org', 'secret', null);
    finishSignInAgain(true);
    expect((await waiting).status).toBe(204);
    expect(asksToSignInAgain.value).toBe(false);
    expect(asked[2]?.init.headers).toMatchObject({ 'x-csrf-token': 'c2' });
  });

  it('fails when they give it up', async () => {
    serve([401, { code: 'unauthenticated' }]);
    const waiting = ask('GET', '/things');
    await vi.waitFor(() => expect(asksToSignInAgain.value).toBe(true));
    finishSignInAgain(false);
    await expect(waiting).rejects.toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  it('takes the new proof when another tab has signed in anew', async () => {
    const asked = serve([403, { code: 'forgery-protection' }], [200, { ...ANN, csrf_token: 'c3' }], [200, {}]);
    await ask('DELETE', '/things/1', { etag: '"1"' });
    expect(asked.map(({ path }) => path)).toEqual(['/api/v1/things/1', '/api/v1/session', '/api/v1/things/1']);
    expect(asked[2]?.init.headers).toMatchObject({ 'x-csrf-token': 'c3' });
  });

  it('that is refused says why, field by field', async () => {
    const errors = [{ pointer: '/title', code: 'required', detail: 'Das wird gebraucht.' }];
    serve([422, { code: 'invalid', title: 'Ungültig', detail: 'Bitte prüfen.', errors, request_id: 'r1' }]);
    const problem = await ask('POST', '/things', { body: {} }).catch((error: unknown) => error);
    expect(problem).toBeInstanceOf(ApiProblem);
    expect(problem).toMatchObject({ status: 422, code: 'invalid', fields: errors, requestId: 'r1', retryAfterMs: null });
  });

  it('says when it is worth another try', async () => {
    serve([429, { code: 'rate-limited' }, { 'retry-after': '7' }], [503, undefined, { 'content-type': 'text/html', 'retry-after': 'soon' }]);
    await expect(ask('GET', '/a')).rejects.toMatchObject({ code: 'rate-limited', retryAfterMs: 7000 });
    await expect(ask('GET', '/a')).rejects.toMatchObject({ code: 'http-503', retryAfterMs: null });
  });

  it('that gets no answer says so', async () => {
    vi.stubGlobal('fetch', vi.fn(() => Promise.reject(new TypeError('offline'))));
    await expect(ask('GET', '/a')).rejects.toMatchObject({ status: 0, code: 'unreachable' });
  });

  it('leaves out what is not asked for', () => {
    expect(query({ a: '', b: null, c: undefined, d: 'x y', e: 0, f: false })).toBe('?d=x+y&e=0&f=false');
    expect(query({})).toBe('');
  });
});

describe('the session', () => {
  it('is remembered on this device only as a yes or no', async () => {
    serve([200, ANN], [401, {}]);
    await refreshSession();
    expect(hasAccountHere()).toBe(true);
    expect(JSON.stringify({ ...localStorage })).not.toContain('ann@example.org');
    await refreshSession();
    expect(session.value).toBeNull();
    expect(hasAccountHere()).toBe(false);
  });

  it('ends where the server says', async () => {
    const asked = serve([200, { location: 'https://login.example.org/logout' }]);
    expect(await signOut()).toBe('https://login.example.org/logout');
    expect(asked[0]).toMatchObject({ path: '/auth/logout', init: { method: 'POST' } });
    expect(session.value).toBeNull();
  });

  it('leads back only to pages of ours', () => {
    expect(safeReturn('/admin/users?role=organizer')).toBe('/admin/users?role=organizer');
    for (const path of [null, '', 'https://evil.example', '//evil.example', '/\\evil.example', '/\tevil', '/sign-in?return_to=/sign-in']) {
      expect(safeReturn(path), String(path)).toBe('/meetings');
    }
    expect(providerPath('/m/a?b#c')).toBe('/auth/oidc/start?return_to=%2Fm%2Fa%3Fb%23c');
  });
});
