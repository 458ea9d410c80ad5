// SPDX-License-Identifier: EUPL-1.2
// What this person sends: microphone, camera and screen. Opens the devices, publishes them, switches them, and lets go
// of every one of them at the end.
import { signal } from '@preact/signals';
import { LocalAudioTrack, LocalVideoTrack, Track, TrackEvent, type LocalTrack, type Room } from 'livekit-client';
import { captureConstraints, deviceProblem, isBlockedBySystem, openDevice } from './devices';
import type { ControlProblem, DeviceKind, Permissions } from './model';
import type { PreviewTracks } from './preview';
import { Toggle } from './toggle';

type CaptureControl = 'microphone' | 'camera';

const CONTROLS = ['microphone', 'camera'] as const;

const SOURCE = { microphone: Track.Source.Microphone, camera: Track.Source.Camera } as const;

const SCREEN_CAPTURE = { audio: true, contentHint: 'text', selfBrowserSurface: 'exclude' } as const;

/** What goes on from before joining. */
export interface LocalMediaStart {
  readonly tracks: PreviewTracks;
  /** The chosen devices; the empty id leaves the choice to the browser. */
  readonly ids: Readonly<Record<CaptureControl, string>>;
  readonly may: Permissions;
  /** Resolves when there is a connection to publish on. */
  readonly connected: Promise<void>;
}

/** The three switches of a room's local participant. */
export class LocalMedia {
  readonly problem = signal<ControlProblem | null>(null);
  readonly microphone: Toggle;
  readonly camera: Toggle;
  readonly screen: Toggle;
  /** The preview's camera as long as it has not been published, so that the own picture is there from the start. */
  readonly unpublishedCamera = signal<LocalTrack | null>(null);
  readonly #room: Room;
  #connected: Promise<void> = Promise.resolve();
  /** Tracks of the preview that have not been published yet. */
  readonly #handedOver: Record<CaptureControl, LocalTrack | null> = { microphone: null, camera: null };
  readonly #ids: Record<CaptureControl, string> = { microphone: '', camera: '' };
  /** Whatever was opened. LiveKit knows, and stops, only what it has finished publishing. */
  readonly #opened = new Set<LocalTrack>();
  /** Tracks whose device has gone. */
  readonly #lost = new WeakSet<LocalTrack>();
  #isReleased = false;

  constructor(room: Room) {
    this.#room = room;
    const me = room.localParticipant;
    this.microphone = new Toggle(
      (isOn) => this.#switch('microphone', isOn),
      () => me.isMicrophoneEnabled,
    );
    this.camera = new Toggle(
      (isOn) => this.#switch('camera', isOn),
      () => me.isCameraEnabled,
    );
    this.screen = new Toggle(
      (isOn) => this.#switchScreen(isOn),
      () => me.isScreenShareEnabled,
    );
  }

