// SPDX-License-Identifier: EUPL-1.2
// Permanent rooms, and the calendar to subscribe to.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { navigate } from '../../app/router';
import { fill, plural } from '../../i18n';
import { Button } from '../../ui/Button';
import { get, type Page } from '../api/client';
import { mayDo } from '../api/session';
import { CopyButton } from '../../ui/Copy';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';
import type { Live } from './calendar';

interface Room {
  readonly id: string;
  readonly name: string;
  readonly join_url: string;
}

/** Beside the list. */
export function Rooms({ live }: { live: readonly Live[] }) {
  const words = w.value.day;
  const rooms = useSignal<readonly Room[] | null>(null);
  const problem = useSignal<unknown>(null);
  const load = () => {
    problem.value = null;
    get<Page<Room>>('/rooms?limit=100').then(
      ({ body }) => (rooms.value = body.items),
      (error: unknown) => (problem.value = error),
    );
  };
  useEffect(() => {
    if (mayDo('rooms:read')) load();
  }, []);
  return (
    <aside class="day-aside">
      {mayDo('rooms:read') && (
        <section class="card aside-card">
          <h2>{words.rooms}</h2>
          <p class="fine">{words.roomsText}</p>
          {problem.value !== null && <Trouble problem={problem.value} onRetry={load} />}
          {rooms.value?.length === 0 && <p>{words.noRooms}</p>}
          <ul class="room-list">
            {rooms.value?.map((room) => {
              const inside = live.find((one) => one.room_id === room.id)?.current_participants ?? 0;
              return (
                <li key={room.id} class="room-item">
                  <span class="room-name">{room.name}</span>
                  {inside > 0 && <span class="badge badge-live">{plural(words.peopleInside, inside)}</span>}
                  <span class="room-actions">
                    <Button
                      aria-label={fill(words.enterRoom, { name: room.name })}
                      onClick={() => navigate(new URL(room.join_url, location.origin).pathname)}
                    >
                      {words.join}
                    </Button>
                    <CopyButton text={room.join_url} label={words.copyLink} name={`${words.copyLink}: ${room.name}`} />
                  </span>
                </li>
              );
            })}
          </ul>
        </section>
      )}
      <Feed />
    </aside>
  );
}

/** The address is a secret: it is fetched when somebody wants it. */
function Feed() {
  const words = w.value.day;
  const url = useSignal<string | null>(null);
  const problem = useSignal<unknown>(null);
  const load = () => {
    if (url.peek() !== null) return;
    get<{ url: string | null }>('/users/me/calendar_feed').then(
      ({ body }) => (url.value = body.url),
      (error: unknown) => (problem.value = error),
    );
  };
  return (
    <details class="card aside-card" onToggle={load}>
      <summary>{words.feed}</summary>
      <p class="fine">{words.feedText}</p>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={load} />}
      {url.value !== null && <CopyButton text={url.value} label={words.feedCopy} />}
    </details>
  );
}
