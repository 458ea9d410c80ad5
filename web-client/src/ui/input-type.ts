// SPDX-License-Identifier: EUPL-1.2
// The kinds of one-line inputs.

/**
 * An attribute of its own for each: which roles an input may have depends on its type, so to the compiler one whose type is only known
 * to be one of several is none of them.
 */
const ATTRIBUTES = {
  text: { type: 'text' },
  email: { type: 'email' },
  password: { type: 'password' },
  url: { type: 'url' },
  number: { type: 'number' },
  date: { type: 'date' },
  time: { type: 'time' },
  'datetime-local': { type: 'datetime-local' },
  search: { type: 'search' },
  tel: { type: 'tel' },
} as const;

export type InputType = keyof typeof ATTRIBUTES;

/** To be spread into an input. */
export function typeAttribute<T extends InputType>(type: T): (typeof ATTRIBUTES)[T] {
  return ATTRIBUTES[type];
}
