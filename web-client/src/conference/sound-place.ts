// SPDX-License-Identifier: EUPL-1.2
// Where the sound of a meeting goes for somebody whose own telephone takes part: to the telephone once it is in, and back to this
// device when it is gone. Only says what is so; what follows from it is done in own-telephone.ts.
import type { SoundNotice } from './model';

/** Where somebody hears and speaks. */
export interface SoundPlace {
  /** Their telephones that are in the room, by their identities. */
  readonly telephones: readonly string[];
  /** The telephone has the sound, and this device is silent. */
  readonly isByTelephone: boolean;
  /** The microphone here was on when the sound went to the telephone. */
  readonly hadMicrophone: boolean;
  readonly notice: SoundNotice | null;
}

/** Where it is without a telephone. */
export const HERE: SoundPlace = { telephones: [], isByTelephone: false, hadMicrophone: false, notice: null };

/** Of their telephones these are in the room now. One that comes takes the sound; when the last one has gone, it is here again. */
export function withTelephones(place: SoundPlace, telephones: readonly string[], isMicrophoneOn: boolean): SoundPlace {
  const isOneNew = telephones.some((identity) => !place.telephones.includes(identity));
  const now = { ...place, telephones };
  if (isOneNew) return toTelephone(now, isMicrophoneOn);
  if (telephones.length > 0) return now;
  if (place.isByTelephone) return { ...HERE, notice: { kind: 'hung-up' } };
  // Nothing echoes any more.
  return place.notice?.kind === 'both' ? HERE : now;
}

/** The telephone takes the sound, if there is one. */
export function toTelephone(place: SoundPlace, isMicrophoneOn: boolean): SoundPlace {
  if (place.isByTelephone || place.telephones.length === 0) return place;
  return { ...place, isByTelephone: true, hadMicrophone: isMicrophoneOn, notice: { kind: 'by-telephone' } };
}

/** The sound is wanted here, while the call goes on. */
export function backHere(place: SoundPlace): SoundPlace {
  return place.isByTelephone ? { ...place, isByTelephone: false, hadMicrophone: false, notice: { kind: 'both' } } : place;
}

/** The microphone here is to be switched on: that is no longer to be said which is not so then, or why it stays off. */
export function microphoneWanted(place: SoundPlace): SoundPlace {
  // A new notice each time, so that it is read out each time.
  if (place.isByTelephone) return { ...place, notice: { kind: 'reminder' } };
  return place.notice?.kind === 'hung-up' ? { ...place, notice: null } : place;
}

/** The notice has been read. The one of where the sound is stays as long as it is there. */
export function dismissed(place: SoundPlace): SoundPlace {
  return place.isByTelephone ? place : { ...place, notice: null };
}
