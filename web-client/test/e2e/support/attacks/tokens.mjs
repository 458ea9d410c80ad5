// SPDX-License-Identifier: EUPL-1.2
// Room tokens (JWT, RFC 7519): good ones, and ones that nobody may come in with.
import { createHmac } from 'node:crypto';

/** What `saal serve --dev` signs with. */
const KEY = 'devkey';
const SECRET = 'secret';

const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** Seconds since 1970. */
const now = () => Math.floor(Date.now() / 1000);

/**
 * Signs a token for a room.
 * @param {{ room?: string, identity?: string, grants?: object, claims?: object, secret?: string, header?: object }} [options]
 *   A claim that is undefined is left out.
 */
export function roomToken({ room = 'demo', identity = 'mallory', grants, claims, secret = SECRET, header } = {}) {
  const payload = {
    iss: KEY,
    sub: identity,
    nbf: now() - 5,
    exp: now() + 600,
    video: { roomJoin: true, room, ...grants },
    ...claims,
  };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT', ...header })}.${encode(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

/** Tokens that are all refused alike, by what is wrong with them. Clocks may differ by a minute, hence two. */
export function strangeTokens() {
  const [header, claims, signature] = roomToken().split('.');
  return {
    none: '',
    nonsense: 'nonsense',
    'a wrong signature': `${header}.${claims}.${'A'.repeat(signature.length)}`,
    'a wrong secret': roomToken({ secret: 'another' }),
    expired: roomToken({ claims: { exp: now() - 120 } }),
    'without an end': roomToken({ claims: { exp: undefined } }),
    'from the future': roomToken({ claims: { nbf: now() + 120 } }),
    foreign: roomToken({ claims: { iss: 'stranger' } }),
    'with algorithm none': `${encode({ alg: 'none', typ: 'JWT' })}.${claims}.`,
    'with algorithm none and a signature': `${encode({ alg: 'none' })}.${claims}.${signature}`,
    'with an algorithm that it is not signed with': roomToken({ header: { alg: 'HS512' } }),
    'with another algorithm': roomToken({ header: { alg: 'RS256' } }),
    'cut off': `${header}.${claims}`,
    'with more parts': `${header}.${claims}.${signature}.${signature}`,
    // A request may be longer than any token; it must still be answered.
    long: 'x'.repeat(32 * 1024),
  };
}
