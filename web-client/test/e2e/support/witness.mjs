// SPDX-License-Identifier: EUPL-1.2
// Two people in a meeting who must not notice that somebody attacks the server.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { assertFlowing, identityOf, join, lostBetween, reception, waitForPeople, waitForPicture } from './meeting.mjs';
import { readMetrics, waitForRise } from './metrics.mjs';
import { memoryOf, resetPeak } from './memory.mjs';
import { waitUntil } from './wait.mjs';

/**
 * Frames that must be decoded for each second of an attack after its first. Made-up cameras give 10 to 30; two
 * browsers, the server and the attacker share what processors there are.
 */
const FRAMES_PER_SECOND = 3;

/** Frames that must come after an attack: the picture has not just stopped. */
const FRAMES_AFTERWARDS = 10;

/**
 * What an attack may leave behind, and use at any moment, in KiB. What the server may hold for one attacker is bounded: a
 * message of 1 MiB that is being read, an answer as long, 512 messages to be told, 4 MiB of data that waits. Some attackers
 * at once, and what the allocator keeps for the next time, stay below. A server that kept what it is sent, or what it
 * makes of it, would not: it is sent tens of MiB, out of which it could make some hundreds.
 */
const GROWTH_KIB = 64 * 1024;
const PEAK_KIB = 96 * 1024;

/**
 * Lets two people meet, and returns a function that runs an attack and checks that neither they nor the server suffer.
 * @param {object} context  Of the scenario.
 * @param {string} [room]
 */
export async function startMeeting({ server, newPage, folder }, room = 'demo') {
  const pages = [await newPage('chromium'), await newPage('chromium')];
  for (const [index, page] of pages.entries()) {
    await join(page, { origin: server.origin, room, name: ['Anna', 'Bert'][index] });
  }
  const identities = await Promise.all(pages.map(identityOf));
  await Promise.all(pages.map((page) => waitForPeople(page, 2)));
  await Promise.all(pages.map((page, index) => waitForPicture(page, identities[1 - index])));
  const figures = [];

  /**
   * Runs an attack. The counters in `counts` must rise by at least so much.
   * @param {string} name
   * @param {() => Promise<object | void>} attack  What it returns is kept with the figures.
   * @param {Record<string, number>} [counts]
   */
  const withstand = async (name, attack, counts = {}) => {
    const [metrics, memory] = [await readMetrics(server.origin), await memoryOf(server.pid)];
    await resetPeak(server.pid);
    const before = await Promise.all(pages.map(reception));
    const began = performance.now();
    const seen = (await named(name, attack)) ?? {};
    const seconds = (performance.now() - began) / 1000;
    const during = await Promise.all(pages.map(reception));
    const counted = await named(name, () => waitForRise(server.origin, metrics, counts));
    const after = await named(name, () => framesAfter(pages, during));
    const { residentKib, peakKib } = await memoryOf(server.pid);
    const [grownKib, highKib] = [residentKib - memory.residentKib, peakKib - memory.residentKib];
    const frames = during.map((now, index) => now.leastFrames - before[index].leastFrames);
    const lost = after.map((now, index) => lostBetween(before[index], now));
    figures.push({ name, seconds, ...seen, counted, frames, lost, grownKib, highKib });
    await writeFile(joinPath(folder, 'figures.json'), `${JSON.stringify(figures, undefined, 2)}\n`);
    await named(name, async () => {
      for (const index of pages.keys()) {
        assertFlowing(before[index], after[index], { frames: FRAMES_AFTERWARDS });
        const least = Math.floor((seconds - 1) * FRAMES_PER_SECOND);
        assert.ok(frames[index] >= least, `${frames[index]} frames in ${seconds} s`);
      }
      assert.ok(grownKib <= GROWTH_KIB, `the server grew by ${grownKib} KiB`);
      assert.ok(highKib <= PEAK_KIB, `the server grew by ${highKib} KiB for a while`);
      assert.equal((await fetch(`${server.origin}/health/ready`)).status, 200);
      assert.doesNotMatch(await readFile(server.log, 'utf8'), /panick?/i, 'nothing from the network may panic');
    });
  };
  return { pages, identities, withstand };
}

/** Waits until every page has decoded some more frames. */
async function framesAfter(pages, start) {
  let now = start;
  await waitUntil(
    async () => {
      now = await Promise.all(pages.map(reception));
      return now.every((page, index) => page.leastFrames - start[index].leastFrames >= FRAMES_AFTERWARDS);
    },
    { describe: () => `the picture stands still: ${now.map((page) => page.leastFrames)} frames` },
  );
  return now;
}

/** Has errors say during which attack they happened. */
async function named(name, act) {
  try {
    return await act();
  } catch (error) {
    error.message = `${name}: ${error.message}`;
    throw error;
  }
}
