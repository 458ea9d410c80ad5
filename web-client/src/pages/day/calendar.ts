// SPDX-License-Identifier: EUPL-1.2
// Loads the calendar: what comes page by page, what is over four weeks at a time, going back.
import { batch, signal } from '@preact/signals';
import { get, query, type Page } from '../api/client';
import { mayDo } from '../api/session';
import { instant, ownZone, wallTime } from '../schedule/zone';
import { merge, type Entry } from './entries';

/** Entries asked for at once. */
const PAGE = 50;

const WEEK_MS = 7 * 86_400_000;

/** How far back one step goes, and how many empty steps are taken by themselves. */
const STEP_MS = 4 * WEEK_MS;
const EMPTY_STEPS = 6;

/** One list on screen. */
export class Calendar {
  readonly entries = signal<readonly Entry[]>([]);
  readonly isLoading = signal(false);
  readonly problem = signal<unknown>(null);
  /** Whether there may be more. */
  readonly hasMore = signal(true);
  /** Of the past: from when on everything is here. */
  readonly since = signal<number | null>(null);
  readonly #isPast: boolean;
  #cursor: string | null = null;

  constructor(isPast: boolean) {
    this.#isPast = isPast;
  }

  /** Loads the next page, or the weeks before. */
  async more(): Promise<void> {
    if (this.isLoading.peek() || !this.hasMore.peek()) return;
    batch(() => {
      this.isLoading.value = true;
      this.problem.value = null;
    });
    try {
      await (this.#isPast ? this.#goBack() : this.#goOn());
    } catch (error) {
      this.problem.value = error;
    } finally {
      this.isLoading.value = false;
    }
  }

  /** Asks again for what is near, since others change it. */
  async refresh(): Promise<void> {
    if (this.#isPast || this.isLoading.peek()) return;
    try {
      const page = await this.#page({ starts_after: iso(startOfToday() - WEEK_MS / 7), limit: PAGE });
      const last = page.items.at(-1);
      const endMs = last === undefined || page.next_cursor === undefined || page.next_cursor === null ? Infinity : Date.parse(last.starts_at);
      // What lay in that time and is not named any more was cancelled or moved.
      const rest = this.entries.peek().filter((entry) => Date.parse(entry.starts_at) > endMs);
      this.entries.value = merge(page.items, rest);
    } catch {
      // The next time will do.
    }
  }

  /** Puts in what somebody answered. */
  answered(meetingId: string, response: NonNullable<Entry['own']>['response_status']): void {
    const isMeant = (entry: Entry) => entry.meeting_id === meetingId && entry.own !== null;
    const answer = (entry: Entry): Entry => (entry.own === null ? entry : { ...entry, own: { ...entry.own, response_status: response } });
    this.entries.value = this.entries.peek().map((entry) => (isMeant(entry) ? answer(entry) : entry));
  }

  async #goOn(): Promise<void> {
    // From yesterday on: what began then may still go on.
    const from = iso(startOfToday() - WEEK_MS / 7);
    const page = await this.#page({ starts_after: from, limit: PAGE, cursor: this.#cursor });
    this.#cursor = page.next_cursor ?? null;
    batch(() => {
      this.entries.value = merge(this.entries.peek(), page.items);
      this.hasMore.value = this.#cursor !== null;
    });
  }

  async #goBack(): Promise<void> {
    for (let step = 0; step < EMPTY_STEPS; step += 1) {
      const end = this.since.peek() ?? Date.now();
      const begin = end - STEP_MS;
      const found: Entry[] = [];
      let cursor: string | null = null;
      do {
        const page: Page<Entry> = await this.#page({ starts_after: iso(begin), starts_before: iso(end), limit: 200, cursor });
        found.push(...page.items);
        cursor = page.next_cursor ?? null;
      } while (cursor !== null && found.length < 2_000);
      batch(() => {
        this.since.value = begin;
        this.entries.value = merge(this.entries.peek(), found.filter((entry) => Date.parse(entry.ends_at) <= Date.now()));
      });
      if (found.length > 0) return;
    }
  }

  async #page(wanted: Record<string, string | number | null>): Promise<Page<Entry>> {
    const { body } = await get<Page<Entry>>(`/occurrences${query({ mine: true, ...wanted })}`);
    return body;
  }
}

/** A running meeting, as far as the calendar shows it. */
export interface Live {
  readonly meeting_id: string | null;
  readonly room_id: string | null;
  readonly current_participants: number;
}

/** The runs that go on, for those who may see them. */
export async function loadLive(): Promise<readonly Live[]> {
  if (!mayDo('sessions:read')) return [];
  const { body } = await get<Page<Live>>('/meeting_sessions?status=running&limit=200');
  return body.items;
}

/** Midnight here. */
export function startOfToday(): number {
  const zone = ownZone();
  return instant({ date: wallTime(Date.now(), zone).date, time: '00:00' }, zone);
}

const iso = (atMs: number) => new Date(atMs).toISOString().replace('.000', '');
