// SPDX-License-Identifier: EUPL-1.2
// What the screens know of a conference. No LiveKit types: the screens can be drawn from made-up signals, and the
// large LiveKit chunk is only loaded by those who need it.
import type { ReadonlySignal } from '@preact/signals';
import type { ChatLog } from './chat';

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

/** One person in the room. */
export interface ParticipantView {
  readonly identity: string;
  readonly isLocal: boolean;
  /** Empty when the person gave none. */
  readonly name: ReadonlySignal<string>;
  readonly microphone: ReadonlySignal<MicrophoneState>;
  readonly camera: ReadonlySignal<VideoSource | null>;
  readonly screen: ReadonlySignal<VideoSource | null>;
  readonly isSpeaking: ReadonlySignal<boolean>;
  /** When the person last began to speak; 0 for never. */
  readonly spokeAtMs: ReadonlySignal<number>;
  readonly link: ReadonlySignal<LinkQuality>;
}

/** What the token lets this person do. */
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
  /** The browser does not play sound before the next click. */
  readonly isSoundBlocked: ReadonlySignal<boolean>;
  readonly controlProblem: ReadonlySignal<ControlProblem | null>;
  readonly chat: ChatLog;

  /** None of the three ever rejects: what went wrong is in `controlProblem`. */
  setMicrophone(isOn: boolean): Promise<void>;
  setCamera(isOn: boolean): Promise<void>;
  setScreenShare(isOn: boolean): Promise<void>;
  /** Rejects when the device cannot be used. */
  useDevice(kind: DeviceKind, deviceId: string): Promise<void>;
  /** Has to be called from a click. */
  startSound(): Promise<void>;
  dismissProblem(): void;
  leave(): Promise<void>;
}
