// SPDX-License-Identifier: EUPL-1.2
// The right to enter a room: a token from the link, or from the development endpoint.
import { randomHex } from './random';
import { tabStore } from './storage';

/** The claims this client shows or checks. The server alone decides whether a token is genuine. */
export interface TokenClaims {
  readonly identity: string | null;
  readonly name: string | null;
  /** Seconds since 1970. */
  readonly expiresAt: number | null;
  readonly isModerator: boolean;
  /** The room that it opens. */
  readonly room: string | null;
}

/** How rooms are called that belong to a run of a meeting; behind it comes the run's id. */
const MEETING_ROOM = /^meeting-([0-9a-f-]{36})$/;

const tokenKey = (room: string) => `saal.token.${room}`;
const IDENTITY_KEY = 'saal.identity';

/** The token in a fragment such as `#token=eyJ…`, or null. */
export function tokenInFragment(fragment: string): string | null {
  const token = new URLSearchParams(fragment.replace(/^#/, '')).get('token');
  return token === null || token === '' ? null : token;
}

/**
 * Moves a token from the address bar into the tab's storage.
 * It must not stay in the address bar, where it would be read over a shoulder, bookmarked or shared with the screen.
 */
export function takeTokenFromAddressBar(room: string): void {
  const token = tokenInFragment(location.hash);
  if (token === null) return;
  rememberToken(room, token);
  history.replaceState(history.state, '', location.pathname + location.search);
}

/** Keeps a token for a room until the tab is closed. */
export function rememberToken(room: string, token: string): void {
  tabStore.write(tokenKey(room), token);
}

/** The token this tab holds for a room. */
export function rememberedToken(room: string): string | null {
  return tabStore.read(tokenKey(room));
}

/** Reads a token's payload without checking its signature. Null when it is no JWT. */
export function readClaims(token: string): TokenClaims | null {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  try {
    const bytes = Uint8Array.from(atob(payload.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    const claims: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof claims !== 'object' || claims === null) return null;
    const { sub, name, exp, video } = claims as Record<string, unknown>;
    const { room, roomAdmin } = (video ?? {}) as { room?: unknown; roomAdmin?: unknown };
    return {
      identity: typeof sub === 'string' && sub !== '' ? sub : null,
      name: typeof name === 'string' && name !== '' ? name : null,
      expiresAt: typeof exp === 'number' ? exp : null,
      isModerator: roomAdmin === true,
      room: typeof room === 'string' && room !== '' ? room : null,
    };
  } catch {
    return null;
  }
}

/** Who somebody is in a room by that token; empty where it does not say. */
export function identityOf(token: string): string {
  return readClaims(token)?.identity ?? '';
}

/** The run of a meeting that a token is for; null when it is for another room. */
export function meetingSessionOf(token: string): string | null {
  return MEETING_ROOM.exec(readClaims(token)?.room ?? '')?.[1] ?? null;
}

/** Whether the token's time is over at `nowMs`. */
export function isExpired(claims: TokenClaims, nowMs: number): boolean {
  return claims.expiresAt !== null && claims.expiresAt * 1000 <= nowMs;
}

/** Who this tab is. The same over reloads, so that a reload takes the place of the participant it leaves behind. */
export function identityOfThisTab(): string {
  const known = tabStore.read(IDENTITY_KEY);
  if (known !== null) return known;
  const identity = `web-${randomHex(12)}`;
  tabStore.write(IDENTITY_KEY, identity);
  return identity;
}

/** Asks a development server for a token. Rejects when it refuses. */
export async function requestDevToken(room: string, name: string): Promise<string> {
  const response = await fetch('/api/v1/dev/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room, identity: identityOfThisTab(), name }),
  });
  if (!response.ok) throw new Error(`the token request was answered with status ${response.status}`);
  const body: unknown = await response.json();
  const token = (body as { token?: unknown } | null)?.token;
  if (typeof token !== 'string') throw new Error('the answer holds no token');
  return token;
}
