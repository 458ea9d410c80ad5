// SPDX-License-Identifier: EUPL-1.2
// The server's counters, as Prometheus would read them.
import { waitUntil } from './wait.mjs';

/**
 * Every series by its name with labels, as in `signaling_refusals_total{status="401"}`.
 * @param {string} origin
 * @returns {Promise<Map<string, number>>}
 */
export async function readMetrics(origin) {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ');
      return [line.slice(0, end), Number(line.slice(end + 1))];
    }),
  );
}

/**
 * Waits until counters have risen by at least so much, and returns by how much they have. Media threads publish
 * theirs now and then, hence the wait.
 * @param {string} origin
 * @param {Map<string, number>} before
 * @param {Record<string, number>} rises
 */
export async function waitForRise(origin, before, rises) {
  let risen = {};
  await waitUntil(
    async () => {
      const now = await readMetrics(origin);
      risen = Object.fromEntries(Object.keys(rises).map((series) => [series, rise(before, now, series)]));
      return Object.entries(rises).every(([series, least]) => risen[series] >= least);
    },
    { describe: () => `counted ${JSON.stringify(risen)}, at least ${JSON.stringify(rises)} expected` },
  );
  return risen;
}

/** Several series joined by ` + ` are added up. One that nothing was counted in yet may not be there. */
function rise(before, now, series) {
  const sum = (metrics) => series.split(' + ').reduce((total, one) => total + (metrics.get(one) ?? 0), 0);
  return sum(now) - sum(before);
}
