// SPDX-License-Identifier: EUPL-1.2
// From a meeting's link to a token, with a server of the test's own.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { legalTexts } from '../../src/app/legal';
import { isMeetingCode, knock, leaveLobby, lookAtLink, Refused, takeInvitationFromAddressBar, waitInLobby } from '../../src/app/joining';

const CODE = 'AbCdEfGhIjKlMnOpQrStUv';

/** Answers every request in turn, and keeps what was asked. */
function serve(...answers: [status: number, body: unknown][]) {
  const asked: { path: string; init: RequestInit }[] = [];
  const fetch = vi.fn(async (path: string, init: RequestInit = {}) => {
    asked.push({ path, init });
    const [status, body] = answers[asked.length - 1] ?? [500, {}];
    return new Response(JSON.stringify(body), { status });
  });
  vi.stubGlobal('fetch', fetch);
  return asked;
}

const waiting = {
  status: 'waiting',
  entry_id: 'e1',
  ticket: 'lobby_x',
  waits_for: 'host',
  position: 2,
  state: 'host-2',
  since: '2026-11-22T10:00:00Z',
  starts_at: null,
};

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, '', `/m/${CODE}`);
});
afterEach(() => vi.unstubAllGlobals());

describe('links', () => {
  it('of meetings are told from names of rooms', () => {
    expect(isMeetingCode(CODE)).toBe(true);
    for (const name of ['demo', `${CODE}x`, 'AbCdEfGhIjKlMnOpQrSt-v']) expect(isMeetingCode(name)).toBe(false);
  });

  it('give away their personal part to the server only', async () => {
    history.replaceState(null, '', `/m/${CODE}#i=secret`);
    takeInvitationFromAddressBar(CODE);
    expect(location.hash).toBe('');
    const asked = serve([200, { organisation: 'Stadt', title: 'Rat', is_over: false, you: { name: 'Ada' } }]);
    const page = await lookAtLink(CODE);
    expect(asked[0]?.path).toBe(`/api/v1/join/${CODE}`);
    expect(asked[0]?.init.headers).toEqual({ 'saal-invitation': 'secret' });
    expect(page).toMatchObject({ organisation: 'Stadt', title: 'Rat', knownName: 'Ada' });
  });

  it('say where the legal texts are of whoever holds the meeting', async () => {
    const legal = { privacy_url: 'https://stadt.example/datenschutz', imprint_url: null, accessibility_url: 'javascript:alert(1)' };
    serve([200, { organisation: 'Stadt', legal }]);
    await lookAtLink(CODE);
    expect(legalTexts.value).toEqual([{ kind: 'privacy', url: 'https://stadt.example/datenschutz' }]);
  });

  it('say how to call where no PIN is needed', async () => {
    const dialIn = { numbers: [{ e164: '+4930555', label: 'Berlin' }], conference_id: '4815162342' };
    serve([200, { organisation: 'Stadt', dial_in: dialIn }], [200, { organisation: 'Stadt', dial_in: null }]);
    expect((await lookAtLink(CODE))?.dialIn).toEqual(dialIn);
    expect((await lookAtLink(CODE))?.dialIn).toBeNull();
  });

  it('of no meeting are names of rooms', async () => {
    serve([404, { code: 'not-found' }]);
    expect(await lookAtLink(CODE)).toBeNull();
  });
});

describe('coming in', () => {
  it('waits with the ticket until it stands otherwise', async () => {
    const asked = serve([202, waiting], [202, { ...waiting, ticket: undefined, waits_for: 'admission', state: 'admission-1', position: 1 }], [200, { status: 'admitted', token: 't', session_id: 's', title: 'Rat' }], [204, null]);
    const first = await knock(CODE, 'Gus');
    if (first.kind !== 'waiting') throw new Error('let in at once');
    expect(JSON.parse(String(asked[0]?.init.body))).toEqual({ name: 'Gus' });
    const second = await waitInLobby(first, new AbortController().signal);
    if (second.kind !== 'waiting') throw new Error('let in at once');
    expect(asked[1]?.path).toBe('/api/v1/lobby/e1?known=host-2');
    expect(second).toMatchObject({ waitsFor: 'admission', position: 1, ticket: 'lobby_x' });
    expect(await waitInLobby(second, new AbortController().signal)).toEqual({ kind: 'admitted', token: 't', title: 'Rat' });
  });

  it('proves that it is this page that asks when somebody is signed in', async () => {
    const admitted = { status: 'admitted', token: 't', title: 'Rat' };
    const asked = serve([403, { code: 'forgery-protection' }], [200, { csrf_token: 'c' }], [200, admitted]);
    expect(await knock(CODE, '')).toEqual({ kind: 'admitted', token: 't', title: 'Rat' });
    expect(asked.map(({ path }) => path)).toEqual([`/api/v1/join/${CODE}`, '/api/v1/session', `/api/v1/join/${CODE}`]);
    expect(asked[2]?.init.headers).toMatchObject({ 'x-csrf-token': 'c' });
  });

  it('says why not', async () => {
    serve([403, { code: 'banned' }], [503, { code: 'unavailable' }]);
    await expect(knock(CODE, 'Gus')).rejects.toEqual(new Refused('banned'));
    await expect(knock(CODE, 'Gus')).rejects.not.toBeInstanceOf(Refused);
  });

  it('can be given up', async () => {
    const asked = serve([202, waiting], [200, {}]);
    const first = await knock(CODE, 'Gus');
    if (first.kind !== 'waiting') throw new Error('let in at once');
    await leaveLobby(first);
    expect(asked[1]).toMatchObject({ path: '/api/v1/lobby/e1', init: { method: 'DELETE' } });
  });
});
