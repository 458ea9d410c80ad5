// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { language } from '../../../src/app/preferences';
import { readRule, ruleFor, writeRule, type Rule } from '../../../src/pages/schedule/rule';
import { firstDay, nextStarts, skipsMonths } from '../../../src/pages/schedule/rule-dates';
import { ruleInWords } from '../../../src/pages/schedule/rule-words';
import { instant, wallTime } from '../../../src/pages/schedule/zone';

const BERLIN = 'Europe/Berlin';
const MONDAY = '2026-10-19';
const iso = (times: readonly number[]) => times.map((time) => new Date(time).toISOString().slice(0, 16));
const rule = (changes: Partial<Rule>): Rule => ({ ...ruleFor(MONDAY), ...changes });

describe('wall-clock times', () => {
  it('stand for instants that come back as the same time', () => {
    for (const [date, time, utc] of [
      ['2026-07-01', '10:00', '2026-07-01T08:00'],
      ['2026-12-01', '10:00', '2026-12-01T09:00'],
    ] as const) {
      expect(iso([instant({ date, time }, BERLIN)])).toEqual([utc]);
      expect(wallTime(Date.parse(`${utc}:00Z`), BERLIN)).toEqual({ date, time });
    }
  });

  it('are the first of an hour that comes twice, and later in one that is skipped', () => {
    expect(iso([instant({ date: '2026-10-25', time: '02:30' }, BERLIN)])).toEqual(['2026-10-25T00:30']);
    expect(iso([instant({ date: '2027-03-28', time: '02:30' }, BERLIN)])).toEqual(['2027-03-28T01:30']);
  });

  it('work on the other side of the date line and with half hours', () => {
    expect(iso([instant({ date: '2026-10-19', time: '00:30' }, 'Pacific/Kiritimati')])).toEqual(['2026-10-18T10:30']);
    expect(iso([instant({ date: '2026-10-19', time: '00:30' }, 'Asia/Kathmandu')])).toEqual(['2026-10-18T18:45']);
  });

  it('are none when nothing sensible was entered', () => {
    expect(instant({ date: '', time: '10:00' }, BERLIN)).toBeNaN();
  });
});

