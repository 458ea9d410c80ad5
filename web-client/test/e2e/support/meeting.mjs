// SPDX-License-Identifier: EUPL-1.2
// What people do in a meeting, and what can be measured of it in their browsers.
import assert from 'node:assert/strict';

/**
 * Opens the room's page and joins with camera and microphone.
 * @param {import('./browser.mjs').Page} page
 * @param {{ origin: string, room?: string, name: string }} who
 */
export async function join(page, { origin, room = 'demo', name }) {
  await page.open(`${origin}/m/${room}`);
  await page.waitFor('preview-video');
  await page.fill('name', name);
  await page.click('join');
  await page.waitFor('room');
}

/** The identity that a page has joined with. */
export function identityOf(page) {
  return page.evaluate(() => window.saalTest.room.localParticipant.identity);
}

/** Waits until the page shows as many tiles. */
export function waitForPeople(page, count) {
  return page.waitUntil((n) => document.querySelectorAll('[data-testid="tile"]').length === n, count);
}

/** Waits until the picture of somebody else is there and moves. */
export async function waitForPicture(page, identity, timeoutMs) {
  await page.waitUntil(
    (who) => {
      const video = document.querySelector(`[data-testid="tile"][data-participant="${who}"] video`);
      return video !== null && video.videoWidth > 0 && video.currentTime > 0 && !video.paused;
    },
    identity,
    timeoutMs,
  );
}

/**
 * What a page receives and sends, from its connection's statistics.
 * @typedef {object} Reception
 * @property {Record<number, number>} packetsLost  Of each stream that arrives, by its SSRC.
 * @property {number} audioStreams   Streams of sound that arrive.
 * @property {number} videoStreams
 * @property {number} leastFrames    Frames decoded of the slowest video.
 * @property {number} leastEnergy    Sound energy of the quietest stream.
 * @property {number} frozen         Seconds that videos stood still, all together.
 * @property {string | undefined} srtpCipher
 * @property {string | undefined} dtlsState
 * @property {string[]} serverPorts  Protocol and port of every server candidate in use.
 * @property {number} simulcastLayers Layers that leave the camera.
 */

/** @returns {Promise<Reception>} */
export function reception(page) {
  return page.evaluate(async () => {
    const engine = window.saalTest.room.engine;
    const reports = await Promise.all(
      [engine.pcManager?.publisher, engine.pcManager?.subscriber].filter(Boolean).map((pc) => pc.getStats()),
    );
    const stats = reports.flatMap((report) => Array.from(report.values()));
    const of = (type) => stats.filter((entry) => entry.type === type);
    const inbound = of('inbound-rtp').filter((entry) => (entry.packetsReceived ?? 0) > 0);
    const audio = inbound.filter((entry) => entry.kind === 'audio');
    const video = inbound.filter((entry) => entry.kind === 'video');
    const candidates = new Map(of('remote-candidate').map((entry) => [entry.id, entry]));
    const pairs = of('candidate-pair').filter((pair) => pair.state === 'succeeded' || pair.nominated);
    const ports = pairs.map((pair) => candidates.get(pair.remoteCandidateId)).filter(Boolean);
    const smallest = (list, pick) => (list.length === 0 ? 0 : Math.min(...list.map((entry) => pick(entry) ?? 0)));
    const transport = of('transport')[0];
    return {
      packetsLost: Object.fromEntries(inbound.map((entry) => [entry.ssrc, entry.packetsLost ?? 0])),
      audioStreams: audio.length,
      videoStreams: video.length,
      leastFrames: smallest(video, (entry) => entry.framesDecoded),
      leastEnergy: smallest(audio, (entry) => entry.totalAudioEnergy),
      frozen: video.reduce((sum, entry) => sum + (entry.totalFreezesDuration ?? 0), 0),
      srtpCipher: transport?.srtpCipher,
      dtlsState: transport?.dtlsState,
      serverPorts: [...new Set(ports.map((entry) => `${entry.protocol}:${entry.port}`))],
      simulcastLayers: of('outbound-rtp').filter((e) => e.kind === 'video' && (e.packetsSent ?? 0) > 0).length,
    };
  });
}

/** Lets real time pass: what is measured is what happens meanwhile. */
export function observeFor(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Packets lost between two measurements. A stream has lost fewer afterwards when a packet that was counted came late, or twice
 * because it was asked for again (RFC 3550, 6.4.1); that makes up for none of another stream.
 * @param {Reception} before
 * @param {Reception} after
 */
export function lostBetween(before, after) {
  const lost = Object.entries(after.packetsLost).map(([ssrc, now]) => now - (before.packetsLost[ssrc] ?? 0));
  return lost.reduce((sum, count) => sum + Math.max(0, count), 0);
}

/** Checks that nothing was lost and everything moved between two measurements. */
export function assertFlowing(before, after, { frames }) {
  assert.equal(lostBetween(before, after), 0, 'packets lost');
  assert.ok(after.videoStreams > 0, 'a video arrives');
  assert.ok(after.audioStreams > 0, 'sound arrives');
  assert.ok(after.leastEnergy > before.leastEnergy, `sound is heard: ${before.leastEnergy} to ${after.leastEnergy}`);
  const decoded = after.leastFrames - before.leastFrames;
  assert.ok(decoded >= frames, `${decoded} frames decoded, at least ${frames} expected`);
}
