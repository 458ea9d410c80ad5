// SPDX-License-Identifier: EUPL-1.2
// A host calls a telephone from the people panel: whoever answers comes in by a key, both sides hear each other, and the host
// keeps order. What may not be called is not, and who does not want the call need not take it. A host's own telephone takes the
// sound from the page, and gives it back.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import { assertNoPackets, assertSweepIsHeard, otherPerson, waitForMuted, waitForPackets } from '../support/hearing.mjs';
import { waitForPeople } from '../support/meeting.mjs';
import { scheduleMeeting } from '../support/schedule.mjs';
import { energyOf, makeSweep } from '../support/sound.mjs';
import { prepareForCalls, startTelephone } from '../support/telephone.mjs';
import { letMeetingsCall } from '../support/trunk.mjs';
import { waitUntil } from '../support/wait.mjs';

const NUMBER = '+4961112345678';

/** The same as somebody types it, and what others may see of it. */
const TYPED = '0611 / 123 456-78';
const HIDDEN = '12345678';
const SHOWN = '…678';

const RATE = 16_000;

/** A voice is far louder than that, and the beeps of a made-up microphone are still louder. */
const SPOKEN_ENERGY = 1e-4;
const BEEPING_ENERGY = 1e-5;

/** Has a number called, as it is typed into the panel. */
async function call(page, number) {
  await page.fill('call-number', number);
  await page.click('call-now');
}

/** Waits until the latest call is that far. */
function waitForCall(page, state) {
  return page.waitUntil((wanted) => document.querySelector('[data-testid="placed-call"]')?.getAttribute('data-state') === wanted, state);
}

/** What stands below the field for the number. */
function numberError(page) {
  return page.evaluate(() => {
    const described = document.querySelector('[data-testid="call-number"]').getAttribute('aria-describedby').split(' ');
    return document.getElementById(described.at(-1)).textContent.trim();
  });
}

/** The energy of the last seconds that have come out of the telephone. */
async function energyHeard(telephone, seconds) {
  return energyOf((await telephone.heard()).slice(-RATE * seconds));
}

/** They are called, and come in once they have heard what for. */
async function isFetched(host, telephone, folder) {
  await call(host, TYPED);
  await waitForCall(host, 'ringing');
  assert.equal(telephone.timesRung(), 1);
  await host.screenshot(joinPath(folder, 'ringing.png'));
  await telephone.answer();
  await waitForCall(host, 'answered');
  await waitUntil(async () => (await energyHeard(telephone, 1)) > SPOKEN_ENERGY, {
    describe: () => 'whoever answers is not told what the call is about',
  });
  assert.equal(await host.count('tile'), 1, 'nobody comes in without the key');
  await telephone.press('1');
  await waitForCall(host, 'in_meeting');
  await waitForPeople(host, 2);
}

/** Everybody sees that it is a telephone, and no more of its number than its end. */
async function isShownAsTelephone(host, identity, folder) {
  const tile = await host.evaluate((who) => {
    const found = document.querySelector(`[data-testid="tile"][data-participant="${who}"]`);
    return { isPhone: found.getAttribute('data-phone'), text: found.querySelector('.tile-plate').textContent };
  }, identity);
  assert.equal(tile.isPhone, 'true');
  assert.ok(tile.text.startsWith(`Telefon ${SHOWN}, am Telefon, nicht Ende-zu-Ende verschlüsselt`), tile.text);
  const page = await host.evaluate(() => document.body.textContent.replaceAll(/[^0-9\p{L}…]/gu, ''));
  assert.ok(!page.includes(HIDDEN), 'the page shows the whole number');
  await host.screenshot(joinPath(folder, 'in-meeting.png'));
}

/** The page hears the telephone up to 7 kHz, and the telephone the page's microphone. */
async function bothHear(host, identity, telephone) {
  await assertSweepIsHeard(host, identity);
  let loud = 0;
  await waitUntil(
    async () => {
      loud = await energyHeard(telephone, 4);
      return loud > BEEPING_ENERGY;
    },
    { describe: () => `the telephone hears the page with an energy of ${loud}` },
  );
  await host.click('toggle-mic');
  let quiet = loud;
  await waitUntil(
    async () => {
      quiet = await energyHeard(telephone, 2);
      return quiet < loud / 10;
    },
    { describe: () => `the telephone hears something else than the page, with an energy of ${quiet} against ${loud}` },
  );
  await host.click('toggle-mic');
}

