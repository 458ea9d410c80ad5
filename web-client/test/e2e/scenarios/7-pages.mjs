// SPDX-License-Identifier: EUPL-1.2
// The pages behind the sign-in: signing in, scheduling, changing and cancelling, every page of the administration, signing out.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { choose, go, makeUser, openInGerman, PASSWORD, signIn } from '../support/pages.mjs';

const OLGA = { email: 'olga@example.org', name: 'Olga Orga', role: 'organizer' };
const TIM = { email: 'tim@example.org', name: 'Tim Teil', role: 'participant' };
const PETRA = { email: 'petra@example.org', name: 'Petra Leitung', role: 'tenant_admin' };
const ADA = { email: 'ada@example.org', name: 'Ada Admin', role: 'system_admin' };

/** The next Monday but one, so that nothing is over. */
function monday() {
  const day = new Date(Date.now() + 7 * 86_400_000);
  day.setUTCDate(day.getUTCDate() + ((8 - day.getUTCDay()) % 7));
  return day.toISOString().slice(0, 10);
}

/** What a page complained about, without what the test provoked. */
function complaints(page, provoked) {
  return page.problems.filter((text) => !provoked.some((part) => text.includes(part)));
}

const path = (page) => page.evaluate(() => location.pathname + location.search);

async function schedule(page, folder) {
  const date = monday();
  await page.click('nav-schedule');
  await page.waitFor('schedule-form');
  // Nothing entered: the field says so, and has the focus.
  await page.click('save');
  await page.waitUntil(() => document.activeElement?.getAttribute('data-testid') === 'meeting-title');
  assert.equal(await page.attribute('meeting-title', 'aria-invalid'), 'true');

  await page.fill('meeting-title', 'Wochenrunde');
  await choose(page, 'meeting-date', date);
  await choose(page, 'meeting-time', '10:00');
  await choose(page, 'duration', '45');
  await choose(page, 'repeat', 'WEEKLY');
  await choose(page, 'end', 'count');
  await choose(page, 'count', '6');
  await page.waitUntil(() => document.querySelector('[data-testid="rule-words"]')?.textContent === 'Jede Woche am Montag um 10:00, insgesamt 6 Termine.');
  assert.equal(await page.evaluate(() => document.querySelectorAll('[data-testid="next-dates"] li').length), 5);
  await choose(page, 'add-people', `Tim Teil <${TIM.email}>; b.beispiel@example.com, kein Name`);
  await page.click('add-people-button');
  await page.waitUntil(() => document.querySelectorAll('[data-testid="invitee"]').length === 2);
  await choose(page, 'invitee-role', 'presenter');
  await choose(page, 'delivery', 'none');
  await page.screenshot(join(folder, 'schedule.png'));
  await page.click('save');
  await page.waitFor('meeting-page');
  assert.equal(await page.count('person-invited'), 2);
  return date;
}

/** Changes the title, and cancels the second time of the series. */
async function change(page, folder) {
  await page.click('edit');
  await page.waitFor('schedule-form');
  await page.fill('meeting-title', 'Wochenrunde Technik');
  await page.click('save');
  await page.waitFor('meeting-page');
  await page.waitUntil(() => document.querySelector('h1')?.textContent === 'Wochenrunde Technik');
  await page.waitUntil(() => document.querySelectorAll('[data-testid="occurrence"]').length === 6);
  await page.evaluate(() => document.querySelectorAll('[data-testid="cancel-occurrence"]')[1].click());
  await page.waitFor('confirm');
  await page.click('confirm-yes');
  await page.waitUntil(() => document.querySelectorAll('[data-testid="occurrence"][data-status="cancelled"]').length === 1);
  await page.screenshot(join(folder, 'meeting.png'));
}

/** Two change the same meeting: the second sees what the first did, and loses nothing of their own. */
async function changeAtOnce(page, meeting) {
  await go(page, `/meetings/${meeting}/edit`);
  await page.waitFor('schedule-form');
  await page.fill('meeting-title', 'Mein Titel');
  const status = await page.evaluate(async (id) => {
    const { csrf_token: csrf } = await (await fetch('/api/v1/session')).json();
    const headers = { 'x-csrf-token': csrf, 'if-match': '*', 'content-type': 'application/merge-patch+json' };
    const answer = await fetch(`/api/v1/meetings/${id}`, { method: 'PATCH', headers, body: JSON.stringify({ description: 'Von anderen.' }) });
    return answer.status;
  }, meeting);
  assert.equal(status, 200);
  await page.click('save');
  await page.waitFor('stale');
  assert.match(await page.text('stale-description'), /Von anderen/);
  await page.click('keep-mine');
  await page.waitFor('meeting-page');
  const { title, description } = await page.evaluate(async (id) => (await fetch(`/api/v1/meetings/${id}`)).json(), meeting);
  assert.deepEqual([title, description], ['Mein Titel', 'Von anderen.']);
}

