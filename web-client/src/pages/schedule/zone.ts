// SPDX-License-Identifier: EUPL-1.2
// Wall-clock times in a time zone and the instants they stand for. The browser's own database knows when clocks change.

/** A date and a time on somebody's clock, as `<input type=date>` and `<input type=time>` write them. */
export interface WallTime {
  /** `2026-10-19` */
  readonly date: string;
  /** `08:00` */
  readonly time: string;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  formats.set(zone, format);
  return format;
}

/** What the clocks of a zone show at an instant. */
export function wallTime(atMs: number, zone: string): WallTime {
  const parts = new Map(formatOf(zone).formatToParts(atMs).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? '';
  return { date: `${part('year')}-${part('month')}-${part('day')}`, time: `${part('hour')}:${part('minute')}` };
}

/**
 * The instant at which the clocks of a zone show that. Of an hour that comes twice it is the first; a time that is skipped
 * is as long after the change as it would have been (RFC 5545 §3.3.5). NaN for what is no date or time.
 */
export function instant({ date, time }: WallTime, zone: string): number {
  const asUtc = Date.parse(`${date}T${time}:00Z`);
  if (Number.isNaN(asUtc)) return Number.NaN;
  const offset = (atMs: number) => {
    const shown = wallTime(atMs, zone);
    return Date.parse(`${shown.date}T${shown.time}:00Z`) - Math.floor(atMs / 60_000) * 60_000;
  };
  // Clocks change by less than a day: the offsets before and after are those that may hold.
  const before = offset(asUtc - 86_400_000);
  const first = asUtc - before;
  if (offset(first) === before) return first;
  const after = offset(asUtc + 86_400_000);
  const second = asUtc - after;
  return offset(second) === after ? second : first;
}

/** The zone that this device is set to. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** All zones that the browser knows. */
export function allZones(): readonly string[] {
  return Intl.supportedValuesOf('timeZone');
}

/** A zone's name as people read it: `Europe/Berlin` is `Berlin (Europe)`. */
export function zoneName(zone: string): string {
  const [area, ...place] = zone.split('/');
  return place.length === 0 ? zone : `${place.join(', ').replaceAll('_', ' ')} (${area})`;
}

/** The date so many days later. */
export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}

/** The day of the week, 0 for Monday. */
export function weekdayIndex(date: string): number {
  return (new Date(`${date}T00:00:00Z`).getUTCDay() + 6) % 7;
}
