// SPDX-License-Identifier: EUPL-1.2
// A call that a moderator has had made to a telephone: as the server tells it, and in words.
import type { Language } from '../app/preferences';
import { inRoom } from '../i18n/room';
import { callerName } from './caller-name';

/** `answered`: somebody or something has, and has not yet pressed the key that brings them in. */
export const CALL_STATES = ['dialling', 'ringing', 'answered', 'in_meeting', 'ended'] as const;
export type CallState = (typeof CALL_STATES)[number];

/** Why a call is over. `other` is what the server says that this client does not know. */
export const CALL_ENDINGS = [
  'hung_up',
  'busy',
  'not_answered',
  'declined',
  'not_confirmed',
  'unknown_number',
  'not_allowed',
  'trunk_failed',
  'full',
  'no_common_sound',
  'given_up',
  'time_up',
  'not_admitted',
  'removed',
  'meeting_ended',
  'failed',
  'other',
] as const;
export type CallEnding = (typeof CALL_ENDINGS)[number];

/** As the server tells it. */
export interface Call {
  readonly id: string;
  readonly state: CallState;
  /** Null until it is over. */
  readonly ending: CallEnding | null;
  /** What may be shown of the number. */
  readonly number: string;
  /** Empty where none was given. */
  readonly name: string;
  /** Who they are in the room, once they are in it. */
  readonly participantId: string | null;
}

/** As it is shown. */
export interface PlacedCall extends Call {
  /** Stays the same when the call is made again. */
  readonly key: string;
  /** Made from this page, which therefore knows the number and can call it again. */
  readonly isOwn: boolean;
  /** It is this person's own telephone, called from this device. */
  readonly isForMe: boolean;
}

/** Whom to call. */
export interface CallWish {
  readonly number: string;
  /** What the others will read. Empty: what is left of the number. */
  readonly name: string;
  /** In which whoever answers is spoken to. */
  readonly language: Language;
  /** It is the moderator's own telephone. */
  readonly isForMe: boolean;
}

/** Why the server did not do something about a call. */
export interface CallRefusal {
  /** The call that it is about; null for one that was to be made. */
  readonly callId: string | null;
  /** The problem document's, or `unreachable`. */
  readonly code: string;
  /** What the server says of it, in the reader's language; may be empty. */
  readonly detail: string;
  /** The number is what is wrong. */
  readonly isAboutNumber: boolean;
}

/** Reads what the server tells of a call. Null when it is none that this client understands. */
export function readCall(item: unknown): Call | null {
  const { id, state, ended_because: because, number, name, participant_id: participant } = (item ?? {}) as Readonly<Record<string, unknown>>;
  const known = CALL_STATES.find((each) => each === state);
  if (typeof id !== 'string' || known === undefined) return null;
  const ending = known === 'ended' ? (CALL_ENDINGS.find((each) => each === because) ?? 'other') : null;
  const participantId = typeof participant === 'string' ? participant : null;
  return { id, state: known, ending, number: text(number), name: text(name), participantId };
}

/** Whether it will soon stand otherwise with it. */
export function isUnderWay({ state }: Call): boolean {
  return state !== 'in_meeting' && state !== 'ended';
}

/** Who is called. */
export function calledName({ name, number }: Call): string {
  return callerName(name, number === '' ? null : number);
}

/** How it stands. */
export function callWords({ state, ending }: Call): string {
  const words = inRoom.value.phoneCalls;
  return state === 'ended' ? words.endings[ending ?? 'other'] : words.states[state];
}

/** Why something was refused, and what can be done. */
export function refusalWords({ code, detail }: CallRefusal): string {
  const words = inRoom.value.phoneCalls;
  const ours: Readonly<Record<string, string>> = words.refusals;
  return ours[code] ?? (detail || words.refused);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
