// SPDX-License-Identifier: EUPL-1.2
// The chat of one conference: what was said, what is unread, and sending. How a text travels is handed in.
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

/** One message as it is shown. */
export interface ChatMessage {
  readonly id: string;
  readonly senderName: string;
  readonly isOwn: boolean;
  readonly text: string;
  readonly atMs: number;
}

/** Longer texts belong in a document. */
export const MAX_MESSAGE_CHARS = 4000;

/** A long meeting must not make the list, and with it the page, ever slower. */
const MAX_MESSAGES_KEPT = 500;

/** The messages of this conference since this person joined. */
export class ChatLog {
  readonly messages: ReadonlySignal<readonly ChatMessage[]>;
  readonly unread: ReadonlySignal<number>;
  /** What is being written. It is kept here because the panel may be closed meanwhile. */
  readonly draft = signal('');
  readonly #messages = signal<readonly ChatMessage[]>([]);
  readonly #unread = signal(0);
  #isReading = false;
  readonly #transmit: (text: string) => Promise<string>;
  readonly #now: () => number;

  /** `transmit` sends a text to everybody and resolves to its id; `now` is the wall clock. */
  constructor(transmit: (text: string) => Promise<string>, now: () => number = Date.now) {
    this.#transmit = transmit;
    this.#now = now;
    this.messages = computed(() => this.#messages.value);
    this.unread = computed(() => this.#unread.value);
  }

  /** Takes in a message of somebody else. */
  receive(message: Omit<ChatMessage, 'isOwn'>): void {
    // A sender that repeats itself after a reconnection uses the same id.
    if (this.#messages.peek().some((known) => known.id === message.id)) return;
    batch(() => {
      this.#append({ ...message, isOwn: false, text: message.text.slice(0, MAX_MESSAGE_CHARS) });
      if (!this.#isReading) this.#unread.value += 1;
    });
  }

  /** Takes in what was written before this person came. It counts as read. */
  receiveHistory(messages: readonly Omit<ChatMessage, 'isOwn'>[]): void {
    const known = new Set(this.#messages.peek().map(({ id }) => id));
    const earlier = messages.filter(({ id }) => !known.has(id));
    const texts = earlier.map(({ id, senderName, text, atMs }) => ({
      id,
      senderName,
      isOwn: false,
      text: text.slice(0, MAX_MESSAGE_CHARS),
      atMs,
    }));
    // Whoever was moved here brings what was written elsewhere.
    const all = [...texts, ...this.#messages.peek()].toSorted((a, b) => a.atMs - b.atMs);
    this.#messages.value = all.slice(-MAX_MESSAGES_KEPT);
  }

  /** Sends a text to everybody. Rejects when it did not go out; then nothing is shown. */
  async send(text: string, senderName: string): Promise<void> {
    const id = await this.#transmit(text);
    this.#append({ id, senderName, isOwn: true, text, atMs: this.#now() });
  }

  /** Tells whether the messages are on screen; what is on screen counts as read. */
  setReading(isReading: boolean): void {
    this.#isReading = isReading;
    if (isReading) this.#unread.value = 0;
  }

  #append(message: ChatMessage): void {
    this.#messages.value = [...this.#messages.peek(), message].slice(-MAX_MESSAGES_KEPT);
  }
}

/** Part of a text: words, or a link that may be clicked. */
export interface TextPart {
  readonly text: string;
  readonly href: string | null;
}

/** Finds web addresses in a text. Only http and https: a `javascript:` address must never become a link. */
export function splitLinks(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let end = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"]+/gi)) {
    // Punctuation after an address belongs to the sentence.
    const address = match[0].replace(/[.,;:!?'»“”)\]]+$/u, '');
    if (!URL.canParse(address)) continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), href: null });
    parts.push({ text: address, href: address });
    end = match.index + address.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), href: null });
  return parts;
}
