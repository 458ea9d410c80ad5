// SPDX-License-Identifier: EUPL-1.2
// A meeting by link: the lobby, what a host does, and what somebody finds who comes late.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import { waitForPeople } from '../support/meeting.mjs';
import { scheduleMeeting, signIn } from '../support/schedule.mjs';

async function enter(page, url, name) {
  await page.open(url);
  await page.waitFor('preview-video');
  if (name !== undefined) await page.fill('name', name);
  await page.click('join');
}

async function lobbyAndModeration({ server, saal, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const [host, guest, late] = [await newPage('chromium'), await newPage('chromium'), await newPage('chromium')];

  // The guest comes first, and waits for the host and then for admission.
  await enter(guest, server.origin + meeting.guest, 'Gus Guest');
  await guest.waitFor('lobby');
  assert.equal(await guest.attribute('lobby-waits-for', 'data-waits-for'), 'host');
  await enter(host, server.origin + meeting.host);
  await host.waitFor('room');
  await guest.waitUntil(() => document.querySelector('[data-waits-for="admission"]') !== null);
  await guest.screenshot(joinPath(folder, 'lobby.png'));

  await host.waitFor('banner-lobby');
  await host.click('toggle-people');
  await host.waitFor('waiting-person');
  await host.screenshot(joinPath(folder, 'host.png'));
  await host.click('admit');
  await guest.waitFor('room');
  await waitForPeople(host, 2);

  // Chat and hands, for whoever comes later.
  await guest.click('toggle-chat');
  await guest.fill('chat-input', 'Good morning');
  await guest.click('chat-send');
  await guest.click('toggle-hand');
  await guest.waitUntil(() => document.querySelector('[data-testid="toggle-hand"][aria-pressed="true"]') !== null);
  await host.click('toggle-hand');
  await host.waitUntil(() => document.querySelector('[data-testid="toggle-hand"][aria-pressed="true"]') !== null);

  await enter(late, server.origin + meeting.late);
  await late.waitFor('room');
  await late.click('toggle-chat');
  await late.waitUntil(() => document.querySelector('[data-testid="message"]')?.textContent.includes('Good morning'));
  await late.click('toggle-people');
  await late.waitUntil(() => document.querySelectorAll('[data-testid="person"][data-hand="up"]').length === 2);
  const order = await late.evaluate(() =>
    Array.from(document.querySelectorAll('[data-testid="person"] .person-name'), (name) => name.textContent),
  );
  assert.ok(order[0].includes('Gus Guest') && order[1].includes('Hanna Host'), order.join(', '));
  await late.screenshot(joinPath(folder, 'late.png'));

  // Muted at the server, and the guest's own button shows it.
  await host.click('mute-all');
  await guest.waitUntil(() => document.querySelector('[data-testid="toggle-mic"][aria-pressed="false"]') !== null);

  // Removed and banned: neither a reload, nor another name, nor the old token leads back.
  const old = await guest.evaluate(() => window.saalTest.room.engine.token);
  const row = await host.evaluate(() => {
    const people = Array.from(document.querySelectorAll('[data-testid="person"]'));
    people.find((person) => person.textContent.includes('Gus Guest')).querySelector('[data-testid="remove-person"]').click();
    return people.length;
  });
  assert.equal(row, 3);
  await host.waitFor('remove-ban');
  await host.click('remove-ban');
  await guest.waitFor('ended');
  await waitForPeople(host, 2);
  await guest.reload();
  await guest.waitFor('preview-video');
  await guest.fill('name', 'Somebody Else');
  await guest.click('join');
  await guest.waitFor('refused');
  assert.equal(await guest.attribute('refusal', 'data-reason'), 'banned');
  const validated = await fetch(`${server.origin}/rtc/v1/validate?access_token=${old}`);
  assert.equal(validated.status, 401);
}

/** The same from the side of somebody with an account, in two kinds of browsers; and the end of it. */
async function organizerKeepsOrder({ server, saal, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const [organizer, guest, invited] = [await newPage('firefox'), await newPage('chromium'), await newPage('chromium')];
  await organizer.open(server.origin);
  await signIn(organizer);
  await enter(guest, server.origin + meeting.guest, 'Gus Guest');
  await guest.waitFor('lobby');

  // Whoever is signed in needs no personal link to be the host.
  await enter(organizer, server.origin + meeting.guest);
  await organizer.waitFor('room');
  await organizer.waitFor('banner-lobby');
  await organizer.screenshot(joinPath(folder, 'organizer-waiting.png'));
  await organizer.click('admit-all');
  await guest.waitFor('room');
  await waitForPeople(organizer, 2);
  await enter(invited, server.origin + meeting.late);
  await invited.waitFor('room');
  await waitForPeople(organizer, 3);

  // One is muted, the others are not.
  await organizer.click('toggle-people');
  const press = (name, button) =>
    organizer.evaluate(
      ([who, what]) => {
        const people = Array.from(document.querySelectorAll('[data-testid="person"]'));
        people.find((person) => person.textContent.includes(who)).querySelector(`[data-testid="${what}"]`).click();
      },
      [name, button],
    );
  await organizer.waitUntil(() => document.querySelectorAll('[data-testid="mute-person"]').length === 2);
  await press('Gus Guest', 'mute-person');
  await guest.waitUntil(() => document.querySelector('[data-testid="toggle-mic"][aria-pressed="false"]') !== null);
  assert.equal(await invited.attribute('toggle-mic', 'aria-pressed'), 'true');

  // Removed without a ban: the guest asks again, and waits again.
  await press('Gus Guest', 'remove-person');
  await organizer.waitFor('remove-only');
  await organizer.screenshot(joinPath(folder, 'organizer-removing.png'));
  await organizer.click('remove-only');
  await guest.waitFor('ended');
  await enter(guest, server.origin + meeting.guest, 'Gus Guest');
  await guest.waitFor('lobby');
  await organizer.waitFor('waiting-person');
  await organizer.click('deny');
  await guest.waitFor('refused');
  assert.equal(await guest.attribute('refusal', 'data-reason'), 'not-admitted');
  await guest.screenshot(joinPath(folder, 'refused.png'));

  // The end for all, which asks once more.
  await organizer.click('end-meeting');
  await organizer.waitFor('end-now');
  await organizer.screenshot(joinPath(folder, 'organizer-ending.png'));
  await organizer.click('end-now');
  await Promise.all([organizer.waitFor('ended'), invited.waitFor('ended')]);
  await invited.screenshot(joinPath(folder, 'ended.png'));
  const { items } = await meeting.ask('GET', '/audit_events?limit=200');
  const done = new Set(items.map(({ action }) => action));
  for (const action of ['admit', 'deny']) assert.ok(done.has(`lobby_entry.${action}`), action);
  for (const action of ['start', 'join', 'mute', 'remove', 'end']) assert.ok(done.has(`meeting_session.${action}`), action);
}

export default [
  { name: 'a guest waits, is admitted, muted, removed and banned; who is late sees chat and hands', calm: true, run: lobbyAndModeration },
  { name: 'an organizer signs in by password, keeps order in a meeting and ends it for all', calm: true, run: organizerKeepsOrder },
];
