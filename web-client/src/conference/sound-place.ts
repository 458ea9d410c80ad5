// SPDX-License-Identifier: EUPL-1.2
// Where the sound of a meeting goes for somebody whose own telephone takes part: to the telephone once it is in, and back to this
// device when it is gone. Only says what is so; what follows from it is done in own-telephone.ts.
import type { SoundNotice } from './model';

/** Where somebody hears and speaks. */
export interface SoundPlace {
  /** Their telephones that are in the room, by their identities. */
  readonly telephones: readonly string[];
  /** Those that were the last in the room, while it is said that they are gone. */
  readonly gone: readonly string[];
  /** The telephone has the sound, and this device is silent. */
  readonly isByTelephone: boolean;
  readonly notice: SoundNotice | null;
}

/** Where it is without a telephone. */
export const HERE: SoundPlace = { telephones: [], gone: [], isByTelephone: false, notice: null };

/** Of their telephones these are in the room now. One that comes takes the sound; when the last one has gone, it is here again. */
export function withTelephones(place: SoundPlace, telephones: readonly string[], isMicrophoneOn: boolean): SoundPlace {
  const isOneNew = telephones.some((identity) => !place.telephones.includes(identity));
  const now = { ...place, telephones };
  if (isOneNew) return toTelephone(now);
  if (telephones.length > 0 || place.telephones.length === 0) return now;
  // Whoever hears and speaks here already is told nothing new, and nothing echoes any more.
  if (!place.isByTelephone && isMicrophoneOn) return HERE;
  return { ...HERE, gone: place.telephones, notice: { kind: 'gone' } };
}

/** The calls of these telephones are over. Until that is known, one that is gone may be in another meeting. */
export function withEnded(place: SoundPlace, ended: readonly string[]): SoundPlace {
  const isOver = place.notice?.kind === 'gone' && place.gone.every((identity) => ended.includes(identity));
  return isOver ? { ...place, notice: { kind: 'ended' } } : place;
}

/** The telephone takes the sound, if there is one. */
export function toTelephone(place: SoundPlace): SoundPlace {
  if (place.isByTelephone || place.telephones.length === 0) return place;
  return { ...place, gone: [], isByTelephone: true, notice: { kind: 'by-telephone' } };
}

/** The meeting is to be heard here, while the call goes on. */
export function backHere(place: SoundPlace): SoundPlace {
  return place.isByTelephone ? { ...place, isByTelephone: false, notice: { kind: 'both' } } : place;
}

/** The microphone here is to be switched on: that is no longer to be said which is not so then, or why it stays off. */
export function microphoneWanted(place: SoundPlace): SoundPlace {
  // A new notice each time, so that it is read out each time.
  if (place.isByTelephone) return { ...place, notice: { kind: 'reminder' } };
  return place.telephones.length === 0 ? { ...place, notice: null } : place;
}

/** The notice has been read. The one of where the sound is stays as long as it is there. */
export function dismissed(place: SoundPlace): SoundPlace {
  return place.isByTelephone ? place : { ...place, notice: null };
}
