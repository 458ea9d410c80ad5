// SPDX-License-Identifier: EUPL-1.2
import { useLayoutEffect, useRef } from 'preact/hooks';
import { lobbyName } from '../conference/caller-name';
import type { LobbyPerson, Moderation } from '../conference/model';
import { fill, plural, t } from '../i18n';
import { Avatar } from '../ui/Avatar';
import { Button } from '../ui/Button';
import { WaitingTime } from './WaitingTime';

interface WaitingListProps {
  moderation: Moderation;
  /** The last one is gone, and had the focus. */
  onEmptied: () => void;
}

/** Those before the door, the first one first. */
export function WaitingList({ moderation, onEmptied }: WaitingListProps) {
  const waiting = moderation.waiting.value;
  const list = useRef<HTMLUListElement>(null);
  // Before it is drawn anew: the entry that has the focus may be one that goes.
  const place = [...(list.current?.children ?? [])].findIndex((entry) => entry.contains(document.activeElement));
  useLayoutEffect(() => {
    if (place === -1 || list.current?.contains(document.activeElement) === true) return;
    const entries = list.current?.querySelectorAll<HTMLElement>('[data-testid=waiting-person]') ?? [];
    // On the entry and none of its buttons: whoever presses a key twice does not let in the next one.
    const next = entries[Math.min(place, entries.length - 1)];
    if (next === undefined) onEmptied();
    else next.focus();
  });
  if (waiting.length === 0) return null;
  return (
    <section class="people-waiting" aria-labelledby="waiting">
      <h3 id="waiting">{plural(t.value.room.waiting, waiting.length)}</h3>
      <ul class="people-list" ref={list}>
        {waiting.map((person, index) => (
          <Entry key={person.id} person={person} place={index + 1} moderation={moderation} />
        ))}
      </ul>
    </section>
  );
}

function Entry({ person, place, moderation }: { person: LobbyPerson; place: number; moderation: Moderation }) {
  const words = t.value.moderation;
  const { id, isGuest, isPhone, sinceMs } = person;
  const name = lobbyName(person);
  return (
    <li class="person" tabIndex={-1} data-testid="waiting-person" data-phone={isPhone}>
      <Avatar name={isPhone ? '' : name} seed={id} icon={isPhone ? 'call' : 'person'} />
      <span class="person-name">
        {name}
        <span class="person-note" data-testid="waiting-note">
          {[fill(words.place, { n: place }), isPhone && t.value.room.byPhone, isGuest && words.guest].filter(Boolean).join(' · ')}
        </span>
        <WaitingTime sinceMs={sinceMs} />
      </span>
      <div class="person-actions">
        <Button kind="primary" aria-label={fill(words.admit, { name })} data-testid="admit" onClick={() => void moderation.admit(id)}>
          {words.admitNow}
        </Button>
        <Button aria-label={fill(words.deny, { name })} data-testid="deny" onClick={() => void moderation.deny(id)}>
          {words.denyNow}
        </Button>
      </div>
    </li>
  );
}
