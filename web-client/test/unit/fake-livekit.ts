// SPDX-License-Identifier: EUPL-1.2
// The part of LiveKit that a session uses, without a network: what happens, and when, is up to the test.
import { vi } from 'vitest';

type Listener = (...args: never[]) => void;

/** A promise that the test settles. (`Promise.withResolvers` is missing in Node.js 20.) */
export function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

class Emitter {
  readonly #listeners = new Map<string, { listener: Listener; isOnce: boolean }[]>();

  on(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { listener, isOnce: false }]);
    return this;
  }

  once(event: string, listener: Listener): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), { listener, isOnce: true }]);
    return this;
  }

  emit(event: string, ...args: unknown[]): void {
    const listeners = this.#listeners.get(event) ?? [];
    this.#listeners.set(event, listeners.filter(({ isOnce }) => !isOnce));
    for (const { listener } of listeners) listener(...(args as never[]));
  }
}

/** A browser's track that knows whether its device is in use. */
export function fakeMediaTrack(kind: 'audio' | 'video') {
  const track = {
    id: `${kind}-${Math.random()}`,
    kind,
    readyState: 'live' as MediaStreamTrackState,
    getSettings: () => ({ deviceId: `${kind}-device` }),
    addEventListener: () => undefined,
    stop: () => {
      track.readyState = 'ended';
    },
  };
  return track as unknown as MediaStreamTrack & { readyState: MediaStreamTrackState };
}

class FakeLocalTrack extends Emitter {
  source = 'unknown';
  isMuted = false;
  readonly mediaStreamTrack: MediaStreamTrack;

  constructor(track: MediaStreamTrack) {
    super();
    this.mediaStreamTrack = track;
  }

  get mediaStreamID() {
    return this.mediaStreamTrack.id;
  }

  stop(): void {
    this.mediaStreamTrack.stop();
  }
}

export class LocalAudioTrack extends FakeLocalTrack {}
export class LocalVideoTrack extends FakeLocalTrack {}

class FakeLocalParticipant {
  readonly identity = 'me';
  readonly isLocal = true;
  name = 'Ich';
  readonly connectionQuality = 'unknown';
  permissions = { canPublish: true, canPublishSources: [], canPublishData: true };
  attributes: Record<string, string> = {};
  readonly publications = new Map<string, { source: string; track: FakeLocalTrack; readonly isMuted: boolean }>();

  getTrackPublication(source: string) {
    const publication = this.publications.get(source);
    return publication && { ...publication, isMuted: publication.track.isMuted, videoTrack: publication.track };
  }

  readonly publishTrack = vi.fn(async (track: FakeLocalTrack) => {
    this.publications.set(track.source, { source: track.source, track, isMuted: false });
  });

  readonly setName = vi.fn(async () => undefined);

  /** Mutes as LiveKit does when the server asks for it. */
  mute(source: string): void {
    const track = this.publications.get(source)?.track;
    if (track !== undefined) track.isMuted = true;
  }

  async setMicrophoneEnabled(isOn: boolean) {
    this.#enable('microphone', isOn);
  }

  async setCameraEnabled(isOn: boolean) {
    this.#enable('camera', isOn);
  }

  readonly setScreenShareEnabled = vi.fn(async () => undefined);
  createScreenTracks: () => Promise<FakeLocalTrack[]> = async () => [];

  get isMicrophoneEnabled() {
    return this.#isOn('microphone');
  }

  get isCameraEnabled() {
    return this.#isOn('camera');
  }

  get isScreenShareEnabled() {
    return this.#isOn('screen_share');
  }

  #enable(source: string, isOn: boolean): void {
    const track = this.publications.get(source)?.track;
    if (track !== undefined) track.isMuted = !isOn;
  }

  #isOn(source: string): boolean {
    return this.publications.get(source)?.track.isMuted === false;
  }
}

/** A room whose connection the test makes and breaks. */
export class Room extends Emitter {
  /** The one that was made last. */
  static last: Room;
  readonly localParticipant = new FakeLocalParticipant();
  readonly remoteParticipants = new Map<string, unknown>();
  readonly canPlaybackAudio = true;
  isRecording = false;
  readonly #connecting = deferred<void>();
  textHandler: (reader: unknown, from: { identity: string }) => void = () => undefined;

  constructor() {
    super();
    Room.last = this;
  }

  connect = vi.fn(() => this.#connecting.promise);

  disconnect = vi.fn(async () => {
    this.#connecting.reject(new Error('cancelled'));
    // DisconnectReason.CLIENT_INITIATED.
    this.emit('disconnected', 1);
  });

  /** As LiveKit does it: whatever is played is to be heard. */
  readonly startAudio = vi.fn(async () => {
    for (const element of document.querySelectorAll('audio')) element.muted = false;
  });

  registerTextStreamHandler(_topic: string, handler: (reader: unknown, from: { identity: string }) => void): void {
    this.textHandler = handler;
  }

  getParticipantByIdentity(identity: string) {
    return this.remoteParticipants.get(identity);
  }

  /** The server has let this person in. */
  letIn(): void {
    this.emit('signalConnected');
  }

  /** Sound and pictures have a way. */
  connected(): void {
    this.emit('connectionStateChanged', 'connected');
    this.#connecting.resolve();
  }

  failed(error: Error, reason?: number): void {
    this.emit('disconnected', reason);
    this.#connecting.reject(error);
  }
}
