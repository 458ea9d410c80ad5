// SPDX-License-Identifier: EUPL-1.2
// Waits for something that no event announces, by asking again and again.

/** Short against everything that is waited for. */
const INTERVAL_MS = 25;

/**
 * Waits until `ask` returns something truthy, and returns it. `describe` tells in the end what was the case instead.
 * @template T
 * @param {() => T | Promise<T>} ask
 * @param {{ timeoutMs?: number, describe: () => string }} options
 * @returns {Promise<T>}
 */
export async function waitUntil(ask, { timeoutMs = 20_000, describe }) {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`${describe()} (after ${timeoutMs / 1000} s)`);
    await new Promise((resolve) => {
      setTimeout(resolve, INTERVAL_MS);
    });
  }
}
