// SPDX-License-Identifier: EUPL-1.2
// The REST API, as software of an authority's or of the operator's uses it.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Makes a token by the command line.
 * @param {import('./server.mjs').Server} server
 * @param {string} saal  The binary.
 * @param {{ scopes: string, isForInstallation?: boolean }} wanted  Else it is the only tenant's.
 * @returns {Promise<string>}
 */
export async function makeToken(server, saal, { scopes, isForInstallation = false }) {
  const command = ['api-token', 'create', '--data-dir', server.data, '--name', 'e2e', '--scopes', scopes];
  if (isForInstallation) command.push('--installation');
  return (await promisify(execFile)(saal, command)).stdout.trim();
}

/**
 * A function that asks as whoever has that token. What is refused rejects.
 * @param {import('./server.mjs').Server} server
 * @param {string} token
 * @returns {(method: string, path: string, body?: object) => Promise<any>}
 */
export function asking(server, token) {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}` };
    if (method === 'PATCH') Object.assign(headers, { 'content-type': 'application/merge-patch+json', 'if-match': '*' });
    else headers['content-type'] = 'application/json';
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${server.origin}/api/v1${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  };
}
