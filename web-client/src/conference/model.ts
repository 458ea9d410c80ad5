// SPDX-License-Identifier: EUPL-1.2
// What the screens know of a conference. No LiveKit types: the screens can be drawn from made-up signals, and the
// large LiveKit chunk is only loaded by those who need it.
import type { ReadonlySignal, Signal } from '@preact/signals';
import type { ChatLog } from './chat';
import type { DialIn } from './dial-in';
import type { CallRefusal, CallWish, PlacedCall } from './placed-call';

/** A moving picture that can be shown in a video element. */
export interface VideoSource {
  /** Changes whenever another picture has to be shown. */
  readonly id: string;
  /** Only the own camera is shown as in a mirror. */
  readonly isMirrored: boolean;
  attach(element: HTMLVideoElement): void;
  detach(element: HTMLVideoElement): void;
}

export type MicrophoneState = 'on' | 'muted' | 'none';
export type LinkQuality = 'good' | 'poor' | 'lost' | 'unknown';

/** How somebody comes who is in the room by telephone. */
export interface PhoneCall {
  /** What everybody may see of the number; null when the caller does not want it shown. */
  readonly number: string | null;
  /** A name is known, and not only a number. */
  readonly isNamed: boolean;
  /** The caller has put the call on hold: they neither hear nor are heard. */
  readonly isOnHold: boolean;
  /** What the caller has said to the recording that goes on; null where they have said nothing. */
  readonly recordingConsent: 'given' | 'withdrawn' | null;
}

/** One person in the room. */
export interface ParticipantView {
  readonly identity: string;
  readonly isLocal: boolean;
  /** Where none is known, what stands for it. */
  readonly name: ReadonlySignal<string>;
  readonly microphone: ReadonlySignal<MicrophoneState>;
  readonly camera: ReadonlySignal<VideoSource | null>;
  readonly screen: ReadonlySignal<VideoSource | null>;
  readonly isSpeaking: ReadonlySignal<boolean>;
  /** When the person last began to speak; 0 for never. */
  readonly spokeAtMs: ReadonlySignal<number>;
  readonly link: ReadonlySignal<LinkQuality>;
  /** The place in the queue of raised hands: the smallest is the first. Null while the hand is down. */
  readonly hand: ReadonlySignal<number | null>;
  /** Whether the person may open the microphone. */
  readonly maySpeak: ReadonlySignal<boolean>;
  /** Nobody knows who it is: the name is what the person wrote. */
  readonly isGuest: ReadonlySignal<boolean>;
  /** Null for whoever does not come by telephone. */
  readonly phone: ReadonlySignal<PhoneCall | null>;
}

/** What this person may do: what the token allows, and for the microphone also what a moderator has decided. */
export interface Permissions {
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly screen: boolean;
  readonly chat: boolean;
}

/** Why the conference is over for this person. */
export type EndReason = 'left' | 'removed' | 'replaced' | 'closed' | 'shutdown' | 'no-media' | 'lost';

/** Why joining failed. */
export type JoinError = 'not-allowed' | 'turned-away' | 'unreachable' | 'failed';

export type DeviceKind = 'microphone' | 'camera' | 'speaker';

/** Why a device does not work. */
export type DeviceProblem = 'denied' | 'missing' | 'busy' | 'failed';

/** A control that did not do what it was asked to, or did something it was not asked to. */
export type ControlProblem =
  /** `by-other`: somebody else, such as the host, has switched it off. */
  | { readonly control: 'microphone' | 'camera'; readonly problem: DeviceProblem | 'by-other' }
  | { readonly control: 'screen' };

/** Somebody who waits to be let in. */
export interface LobbyPerson {
  readonly id: string;
  readonly name: string;
  readonly isGuest: boolean;
  readonly isPhone: boolean;
  readonly sinceMs: number;
}

/** Somebody who may not come any more. */
export interface BannedPerson {
  /** The ban's. */
  readonly id: string;
  readonly name: string;
}

/** Calls to telephones. Nothing of it ever rejects: why something was not done is in `refusal`. */
export interface PhoneCalling {
  /** The latest first. */
  readonly calls: ReadonlySignal<readonly PlacedCall[]>;
  /** Whether calls can be made from here at all; null until the server has said so. */
  readonly isAllowed: ReadonlySignal<boolean | null>;
  /** A call is being ordered. */
  readonly isCalling: ReadonlySignal<boolean>;
  readonly refusal: Signal<CallRefusal | null>;
  /** Asks how they stand, also those that others make; and goes on asking while any is under way. */
  look(): Promise<void>;
  /** Whether it was taken up. */
  call(wish: CallWish): Promise<boolean>;
  /** Calls somebody again who was called from this page. */
  again(id: string): Promise<void>;
  /** Gives a call up, or ends it. */
  hangUp(id: string): Promise<void>;
  /** Takes a call that is over off the list. */
  dismiss(id: string): void;
}