async function isMutedAndRemoved(host, identity, telephone, folder) {
  await waitForPackets(host, identity);
  await host.click('mute-person');
  await waitForMuted(host, identity, true);
  await assertNoPackets(host, identity);
  await host.click('remove-person');
  await host.click('remove-only');
  await waitForPeople(host, 1);
  await waitForCall(host, 'ended');
  assert.equal(await host.attribute('placed-call', 'data-ending'), 'removed');
  assert.match(await host.text('call-state'), /von der Leitung beendet/);
  await waitUntil(() => !telephone.isInCall(), { describe: () => 'the telephone of somebody who was removed is still in the call' });
  await host.screenshot(joinPath(folder, 'removed.png'));
}

/** A country that is not allowed, and emergency numbers: nothing is dialled, and the field says why. */
async function isNotCalled(host, telephone, folder) {
  const rung = telephone.timesRung();
  for (const number of ['+43 1 234 56 78', '112']) {
    await host.fill('call-number', number);
    assert.equal(await numberError(host), '', 'what was said of another number is gone');
    await host.click('call-now');
    await host.waitUntil(() => document.querySelector('[data-testid="call-number"]').getAttribute('aria-invalid') === 'true');
    assert.match(await numberError(host), /^Diese Nummer wird nicht angerufen: Ihr Land ist nicht freigegeben, oder sie gehört zu einem Dienst\.$/);
  }
  await host.screenshot(joinPath(folder, 'refused.png'));
  assert.equal(await host.count('placed-call'), 1, 'only the call of before is listed');
  assert.equal(telephone.timesRung(), rung);
}

async function isDeclined(host, telephone, folder) {
  await call(host, TYPED);
  await waitForCall(host, 'ringing');
  await telephone.hangUp();
  await waitForCall(host, 'ended');
  assert.equal(await host.attribute('placed-call', 'data-ending'), 'busy');
  assert.match(await host.text('call-state'), /besetzt/);
  assert.equal(await host.count('tile'), 1);
  await host.screenshot(joinPath(folder, 'declined.png'));
}

/**
 * Waits until a page plays so many of the others, all of them aloud or none, and sends what its microphone hears or does not.
 * @param {{ others: number, isAloud: boolean, isMicrophoneOn: boolean }} wanted
 */
function waitForSound(page, wanted) {
  return page.waitUntil(({ others, isAloud, isMicrophoneOn }) => {
    const played = Array.from(document.querySelectorAll('audio'));
    const isAsWanted = played.length === others && played.every((element) => element.muted !== isAloud && !(isAloud && element.paused));
    return isAsWanted && window.saalTest.room.localParticipant.isMicrophoneEnabled === isMicrophoneOn;
  }, wanted);
}

/** Waits until the page says that of where the sound is. */
function waitForNotice(page, kind) {
  return page.waitUntil((wanted) => document.querySelector('[data-testid="banner-telephone"]')?.getAttribute('data-kind') === wanted, kind);
}

/** The host's own telephone is called, and they come in by it. */
async function comesInByTelephone(host, telephone) {
  await host.click('call-now');
  await waitForCall(host, 'ringing');
  await telephone.answer();
  await waitForCall(host, 'answered');
  await waitUntil(
    async () => {
      // In the meeting a key alone does nothing.
      await telephone.press('1');
      return (await host.attribute('placed-call', 'data-state')) === 'in_meeting';
    },
    { describe: () => 'the key does not bring anybody in' },
  );
  await waitForSound(host, { others: 2, isAloud: false, isMicrophoneOn: false });
  await waitForNotice(host, 'by-telephone');
}

/** The other person hears the telephone, and the telephone hears them and nobody else: the host's page, which is beside it, is silent. */
async function otherAndTelephoneHear(other, telephone) {
  const identity = await other.evaluate(() => document.querySelector('[data-testid="tile"][data-phone="true"]').dataset.participant);
  await bothHear(other, identity, telephone);
}

/**
 * The microphone cannot be switched on. The meeting is heard on the page again when that is asked for, and the microphone is on when that
 * is asked for, too, before the telephone is hung up.
 */
