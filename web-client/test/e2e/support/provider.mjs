// SPDX-License-Identifier: EUPL-1.2
// The identity provider of the server's own tests, for a scenario in which somebody signs in with it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const FOLDER = join(dirname(fileURLToPath(import.meta.url)), '../../../../signaling/tests/oidc-provider');

/** What Saal is there. */
const CLIENT = { id: 'saal', secret: 'a secret+with % characters of thirty-two bytes' };

/**
 * Starts one that knows the Saal at that port, where there need not be one yet.
 * @param {number} port
 */
export async function startProvider(port) {
  if (!existsSync(join(FOLDER, 'node_modules/oidc-provider'))) throw new Error(`run \`npm ci\` in ${FOLDER}`);
  const argument = JSON.stringify({ saal: `http://127.0.0.1:${port}` });
  // Its stdin ends with this program, and it with its stdin.
  const child = spawn('node', [join(FOLDER, 'server.mjs'), argument], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise((resolve) => {
    child.on('exit', resolve);
  });
  const issuer = await Promise.race([
    firstAddress(child.stdout),
    ended.then((status) => Promise.reject(new Error(`the provider ended with status ${status}`))),
  ]);
  return {
    /** With which Saal finds it. */
    settings: { SAAL_OIDC__ISSUER: issuer, SAAL_OIDC__CLIENT_ID: CLIENT.id, SAAL_OIDC__CLIENT_SECRET: CLIENT.secret },
    issuer,
    /** Somebody who can sign in there. */
    account: async (account) => {
      const answer = await fetch(`${issuer}/control/account`, { method: 'POST', body: JSON.stringify(account) });
      if (!answer.ok) throw new Error(`the provider answered with status ${answer.status}`);
    },
    stop: async () => {
      child.stdin.end();
      await ended;
    },
  };
}

async function firstAddress(output) {
  for await (const line of createInterface({ input: output })) if (line.startsWith('http://')) return line;
  throw new Error('the provider ended before it was ready');
}
