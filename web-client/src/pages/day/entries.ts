// SPDX-License-Identifier: EUPL-1.2
// The calendar as the server gives it, and how it is shown: by day, in the zone of whoever looks.
import { wallTime } from '../schedule/zone';

export type Response = 'needs_action' | 'accepted' | 'tentative' | 'declined';

/** One time that a meeting happens. */
export interface Entry {
  readonly meeting_id: string;
  readonly recurrence_id: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly status: string;
  readonly is_exception: boolean;
  readonly title: string | null;
  readonly meeting_title: string;
  readonly organizer_name: string;
  readonly join_url: string;
  readonly own: { readonly is_organizer: boolean; readonly role: string | null; readonly response_status: Response | null } | null;
}

/** What somebody may call it: an occurrence's own title, or the meeting's. */
export function titleOf(entry: Entry): string {
  return entry.title ?? entry.meeting_title;
}

/** How near a meeting is. */
export type Nearness = 'over' | 'running' | 'soon' | 'later';

/** So long before the start the button to join stands out. */
const SOON_MS = 15 * 60_000;

/** How near it is, by the clock. */
export function nearness(entry: Entry, nowMs: number): Nearness {
  const [start, end] = [Date.parse(entry.starts_at), Date.parse(entry.ends_at)];
  if (end <= nowMs) return 'over';
  if (start <= nowMs) return 'running';
  return start - nowMs <= SOON_MS ? 'soon' : 'later';
}

/** The entries of one day. */
export interface Day {
  /** `2026-10-19` */
  readonly date: string;
  readonly entries: readonly Entry[];
}

/** Divided by the day on which they begin. */
export function byDay(entries: readonly Entry[], zone: string): readonly Day[] {
  const days = new Map<string, Entry[]>();
  for (const entry of entries) {
    const { date } = wallTime(Date.parse(entry.starts_at), zone);
    const known = days.get(date);
    if (known === undefined) days.set(date, [entry]);
    else known.push(entry);
  }
  return [...days].map(([date, all]) => ({ date, entries: all }));
}

/** Whether every word is found in its title or in the name of who invites. */
export function matches(entry: Entry, search: string): boolean {
  const text = fold(`${titleOf(entry)} ${entry.organizer_name}`);
  return fold(search)
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Without capitals and accents: `Präsidium` is found by `prasidium`. */
function fold(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().trim();
}

/** Without those that a page brought again. */
export function merge(known: readonly Entry[], more: readonly Entry[]): readonly Entry[] {
  const all = new Map([...known, ...more].map((entry) => [`${entry.meeting_id} ${entry.recurrence_id}`, entry]));
  return [...all.values()].toSorted((a, b) => Date.parse(a.starts_at) - Date.parse(b.starts_at));
}