/** The cookie is gone while somebody types: they sign in over the page, and what they typed is sent. */
async function signInAgain(page, meeting) {
  await go(page, `/meetings/${meeting}/edit`);
  await page.waitFor('schedule-form');
  await page.fill('meeting-title', 'Nach der Pause');
  // Otherwise this request would be the first to find the cookie gone, and the question would lie over the button.
  await page.waitUntil(() => document.querySelector('[data-testid="availability"]')?.textContent !== '');
  await page.evaluate(() => fetch('/auth/logout', { method: 'POST', headers: { accept: 'application/json' } }).then(({ status }) => status));
  await page.click('save');
  await page.waitFor('sign-in-again');
  await page.fill('sign-in-password', PASSWORD);
  await page.click('sign-in-submit');
  await page.waitFor('meeting-page');
  await page.waitUntil(() => document.querySelector('h1')?.textContent === 'Nach der Pause');
}

async function schedulingBy(kind, { server, saal, newPage, folder }) {
  for (const person of [OLGA, TIM]) await makeUser(saal, server, person);
  const page = await newPage(kind);
  // Whoever follows a link without being signed in comes back to it.
  await openInGerman(page, `${server.origin}/meetings?from=mail`);
  await signIn(page, OLGA.email, 'not the password');
  await page.waitUntil(() => document.querySelector('[data-testid="sign-in-password"]')?.getAttribute('aria-invalid') === 'true');
  await signIn(page, OLGA.email);
  await page.waitFor('day-empty');
  assert.equal(await path(page), '/meetings?from=mail');

  await schedule(page, folder);
  const meeting = (await path(page)).split('/')[2];
  await change(page, folder);
  await page.click('nav-meetings');
  await page.waitUntil(() => document.querySelectorAll('[data-testid="entry"]').length === 5);
  await page.fill('day-search', 'technik');
  await page.waitUntil(() => document.querySelectorAll('[data-testid="entry"]').length === 5);
  await page.screenshot(join(folder, 'day.png'));
  await changeAtOnce(page, meeting);
  await signInAgain(page, meeting);

  // The other one answers.
  const guest = await newPage(kind, { apart: true });
  await openInGerman(guest, `${server.origin}/meetings`);
  await signIn(guest, TIM.email);
  await guest.waitFor('answer-accepted');
  await guest.click('answer-accepted');
  await guest.waitUntil(() => document.querySelector('[data-testid="answer-accepted"]')?.getAttribute('aria-pressed') === 'true');
  await guest.screenshot(join(folder, 'invited.png'));
  assert.deepEqual(complaints(guest, ['401']), []);

  // The whole series, and the way out.
  await go(page, `/meetings/${meeting}`);
  await page.click('cancel-meeting');
  await page.click('confirm-yes');
  await page.waitUntil(() => document.querySelector('[data-testid="meeting-status"]')?.getAttribute('data-status') === 'cancelled');
  await page.click('sign-out');
  await page.waitFor('signed-out');
  await openInGerman(page, `${server.origin}/meetings`);
  await page.waitFor('password-form');
  // Each is what the browser itself writes about an answer that this scenario wanted.
  assert.deepEqual(complaints(page, ['401', '412']), []);
}

