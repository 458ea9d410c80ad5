// SPDX-License-Identifier: EUPL-1.2
// Browsers for all scenarios; pages do not share anything with one another.
import { launch } from './browser.mjs';

/** Starts browsers when they are first wanted. */
export class Browsers {
  #running = new Map();

  /**
   * The browser for a scenario's n-th page of a kind. Firefox shows one page at a time and hides the others, which a
   * conference notices: it gives hidden pages no video. So each has a Firefox of its own. Pages in Chromium share one
   * unless they are to be apart from those before, as people are who sit at machines of their own.
   * @param {'chromium' | 'firefox'} kind
   * @param {number} index
   * @param {boolean} isApart
   */
  get(kind, index, isApart) {
    const key = kind === 'firefox' ? `${kind} ${index}` : `${kind} ${isApart ? 'apart' : ''}`;
    if (!this.#running.has(key)) this.#running.set(key, launch(kind));
    return this.#running.get(key);
  }

  /** Ends those that were started. */
  async close() {
    const started = await Promise.allSettled(this.#running.values());
    await Promise.all(started.map((result) => result.value?.close()));
  }
}
