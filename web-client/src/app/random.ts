// SPDX-License-Identifier: EUPL-1.2
// Names that nobody guesses and nobody else has.

/** So many random bytes, as hexadecimal digits. Not crypto.randomUUID(), which is missing on plain-http pages. */
export function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
