// SPDX-License-Identifier: EUPL-1.2
// How a meeting repeats: the part of RRULE (RFC 5545 §3.3.10) that the form offers, read and written. A rule beyond it stays
// as it is and is shown as text.
import { addDays, instant, wallTime, weekdayIndex } from './zone';

/** Days of the week in RRULE's words, Monday first. */
export const WEEKDAYS = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

export const FREQUENCIES = ['DAILY', 'WEEKLY', 'MONTHLY', 'YEARLY'] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/** Which of a month's days with that name; the last is -1. */
const ORDINALS = [1, 2, 3, 4, -1] as const;
export type Ordinal = (typeof ORDINALS)[number];

/** Which day of the month: by its date, or by its name. */
export type DayOfMonth =
  | { readonly by: 'date'; readonly day: number }
  | { readonly by: 'weekday'; readonly ordinal: Ordinal; readonly weekday: Weekday };

/** When it stops. */
export type End =
  | { readonly kind: 'never' }
  | { readonly kind: 'until'; readonly date: string }
  | { readonly kind: 'count'; readonly count: number };

export interface Rule {
  readonly frequency: Frequency;
  readonly interval: number;
  /** Of weekly rules. */
  readonly weekdays: readonly Weekday[];
  /** Of monthly and yearly rules. */
  readonly dayOfMonth: DayOfMonth;
  /** Of yearly rules, 1 for January. */
  readonly month: number;
  readonly end: End;
}

/** What one begins with for a meeting on that day: the same day of each week. */
export function ruleFor(date: string): Rule {
  return {
    frequency: 'WEEKLY',
    interval: 1,
    weekdays: [weekdayOf(date)],
    dayOfMonth: { by: 'date', day: Number(date.slice(8, 10)) },
    month: Number(date.slice(5, 7)),
    end: { kind: 'never' },
  };
}

/** The day's name. */
export function weekdayOf(date: string): Weekday {
  return WEEKDAYS[weekdayIndex(date)] ?? 'MO';
}

/** Which one of its month's days of that name a date is; the last when there are five. */
export function ordinalOf(date: string): Ordinal {
  const nth = Math.ceil(Number(date.slice(8, 10)) / 7);
  return nth >= 5 ? -1 : (nth as Ordinal);
}

/** RRULE's value. The last day counts whole, on the clocks of the zone. */
export function writeRule(rule: Rule, zone: string): string {
  const parts = [`FREQ=${rule.frequency}`];
  if (rule.interval > 1) parts.push(`INTERVAL=${rule.interval}`);
  if (rule.frequency === 'WEEKLY') {
    parts.push(`BYDAY=${WEEKDAYS.filter((day) => rule.weekdays.includes(day)).join(',')}`);
  }
  if (rule.frequency === 'YEARLY') parts.push(`BYMONTH=${rule.month}`);
  if (rule.frequency === 'MONTHLY' || rule.frequency === 'YEARLY') {
    const { dayOfMonth } = rule;
    if (dayOfMonth.by === 'date') parts.push(`BYMONTHDAY=${dayOfMonth.day}`);
    else parts.push(`BYDAY=${dayOfMonth.ordinal}${dayOfMonth.weekday}`);
  }
  if (rule.end.kind === 'count') parts.push(`COUNT=${rule.end.count}`);
  if (rule.end.kind === 'until') {
    const lastMs = instant({ date: addDays(rule.end.date, 1), time: '00:00' }, zone) - 1000;
    parts.push(`UNTIL=${new Date(lastMs).toISOString().replace(/[-:]/g, '').replace('.000', '')}`);
  }
  return parts.join(';');
}

/** Parts that the form can show. */
const KNOWN = new Set(['FREQ', 'INTERVAL', 'BYDAY', 'BYMONTH', 'BYMONTHDAY', 'COUNT', 'UNTIL', 'WKST']);

/** Reads RRULE's value for a meeting that first begins on `date`. Null for a rule beyond the form. */
export function readRule(text: string, date: string, zone: string): Rule | null {
  const parts = new Map<string, string>();
  for (const part of text.split(';')) {
    const [name = '', value = ''] = part.split('=');
    if (!KNOWN.has(name) || value === '' || parts.has(name)) return null;
    parts.set(name, value);
  }
  const frequency = FREQUENCIES.find((known) => known === parts.get('FREQ'));
  const interval = Number(parts.get('INTERVAL') ?? 1);
  const end = readEnd(parts, zone);
  // Which days a week has matters for every second week only, and then Monday is what we write.
  const isMondayWeek = interval === 1 || (parts.get('WKST') ?? 'MO') === 'MO';
  if (frequency === undefined || !Number.isInteger(interval) || interval < 1 || end === null || !isMondayWeek) return null;
  const rule = { ...ruleFor(date), frequency, interval, end };
  const [days, dates, month] = [parts.get('BYDAY'), parts.get('BYMONTHDAY'), parts.get('BYMONTH')];
  if (frequency === 'DAILY') return days === undefined && dates === undefined && month === undefined ? rule : null;
  if (frequency === 'WEEKLY') {
    if (dates !== undefined || month !== undefined) return null;
    const weekdays = (days ?? weekdayOf(date)).split(',').map((day) => WEEKDAYS.find((known) => known === day));
    return weekdays.every((day) => day !== undefined) ? { ...rule, weekdays } : null;
  }
  if (frequency === 'MONTHLY' && month !== undefined) return null;
  const months = month === undefined ? rule.month : Number(month);
  if (!Number.isInteger(months)) return null;
  const dayOfMonth = readDayOfMonth(days, dates, rule.dayOfMonth);
  return dayOfMonth === null ? null : { ...rule, month: months, dayOfMonth };
}

function readDayOfMonth(days: string | undefined, dates: string | undefined, own: DayOfMonth): DayOfMonth | null {
  if (days !== undefined && dates !== undefined) return null;
  if (dates !== undefined) {
    const day = Number(dates);
    return Number.isInteger(day) && day >= 1 && day <= 31 ? { by: 'date', day } : null;
  }
  if (days === undefined) return own;
  const match = /^(-1|\+?[1-4])([A-Z]{2})$/.exec(days);
  const ordinal = ORDINALS.find((known) => known === Number(match?.[1]));
  const weekday = WEEKDAYS.find((known) => known === match?.[2]);
  return ordinal === undefined || weekday === undefined ? null : { by: 'weekday', ordinal, weekday };
}

function readEnd(parts: ReadonlyMap<string, string>, zone: string): End | null {
  const [count, until] = [parts.get('COUNT'), parts.get('UNTIL')];
  if (count !== undefined && until !== undefined) return null;
  if (count !== undefined) return Number.isInteger(Number(count)) ? { kind: 'count', count: Number(count) } : null;
  if (until === undefined) return { kind: 'never' };
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})Z?)?$/.exec(until);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second] = match;
  if (hour === undefined) return { kind: 'until', date: `${year}-${month}-${day}` };
  const atMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(atMs) ? null : { kind: 'until', date: wallTime(atMs, zone).date };
}
