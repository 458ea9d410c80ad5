// SPDX-License-Identifier: EUPL-1.2
// What a page hears of somebody at a telephone.
import assert from 'node:assert/strict';
import { SWEEP_HZ, WORDS_HZ } from './sound.mjs';
import { waitUntil } from './wait.mjs';

/** How long a page listens to them. Words and sweep take ten seconds, and somebody may be in the middle of it. */
const LISTEN_MS = 14_000;

/** For how long it is counted what arrives, by the reports' own time. Reports are cached, so two in a row may well be one. */
const COUNT_MS = 2_000;

/** More packets than that arrive within {@link COUNT_MS} only while somebody is heard. */
const VOICED_PACKETS = 50;

/**
 * What of a sweep is as quiet as that has not got through, in dB below full scale. Its tones are at -25 dB as the page
 * measures: they swing to 9,000 of 32,768, the window of the analyser leaves 42 % of that, and half of it is at negative
 * frequencies. The level control takes another 3 dB. The sentence between two sweeps has -36 dB at 500 Hz, -44 dB at 1 kHz, and
 * less than -60 dB from 2 kHz on.
 */
const INAUDIBLE_DB = -40;

/** What a narrow telephone carries, too. By the tones up to there, the others are measured. */
const NARROW_HZ = 3_400;

/**
 * Tones above that may be quieter by so much. They are alike in the file, and what carries them loses less than 1 dB; but the
 * level control moves by up to 4 dB within a sweep, and where a tone is taken for noise, only a part of it is heard.
 */
const DULL_DB = 10;

/**
 * What of words is as quiet as that has not got through: in their place the sentence comes to -21 dB, and the sweep beside it
 * to -61, where its tones change.
 */
const WORDLESS_DB = -45;

/** The identity of the only other person in the room. */
export function otherPerson(page) {
  return page.evaluate(() => Array.from(window.saalTest.room.remoteParticipants.keys())[0]);
}

/** Checks that a page hears somebody's sweep from one end to the other. */
export async function assertSweepIsHeard(page, identity) {
  await waitForTrack(page, identity);
  assertSweep(await loudest(page, identity, SWEEP_HZ));
}

/** Checks that a page hears somebody's words, and their sweep from one end to the other. */
export async function assertWordsAndSweepAreHeard(page, identity) {
  await waitForTrack(page, identity);
  const heard = await loudest(page, identity, [...WORDS_HZ, ...SWEEP_HZ]);
  const words = Math.max(...heard.slice(0, WORDS_HZ.length));
  assert.ok(words > WORDLESS_DB, `words reach the page at ${words} dB`);
  assertSweep(heard.slice(WORDS_HZ.length));
}

/** Waits until a page has somebody's sound. */
function waitForTrack(page, identity) {
  return page.waitUntil((who) => {
    const caller = window.saalTest.room.remoteParticipants.get(who);
    return Array.from(caller.audioTrackPublications.values()).some(({ track }) => track !== undefined);
  }, identity);
}

/** Whether each of the tones is among the levels, and the high ones are hardly quieter than the others. */
function assertSweep(heard) {
  const levels = SWEEP_HZ.map((hertz, index) => `${hertz} Hz at ${heard[index].toFixed(1)} dB`).join(', ');
  const low = heard.filter((_, index) => SWEEP_HZ[index] <= NARROW_HZ).toSorted((a, b) => a - b);
  // The median, or the quieter one of the two in the middle.
  const usual = low[Math.floor((low.length - 1) / 2)];
  for (const [index, level] of heard.entries()) {
    const hertz = SWEEP_HZ[index];
    assert.ok(level > INAUDIBLE_DB, `${hertz} Hz does not reach the page: ${levels}`);
    assert.ok(hertz <= NARROW_HZ || level > usual - DULL_DB, `${hertz} Hz reaches the page dull: ${levels}`);
  }
}

/** Waits until somebody's microphone is off, or on, and whoever looks at the page sees it. */
export function waitForMuted(page, identity, isMuted) {
  return page.waitUntil(
    ([who, wanted]) => {
      const caller = window.saalTest.room.remoteParticipants.get(who);
      const tile = document.querySelector(`[data-testid="tile"][data-participant="${who}"]`);
      const isKnown = Array.from(caller.audioTrackPublications.values())[0].isMuted === wanted;
      return isKnown && tile?.dataset.microphone === (wanted ? 'muted' : 'on');
    },
    [identity, isMuted],
  );
}

/** Waits until packets of somebody's voice arrive one after the other. In a pause of theirs only few do. */
export function waitForPackets(page, identity) {
  return waitUntil(async () => (await packetsMeanwhile(page, identity)) > VOICED_PACKETS, {
    describe: () => 'hardly any packets of the caller arrive',
  });
}

/** Checks that nothing of somebody's voice arrives any more, once what was on its way is there. */
export async function assertNoPackets(page, identity) {
  await packetsMeanwhile(page, identity);
  assert.equal(await packetsMeanwhile(page, identity), 0, 'packets of a muted caller go on');
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

/** Packets of somebody's voice that arrive at a page within {@link COUNT_MS} from now on. */
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

/** Packets of somebody's voice that a page has received, and until when by its clock. */
function packetsOf(page, identity) {
  return page.evaluate(async (who) => {
    const caller = window.saalTest.room.remoteParticipants.get(who);
    const { track } = Array.from(caller.audioTrackPublications.values())[0];
    const stats = Array.from((await track.receiver.getStats()).values());
    const report = stats.find(({ type }) => type === 'inbound-rtp');
    return { at: report.timestamp, packets: report.packetsReceived };
  }, identity);
}
