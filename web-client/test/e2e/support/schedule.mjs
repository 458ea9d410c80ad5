// SPDX-License-Identifier: EUPL-1.2
// Schedules a meeting over the REST API, as an authority's own software would.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Schedules a meeting that takes guests by its link, with one co-host and one more person invited.
 * @param {import('./server.mjs').Server} server
 * @param {string} saal  The binary.
 * @returns {Promise<{ guest: string, host: string, late: string, token: string, ask: Function }>}  Paths of the links, and
 *   how to ask the API.
 */
export async function scheduleMeeting(server, saal) {
  const scopes = 'meetings:*,invitees:*,sessions:*,audit:read';
  const command = ['api-token', 'create', '--data-dir', server.data, '--name', 'e2e', '--scopes', scopes];
  const token = (await promisify(execFile)(saal, command)).stdout.trim();
  const ask = async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${server.origin}/api/v1${path}`, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? null : response.json();
  };
  const meeting = await ask('POST', '/meetings', {
    title: 'Haushaltsausschuss',
    type: 'ad_hoc',
    organizer: { email: 'leitung@example.org', name: 'Leitung' },
    policy_overrides: { guests: 'link', mute_upon_entry: false },
    invitation: { delivery: 'none' },
    invitees: [
      { email: 'hanna@example.org', name: 'Hanna Host', role: 'co_host' },
      { email: 'lea@example.org', name: 'Lea Late', lobby_bypass: true },
    ],
  });
  const invitees = (await ask('GET', `/meetings/${meeting.id}/invitees`)).items;
  const path = (url) => new URL(url).pathname + new URL(url).hash;
  const linkOf = (email) => path(invitees.find((invitee) => invitee.email === email).personal_join_url);
  return {
    guest: path(meeting.join_url),
    host: linkOf('hanna@example.org'),
    late: linkOf('lea@example.org'),
    token,
    ask,
  };
}
