// SPDX-License-Identifier: EUPL-1.2
// Serves a build the way the Saal server does, with the same security headers, and answers with what is made up. For tests
// of the screens that need no conference.
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { madeUp } from './static-api.mjs';

const TYPES = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; " +
    "font-src 'self'; connect-src 'self'; media-src 'self' blob:; worker-src 'self'; base-uri 'none'; " +
    "form-action 'self'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Starts serving `folder` on a free port of the loopback interface.
 * @param {{ folder: string, dev?: boolean, provider?: boolean }} options  `provider`: people can also sign in elsewhere.
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serveBuild({ folder, dev = true, provider = false }) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    const answer = (status, type, body) => {
      response.writeHead(status, { ...HEADERS, 'content-type': type });
      response.end(body);
    };
    if (pathname === '/api/v1/config') {
      answer(200, 'application/json', JSON.stringify({ version: '0.1.0', dev, sign_in: { password: true, provider } }));
      return;
    }
    const made = pathname.startsWith('/api/v1/') ? madeUp(pathname.slice('/api/v1'.length)) : undefined;
    if (made !== undefined) {
      answer(200, 'application/json', JSON.stringify(made));
      return;
    }
    const isScreen = pathname === '/' || /^\/(m|sign-in|meetings|admin)(\/|$)/.test(pathname);
    const file = isScreen ? 'index.html' : normalize(pathname).replace(/^[/.]+/, '');
    try {
      answer(200, TYPES[extname(file)] ?? 'application/octet-stream', readFileSync(join(folder, file)));
    } catch {
      answer(404, 'text/plain', 'not found');
    }
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  return {
    origin: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