async function soundIsBroughtBack(host, telephone, folder) {
  assert.equal(await host.attribute('toggle-loudspeaker', 'aria-pressed'), 'false');
  await host.screenshot(joinPath(folder, 'by-telephone.png'));
  await host.click('toggle-mic');
  await waitForNotice(host, 'reminder');
  await waitForSound(host, { others: 2, isAloud: false, isMicrophoneOn: false });
  await host.click('sound-here');
  await waitForNotice(host, 'both');
  await waitForSound(host, { others: 2, isAloud: true, isMicrophoneOn: false });
  await host.click('unmute-here');
  await waitForSound(host, { others: 2, isAloud: true, isMicrophoneOn: true });
  await host.click('hang-up-telephone');
  await waitUntil(() => !telephone.isInCall(), { describe: () => 'the telephone is not hung up' });
  await host.waitFor('banner-telephone', { gone: true });
  await waitForSound(host, { others: 1, isAloud: true, isMicrophoneOn: true });
}

/** The page knows after a reload whose telephone it is; when that hangs up, the page is heard again. */
async function soundComesBack(host, telephone, folder) {
  await host.reload();
  await host.waitFor('preview-video');
  await host.click('join');
  await host.waitFor('room');
  await waitForNotice(host, 'by-telephone');
  await waitForSound(host, { others: 2, isAloud: false, isMicrophoneOn: false });
  await telephone.hangUp();
  await waitForNotice(host, 'ended');
  await waitForSound(host, { others: 1, isAloud: true, isMicrophoneOn: false });
  await host.screenshot(joinPath(folder, 'ended.png'));
  await host.click('unmute-here');
  await host.waitFor('banner-telephone', { gone: true });
  await waitForSound(host, { others: 1, isAloud: true, isMicrophoneOn: true });
}

async function hostCallsThemselves({ server, saal, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const sound = await makeSweep(folder, RATE);
  const telephone = await startTelephone({ folder, sound, codec: `G722/${RATE}/1`, number: NUMBER });
  try {
    await letMeetingsCall(server, saal, telephone);
    server.people.push(HIDDEN);
    const [host, other] = [await newPage('chromium'), await newPage('chromium')];
    for (const [page, link] of [
      [host, meeting.host],
      [other, meeting.late],
    ]) {
      await page.open(server.origin + link);
      await page.waitFor('preview-video');
      await page.click('join');
      await page.waitFor('room');
    }
    await waitForSound(host, { others: 1, isAloud: true, isMicrophoneOn: true });
    await host.click('toggle-people');
    await host.click('open-call-telephone');
    await host.click('call-me');
    await host.fill('call-number', TYPED);
    await comesInByTelephone(host, telephone);
    await otherAndTelephoneHear(other, telephone);
    await soundIsBroughtBack(host, telephone, folder);
    // The number is still there.
    await comesInByTelephone(host, telephone);
    await soundComesBack(host, telephone, folder);
  } finally {
    await telephone.stop();
  }
}

async function hostCalls({ server, saal, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const sound = await makeSweep(folder, RATE);
  const telephone = await startTelephone({ folder, sound, codec: `G722/${RATE}/1`, number: NUMBER });
  try {
    await letMeetingsCall(server, saal, telephone);
    // Nor does the server's log show it.
    server.people.push(HIDDEN);
    const host = await newPage('chromium');
    await host.open(server.origin + meeting.host);
    await host.waitFor('preview-video');
    await host.click('join');
    await host.waitFor('room');
    await host.click('toggle-people');
    await host.click('open-call-telephone');
    await isFetched(host, telephone, folder);
    const identity = await otherPerson(host);
    await isShownAsTelephone(host, identity, folder);
    await bothHear(host, identity, telephone);
    await isMutedAndRemoved(host, identity, telephone, folder);
    await isNotCalled(host, telephone, folder);
    await isDeclined(host, telephone, folder);
  } finally {
    await telephone.stop();
  }
}

export default [
  {
    name: 'a host calls a telephone, which hears, is heard and is removed',
    prepare: prepareForCalls,
    run: hostCalls,
  },
  {
    name: 'a host calls their own telephone, which takes the sound from the page and gives it back',
    prepare: prepareForCalls,
    run: hostCallsThemselves,
  },
];
