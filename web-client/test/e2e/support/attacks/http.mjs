// SPDX-License-Identifier: EUPL-1.2
// Says things to the HTTP port that are no HTTP, or not quite.
import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Sends bytes and returns what comes back until the server hangs up.
 * @param {string} origin
 * @param {string | Uint8Array} bytes
 */
export async function say(origin, bytes) {
  const { hostname, port } = new URL(origin);
  const stream = connect({ host: hostname, port: Number(port) });
  const answer = [];
  // The server hangs up on who sends nonsense, which may meet the rest of the nonsense.
  stream.on('error', () => undefined);
  stream.on('data', (chunk) => answer.push(chunk));
  stream.on('connect', () => stream.write(bytes));
  await once(stream, 'close');
  return Buffer.concat(answer).toString('latin1');
}

/** What is no HTTP, and the label under which it is counted. */
export function httpNonsense() {
  const endless = 'x'.repeat(300_000);
  return {
    'a TLS handshake': [Buffer.from('16030101fc010001f80303\r\n\r\n'), 'malformed'],
    zeros: [Buffer.alloc(10_000), 'malformed'],
    'a line without a colon': ['GET / HTTP/1.1\r\nhost x\r\n\r\n', 'malformed'],
    'two lengths': ['POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 'malformed'],
    'a length that is none': ['POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n', 'malformed'],
    'a version of its own': ['GET / HTTP/7.3\r\nhost: x\r\n\r\n', 'malformed'],
    'a head without end': [`GET / HTTP/1.1\r\nx: ${endless}`, 'too_large'],
    '10,000 headers': [`GET / HTTP/1.1\r\n${'x: y\r\n'.repeat(10_000)}\r\n`, 'too_large'],
    'an address without end': [`GET /rtc/v1?access_token=${endless} HTTP/1.1\r\nhost: x\r\n\r\n`, 'too_large'],
  };
}
