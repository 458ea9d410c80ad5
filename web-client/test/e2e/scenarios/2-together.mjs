// SPDX-License-Identifier: EUPL-1.2
// What people do together: come late, mute, chat, share, leave.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { identityOf, join, reception, waitForPeople, waitForPicture } from '../support/meeting.mjs';

/** The longest that somebody who comes late may wait for everybody's picture, from the click on "join". */
const LATE_PICTURE_MS = 2_000;

/** Latecomers, of whom the middle one counts: a single one may meet a machine that is busy with something else. */
const LATECOMERS = 3;

/** More of them, when these were too slow: then the middle one of all counts. */
const MORE_LATECOMERS = 4;

const middleOf = (waits) => waits.toSorted((a, b) => a - b)[Math.floor(waits.length / 2)];

async function lateJoiner({ server, newPage, folder }, kind) {
  const [anna, bert] = [await newPage('chromium'), await newPage('chromium')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  const early = await Promise.all([identityOf(anna), identityOf(bert)]);
  await waitForPicture(anna, early[1]);
  await waitForPicture(bert, early[0]);
  const waits = [];
  const isTooSlow = () => middleOf(waits) > LATE_PICTURE_MS;
  let planned = LATECOMERS;
  for (let number = 1; number <= planned; number += 1) {
    const late = await newPage(kind, { apart: true });
    await late.open(`${server.origin}/m/demo`);
    await late.waitFor('preview-video');
    await late.fill('name', 'Carla');
    const began = performance.now();
    await late.click('join');
    await Promise.all(early.map((identity) => waitForPicture(late, identity)));
    waits.push(Math.round(performance.now() - began));
    await waitForPicture(anna, await identityOf(late));
    await late.screenshot(joinPath(folder, `late-${number}.png`));
    await late.close();
    if (number === LATECOMERS && isTooSlow()) {
      planned += MORE_LATECOMERS;
    }
  }
  await writeFile(joinPath(folder, 'waits.txt'), `${waits.join(' ms\n')} ms\n`);
  assert.ok(!isTooSlow(), `the pictures came after ${waits.join(', ')} ms`);
}

async function muteIsSeen({ server, newPage, folder }) {
  const [anna, bert] = [await newPage('chromium'), await newPage('firefox')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  const identity = await identityOf(anna);
  await waitForPicture(bert, identity);
  const annaAtBert = (microphone) =>
    bert.waitUntil(
      ([who, state]) =>
        document.querySelector(`[data-testid="tile"][data-participant="${who}"]`)?.dataset.microphone === state,
      [identity, microphone],
    );
  await annaAtBert('on');
  await anna.click('toggle-mic');
  await annaAtBert('muted');
  await bert.screenshot(joinPath(folder, 'muted.png'));
  await anna.click('toggle-mic');
  await annaAtBert('on');
  await anna.click('toggle-cam');
  await bert.waitUntil(
    (who) => document.querySelector(`[data-testid="tile"][data-participant="${who}"]`)?.dataset.camera === 'off',
    identity,
  );
  await anna.click('toggle-cam');
  await waitForPicture(bert, identity);
}

async function chat({ server, newPage, folder }) {
  const [anna, bert] = [await newPage('chromium'), await newPage('firefox')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  await waitForPeople(anna, 2);
  await waitForPeople(bert, 2);
  const say = async (page, text) => {
    await page.fill('chat-input', text);
    await page.press('Enter');
  };
  const reads = (page, text) =>
    page.waitUntil((wanted) => document.querySelector('[data-testid="message-list"]')?.textContent.includes(wanted), text);
  await anna.click('toggle-chat');
  await say(anna, 'Guten Morgen, Bert!');
  await bert.waitFor('toggle-chat-badge');
  await bert.click('toggle-chat');
  await reads(bert, 'Guten Morgen, Bert!');
  await say(bert, 'Grüße zurück – schön, dass es geht.');
  await reads(anna, 'Grüße zurück – schön, dass es geht.');
  await anna.screenshot(joinPath(folder, 'chat.png'));
}

async function screenShare({ server, newPage, folder }) {
  const [anna, bert] = [await newPage('chromium'), await newPage('chromium')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  await waitForPeople(bert, 2);
  await anna.click('toggle-share');
  await bert.waitFor('screen-share-video');
  await bert.waitUntil(() => {
    const video = document.querySelector('[data-testid="screen-share-video"]');
    return video.videoWidth > 0 && video.currentTime > 0;
  });
  await bert.screenshot(joinPath(folder, 'shared.png'));
  await anna.click('toggle-share');
  await bert.waitFor('screen-share', { gone: true });
}

async function peopleAndLeave({ server, newPage, folder }) {
  const [anna, bert] = [await newPage('chromium'), await newPage('firefox')];
  await join(anna, { origin: server.origin, name: 'Anna' });
  await join(bert, { origin: server.origin, name: 'Bert' });
  await anna.click('toggle-people');
  await anna.waitUntil(() => document.querySelectorAll('[data-testid="person"]').length === 2);
  const names = await anna.evaluate(() => document.querySelector('[data-testid="people-panel"]').textContent);
  assert.ok(names.includes('Anna') && names.includes('Bert'), names);
  await anna.screenshot(joinPath(folder, 'people.png'));
  await bert.click('leave');
  await bert.waitFor('ended');
  await anna.waitUntil(() => document.querySelectorAll('[data-testid="person"]').length === 1);
  const before = await reception(anna);
  assert.equal(before.dtlsState, 'connected');
}

export default [
  { name: 'who comes late in Chromium sees everybody within 2 s', run: (c) => lateJoiner(c, 'chromium') },
  { name: 'who comes late in Firefox sees everybody within 2 s', run: (c) => lateJoiner(c, 'firefox') },
  { name: 'mute is seen by the other', run: muteIsSeen },
  { name: 'chat goes both ways', calm: true, run: chat },
  { name: 'a shared screen is seen', run: screenShare },
  { name: 'the list of people follows who comes and goes', calm: true, run: peopleAndLeave },
];
