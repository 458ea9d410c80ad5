// SPDX-License-Identifier: EUPL-1.2

import type { ParticipantView } from '../conference/model';
import { Icon } from './Icon';
import type { IconName } from './icons';

interface AvatarProps {
  name: string;
  seed: string;
  /** Where the name has no initials. */
  icon?: IconName;
}

/** Stands in for a person's picture: initials on a colour that stays theirs. */
export function Avatar({ name, seed, icon = 'person' }: AvatarProps) {
  return (
    <span class={`avatar avatar-${avatarColour(seed)}`} aria-hidden="true">
      {initials(name) || <Icon name={icon} />}
    </span>
  );
}

/** The same for somebody in the room. A number has no initials. */
export function PersonAvatar({ person }: { person: ParticipantView }) {
  const call = person.phone.value;
  const name = call === null || call.isNamed ? person.name.value : '';
  return <Avatar name={name} seed={person.identity} icon={call === null ? 'person' : 'call'} />;
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
