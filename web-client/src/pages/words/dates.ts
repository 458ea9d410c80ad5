// SPDX-License-Identifier: EUPL-1.2
// Dates, times and lists as the reader's language writes them.
import { language } from '../../app/preferences';

/** `Monday, October 19, 2026` in a zone. */
export function longDate(atMs: number, zone: string): string {
  return format({ dateStyle: 'full', timeZone: zone }).format(atMs);
}

/** `Mo., 19.10.2026, 10:00` in a zone. */
export function dateAndTime(atMs: number, zone: string): string {
  return format({ weekday: 'short', day: '2-digit', month: '2-digit', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: zone }).format(atMs);
}

/** `10:00` in a zone. */
export function timeOfDay(atMs: number, zone: string): string {
  return format({ hour: 'numeric', minute: '2-digit', timeZone: zone }).format(atMs);
}

/** `10:00–10:45` in a zone; with the day where the end is on another one. */
export function timeSpan(fromMs: number, toMs: number, zone: string): string {
  const day = longDate(toMs, zone);
  // Ranges of times write the first day, too, which stands before them already.
  if (day !== longDate(fromMs, zone)) return `${timeOfDay(fromMs, zone)} – ${day}, ${timeOfDay(toMs, zone)}`;
  return format({ hour: 'numeric', minute: '2-digit', timeZone: zone }).formatRange(fromMs, toMs);
}

/** A day that is written `2026-10-19`, in words. */
export function calendarDate(date: string): string {
  const atMs = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(atMs) ? date : format({ day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(atMs);
}

/** `a, b and c` */
export function list(items: readonly string[]): string {
  return new Intl.ListFormat(language.value, { type: 'conjunction' }).format(items);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language.value + JSON.stringify(options);
  let known = formats.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat(language.value, options);
    formats.set(key, known);
  }
  return known;
}
