// SPDX-License-Identifier: EUPL-1.2

import { Icon } from './Icon';

/** Stands in for a person's picture: initials on a colour that stays theirs. */
export function Avatar({ name, seed }: { name: string; seed: string }) {
  return (
    <span class={`avatar avatar-${avatarColour(seed)}`} aria-hidden="true">
      {initials(name) || <Icon name="person" />}
    </span>
  );
}

const COLOURS = 6;

/** One of the colours, always the same for the same seed. */
export function avatarColour(seed: string): number {
  let hash = 0;
  for (const letter of seed) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return (hash % COLOURS) + 1;
}

/** First letters of the first and the last word: "Dr. Ada von Lovelace" becomes AL. */
export function initials(name: string): string {
  const words = name
    .replace(/\(.*?\)/g, ' ')
    .split(/\s+/)
    // Titles such as "Dr." say nothing about the person.
    .filter((word) => /^[\p{L}\p{N}]/u.test(word) && !word.endsWith('.'));
  const first = words[0];
  const last = words.length > 1 ? words.at(-1) : undefined;
  return [first, last].map((word) => [...(word ?? '')][0] ?? '').join('').toUpperCase();
}