/** What moderators see and do. Nothing of it ever rejects: that it did not work is in `problem`. */
export interface Moderation {
  readonly waiting: ReadonlySignal<readonly LobbyPerson[]>;
  readonly isLocked: ReadonlySignal<boolean>;
  readonly banned: ReadonlySignal<readonly BannedPerson[]>;
  readonly problem: Signal<boolean>;
  readonly phoneCalls: PhoneCalling;
  /** One person, or everybody who waits. */
  admit(entryId: string | null): Promise<void>;
  deny(entryId: string): Promise<void>;
  /** One person, or everybody who does not moderate. */
  mute(identity: string | null): Promise<void>;
  /** Nobody opens a microphone but whoever speaks into it. */
  askToUnmute(identity: string): Promise<void>;
  /** Whoever may not speak is muted at once, and stays so. */
  permitToSpeak(identity: string, isPermitted: boolean): Promise<void>;
  rename(identity: string, name: string): Promise<void>;
  /** One person's, or all. */
  lowerHand(identity: string | null): Promise<void>;
  remove(identity: string, isBanned: boolean): Promise<void>;
  /** Asks who is banned: others may have done it. */
  lookAtBans(): Promise<void>;
  /** Takes a ban back. */
  unban(banId: string): Promise<void>;
  setLocked(isLocked: boolean): Promise<void>;
  end(): Promise<void>;
}

/** What whoever is signed in may pass on, so that others can come. */
export interface Invitation {
  readonly joinUrl: string;
  readonly dialIn: DialIn;
}

/** What everybody is told, or this person. */
export type MeetingNotice =
  | { readonly kind: 'ends-in'; readonly minutes: number }
  | { readonly kind: 'unmute-request' | 'may-speak' | 'may-not-speak' };

/** What is to be known of where the sound goes. */
export interface SoundNotice {
  /**
   * `by-telephone`: it goes by the telephone. `reminder`: the microphone here was to be switched on meanwhile. `both`: it is here, and
   * the telephone is still in the meeting. `gone`: the telephone is no longer in the meeting, so it is here. `ended`: the same, and the
   * call is known to be over.
   */
  readonly kind: 'by-telephone' | 'reminder' | 'both' | 'gone' | 'ended';
}

/** The sound of somebody whose own telephone takes part: while it goes by that, this device neither hears nor is heard. */
export interface TelephoneSound {
  /** A telephone of theirs is in the room. */
  readonly isIn: ReadonlySignal<boolean>;
  /** Which, by their identities. */
  readonly identities: ReadonlySignal<readonly string[]>;
  readonly isByTelephone: ReadonlySignal<boolean>;
  readonly notice: ReadonlySignal<SoundNotice | null>;
  /** The ids of their telephones' calls that go on, perhaps in another meeting, as far as they can be ended from here. */
  readonly calls: ReadonlySignal<readonly string[]>;
  /** The meeting is to be heard here again. The microphone stays off. */
  backHere(): void;
  toTelephone(): void;
  /** What is still to be said to whoever leaves the meeting; null for nothing. */
  readonly afterword: ReadonlySignal<string | null>;
  /** Ends these calls. Never rejects: why it did not work is where calls are. */
  hangUp(): Promise<void>;
  dismiss(): void;
}

/** A conference this person is in. */
export interface Conference {
  readonly joinedAtMs: number;
  /** `connecting`: the people are known, but neither sound nor pictures can come through yet. */
  readonly connection: ReadonlySignal<'connecting' | 'connected' | 'reconnecting'>;
  readonly endReason: ReadonlySignal<EndReason | null>;
  readonly local: ParticipantView;
  /** Everybody else, in the order in which they became known. */
  readonly remotes: ReadonlySignal<readonly ParticipantView[]>;
  /** What the controls show: at once what was asked for, even while the browser and the server still work on it. */
  readonly isMicrophoneOn: ReadonlySignal<boolean>;
  readonly isCameraOn: ReadonlySignal<boolean>;
  readonly isScreenShared: ReadonlySignal<boolean>;
  readonly permissions: ReadonlySignal<Permissions>;
  /** Somebody is in the room who records. */
  readonly isRecording: ReadonlySignal<boolean>;
  /** The browser does not play sound before the next click. */
  readonly isSoundBlocked: ReadonlySignal<boolean>;
  readonly controlProblem: ReadonlySignal<ControlProblem | null>;
  readonly chat: ChatLog;
  /** Null for whoever does not moderate. */
  readonly moderation: Moderation | null;
  readonly notice: ReadonlySignal<MeetingNotice | null>;
  readonly telephone: TelephoneSound;

  /** None of the three ever rejects: what went wrong is in `controlProblem`. */
  setMicrophone(isOn: boolean): Promise<void>;
  setCamera(isOn: boolean): Promise<void>;
  setScreenShare(isOn: boolean): Promise<void>;
  /** Rejects when the device cannot be used. */
  useDevice(kind: DeviceKind, deviceId: string): Promise<void>;
  /** Has to be called from a click. */
  startSound(): Promise<void>;
  dismissProblem(): void;
  dismissNotice(): void;
  /** Never rejects. */
  setHand(isRaised: boolean): Promise<void>;
  /**
   * Asks how others can come; `hidden` is it from whoever is not signed in, or may not see the meeting's details. Null where there is
   * no meeting. Rejects when the server does not answer.
   */
  readonly invitation: (() => Promise<Invitation | 'hidden'>) | null;
  leave(): Promise<void>;
}
