// SPDX-License-Identifier: EUPL-1.2
// Schedules a meeting over the REST API, as an authority's own software would.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { asking, makeToken } from './rest-api.mjs';

/** The organizer's account. */
export const ORGANIZER = { email: 'orga@example.org', password: 'richtig pferd batterie heftklammer' };

async function makeOrganizer(server, saal) {
  const flags = ['--data-dir', server.data, '--role', 'organizer', '--name', 'Olga Organisation'];
  const child = spawn(saal, ['user', 'create', ORGANIZER.email, ...flags], { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.end(`${ORGANIZER.password}\n`);
  const [status] = await once(child, 'exit');
  if (status !== 0) throw new Error(`saal user create ended with status ${status}`);
}

/**
 * Signs somebody in by password, in the page's browser.
 * @param {{ evaluate: Function }} page
 */
export async function signIn(page) {
  const status = await page.evaluate(async (credentials) => {
    const body = JSON.stringify(credentials);
    const response = await fetch('/api/v1/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    return response.status;
  }, ORGANIZER);
  if (status !== 201) throw new Error(`signing in was answered with status ${status}`);
}

/**
 * Schedules a meeting that takes guests by its link, with an organizer who has an account, one co-host and one more person.
 * @param {import('./server.mjs').Server} server
 * @param {string} saal  The binary.
 * @returns {Promise<{ guest: string, host: string, late: string, keys: string, token: string, ask: Function }>}  Paths of the links, and
 *   how to ask the API.
 */
export async function scheduleMeeting(server, saal) {
  const scopes = 'meetings:*,invitees:*,sessions:*,audit:read';
  const token = await makeToken(server, saal, { scopes });
  const ask = asking(server, token);
  await makeOrganizer(server, saal);
  const meeting = await ask('POST', '/meetings', {
    title: 'Haushaltsausschuss',
    type: 'ad_hoc',
    organizer: { email: ORGANIZER.email },
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
    keys: `${meeting.dial_in.conference_id}#,,${meeting.dial_in.pin}#`,
    guest: path(meeting.join_url),
    host: linkOf('hanna@example.org'),
    late: linkOf('lea@example.org'),
    token,
    ask,
  };
}
