// SPDX-License-Identifier: EUPL-1.2
// How to come by telephone, in words to paste into a message.
import { fill } from '../../i18n';
import { w } from '../words';

/** As meetings and rooms have it. */
export interface DialIn {
  readonly numbers: readonly { readonly e164: string; readonly label?: string | null }[];
  readonly conference_id: string;
  readonly pin: string | null;
}

/** Null where nobody answers the telephone. */
export function dialInText({ numbers, conference_id: id, pin }: DialIn): string | null {
  const words = w.value.day;
  const number = numbers[0]?.e164;
  if (number === undefined) return null;
  return pin === null ? fill(words.dialInNoPin, { number, id }) : fill(words.dialInText, { number, id, pin });
}
