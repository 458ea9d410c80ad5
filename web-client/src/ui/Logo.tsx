// SPDX-License-Identifier: EUPL-1.2

/** The mark: rows of seats around a speaker. */
export function Logo() {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="logo-ground" />
      <g class="logo-lines">
        <path d="M5.5 22a10.5 10.5 0 0 1 21 0" stroke-dasharray="3.6 4.65" />
        <path d="M11 22a5 5 0 0 1 10 0" />
      </g>
      <circle cx="16" cy="22" r="1.9" class="logo-dot" />
    </svg>
  );
}

const ROWS = 7;

/** The mark's idea in large, for the start screen: a hall seen from above, some seats taken. Pure decoration. */
export function SeatingPlan() {
  const seats = Array.from({ length: ROWS }, (_, row) => {
    const radius = 70 + row * 34;
    const count = 7 + row * 3;
    return Array.from({ length: count }, (_, seat) => {
      const angle = Math.PI * (1 - seat / (count - 1));
      // A fixed pattern that looks like chance.
      const isTaken = (row * 7 + seat * 5) % 11 < 3;
      return { x: 300 + radius * Math.cos(angle), y: 310 - radius * Math.sin(angle), isTaken };
    });
  }).flat();
  return (
    <svg class="seating" viewBox="0 0 600 340" aria-hidden="true" focusable="false">
      {seats.map(({ x, y, isTaken }) => (
        <circle key={`${x} ${y}`} cx={x} cy={y} r="9" class={isTaken ? 'seat seat-taken' : 'seat'} />
      ))}
      <rect x="268" y="292" width="64" height="20" rx="6" class="seat seat-taken" />
    </svg>
  );
}
