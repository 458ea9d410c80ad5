// SPDX-License-Identifier: EUPL-1.2
// A switch whose effect takes time. It shows at once what was asked for, does one thing at a time, and ends in the
// last state asked for, however impatiently it was clicked.
import { signal, type ReadonlySignal } from '@preact/signals';

/** One switch. */
export class Toggle {
  readonly isOn: ReadonlySignal<boolean>;
  readonly #shown = signal(false);
  readonly #apply: (isOn: boolean) => Promise<void>;
  readonly #read: () => boolean;
  #wanted = false;
  #running: Promise<void> | null = null;

  /** `apply` brings about a state, `read` tells the one that is really so. */
  constructor(apply: (isOn: boolean) => Promise<void>, read: () => boolean) {
    this.isOn = this.#shown;
    this.#apply = apply;
    this.#read = read;
  }

  /** Asks for a state. Rejects when it could not be brought about; then the real state is shown again. */
  set(isOn: boolean): Promise<void> {
    this.#wanted = isOn;
    this.#shown.value = isOn;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      this.#shown.value = this.#read();
    });
    return this.#running;
  }

  /** Shows the real state, unless a change is under way. Returns whether that was a change nobody here asked for. */
  sync(): boolean {
    const isOn = this.#read();
    if (this.#running !== null || isOn === this.#shown.peek()) return false;
    this.#shown.value = isOn;
    return true;
  }

  async #run(): Promise<void> {
    let applied: boolean;
    do {
      applied = this.#wanted;
      await this.#apply(applied);
    } while (applied !== this.#wanted);
  }
}
