// SPDX-License-Identifier: EUPL-1.2
// Who sits where. Tiles must not jump: whoever has a seat keeps it, and only a speaker who is out of sight may
// take the seat of the person on the first page who has been silent longest.

/** What the seating has to know of a person. */
export interface Seat {
  readonly id: string;
  readonly isLocal: boolean;
  readonly isSpeaking: boolean;
  /** When the person last began to speak; 0 for never. */
  readonly spokeAtMs: number;
}

/**
 * The new order of tiles, from the order so far and the people in the room.
 * The first `pageSize` seats are the first page; the own tile is among them.
 */
export function arrangeSeats(previous: readonly string[], people: readonly Seat[], pageSize: number): string[] {
  const seats = new Map(people.map((seat) => [seat.id, seat]));
  const order = fillGaps(previous, seats, pageSize);
  const seated = new Set(order);
  for (const { id } of people) if (!seated.has(id)) order.push(id);
  bringOwnTileForward(order, seats, pageSize);
  bringSpeakersForward(order, seats, pageSize);
  return order;
}

/** Takes away those who left. One person moves into each gap, instead of everybody moving up. */
function fillGaps(previous: readonly string[], seats: ReadonlyMap<string, Seat>, pageSize: number): string[] {
  const order: (string | null)[] = previous.map((id) => (seats.has(id) ? id : null));
  for (let gap = order.indexOf(null); gap !== -1; gap = order.indexOf(null)) {
    while (order.length > 0 && order.at(-1) === null) order.pop();
    if (gap >= order.length) break;
    const from = gap < pageSize ? whoMovesUp(order, seats, gap, pageSize) : order.length - 1;
    order[gap] = order[from] ?? null;
    order.splice(from, 1);
  }
  return order.filter((id) => id !== null);
}

/** Into a gap on the first page comes the latest speaker who is out of sight, or else the last of all. */
function whoMovesUp(
  order: readonly (string | null)[],
  seats: ReadonlyMap<string, Seat>,
  gap: number,
  pageSize: number,
): number {
  let best = order.length - 1;
  for (let index = Math.max(gap + 1, pageSize); index < order.length; index += 1) {
    if (spokeAt(order[index], seats) > spokeAt(order[best], seats)) best = index;
  }
  return best;
}

function bringOwnTileForward(order: string[], seats: ReadonlyMap<string, Seat>, pageSize: number): void {
  const own = order.findIndex((id) => seats.get(id)?.isLocal === true);
  // On a page of one the others are what one wants to see.
  if (own >= pageSize && pageSize > 1) swap(order, own, pageSize - 1);
}

function bringSpeakersForward(order: string[], seats: ReadonlyMap<string, Seat>, pageSize: number): void {
  for (let index = pageSize; index < order.length; index += 1) {
    if (seats.get(order[index] ?? '')?.isSpeaking !== true) continue;
    const seat = quietestSeat(order, seats, pageSize);
    // Everybody in sight is speaking: nobody has to go.
    if (seat === null) return;
    swap(order, index, seat);
  }
}

/** The seat on the first page whose owner has been silent longest; among equals the last one. */
function quietestSeat(order: readonly string[], seats: ReadonlyMap<string, Seat>, pageSize: number): number | null {
  let quietest: number | null = null;
  for (let index = Math.min(pageSize, order.length) - 1; index >= 0; index -= 1) {
    const seat = seats.get(order[index] ?? '');
    if (seat === undefined || seat.isLocal || seat.isSpeaking) continue;
    if (quietest === null || seat.spokeAtMs < spokeAt(order[quietest], seats)) quietest = index;
  }
  return quietest;
}

function spokeAt(id: string | null | undefined, seats: ReadonlyMap<string, Seat>): number {
  return seats.get(id ?? '')?.spokeAtMs ?? 0;
}

function swap(order: string[], a: number, b: number): void {
  const [first, second] = [order[a], order[b]];
  if (first === undefined || second === undefined) return;
  order[a] = second;
  order[b] = first;
}
