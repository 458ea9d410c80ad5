// SPDX-License-Identifier: EUPL-1.2
// Somebody calls a meeting by telephone: both sides hear each other, and a host keeps order among all alike.
import assert from 'node:assert/strict';
import { join as joinPath } from 'node:path';
import { waitForPeople } from '../support/meeting.mjs';
import { scheduleMeeting } from '../support/schedule.mjs';
import { freePort } from '../support/server.mjs';
import { energyOf, makeSweep, SWEEP_HZ } from '../support/sound.mjs';
import { startTelephone } from '../support/telephone.mjs';
import { waitUntil } from '../support/wait.mjs';

const NUMBER = '+4961112345678';

/** How long a page listens to the caller. The sweep takes six seconds, and somebody may be in the middle of it. */
const LISTEN_MS = 14_000;

async function prepare() {
  const port = await freePort();
  return { settings: { SAAL_SIP__LISTEN: `127.0.0.1:${port}` }, sip: `127.0.0.1:${port}`, stop: async () => {} };
}

/** The loudest that a page hears of a caller near each frequency while it listens, in dB below full scale. */
function loudest(page, identity, frequencies) {
  return page.evaluate(
    async ([who, wanted, listenMs]) => {
      const caller = window.saalTest.room.remoteParticipants.get(who);
      const track = Array.from(caller.audioTrackPublications.values())[0].track.mediaStreamTrack;
      const context = new AudioContext({ sampleRate: 48_000 });
      const analyser = new AnalyserNode(context, { fftSize: 4_096, smoothingTimeConstant: 0 });
      context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
      const spectrum = new Float32Array(analyser.frequencyBinCount);
      const best = wanted.map(() => -200);
      const end = performance.now() + listenMs;
      while (performance.now() < end) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        analyser.getFloatFrequencyData(spectrum);
        for (const [index, hertz] of wanted.entries()) {
          const bin = Math.round((hertz * analyser.fftSize) / context.sampleRate);
          for (let near = bin - 3; near <= bin + 3; near += 1) best[index] = Math.max(best[index], spectrum[near]);
        }
      }
      await context.close();
      return best;
    },
    [identity, frequencies, LISTEN_MS],
  );
}

/** For how long it is counted what arrives, by the reports' own time. Reports are cached, so two in a row may well be one. */
const COUNT_MS = 2_000;

/** Packets of a caller's voice that a page has received, and until when by its clock. */
function packetsOf(page, identity) {
  return page.evaluate(async (who) => {
    const caller = window.saalTest.room.remoteParticipants.get(who);
    const { track } = Array.from(caller.audioTrackPublications.values())[0];
    const stats = Array.from((await track.receiver.getStats()).values());
    const report = stats.find(({ type }) => type === 'inbound-rtp');
    return { at: report.timestamp, packets: report.packetsReceived };
  }, identity);
}

/** Packets of a caller's voice that arrive at a page within {@link COUNT_MS} from now on. */
async function packetsMeanwhile(page, identity) {
  const before = await packetsOf(page, identity);
  let arrived = 0;
  await waitUntil(
    async () => {
      const { at, packets } = await packetsOf(page, identity);
      arrived = packets - before.packets;
      return at - before.at >= COUNT_MS;
    },
    { describe: () => 'reports of the caller do not go on' },
  );
  return arrived;
}

async function callerIsAParticipant({ server, saal, prepared, newPage, folder }) {
  const meeting = await scheduleMeeting(server, saal);
  const host = await newPage('chromium');
  await host.open(server.origin + meeting.host);
  await host.waitFor('preview-video');
  await host.click('join');
  await host.waitFor('room');

  const sound = await makeSweep(folder, 16_000);
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
    const identity = await host.evaluate(() => Array.from(window.saalTest.room.remoteParticipants.keys())[0]);
    await host.screenshot(joinPath(folder, 'caller.png'));

    // The page hears the caller up to 7 kHz, and the caller hears the page.
    const heard = await loudest(host, identity, SWEEP_HZ);
    for (const [index, level] of heard.entries()) {
      assert.ok(level > -60, `${SWEEP_HZ[index]} Hz reaches the page at ${level} dB`);
    }
    await waitUntil(async () => energyOf((await telephone.heard()).slice(-16_000 * 4)) > 1e-5, {
      describe: () => 'the caller does not hear the page',
    });

    const isMuted = (muted) =>
      host.waitUntil(
        ([who, wanted]) => {
          const caller = window.saalTest.room.remoteParticipants.get(who);
          return Array.from(caller.audioTrackPublications.values())[0].isMuted === wanted;
        },
        [identity, muted],
      );
    await telephone.press('*6');
    await isMuted(true);
    await telephone.press('*6');
    await isMuted(false);

    // Muted by the host: nothing of the caller leaves the server any more, where before it did. What was on its way arrives first.
    // The caller's sweep goes on all the time.
    assert.ok((await packetsMeanwhile(host, identity)) > 10, 'no packets of the caller arrive');
    await host.click('mute-person');
    await isMuted(true);
    await packetsMeanwhile(host, identity);
    assert.equal(await packetsMeanwhile(host, identity), 0, 'packets of a muted caller go on');

    // Hands in their order.
    await host.click('toggle-hand');
    await telephone.press('*9');
    await host.waitUntil(() => document.querySelectorAll('[data-testid="person"][data-hand="up"]').length === 2);
    const order = await host.evaluate(() =>
      Array.from(document.querySelectorAll('[data-testid="person"] .person-name'), (name) => name.textContent),
    );
    assert.ok(order[0].includes('Hanna Host'), order.join(', '));
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
  { name: 'a caller waits, is admitted, hears and is heard, is muted, raises a hand and is banned', prepare, run: callerIsAParticipant },
];
