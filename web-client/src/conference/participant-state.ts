// SPDX-License-Identifier: EUPL-1.2
// One LiveKit participant as signals. LiveKit tells that something changed; this reads what it is now.
import { batch, computed, signal } from '@preact/signals';
import { ConnectionQuality, Track, type Participant, type TrackPublication } from 'livekit-client';
import { callerName } from './caller-name';
import type { LinkQuality, MicrophoneState, ParticipantView, PhoneCall, VideoSource } from './model';
import { phoneCall } from './phone';

const LINK: Record<ConnectionQuality, LinkQuality> = {
  [ConnectionQuality.Excellent]: 'good',
  [ConnectionQuality.Good]: 'good',
  [ConnectionQuality.Poor]: 'poor',
  [ConnectionQuality.Lost]: 'lost',
  [ConnectionQuality.Unknown]: 'unknown',
};

/** What a picture needs of a track, be it one's own or somebody else's. */
type Picture = Pick<Track, 'mediaStreamID' | 'attach' | 'detach'>;

/** Follows one participant. */
export class ParticipantState implements ParticipantView {
  readonly identity: string;
  readonly isLocal: boolean;
  readonly microphone = signal<MicrophoneState>('none');
  readonly camera = signal<VideoSource | null>(null);
  readonly screen = signal<VideoSource | null>(null);
  readonly isSpeaking = signal(false);
  readonly spokeAtMs = signal(0);
  readonly link = signal<LinkQuality>('unknown');
  readonly hand = signal<number | null>(null);
  readonly maySpeak = signal(true);
  readonly isGuest = signal(false);
  readonly phone = signal<PhoneCall | null>(null);
  readonly name = computed(() => this.#shownName());
  readonly #givenName = signal('');
  #participant: Participant;
  #unpublishedCamera: Picture | null = null;

  constructor(participant: Participant) {
    this.#participant = participant;
    this.identity = participant.identity;
    this.isLocal = participant.isLocal;
    this.refresh();
  }

  /** The same person is from now on represented by another object of LiveKit's. */
  follow(participant: Participant): void {
    this.#participant = participant;
  }

  /** Shows a camera that nobody else receives yet. */
  showUntilPublished(camera: Picture | null): void {
    this.#unpublishedCamera = camera;
    this.refresh();
  }

  /** Reads everything again; cheap, because unchanged signals wake nobody. */
  refresh(): void {
    const participant = this.#participant;
    batch(() => {
      this.#givenName.value = participant.name ?? '';
      keepIfEqual(this.phone, phoneCall(participant));
      this.microphone.value = microphoneState(participant.getTrackPublication(Track.Source.Microphone));
      const hand = Number(participant.attributes?.['saal.hand'] ?? '');
      this.hand.value = hand > 0 ? hand : null;
      this.maySpeak.value = participant.attributes?.['saal.held'] !== '1';
      this.isGuest.value = participant.attributes?.['saal.guest'] === '1';
      this.link.value = LINK[participant.connectionQuality];
      const camera = publishedVideo(participant.getTrackPublication(Track.Source.Camera)) ?? this.#unpublishedCamera;
      const screen = publishedVideo(participant.getTrackPublication(Track.Source.ScreenShare));
      keepIfSame(this.camera, videoSource(camera, this.isLocal));
      keepIfSame(this.screen, videoSource(screen, false));
    });
  }

  /** A caller's identity is made of nothing that anybody knows, so it never stands for the name. */
  #shownName(): string {
    const [name, call] = [this.#givenName.value, this.phone.value];
    return call === null ? name || this.identity : callerName(name, call.number);
  }

  /** Takes in whether the person is heard at the moment. */
  setSpeaking(isSpeaking: boolean, nowMs: number): void {
    if (isSpeaking === this.isSpeaking.peek()) return;
    batch(() => {
      this.isSpeaking.value = isSpeaking;
      if (isSpeaking) this.spokeAtMs.value = nowMs;
    });
  }
}

function microphoneState(publication: TrackPublication | undefined): MicrophoneState {
  if (publication === undefined) return 'none';
  return publication.isMuted ? 'muted' : 'on';
}

function publishedVideo(publication: TrackPublication | undefined): Picture | null {
  return publication?.isMuted === false ? (publication.videoTrack ?? null) : null;
}

function videoSource(track: Picture | null, isMirrored: boolean): VideoSource | null {
  if (track === null) return null;
  return {
    // Stays the same when a camera is published that was shown before.
    id: track.mediaStreamID,
    isMirrored,
    attach: (element) => void track.attach(element),
    detach: (element) => void track.detach(element),
  };
}

/** A new object for the same picture would make the video element start again. */
function keepIfSame(current: { value: VideoSource | null }, next: VideoSource | null): void {
  if (current.value?.id !== next?.id) current.value = next;
}

/** A new object that says the same would wake everybody who looks at it. */
function keepIfEqual(current: { value: PhoneCall | null }, next: PhoneCall | null): void {
  const { value: now } = current;
  const isOther =
    now?.number !== next?.number ||
    now?.isNamed !== next?.isNamed ||
    now?.isOnHold !== next?.isOnHold ||
    now?.recordingConsent !== next?.recordingConsent;
  if (isOther) current.value = next;
}
