// SPDX-License-Identifier: EUPL-1.2
// Whether there is room at that time, and whether one is expected elsewhere. Of other people's calendars nothing is known
// here, so nothing is said about them.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { fill } from '../../i18n';
import { Button } from '../../ui/Button';
import { get, query, type Page } from '../api/client';
import { titleOf, type Entry } from '../day/entries';
import { w } from '../words';
import { dateAndTime, list } from '../words/dates';
import { preview, type Draft } from './draft';

interface AvailabilityProps {
  draft: Draft;
  /** The meeting that is being changed: its own time is no obstacle. */
  own: string | null;
  onChoose: (startMs: number) => void;
}

interface Room {
  readonly is_available: boolean;
  readonly alternatives: readonly string[];
}

/** Time after the last change before it is asked. */
const PAUSE_MS = 600;

/** What the server says of the first time. */
export function Availability({ draft, own, onChoose }: AvailabilityProps) {
  const words = w.value.form;
  const room = useSignal<Room | null>(null);
  const busy = useSignal<readonly string[]>([]);
  const start = preview(draft, 1)[0] ?? Number.NaN;
  const end = start + Number(draft.minutes) * 60_000;
  const people = draft.invitees.length + 1;
  useEffect(() => {
    if (Number.isNaN(start) || !(end > start) || end - start > 7 * 86_400_000) {
      room.value = null;
      busy.value = [];
      return undefined;
    }
    const stop = new AbortController();
    const look = async () => {
      const iso = (atMs: number) => new Date(atMs).toISOString();
      const [found, calendar] = await Promise.all([
        get<Room>(`/availability${query({ from: iso(start), to: iso(end), participants: people })}`, stop.signal),
        // A day before: what began then may still go on.
        get<Page<Entry>>(`/occurrences${query({ mine: true, starts_after: iso(start - 86_400_000), starts_before: iso(end), limit: 100 })}`, stop.signal),
      ]);
      room.value = found.body;
      const isAtOnce = (entry: Entry) => entry.meeting_id !== own && Date.parse(entry.ends_at) > start;
      busy.value = [...new Set(calendar.body.items.filter(isAtOnce).map(titleOf))];
    };
    // What cannot be asked for is found out when it is saved.
    const timer = setTimeout(() => void look().catch(() => (room.value = null)), PAUSE_MS);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [start, end, people, own]);
  const found = room.value;
  return (
    <div role="status" class="availability" data-testid="availability">
      {found?.is_available === true && <p class="fine">{words.isAvailable}</p>}
      {found?.is_available === false && (
        <div class="notice notice-warning">
          <p>{found.alternatives.length > 0 ? words.isNotAvailable : words.noAlternative}</p>
          {found.alternatives.map((time) => (
            <Button key={time} onClick={() => onChoose(Date.parse(time))}>
              {fill(words.chooseStart, { time: dateAndTime(Date.parse(time), draft.zone) })}
            </Button>
          ))}
        </div>
      )}
      {busy.value.length > 0 && <p class="notice notice-warning">{fill(words.busy, { titles: list(busy.value) })}</p>}
    </div>
  );
}
