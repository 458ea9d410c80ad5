// SPDX-License-Identifier: EUPL-1.2
import { expect, it } from 'vitest';
import { timeSpan } from '../../../src/pages/words/dates';

const at = (time: string) => Date.parse(time);

it('a span names the day of its end where that is another one', () => {
  const start = at('2026-11-22T22:25:00Z');
  expect(timeSpan(start, at('2026-11-22T22:55:00Z'), 'UTC')).toBe('22:25–22:55 Uhr');
  expect(timeSpan(start, at('2026-11-23T00:55:00Z'), 'UTC')).toBe('22:25 – Montag, 23. November 2026, 0:55');
  // It is the day where somebody is that counts.
  expect(timeSpan(start, at('2026-11-23T00:55:00Z'), 'America/New_York')).toBe('17:25–19:55 Uhr');
});
