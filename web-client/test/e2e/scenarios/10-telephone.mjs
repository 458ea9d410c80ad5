// SPDX-License-Identifier: EUPL-1.2
// Somebody calls a meeting by telephone: both sides hear each other, and a host keeps order among all alike.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import {
  assertNoPackets,
  assertWordsAndSweepAreHeard,
  otherPerson,
  waitForMuted,
  waitForPackets,
} from '../support/hearing.mjs';
import { waitForPeople } from '../support/meeting.mjs';
import { scheduleMeeting } from '../support/schedule.mjs';
import { energyOf, makeWordsAndSweep } from '../support/sound.mjs';
import { prepareForCalls, startTelephone } from '../support/telephone.mjs';
import { waitUntil } from '../support/wait.mjs';

const NUMBER = '+4961112345678';

async function callerIsAParticipant({ server, saal, prepared, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const host = await newPage('chromium');
  await host.open(server.origin + meeting.host);
  await host.waitFor('preview-video');
  await host.click('join');
  await host.waitFor('room');

  const sound = await makeWordsAndSweep(folder);
  const telephone = await startTelephone({ folder, sound, codec: 'G722/16000/1', number: NUMBER });
  try {
    await telephone.dial(`sip:+4961199999@${prepared.sip}`);
    await telephone.press(meeting.keys);
    await host.waitFor('banner-lobby');
    await host.click('toggle-people');
    await host.waitFor('waiting-person');
    assert.equal(await host.attribute('waiting-person', 'data-phone'), 'true');
    await host.screenshot(joinPath(folder, 'waiting.png'));
    await host.click('admit');
    await waitForPeople(host, 2);
    const identity = await otherPerson(host);
    await host.screenshot(joinPath(folder, 'caller.png'));

    // The page hears the caller's words and tones up to 7 kHz, and the caller hears the page.
    await assertWordsAndSweepAreHeard(host, identity);
    await waitUntil(async () => energyOf((await telephone.heard()).slice(-16_000 * 4)) > 1e-5, {
      describe: () => 'the caller does not hear the page',
    });

    await telephone.press('*6');
    await waitForMuted(host, identity, true);
    await telephone.press('*6');
    await waitForMuted(host, identity, false);

    // Muted by the host: nothing of the caller leaves the server any more, where before it did. The caller's sweep goes on all
    // the time.
    await waitForPackets(host, identity);
    await host.click('mute-person');
    await waitForMuted(host, identity, true);
    await assertNoPackets(host, identity);

    // Hands in their order. The host stands first without one, so the caller is quicker.
    const waitForHands = (count) =>
      host.waitUntil((n) => document.querySelectorAll('[data-testid="person"][data-hand="up"]').length === n, count);
    await telephone.press('*9');
    await waitForHands(1);
    await host.click('toggle-hand');
    await waitForHands(2);
    const order = await host.evaluate(() =>
      Array.from(document.querySelectorAll('[data-testid="person"]'), (person) => person.dataset.participant),
    );
    assert.equal(order.length, 2);
    assert.equal(order[0], identity, 'whoever raised a hand first stands first');
    await host.screenshot(joinPath(folder, 'hands.png'));

    // Removed and banned, and the next call is turned away.
    await host.click('remove-person');
    await host.waitFor('remove-ban');
    await host.click('remove-ban');
    await waitForPeople(host, 1);
    await waitUntil(async () => !telephone.isInCall(), { describe: () => 'a caller who was removed is still in the call' });
    await telephone.dial(`sip:+4961199999@${prepared.sip}`);
    await telephone.press(meeting.keys);
    await waitUntil(async () => !telephone.isInCall(), { describe: () => 'a caller who is banned is still in the call' });
    assert.equal(await host.evaluate(() => document.querySelectorAll('[data-testid="waiting-person"]').length), 0);
  } finally {
    await telephone.stop();
  }
}

export default [
  {
    name: 'a caller waits, is admitted, hears and is heard, is muted, raises a hand and is banned',
    prepare: prepareForCalls,
    run: callerIsAParticipant,
  },
];
