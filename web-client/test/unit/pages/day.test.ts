// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { byDay, matches, merge, nearness, type Entry } from '../../../src/pages/day/entries';

const entry = (changes: Partial<Entry> = {}): Entry => ({
  meeting_id: 'm',
  recurrence_id: '20261019T080000Z',
  starts_at: '2026-10-19T08:00:00Z',
  ends_at: '2026-10-19T09:00:00Z',
  status: 'scheduled',
  is_exception: false,
  title: null,
  meeting_title: 'Präsidium',
  organizer_name: 'Olga Orga',
  join_url: 'https://x/m/code',
  own: null,
  ...changes,
});

describe('the calendar', () => {
  it('knows how near a meeting is', () => {
    const at = (time: string) => nearness(entry(), Date.parse(`2026-10-19T${time}:00Z`));
    expect([at('07:44'), at('07:45'), at('08:00'), at('08:59'), at('09:00')]).toEqual(['later', 'soon', 'running', 'running', 'over']);
  });

  it('divides by the day of whoever looks', () => {
    const late = entry({ meeting_id: 'n', starts_at: '2026-10-19T22:30:00Z' });
    expect(byDay([entry(), late], 'Europe/Berlin').map(({ date }) => date)).toEqual(['2026-10-19', '2026-10-20']);
    expect(byDay([entry(), late], 'UTC')).toHaveLength(1);
  });

  it('is searched without minding accents, by every word', () => {
    expect(matches(entry(), 'prasidium olga')).toBe(true);
    expect(matches(entry({ title: 'Sondersitzung' }), 'präsidium')).toBe(false);
    expect(matches(entry(), 'präsidium tim')).toBe(false);
  });

  it('takes what is newer and keeps the order', () => {
    const moved = entry({ starts_at: '2026-10-20T08:00:00Z' });
    const other = entry({ meeting_id: 'n' });
    expect(merge([entry(), other], [moved])).toEqual([other, moved]);
  });
});
