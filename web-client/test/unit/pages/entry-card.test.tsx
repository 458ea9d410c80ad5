// SPDX-License-Identifier: EUPL-1.2
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, expect, it, vi } from 'vitest';
import { EntryCard } from '../../../src/pages/day/EntryCard';
import type { Entry } from '../../../src/pages/day/entries';

const NOW = Date.parse('2026-11-23T09:00:00Z');
const ENTRY: Entry = {
  meeting_id: 'm1',
  recurrence_id: '20261123T100000Z',
  starts_at: '2026-11-23T10:00:00Z',
  ends_at: '2026-11-23T11:00:00Z',
  status: 'scheduled',
  is_exception: false,
  title: null,
  meeting_title: 'Haushaltsausschuss',
  organizer_name: 'Olga Orga',
  join_url: 'https://conf.example.org/m/abc',
  own: null,
};

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

it('copies how to dial in, and shows it, or why there is nothing to copy', async () => {
  const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
  let answer: () => Response | Promise<Response> = () => Promise.reject(new TypeError('no network'));
  vi.stubGlobal('fetch', async () => answer());
  render(<EntryCard entry={ENTRY} zone="Europe/Berlin" nowMs={NOW} live={null} onAnswered={() => undefined} />);
  const button = screen.getByRole('button', { name: 'Einwahl kopieren: Haushaltsausschuss' });
  const said = () => button.nextElementSibling?.textContent;
  fireEvent.click(button);
  await waitFor(() => expect(said()).not.toBe(''));
  const dialIn = { numbers: [] as object[], conference_id: '491234567', pin: '73914420' };
  answer = () => Response.json({ dial_in: dialIn });
  fireEvent.click(button);
  await waitFor(() => expect(said()).toBe('Für diese Besprechung gibt es keine Einwahl.'));
  expect(button.dataset['copied']).toBe('false');
  expect(writeText).not.toHaveBeenCalled();
  dialIn.numbers = [{ e164: '+4930123456' }];
  fireEvent.click(button);
  await waitFor(() => expect(button.dataset['copied']).toBe('true'));
  expect(said()).toBe('');
  expect(writeText).toHaveBeenCalledWith('Per Telefon: +4930123456\nKonferenznummer: 491 234 567 #\nPIN: 7391 4420 #');
});
