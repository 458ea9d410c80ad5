// SPDX-License-Identifier: EUPL-1.2
// How to come by telephone: as the server tells it, as links for telephones, and as a text to paste into a message.
import { t } from '../i18n';

/** A number to call. */
export interface DialInNumber {
  /** With + and the country's prefix. */
  readonly e164: string;
  /** Where it is, such as a town. */
  readonly label?: string | null;
}

/** As meetings and rooms have it. */
export interface DialIn {
  readonly numbers: readonly DialInNumber[];
  readonly conference_id: string;
  /** Null where none is needed, or whoever looks may not know it. */
  readonly pin?: string | null;
}

/**
 * A link that dials all of it: commas are pauses. The key `#` is escaped, because telephones take what stands behind a bare one
 * for no part of the number (RFC 3966 §3). Where there is no PIN, that key alone answers the question for one.
 */
export function oneTap({ e164 }: DialInNumber, { conference_id: id, pin }: DialIn): string {
  return `tel:${e164}${[id, pin ?? ''].map((code) => `,,${code}%23`).join('')}`;
}

/** Digits in groups of three, or of four where that leaves none alone, as invitations have them. */
export function grouped(digits: string): string {
  const groups = digits.match(digits.length % 3 === 0 ? /.{1,3}/g : /.{1,4}/g);
  return (groups ?? []).join(' ');
}

/** All of it in words. Null where nobody answers the telephone. */
export function dialInText({ numbers, conference_id: id, pin }: DialIn): string | null {
  const words = t.value.dialIn;
  if (numbers.length === 0) return null;
  const shown = numbers.map(({ e164, label }) => (label ? `${e164} (${label})` : e164));
  const lines = [`${words.byPhone}: ${shown.join(', ')}`, `${words.conferenceId}: ${grouped(id)} #`];
  lines.push(`${words.pin}: ${pin ? `${grouped(pin)} #` : words.withoutPin}`);
  return lines.join('\n');
}