/** Things for lists to show, by one's own cookie. Returns ids by the placeholders of paths. */
async function fill(page) {
  return page.evaluate(async () => {
    const { csrf_token: csrf, user_id: user } = await (await fetch('/api/v1/session')).json();
    const post = async (to, body) => {
      const headers = { 'x-csrf-token': csrf, 'content-type': 'application/json' };
      const answer = await fetch(`/api/v1${to}`, { method: 'POST', headers, body: JSON.stringify(body ?? {}) });
      if (!answer.ok) throw new Error(`${to}: ${answer.status} ${await answer.text()}`);
      return answer.status === 204 ? null : answer.json();
    };
    const starts = new Date(Date.now() + 86_400_000).toISOString().replace(/\.\d+/, '');
    const meeting = await post('/meetings', {
      title: 'Rundgang',
      starts_at: starts,
      duration_minutes: 30,
      recurrence_rule: 'FREQ=DAILY;COUNT=3',
      invitation: { delivery: 'none' },
      invitees: [{ email: 'x@example.com' }],
    });
    const list = async (to) => (await (await fetch(`/api/v1${to}`)).json()).items;
    const [invitee] = await list(`/meetings/${meeting.id}/invitees`);
    const [occurrence] = await list(`/meetings/${meeting.id}/occurrences`);
    const policy = await post('/policies', { name: 'Anhörung', rules: { guests: 'link' } });
    const room = await post('/rooms', { name: 'Saal 1', slug: 'saal-1' });
    const webhook = await post('/webhooks', { url: 'https://portal.example.org/saal', events: ['meeting.created'] });
    await post(`/webhooks/${webhook.id}/test`);
    const token = await post('/api_tokens', { name: 'Kalender', scopes: ['meetings:read'] });
    const client = await post('/oauth_clients', { name: 'Fachverfahren', scopes: ['meetings:read'] });
    const made = await post('/exports', { user_id: user });
    const session = await post(`/meetings/${meeting.id}/sessions`);
    return {
      meeting_id: meeting.id,
      invitee_id: invitee.id,
      recurrence_id: occurrence.recurrence_id,
      policy_id: policy.id,
      room_id: room.id,
      webhook_id: webhook.id,
      api_token_id: token.id,
      oauth_client_id: client.id,
      export_id: made.id,
      session_id: session.id,
      user_id: user,
      tenant_id: webhook.tenant_id,
    };
  });
}

