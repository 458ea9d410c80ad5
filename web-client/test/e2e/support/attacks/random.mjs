// SPDX-License-Identifier: EUPL-1.2
// Numbers by chance that are the same in every run, so that a failure can be had again.

/** Gives whole numbers below a bound (mulberry32: 32 bits of state, good enough for noise). */
export function randomNumbers(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (bound) => next() % bound;
}

/** So many bytes by chance. */
export function noise(random, length) {
  return Buffer.from(Array.from({ length }, () => random(256)));
}
