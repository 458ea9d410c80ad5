// SPDX-License-Identifier: EUPL-1.2
// What a page hears of somebody at a telephone.
import assert from 'node:assert/strict';
import { SWEEP_HZ } from './sound.mjs';
import { waitUntil } from './wait.mjs';

/** How long a page listens to them. The sweep takes six seconds, and somebody may be in the middle of it. */
const LISTEN_MS = 14_000;

/** What of a sweep is as quiet as that has not got through, in dB below full scale. */
const INAUDIBLE_DB = -60;

/** The identity of the only other person in the room. */
export function otherPerson(page) {
  return page.evaluate(() => Array.from(window.saalTest.room.remoteParticipants.keys())[0]);
}

/** Checks that a page hears somebody's sweep from one end to the other. */
export async function assertSweepIsHeard(page, identity) {
  const heard = await loudest(page, identity, SWEEP_HZ);
  for (const [index, level] of heard.entries()) {
    assert.ok(level > INAUDIBLE_DB, `${SWEEP_HZ[index]} Hz reaches the page at ${level} dB`);
  }
}

/** Waits until somebody's microphone is off, or on. */
export function waitForMuted(page, identity, isMuted) {
  return page.waitUntil(
    ([who, wanted]) => {
      const caller = window.saalTest.room.remoteParticipants.get(who);
      return Array.from(caller.audioTrackPublications.values())[0].isMuted === wanted;
    },
    [identity, isMuted],
  );
}

/** Waits until nothing of somebody's voice arrives any more. */
export async function waitForNoPackets(page, identity) {
  let before = -1;
  await waitUntil(
    async () => {
      const [last, now] = [before, await packetsOf(page, identity)];
      before = now;
      return last === now;
    },
    { describe: () => 'packets of a muted caller go on' },
  );
}

/** The loudest that a page hears of somebody near each frequency while it listens, in dB below full scale. */
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

/** Packets of somebody's voice that a page has received. */
function packetsOf(page, identity) {
  return page.evaluate(async (who) => {
    const caller = window.saalTest.room.remoteParticipants.get(who);
    const { track } = Array.from(caller.audioTrackPublications.values())[0];
    const stats = Array.from((await track.receiver.getStats()).values());
    return stats.find(({ type }) => type === 'inbound-rtp')?.packetsReceived ?? 0;
  }, identity);
}