  /** Takes over what ran in the preview, as far as that is permitted, to publish it once there is a connection. */
  start({ tracks, ids, may, connected }: LocalMediaStart): void {
    this.#connected = connected;
    Object.assign(this.#ids, ids);
    for (const control of CONTROLS) {
      const track = tracks[control];
      if (track === null) continue;
      if (may[control]) this.#handedOver[control] = this.#own(control, track);
      else track.stop();
    }
    this.unpublishedCamera.value = this.#handedOver.camera;
    for (const control of CONTROLS) if (this.#handedOver[control] !== null) void this.set(control, true);
  }

  /** Switches a device. Never rejects: what went wrong is in `problem`. */
  async set(control: CaptureControl, isOn: boolean): Promise<void> {
    try {
      await this[control].set(isOn);
      if (this.problem.peek()?.control === control) this.problem.value = null;
    } catch (error) {
      this.problem.value = { control, problem: deviceProblem(error) };
    }
  }

  /** Begins or ends sharing the screen. Never rejects either. */
  async setScreenShare(isOn: boolean): Promise<void> {
    try {
      await this.screen.set(isOn);
    } catch (error) {
      // Closing the browser's window picker without choosing is an answer, not an error.
      const isAnswer = deviceProblem(error) === 'denied' && !isBlockedBySystem(error);
      if (!isAnswer) this.problem.value = { control: 'screen' };
    }
  }

  /** Changes over to another device. Rejects when it cannot be used. */
  async useDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    if (kind === 'speaker') {
      await this.#room.switchActiveDevice('audiooutput', deviceId);
      return;
    }
    this.#ids[kind] = deviceId;
    // Without a choice, 'default' is only a wish: not every browser knows a device of that name.
    const isChosen = deviceId !== '';
    const liveKitKind = kind === 'microphone' ? 'audioinput' : 'videoinput';
    await this.#room.switchActiveDevice(liveKitKind, isChosen ? deviceId : 'default', isChosen);
  }

  /** Shows what is really on, after LiveKit has told of a change. */
  sync(): void {
    this.microphone.sync();
    this.camera.sync();
    this.screen.sync();
  }

  /** Tells why a track has been muted that nobody here muted: its device has gone, or somebody else did it. */
  explainMute(source: Track.Source): void {
    const control = CONTROLS.find((name) => SOURCE[name] === source);
    if (control === undefined || !this[control].sync() || this[control].isOn.peek()) return;
    const track = this.#room.localParticipant.getTrackPublication(source)?.track;
    const isLost = track !== undefined && this.#lost.has(track);
    this.problem.value = { control, problem: isLost ? 'missing' : 'by-other' };
  }

  /** Lets go of every device, also of those that are only being opened. */
  release(): void {
    this.#isReleased = true;
    for (const track of this.#opened) this.#stop(track);
  }

  async #switch(control: CaptureControl, isOn: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    if (isOn && me.getTrackPublication(SOURCE[control]) === undefined) {
      const track = this.#handedOver[control] ?? this.#own(control, await openDevice(control, this.#ids[control]));
      this.#handedOver[control] = null;
      await this.#publish(this[control], [track]);
      if (control === 'camera') this.unpublishedCamera.value = null;
    } else if (control === 'microphone') {
      await me.setMicrophoneEnabled(isOn);
    } else {
      await me.setCameraEnabled(isOn);
    }
  }

  async #switchScreen(isOn: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    if (!isOn) {
      await me.setScreenShareEnabled(false);
      return;
    }
    const tracks = await me.createScreenTracks(SCREEN_CAPTURE);
    for (const track of tracks) this.#opened.add(track);
    await this.#publish(this.screen, tracks);
  }

  /** Wraps a browser's track so that it behaves like one that LiveKit asked the browser for itself. */
  #own(control: CaptureControl, track: MediaStreamTrack): LocalTrack {
    // What LiveKit opens again later, for instance after muting a camera, has to be the same device.
    const constraints = captureConstraints(control, track.getSettings().deviceId ?? '');
    const localTrack =
      control === 'microphone'
        ? new LocalAudioTrack(track, constraints, false)
        : new LocalVideoTrack(track, constraints, false);
    localTrack.source = SOURCE[control];
    localTrack.on(TrackEvent.Ended, () => this.#lost.add(localTrack));
    localTrack.on(TrackEvent.Restarted, () => this.#lost.delete(localTrack));
    this.#opened.add(localTrack);
    return localTrack;
  }

  /** Publishes tracks, unless the switch has been turned off or the conference has ended meanwhile. */
  async #publish(toggle: Toggle, tracks: readonly LocalTrack[]): Promise<void> {
    let isPublished = false;
    try {
      await this.#connected;
      if (this.#isReleased || !toggle.isOn.peek()) return;
      await Promise.all(tracks.map((track) => this.#room.localParticipant.publishTrack(track)));
      isPublished = true;
    } finally {
      if (!isPublished) for (const track of tracks) this.#stop(track);
    }
  }

  #stop(track: LocalTrack): void {
    track.stop();
    this.#opened.delete(track);
    if (this.unpublishedCamera.peek() === track) this.unpublishedCamera.value = null;
  }
}
