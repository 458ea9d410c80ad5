// SPDX-License-Identifier: EUPL-1.2
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  identityOfThisTab,
  isExpired,
  meetingSessionOf,
  readClaims,
  rememberedToken,
  requestDevToken,
  takeTokenFromAddressBar,
  tokenInFragment,
} from '../../src/app/access';

function token(claims: object): string {
  const encode = (value: object) => btoa(String.fromCharCode(...new TextEncoder().encode(JSON.stringify(value))));
  return `${encode({ alg: 'HS256' })}.${encode(claims).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}.sig`;
}

beforeEach(() => sessionStorage.clear());
afterEach(() => vi.unstubAllGlobals());

describe('tokens', () => {
  it('are found in the fragment', () => {
    expect(tokenInFragment('#token=abc')).toBe('abc');
    expect(tokenInFragment('#x=1&token=abc')).toBe('abc');
    expect(tokenInFragment('#token=')).toBeNull();
    expect(tokenInFragment('')).toBeNull();
  });

  it('are moved out of the address bar, each under its room', () => {
    history.replaceState(null, '', '/m/Rat#token=abc');
    takeTokenFromAddressBar('Rat');
    expect(location.hash).toBe('');
    expect(rememberedToken('Rat')).toBe('abc');
    expect(rememberedToken('Stab')).toBeNull();
  });

  it('tell who they are for', () => {
    const claims = readClaims(token({ sub: 'u1', name: 'Bärbel Łukasz', exp: 100 }));
    expect(claims).toEqual({ identity: 'u1', name: 'Bärbel Łukasz', expiresAt: 100, isModerator: false, room: null });
  });

  it('may be nonsense', () => {
    expect(readClaims('abc')).toBeNull();
    expect(readClaims('a.###.c')).toBeNull();
    expect(readClaims(token({ name: 5 }))).toEqual({ identity: null, name: null, isModerator: false, expiresAt: null, room: null });
  });

  it('tell which run of a meeting they are for', () => {
    const id = '0190c0de-0000-7000-8000-000000000001';
    expect(meetingSessionOf(token({ video: { room: `meeting-${id}` } }))).toBe(id);
    expect(meetingSessionOf(token({ video: { room: 'demo' } }))).toBeNull();
    expect(meetingSessionOf('nonsense')).toBeNull();
  });

  it('expire', () => {
    const claims = { identity: null, name: null, isModerator: false, expiresAt: 100, room: null };
    expect(isExpired(claims, 99_999)).toBe(false);
    expect(isExpired(claims, 100_000)).toBe(true);
    expect(isExpired({ ...claims, expiresAt: null }, 9e15)).toBe(false);
  });
});

describe('the identity', () => {
  it('stays the same in a tab', () => {
    const identity = identityOfThisTab();
    expect(identity).toMatch(/^web-[0-9a-f]{24}$/);
    expect(identityOfThisTab()).toBe(identity);
  });
});

describe('requestDevToken', () => {
  it('asks for a token with room, identity and name', async () => {
    const fetch = vi.fn(async () => Response.json({ token: 'abc' }));
    vi.stubGlobal('fetch', fetch);
    await expect(requestDevToken('Rat', 'Ada')).resolves.toBe('abc');
    const [url, init] = fetch.mock.calls[0] as unknown as [string, RequestInit];
    expect(url).toBe('/api/v1/dev/token');
    expect(JSON.parse(String(init.body))).toEqual({ room: 'Rat', identity: identityOfThisTab(), name: 'Ada' });
  });

  it('rejects a refusal and an answer without token', async () => {
    vi.stubGlobal('fetch', async () => new Response('', { status: 404 }));
    await expect(requestDevToken('Rat', 'Ada')).rejects.toThrow('404');
    vi.stubGlobal('fetch', async () => Response.json({}));
    await expect(requestDevToken('Rat', 'Ada')).rejects.toThrow('no token');
  });
});
