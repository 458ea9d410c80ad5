// SPDX-License-Identifier: EUPL-1.2
// One browser of each kind for all scenarios; pages do not share anything with one another.
import { launch } from './browser.mjs';

/** Starts browsers when they are first wanted. */
export class Browsers {
  #running = new Map();

  /** @param {'chromium' | 'firefox'} kind */
  get(kind) {
    if (!this.#running.has(kind)) this.#running.set(kind, launch(kind));
    return this.#running.get(kind);
  }

  /** Ends those that were started. */
  async close() {
    const started = await Promise.allSettled(this.#running.values());
    await Promise.all(started.map((result) => result.value?.close()));
  }
}
