// SPDX-License-Identifier: EUPL-1.2
// Which calls went to this person's own telephones, and who these are in a room. The server does not tell, so this device remembers it,
// for all its tabs: after a reload, in another tab and in another meeting the telephone is still theirs.
import { deviceStore } from '../app/storage';

const KEY = 'saal.own-calls';

/** Nobody has more telephones that are called at a time; then the oldest goes. */
const MAX_REMEMBERED = 10;

/** Meetings are over by then. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;

interface OwnCall {
  readonly id: string;
  /** Who the telephone is in a room; null until it is in one. */
  readonly participantId: string | null;
  readonly atMs: number;
}

/** Remembers a call, and whose sound it carries once that is known. */
export function rememberOwnCall(id: string, participantId: string | null = null): void {
  const known = ownCalls();
  const before = known.find((call) => call.id === id);
  const call: OwnCall = { id, participantId: participantId ?? before?.participantId ?? null, atMs: before?.atMs ?? Date.now() };
  if (before !== undefined && before.participantId === call.participantId) return;
  const others = known.filter((other) => other !== before);
  deviceStore.write(KEY, JSON.stringify([...others, call].slice(-MAX_REMEMBERED)));
}

export function isOwnCall(id: string): boolean {
  return ownCalls().some((call) => call.id === id);
}

/** This person's telephones that have been in a room, by their identities there. */
export function ownTelephones(): readonly string[] {
  return ownCalls().flatMap(({ participantId }) => (participantId === null ? [] : [participantId]));
}

function ownCalls(): readonly OwnCall[] {
  const oldestMs = Date.now() - MAX_AGE_MS;
  return stored()
    .filter(isCall)
    .filter(({ atMs }) => atMs > oldestMs)
    .slice(-MAX_REMEMBERED);
}

/** Another version of this page may have written it. */
function stored(): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(deviceStore.read(KEY) ?? '[]');
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function isCall(value: unknown): value is OwnCall {
  const { id, participantId, atMs } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof id === 'string' && (participantId === null || typeof participantId === 'string') && typeof atMs === 'number';
}
