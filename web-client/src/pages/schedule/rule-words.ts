// SPDX-License-Identifier: EUPL-1.2
// A rule as a sentence, so that somebody sees whether it says what they mean.
import { language } from '../../app/preferences';
import { fill, plural } from '../../i18n';
import { calendarDate, list } from '../words/dates';
import { w } from '../words';
import type { Rule } from './rule';
import { WEEKDAYS } from './rule';

/** The sentence, with the time of day and how many dates are left out. */
export function ruleInWords(rule: Rule, time: string, exceptions = 0): string {
  const words = w.value.rule;
  let text = frequencyInWords(rule);
  if (time !== '') text += fill(words.at, { time });
  if (rule.end.kind === 'until') text += fill(words.until, { date: calendarDate(rule.end.date) });
  if (rule.end.kind === 'count') text += plural(words.count, rule.end.count);
  if (exceptions > 0) text += plural(words.without, exceptions);
  return `${text}.`;
}

function frequencyInWords(rule: Rule): string {
  const words = w.value.rule;
  switch (rule.frequency) {
    case 'DAILY':
      return plural(words.daily, rule.interval);
    case 'WEEKLY': {
      const chosen = WEEKDAYS.filter((day) => rule.weekdays.includes(day));
      if (chosen.join() === 'MO,TU,WE,TH,FR') return plural(words.workweeks, rule.interval);
      const days = list(chosen.map((day) => words.weekdays[day]));
      return plural(words.weekly, rule.interval, { days });
    }
    case 'MONTHLY': {
      const { dayOfMonth } = rule;
      const day =
        dayOfMonth.by === 'date'
          ? fill(words.onDate, { day: dayOfMonth.day })
          : fill(words.onWeekday, { nth: words.ordinals[dayOfMonth.ordinal], weekday: words.weekdays[dayOfMonth.weekday] });
      return plural(words.monthly, rule.interval, { day });
    }
    case 'YEARLY':
      return plural(words.yearly, rule.interval, { day: dayOfYear(rule) });
  }
}

function dayOfYear(rule: Rule): string {
  const words = w.value.rule;
  const { dayOfMonth } = rule;
  if (dayOfMonth.by === 'date') {
    // Any leap year, so that 29 February has its name.
    const format = new Intl.DateTimeFormat(language.value, { day: 'numeric', month: 'long', timeZone: 'UTC' });
    return fill(words.onDateOfYear, { date: format.format(Date.UTC(2024, rule.month - 1, dayOfMonth.day)) });
  }
  const month = new Intl.DateTimeFormat(language.value, { month: 'long', timeZone: 'UTC' }).format(Date.UTC(2024, rule.month - 1, 1));
  return fill(words.onWeekdayOfMonth, {
    nth: words.ordinals[dayOfMonth.ordinal],
    weekday: words.weekdays[dayOfMonth.weekday],
    month,
  });
}