describe('a rule', () => {
  const WRITTEN: [Partial<Rule>, string][] = [
    [{}, 'FREQ=WEEKLY;BYDAY=MO'],
    [{ interval: 2, weekdays: ['WE', 'MO'] }, 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,WE'],
    [{ frequency: 'DAILY', end: { kind: 'count', count: 10 } }, 'FREQ=DAILY;COUNT=10'],
    [{ frequency: 'MONTHLY', dayOfMonth: { by: 'date', day: 15 } }, 'FREQ=MONTHLY;BYMONTHDAY=15'],
    [{ frequency: 'MONTHLY', dayOfMonth: { by: 'weekday', ordinal: -1, weekday: 'FR' } }, 'FREQ=MONTHLY;BYDAY=-1FR'],
    [{ frequency: 'YEARLY', month: 5, dayOfMonth: { by: 'date', day: 3 } }, 'FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=3'],
    // The last day counts whole in Berlin, which is two hours ahead then.
    [{ end: { kind: 'until', date: '2027-03-31' } }, 'FREQ=WEEKLY;BYDAY=MO;UNTIL=20270331T215959Z'],
  ];

  it.each(WRITTEN)('%o is written %s and read again', (changes, text) => {
    expect(writeRule(rule(changes), BERLIN)).toBe(text);
    const read = readRule(text, MONDAY, BERLIN);
    expect(read === null ? null : writeRule(read, BERLIN)).toBe(text);
  });

  it('beyond the form is not read', () => {
    for (const text of [
      'FREQ=HOURLY',
      'FREQ=MONTHLY;BYDAY=MO,TU',
      'FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO',
      'FREQ=WEEKLY;COUNT=1;UNTIL=20270101',
      'FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO',
      'FREQ=DAILY;BYDAY=MO',
      'nonsense',
    ]) {
      expect(readRule(text, MONDAY, BERLIN), text).toBeNull();
    }
  });

  it('stays at its time when the clocks change', () => {
    expect(iso(nextStarts(rule({}), MONDAY, '10:00', BERLIN, [], 3))).toEqual([
      '2026-10-19T08:00',
      '2026-10-26T09:00',
      '2026-11-02T09:00',
    ]);
  });

  it('begins with the first day that it says', () => {
    expect(firstDay(rule({ weekdays: ['TU', 'TH'] }), MONDAY)).toBe('2026-10-20');
    expect(firstDay(rule({ frequency: 'MONTHLY', dayOfMonth: { by: 'weekday', ordinal: 1, weekday: 'MO' } }), MONDAY)).toBe('2026-11-02');
    expect(firstDay(rule({ frequency: 'YEARLY', month: 2, dayOfMonth: { by: 'date', day: 29 } }), MONDAY)).toBe('2028-02-29');
    expect(firstDay(rule({ frequency: 'MONTHLY', dayOfMonth: { by: 'date', day: 31 } }), '2026-11-01')).toBe('2026-12-31');
    expect(firstDay(rule({ weekdays: [] }), MONDAY)).toBeNull();
    expect(firstDay(rule({ frequency: 'YEARLY', month: 2, dayOfMonth: { by: 'date', day: 30 } }), MONDAY)).toBeNull();
  });

  it('counts what is left out, and every second week from its first', () => {
    const second = rule({ interval: 2, weekdays: ['MO', 'WE'], end: { kind: 'count', count: 4 } });
    const without = instant({ date: '2026-10-21', time: '10:00' }, BERLIN);
    expect(iso(nextStarts(second, MONDAY, '10:00', BERLIN, [without], 9))).toEqual([
      '2026-10-19T08:00',
      '2026-11-02T09:00',
      '2026-11-04T09:00',
    ]);
  });

  it('ends on its last day', () => {
    expect(nextStarts(rule({ end: { kind: 'until', date: '2026-10-26' } }), MONDAY, '23:30', BERLIN, [], 9)).toHaveLength(2);
  });

  it('says which months it skips', () => {
    expect(skipsMonths(rule({ frequency: 'MONTHLY', dayOfMonth: { by: 'date', day: 31 } }))).toBe(true);
    expect(skipsMonths(rule({ frequency: 'MONTHLY', dayOfMonth: { by: 'date', day: 28 } }))).toBe(false);
  });
});

describe('a rule in words', () => {
  const SAID: [Partial<Rule>, string, string][] = [
    [{}, 'Jede Woche am Montag um 10:00.', 'Every week on Monday at 10:00.'],
    [{ interval: 2, weekdays: ['WE', 'MO'] }, 'Alle 2 Wochen am Montag und Mittwoch um 10:00.', 'Every 2 weeks on Monday and Wednesday at 10:00.'],
    [{ frequency: 'DAILY', end: { kind: 'count', count: 10 } }, 'Jeden Tag um 10:00, insgesamt 10 Termine.', 'Every day at 10:00, 10 dates in all.'],
    [
      { frequency: 'MONTHLY', dayOfMonth: { by: 'weekday', ordinal: -1, weekday: 'FR' } },
      'Jeden Monat am letzten Freitag um 10:00.',
      'Every month on the last Friday at 10:00.',
    ],
    [
      { frequency: 'YEARLY', month: 5, dayOfMonth: { by: 'date', day: 3 }, end: { kind: 'until', date: '2030-12-31' } },
      'Jedes Jahr am 3. Mai um 10:00, bis 31. Dezember 2030.',
      'Every year on May 3 at 10:00, until December 31, 2030.',
    ],
    [{ weekdays: ['MO', 'TU', 'WE', 'TH', 'FR'] }, 'Jede Woche von Montag bis Freitag um 10:00.', 'Every week from Monday to Friday at 10:00.'],
  ];

  it.each(SAID)('%o', (changes, german, english) => {
    expect(ruleInWords(rule(changes), '10:00')).toBe(german);
    language.value = 'en';
    expect(ruleInWords(rule(changes), '10:00')).toBe(english);
  });
});