/** What belongs to the installation, by a system administrator's cookie. Returns ids like `fill`. */
async function fillInstallation(page) {
  return page.evaluate(async () => {
    const { csrf_token: csrf } = await (await fetch('/api/v1/session')).json();
    const post = async (to, body) => {
      const headers = { 'x-csrf-token': csrf, 'content-type': 'application/json' };
      const answer = await fetch(`/api/v1${to}`, { method: 'POST', headers, body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${to}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    };
    const trunk = await post('/phone/trunks', { name: 'Vermittlung', networks: ['192.0.2.10'] });
    const number = await post('/phone/numbers', { number: '+49 30 900', name: 'Berlin', trunk_id: trunk.id });
    return { trunk_id: trunk.id, number_id: number.id };
  });
}

/** What is there only while somebody calls by telephone or is called, which nobody does or is here. */
const ofCall = (path) => path.endsWith('/{call_id}');

/** Paths of the document that can be looked at by whoever is signed in, with what they are filled with. */
async function readable(page) {
  return page.evaluate(async () => {
    const [document, session] = await Promise.all([fetch('/api/v1/openapi.json'), fetch('/api/v1/session')].map(async (answer) => (await answer).json()));
    return Object.entries(document.paths)
      .filter(([, { get }]) => get?.security.some((way) => way.browser !== undefined))
      .filter(([, { get }]) => get.security.flatMap((way) => way.api_token ?? []).every((scope) => session.scopes.includes(scope)))
      .map(([template]) => template);
  });
}

/** Opens every resource of the document as a page, in the administration. */
async function walk(page, ids) {
  const templates = await readable(page);
  assert.ok(templates.length > 10, `only ${templates.length} resources`);
  const unknown = [];
  for (const template of templates.filter((path) => !ofCall(path))) {
    const missing = [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).filter((name) => ids[name] === undefined);
    if (missing.length > 0) {
      unknown.push(`${template}: no ${missing.join(', ')}`);
      continue;
    }
    const to = template.replaceAll(/\{(\w+)\}/g, (_, name) => ids[name]);
    await go(page, `/admin${to}`);
    await page.waitUntil((wanted) => location.pathname === wanted && document.querySelector('[data-testid="admin-main"] h1') !== null, `/admin${to}`);
    await page.waitFor('loading', { gone: true });
    const state = await page.evaluate(() => ({
      kind: document.querySelector('[data-testid="admin-main"]').dataset.kind,
      isLost: document.querySelector('[data-testid="lost"]') !== null,
      trouble: document.querySelector('[data-testid="trouble"]')?.textContent ?? null,
    }));
    assert.deepEqual([state.isLost, state.trouble], [false, null], `${template}: ${JSON.stringify(state)}`);
  }
  assert.deepEqual(unknown, [], 'resources that this test cannot open');
  return templates.length;
}

/** Makes, changes and removes something by its form, and sees a secret once. */
async function makeByForm(page, folder) {
  await go(page, '/admin/api_tokens?new=1');
  await page.waitFor('editor');
  await page.click('save');
  await page.waitUntil(() => document.activeElement?.getAttribute('data-testid') === 'field-name');
  await page.fill('field-name', 'Portal');
  await page.click('choice-meetings:read');
  await page.screenshot(join(folder, 'form.png'));
  await page.click('save');
  await page.waitFor('secrets');
  assert.match(await page.text('secret-token'), /^saal_/);
  await page.click('secrets-done');
  await page.waitFor('item-page');

  await go(page, '/admin/policies?new=1');
  await page.waitFor('editor');
  await page.fill('field-name', 'Streng');
  await choose(page, 'field-rules-lobby', 'everyone');
  // What only the server knows to be wrong is shown at its field.
  await choose(page, 'field-rules-max_participants', '999999999');
  await page.click('save');
  await page.waitUntil(() => document.activeElement?.getAttribute('data-testid') === 'field-rules-max_participants');
  await choose(page, 'field-rules-max_participants', '25');
  await page.click('save');
  await page.waitFor('item-page');
  await page.click('edit');
  await page.waitFor('editor');
  assert.equal(await page.evaluate(() => document.querySelector('[data-testid="field-rules-lobby"]').value), 'everyone');
  await page.fill('field-name', 'Sehr streng');
  await page.click('save');
  await page.waitUntil(() => document.querySelector('[data-testid="item-page"] h1')?.textContent === 'Sehr streng');
  await page.click('remove');
  await page.click('confirm-yes');
  await page.waitFor('list-page');
}

/** What is done with a running meeting. */
async function act(page, ids, folder) {
  await go(page, `/admin/meeting_sessions/${ids.session_id}`);
  for (const action of ['lock', 'unlock', 'end']) {
    await page.click(`action-${action}`);
    await page.waitFor('action-dialog');
    if (action === 'lock') await page.screenshot(join(folder, 'action.png'));
    await page.click('action-do');
    await page.waitFor('action-dialog', { gone: true });
  }
  await page.waitUntil(async (id) => (await (await fetch(`/api/v1/meeting_sessions/${id}`)).json()).status === 'ended', ids.session_id);
  await go(page, '/admin/audit_events/verify');
  await page.waitUntil(() => document.querySelector('[data-testid="view-page"]')?.textContent.includes('Die Kette ist unversehrt'));
}

async function administrationBy(kind, { server, saal, newPage, folder }) {
  for (const person of [PETRA, ADA]) await makeUser(saal, server, person);
  // Who looks after the installation makes what all share.
  const system = await newPage(kind, { apart: true });
  await openInGerman(system, `${server.origin}/admin`);
  await signIn(system, ADA.email);
  await system.waitFor('admin-overview');
  const shared = await fillInstallation(system);

  const page = await newPage(kind);
  await openInGerman(page, `${server.origin}/admin`);
  await signIn(page, PETRA.email);
  await page.waitFor('admin-overview');
  await page.screenshot(join(folder, 'overview.png'));
  const ids = { ...shared, ...(await fill(page)) };
  const seen = await walk(page, ids);
  await makeByForm(page, folder);
  await act(page, ids, folder);

  // The installation's administrator sees what is left, and says which tenant it is about.
  const tenant = await system.evaluate(async () => (await (await fetch('/api/v1/tenants')).json()).items[0].id);
  await choose(system, 'admin-tenant', tenant);
  const more = await walk(system, { ...ids, tenant_id: tenant });
  console.log(`${seen} and ${more} resources …`);
  await system.click('sign-out');
  await system.waitFor('signed-out');
  assert.deepEqual(complaints(page, ['401', '422']), []);
  assert.deepEqual(complaints(system, ['401']), []);
}

export default ['chromium', 'firefox'].flatMap((kind) => [
  { name: `pages: somebody signs in, schedules, changes and cancels, in ${kind}`, calm: true, run: (context) => schedulingBy(kind, context) },
  { name: `pages: an administrator opens every resource, in ${kind}`, calm: true, run: (context) => administrationBy(kind, context) },
]);
