// SPDX-License-Identifier: EUPL-1.2
// Participants who come by telephone, as LiveKit describes them: a kind, and attributes that begin with `sip.`.
import { ParticipantKind, type Participant } from 'livekit-client';
import { isCallersName } from './caller-name';
import type { PhoneCall } from './model';

/** The number that calls, of which the server shows no more than others may see; missing when it is withheld. */
const NUMBER = 'sip.phoneNumber';

/** `true` while the telephone's end holds the call. */
const HOLD = 'sip.hold';

/** Saal's own: what the caller has said to the recording that goes on. */
const RECORDING_CONSENT = 'saal.recording_consent';

/**
 * The call of somebody who comes by telephone. Null for everybody else: whoever is in a browser can give themselves the
 * attributes of a caller, but not the kind, which only the server knows.
 */
export function phoneCall({ kind, name, attributes }: Participant): PhoneCall | null {
  if (kind !== ParticipantKind.SIP) return null;
  const number = attributes[NUMBER] ?? '';
  return {
    number: number === '' ? null : number,
    isNamed: isCallersName(name ?? ''),
    isOnHold: attributes[HOLD] === 'true',
    recordingConsent: consent(attributes[RECORDING_CONSENT]),
  };
}

function consent(said: string | undefined): PhoneCall['recordingConsent'] {
  return said === 'given' || said === 'withdrawn' ? said : null;
}
