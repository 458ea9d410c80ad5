// SPDX-License-Identifier: EUPL-1.2
// The queue of raised hands. There is one for everybody, however they have come.
import type { ParticipantView } from './model';

/** Where each raised hand stands, by identity; the first is 1. */
export function handPlaces(people: readonly ParticipantView[]): ReadonlyMap<string, number> {
  const raised = people.flatMap(({ identity, hand }) => (hand.value === null ? [] : [{ identity, since: hand.value }]));
  raised.sort((a, b) => a.since - b.since);
  return new Map(raised.map(({ identity }, index) => [identity, index + 1]));
}
