// SPDX-License-Identifier: EUPL-1.2
// Which calls went to this person's own telephones, and who these are in a room. The server does not tell, so this device remembers it,
// for all its tabs: after a reload, in another tab and in another meeting the telephone is still theirs. Others who use this device are
// other people: each call is remembered with who asked for it, by their identity in rooms.
import { signal } from '@preact/signals';
import { deviceStore } from '../app/storage';

const KEY = 'saal.own-calls';

/** Nobody has more telephones that are called at a time; then the oldest goes. */
const MAX_REMEMBERED = 10;

/** Meetings are over by then. */
const MAX_AGE_MS = 24 * 60 * 60 * 1_000;

interface OwnCall {
  readonly id: string;
  /** Whose call it is. */
  readonly owner: string;
  /** Who the telephone is in a room; null until it is in one. */
  readonly participantId: string | null;
  readonly atMs: number;
}

/** Counts up when something was remembered, also in another tab. */
const changes = signal(0);

/** Remembers a call, and whose sound it carries once that is known. */
export function rememberOwnCall(owner: string, id: string, participantId: string | null = null): void {
  const known = calls();
  const before = known.find((call) => call.id === id);
  const call: OwnCall = { id, owner, participantId: participantId ?? before?.participantId ?? null, atMs: before?.atMs ?? Date.now() };
  if (before !== undefined && before.participantId === call.participantId) return;
  const others = known.filter((other) => other !== before);
  deviceStore.write(KEY, JSON.stringify([...others, call].slice(-MAX_REMEMBERED)));
  changes.value += 1;
}

export function isOwnCall(owner: string, id: string): boolean {
  return calls().some((call) => call.id === id && call.owner === owner);
}

/** This person's telephones that have been in a room, by their identities there. Whoever reads it in an effect learns of changes. */
export function ownTelephones(owner: string): readonly string[] {
  void changes.value;
  const own = calls().filter((call) => call.owner === owner);
  return own.flatMap(({ participantId }) => (participantId === null ? [] : [participantId]));
}

/** Follows what other tabs remember, until that is ended. */
export function followOtherTabs(): () => void {
  const changed = ({ key }: StorageEvent) => {
    // Without a key, all was deleted.
    if (key === KEY || key === null) changes.value += 1;
  };
  window.addEventListener('storage', changed);
  return () => window.removeEventListener('storage', changed);
}

function calls(): readonly OwnCall[] {
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
  const { id, owner, participantId, atMs } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const isNamed = typeof id === 'string' && typeof owner === 'string';
  return isNamed && (participantId === null || typeof participantId === 'string') && typeof atMs === 'number';
}
