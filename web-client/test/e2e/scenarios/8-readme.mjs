// SPDX-License-Identifier: EUPL-1.2
// What the README promises a newcomer, done by its own commands: from an empty folder to the audit log.
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname, join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitForPeople } from '../support/meeting.mjs';
import { commandsOf, setUp } from '../support/readme.mjs';
import { waitUntil } from '../support/wait.mjs';

const READ_MAILS = joinPath(dirname(fileURLToPath(import.meta.url)), '../support/read_mails.py');

/** A mail waits a minute for further changes. */
const MAIL_MS = 100_000;

/** What the audit log must tell afterwards. */
const STEPS = [
  'user.create',
  'api_token.create',
  'meeting.create',
  'invitee.mail_sent',
  'meeting_session.start',
  'meeting_session.join',
  'lobby_entry.admit',
  'meeting_session.mute',
  'meeting_session.remove',
  'meeting.join',
  'meeting_session.end',
];

async function firstMeeting({ saal, folder, newPage }) {
  const [start, schedule, audit] = await commandsOf('A first meeting');
  const place = await setUp({ saal, log: joinPath(folder, 'readme-server.log'), start });
  try {
    const [token, answer] = (await place.run(`${schedule}\necho\necho "$TOKEN"`)).trim().split('\n').toReversed();
    const meeting = JSON.parse(answer);
    const [first] = await mailsOf(place);
    const link = first.text.match(/https?:\/\/\S+\/m\/\S+/)[0];
    await meet({ place, folder, newPage, meeting, link });
    const [log, verdict] = await auditOf(place, token, audit);
    for (const step of STEPS) assert.ok(log.includes(`"${step}"`), `the audit log lacks ${step}`);
    assert.match(verdict, /intact|unbroken/i);
  } finally {
    await place.stop();
  }
}

/** Both invitations, by address, as an independent reader understands them. */
async function mailsOf(place) {
  await place.run('target/mailbox/bin/pip install --quiet icalendar');
  const arrived = async () => (await readdir(joinPath(place.folder, 'target/mails/new')).catch(() => [])).length === 2;
  await waitUntil(arrived, { timeoutMs: MAIL_MS, describe: () => 'the mails did not arrive' });
  const mails = JSON.parse(await place.run(`target/mailbox/bin/python '${READ_MAILS}' target/mails`));
  mails.sort((one, other) => one.to.localeCompare(other.to));
  for (const mail of mails) {
    assert.deepEqual(mail.problems, []);
    assert.equal(mail.method, 'REQUEST');
    assert.equal(mail.summary, 'Weekly');
    assert.match(mail.rule, /FREQ=WEEKLY/);
    assert.deepEqual(mail.zones, ['Europe/Berlin']);
  }
  const [ben, carla] = mails;
  assert.match(ben.to, /ben@example\.org/);
  assert.match(carla.to, /carla@example\.org/);
  return [ben, carla];
}

/** Ada signs in and joins; Ben waits, comes in, is muted, and thrown out for good; she ends it. */
async function meet({ place, folder, newPage, meeting, link }) {
  const { origin } = place.server;
  const [ada, ben] = [await newPage('firefox'), await newPage('chromium')];
  await ada.open(origin);
  await ada.click('account-link');
  await ada.fill('sign-in-email', 'ada@example.org');
  await ada.fill('sign-in-password', 'seven owls in the attic');
  await ada.click('sign-in-submit');
  await ada.waitFor('day-list');
  await ada.screenshot(joinPath(folder, 'day.png'));
  await ada.click('entry-join');
  await ada.waitFor('preview-video');
  await ada.click('join');
  await ada.waitFor('room');

  const { pathname, hash } = new URL(link);
  assert.equal(pathname, new URL(meeting.join_url).pathname);
  await enter(ben, origin + pathname + hash);
  await ben.waitFor('lobby');
  await ada.waitFor('banner-lobby');
  await ada.click('toggle-people');
  await ada.click('admit');
  await ben.waitFor('room');
  await waitForPeople(ada, 2);
  // Whoever comes in is muted.
  await waitForMicrophone(ben, 'false');
  await ben.click('toggle-mic');
  await waitForMicrophone(ben, 'true');
  await ada.click('mute-person');
  await waitForMicrophone(ben, 'false');
  await ada.click('remove-person');
  await ada.click('remove-ban');
  await ben.waitFor('ended');
  const again = await newPage('chromium');
  await enter(again, origin + pathname + hash);
  await again.waitFor('refused');
  assert.equal(await again.attribute('refusal', 'data-reason'), 'banned');
  await ada.click('end-meeting');
  await ada.click('end-now');
  await ada.waitFor('ended');
}

const waitForMicrophone = (page, isOn) =>
  page.waitUntil((wanted) => document.querySelector(`[data-testid="toggle-mic"][aria-pressed="${wanted}"]`) !== null, isOn);

async function enter(page, url) {
  await page.open(url);
  await page.waitFor('preview-video');
  await page.click('join');
}

async function auditOf(place, token, block) {
  const [show, verify] = block.trim().split('\n');
  const log = await place.run(`TOKEN='${token}'\n${show.replace('limit=20', 'limit=200')}`);
  return [log, await place.run(verify)];
}

export default [{ name: 'a newcomer follows the README through a first meeting', calm: true, run: firstMeeting }];
