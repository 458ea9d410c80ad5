// SPDX-License-Identifier: EUPL-1.2
// What this person sends: microphone, camera and screen. Opens the devices, publishes them and switches them.
import { signal } from '@preact/signals';
import { LocalAudioTrack, LocalVideoTrack, Track, type Room } from 'livekit-client';
import { captureConstraints, deviceProblem, openDevice } from './devices';
import type { ControlProblem, DeviceKind, Permissions } from './model';
import type { PreviewTracks } from './preview';
import { Toggle } from './toggle';

type CaptureControl = 'microphone' | 'camera';

const SOURCE = { microphone: Track.Source.Microphone, camera: Track.Source.Camera } as const;

/** The chosen devices; the empty id leaves the choice to the browser. */
export type CaptureIds = Readonly<Record<CaptureControl, string>>;

/** The three switches of a room's local participant. */
export class LocalMedia {
  readonly problem = signal<ControlProblem | null>(null);
  readonly microphone: Toggle;
  readonly camera: Toggle;
  readonly screen: Toggle;
  readonly #room: Room;
  /** Tracks of the preview that have not been published yet. */
  readonly #handedOver: Record<CaptureControl, MediaStreamTrack | null> = { microphone: null, camera: null };
  readonly #ids: Record<CaptureControl, string> = { microphone: '', camera: '' };

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
      async (isOn) => {
        const capture = { audio: true, contentHint: 'text', selfBrowserSurface: 'exclude' } as const;
        await me.setScreenShareEnabled(isOn, capture);
      },
      () => me.isScreenShareEnabled,
    );
  }

  /** Publishes what ran in the preview, as far as that is permitted. */
  start(tracks: PreviewTracks, ids: CaptureIds, may: Permissions): void {
    Object.assign(this.#ids, ids);
    for (const control of ['microphone', 'camera'] as const) {
      this.#handedOver[control] = tracks[control];
      if (!may[control]) this.#takeHandedOver(control)?.stop();
      if (this.#handedOver[control] !== null) void this.set(control, true);
    }
  }

  /** Switches a device. Never rejects: what went wrong is in `problem`. */
  async set(control: CaptureControl, isOn: boolean): Promise<void> {
    try {
      await this[control].set(isOn);
      const shown = this.problem.peek()?.control;
      if (shown === control || (shown === 'muted-by-other' && control === 'microphone')) this.problem.value = null;
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
      if (deviceProblem(error) !== 'denied') this.problem.value = { control: 'screen' };
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

  /** Shows what is really on, after LiveKit has told of a change. `isOver` when the conference has ended. */
  sync(isOver: boolean): void {
    if (this.microphone.sync() && !this.microphone.isOn.peek() && !isOver) {
      this.problem.value = { control: 'muted-by-other' };
    }
    this.camera.sync();
    this.screen.sync();
  }

  #takeHandedOver(control: CaptureControl): MediaStreamTrack | null {
    const track = this.#handedOver[control];
    this.#handedOver[control] = null;
    return track;
  }

  async #switch(control: CaptureControl, isOn: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    if (isOn && me.getTrackPublication(SOURCE[control]) === undefined) {
      await this.#publish(control, this.#takeHandedOver(control) ?? (await openDevice(control, this.#ids[control])));
    } else if (control === 'microphone') {
      await me.setMicrophoneEnabled(isOn);
    } else {
      await me.setCameraEnabled(isOn);
    }
  }

  /** Publishes a track, which then behaves like one that LiveKit asked the browser for itself. */
  async #publish(control: CaptureControl, track: MediaStreamTrack): Promise<void> {
    // What LiveKit opens again later, for instance after muting a camera, has to be the same device.
    const constraints = captureConstraints(control, track.getSettings().deviceId ?? '');
    const localTrack =
      control === 'microphone'
        ? new LocalAudioTrack(track, constraints, false)
        : new LocalVideoTrack(track, constraints, false);
    try {
      await this.#room.localParticipant.publishTrack(localTrack, { source: SOURCE[control] });
    } catch (error) {
      localTrack.stop();
      throw error;
    }
  }
}
