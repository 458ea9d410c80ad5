// SPDX-License-Identifier: EUPL-1.2
// Which days a rule says: for the first start, which must be one of them, and for the preview. The server expands rules
// itself; this shows what it will come to.
import type { DayOfMonth, Rule } from './rule';
import { weekdayOf } from './rule';
import { addDays, instant, weekdayIndex } from './zone';

/** Most periods that are looked at: a rule for 29 February with a long interval has its next day far away. */
const MAX_PERIODS = 2_000;

/** The days that a rule says from `date` on, which need not be one of them. */
function* daysFrom(rule: Rule, date: string): Generator<string> {
  for (let period = 0; period < MAX_PERIODS; period += 1) {
    for (const day of daysOfPeriod(rule, date, period * rule.interval)) if (day >= date) yield day;
  }
}

/** In the period that is so many days, weeks, months or years after that of `date`. */
function daysOfPeriod(rule: Rule, date: string, distance: number): readonly string[] {
  switch (rule.frequency) {
    case 'DAILY':
      return [addDays(date, distance)];
    case 'WEEKLY': {
      const monday = addDays(date, 7 * distance - weekdayIndex(date));
      return Array.from({ length: 7 }, (_, index) => addDays(monday, index)).filter((day) => rule.weekdays.includes(weekdayOf(day)));
    }
    case 'MONTHLY': {
      const months = Number(date.slice(0, 4)) * 12 + Number(date.slice(5, 7)) - 1 + distance;
      return dayOfMonth(Math.floor(months / 12), (months % 12) + 1, rule.dayOfMonth);
    }
    case 'YEARLY':
      return dayOfMonth(Number(date.slice(0, 4)) + distance, rule.month, rule.dayOfMonth);
  }
}

/** That day of a month; none in a month that has no such day. */
function dayOfMonth(year: number, month: number, which: DayOfMonth): readonly string[] {
  const days = daysOfMonth(year, month);
  if (which.by === 'date') return days.slice(which.day - 1, which.day);
  const named = days.filter((day) => weekdayOf(day) === which.weekday);
  const found = which.ordinal === -1 ? named.at(-1) : named[which.ordinal - 1];
  return found === undefined ? [] : [found];
}

function daysOfMonth(year: number, month: number): readonly string[] {
  const length = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  return Array.from({ length }, (_, index) => `${pad(year, 4)}-${pad(month, 2)}-${pad(index + 1, 2)}`);
}

/** The first day from `date` on that the rule says; null when there is none. */
export function firstDay(rule: Rule, date: string): string | null {
  if (rule.frequency === 'WEEKLY' && rule.weekdays.length === 0) return null;
  // The period of an interval begins with the first day, so that a later weekday of this week is found.
  const first = daysFrom({ ...rule, interval: 1 }, date).next();
  return first.done === true ? null : first.value;
}

/** The next instants of a series that begins on `date`, without those that do not happen. */
export function nextStarts(rule: Rule, date: string, time: string, zone: string, excluded: readonly number[], wanted: number): readonly number[] {
  const first = firstDay(rule, date);
  if (first === null) return [];
  const starts: number[] = [];
  let said = 0;
  for (const day of daysFrom(rule, first)) {
    said += 1;
    if (rule.end.kind === 'until' && day > rule.end.date) break;
    if (rule.end.kind === 'count' && said > rule.end.count) break;
    const atMs = instant({ date: day, time }, zone);
    if (!Number.isNaN(atMs) && !excluded.includes(atMs)) starts.push(atMs);
    if (starts.length >= wanted) break;
  }
  return starts;
}

/** Whether there are months without the day that is chosen. */
export function skipsMonths(rule: Rule): boolean {
  if (rule.dayOfMonth.by !== 'date') return false;
  if (rule.frequency === 'MONTHLY') return rule.dayOfMonth.day > 28;
  return rule.frequency === 'YEARLY' && rule.month === 2 && rule.dayOfMonth.day === 29;
}
