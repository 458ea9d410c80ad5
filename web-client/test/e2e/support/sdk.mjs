// SPDX-License-Identifier: EUPL-1.2
// A page with LiveKit's browser SDK and nothing else, from another origin than Saal's.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const require = createRequire(import.meta.url);

/** Serves a blank page with the SDK as it was published, from another origin than Saal's. */
export async function serveSdk() {
  const folder = dirname(require.resolve('livekit-client'));
  const sdk = readFileSync(join(folder, 'livekit-client.umd.js'));
  const page = '<!doctype html><meta charset="utf-8"><title>SDK</title><script src="/sdk.js"></script>';
  const server = createServer((request, response) => {
    const isSdk = request.url === '/sdk.js';
    response.writeHead(200, { 'content-type': isSdk ? 'text/javascript' : 'text/html' });
    response.end(isSdk ? sdk : page);
  });
  await new Promise((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

/** Joins with the plain SDK; the room is `window.room` then. Options are those of `Room.connect`. */
export async function joinPlain(page, sdk, url, token, options = {}) {
  await page.open(sdk.origin);
  await page.evaluate(
    async ([serverUrl, ticket, connectOptions]) => {
      const { Room } = window.LivekitClient;
      window.room = new Room();
      window.ended = null;
      window.room.on('disconnected', (reason) => (window.ended = reason ?? 'unknown'));
      await window.room.connect(serverUrl, ticket, connectOptions);
    },
    [url, token, options],
  );
}
