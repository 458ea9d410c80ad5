// SPDX-License-Identifier: EUPL-1.2
// So many of something.

/**
 * @template T
 * @param {number} count
 * @param {(index: number) => T} make
 * @returns {T[]}
 */
export function repeat(count, make) {
  return Array.from({ length: count }, (_, index) => make(index));
}
