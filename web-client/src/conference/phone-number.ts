// SPDX-License-Identifier: EUPL-1.2
// Telephone numbers as people type them, or copy them out of letters, address books and links.

/** Why something is no telephone number. */
export type NumberProblem = 'empty' | 'not-a-number' | 'too-short' | 'too-long';

/** What somebody has typed: a number as the server takes it, or why it is none. */
export type TypedNumber =
  | { readonly kind: 'number'; readonly number: string }
  | { readonly kind: 'problem'; readonly problem: NumberProblem };

/** The shortest that exchanges give to telephones of their own. */
const MIN_DIGITS = 2;

/** A number has 15 with its country's prefix (ITU-T E.164 §6); before it may stand 00, and a digit for a line out of the house. */
const MAX_DIGITS = 18;

/** What stands between digits for the eye alone: spaces, brackets, slashes, points and dashes of every length. */
const SEPARATORS = /[\s()[\]/\\.·\p{Pd}\u2212]/gu;

/** With the country's prefix, a zero in brackets stands for calls from within the country. */
const ZERO_IN_BRACKETS = /^(\(?\s*(?:\+|00)[^(]*?)\(\s*0\s*\)/;

/**
 * Reads a number. What its digits mean, such as whether a 0 leads out of the house, is for the server to say, which knows
 * the telephone lines.
 */
export function readNumber(text: string): TypedNumber {
  const typed = text
    // Digits and signs of full width become plain ones.
    .normalize('NFKC')
    // Address books put invisible marks around numbers, which keep them from left to right.
    .replace(/\p{Cf}/gu, '')
    .trim()
    .replace(/^tel:/i, '');
  if (typed === '') return { kind: 'problem', problem: 'empty' };
  const number = typed.replace(ZERO_IN_BRACKETS, '$1').replace(SEPARATORS, '');
  if (!/^\+?[0-9]+$/.test(number)) return { kind: 'problem', problem: 'not-a-number' };
  const digits = number.replace('+', '').length;
  if (digits < MIN_DIGITS) return { kind: 'problem', problem: 'too-short' };
  if (digits > MAX_DIGITS) return { kind: 'problem', problem: 'too-long' };
  return { kind: 'number', number };
}
