// SPDX-License-Identifier: EUPL-1.2
// What a screen reader says unasked. Announcements wait for each other, and arrivals are bundled: at the start of a
// large meeting nobody wants to hear sixty names.
import { signal, type ReadonlySignal } from '@preact/signals';
import { fill, plural, t } from '../i18n';

/** Something to be read out. The number makes the same text twice in a row two announcements. */
export interface Announcement {
  readonly number: number;
  readonly text: string;
}

/** `polite` waits until the screen reader is silent, `assertive` interrupts it. */
export type Urgency = 'polite' | 'assertive';

/** Screen readers swallow a text that follows the one before more closely. */
const PAUSE_MS = 300;

/** People who come, go or raise their hands within this time are named together. */
const BUNDLE_MS = 1500;

/** A text that has been read is taken off the page, where it would be found again by reading on. */
const CLEAR_AFTER_MS = 8000;

/** Speaks through two live regions. */
export class Announcer {
  readonly polite: ReadonlySignal<Announcement | null>;
  readonly assertive: ReadonlySignal<Announcement | null>;
  readonly #regions = { polite: signal<Announcement | null>(null), assertive: signal<Announcement | null>(null) };
  readonly #waiting: { text: string; urgency: Urgency }[] = [];
  readonly #arrivals = new Map<string, string>();
  readonly #departures = new Map<string, string>();
  readonly #hands = new Map<string, string>();
  #number = 0;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #bundle: ReturnType<typeof setTimeout> | undefined;
  #clearing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.polite = this.#regions.polite;
    this.assertive = this.#regions.assertive;
  }

  /** Has a text read out as soon as the ones before it have been. */
  say(text: string, urgency: Urgency = 'polite'): void {
    if (urgency === 'assertive') this.#waiting.unshift({ text, urgency });
    else this.#waiting.push({ text, urgency });
    if (this.#pause === undefined) this.#next();
  }

  /** Somebody has come. */
  joined(identity: string, name: string): void {
    // Gone and back at once is a reload, and of no interest to anybody.
    if (!this.#departures.delete(identity)) this.#arrivals.set(identity, name);
    this.#bundleUp();
  }

  /** Somebody has gone. */
  left(identity: string, name: string): void {
    if (!this.#arrivals.delete(identity)) this.#departures.set(identity, name);
    this.#bundleUp();
  }

  /** Somebody wants to speak. */
  raisedHand(identity: string, name: string): void {
    this.#hands.set(identity, name);
    this.#bundleUp();
  }

  /** Somebody does not want to speak any more. */
  loweredHand(identity: string): void {
    this.#hands.delete(identity);
  }

  /** Forgets everything that has not been read out. */
  reset(): void {
    clearTimeout(this.#pause);
    clearTimeout(this.#bundle);
    clearTimeout(this.#clearing);
    this.#pause = this.#bundle = this.#clearing = undefined;
    this.#waiting.length = 0;
    this.#arrivals.clear();
    this.#departures.clear();
    this.#hands.clear();
    this.#clear();
  }

  #bundleUp(): void {
    this.#bundle ??= setTimeout(() => {
      this.#bundle = undefined;
      const words = t.peek().announcements;
      this.#sayBundle(this.#arrivals, words.joined, words.manyJoined);
      this.#sayBundle(this.#departures, words.left, words.manyLeft);
      this.#sayBundle(this.#hands, words.handRaised, words.manyHandsRaised);
    }, BUNDLE_MS);
  }

  #sayBundle(people: Map<string, string>, one: string, many: { one: string; other: string }): void {
    const [first] = people.values();
    if (first === undefined) return;
    this.say(people.size === 1 ? fill(one, { name: first }) : plural(many, people.size));
    people.clear();
  }

  #next(): void {
    const next = this.#waiting.shift();
    if (next === undefined) {
      this.#pause = undefined;
      return;
    }
    this.#number += 1;
    this.#regions[next.urgency].value = { number: this.#number, text: next.text };
    this.#pause = setTimeout(() => this.#next(), PAUSE_MS);
    clearTimeout(this.#clearing);
    this.#clearing = setTimeout(() => this.#clear(), CLEAR_AFTER_MS);
  }

  #clear(): void {
    this.#regions.polite.value = null;
    this.#regions.assertive.value = null;
  }
}

/** The one announcer of this page. */
export const announcer = new Announcer();
