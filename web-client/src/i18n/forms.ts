// SPDX-License-Identifier: EUPL-1.2

/** A text that depends on a number, by the plural categories German and English have. */
export interface Plural {
  readonly one: string;
  readonly other: string;
}

/** For the dictionaries: both forms of a text. */
export const plural = (one: string, other: string): Plural => ({ one, other });
