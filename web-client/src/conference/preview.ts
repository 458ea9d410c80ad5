// SPDX-License-Identifier: EUPL-1.2
// Microphone and camera before joining. The tracks are handed over to the conference, so that the camera does not
// go dark and the browser does not ask a second time.
import { signal, type ReadonlySignal } from '@preact/signals';
import { captureConstraints, deviceProblem, openDevice, refreshDevices } from './devices';
import type { DeviceProblem } from './model';

/** What one device is doing. */
export type PreviewState =
  | { readonly kind: 'off' }
  | { readonly kind: 'asking' }
  | { readonly kind: 'on'; readonly track: MediaStreamTrack }
  | { readonly kind: 'problem'; readonly problem: DeviceProblem };

export type PreviewDevice = 'microphone' | 'camera';

/** The tracks that go on into the conference. */
export interface PreviewTracks {
  readonly microphone: MediaStreamTrack | null;
  readonly camera: MediaStreamTrack | null;
}

const OFF: PreviewState = { kind: 'off' };

/** Owns the preview's tracks until they are taken or released. */
export class Preview {
  readonly microphone: ReadonlySignal<PreviewState>;
  readonly camera: ReadonlySignal<PreviewState>;
  readonly #states = { microphone: signal(OFF), camera: signal(OFF) };
  /** Counts requests, so that an answer that is no longer wanted can be told from the current one. */
  readonly #requests = { microphone: 0, camera: 0 };

  constructor() {
    this.microphone = this.#states.microphone;
    this.camera = this.#states.camera;
  }

  /** Switches the given devices on, with a single question by the browser where it can be one. */
  async start(ids: { readonly microphone: string | null; readonly camera: string | null }): Promise<void> {
    if (ids.microphone === null || ids.camera === null) {
      if (ids.microphone !== null) await this.switchOn('microphone', ids.microphone);
      if (ids.camera !== null) await this.switchOn('camera', ids.camera);
      return;
    }
    const requests = { microphone: this.#begin('microphone'), camera: this.#begin('camera') };
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: captureConstraints('microphone', ids.microphone),
        video: captureConstraints('camera', ids.camera),
      });
      this.#finish('microphone', requests.microphone, stream.getAudioTracks()[0]);
      this.#finish('camera', requests.camera, stream.getVideoTracks()[0]);
    } catch (error) {
      // One of the two is missing, unplugged or refused. Asked for one by one, the other one may still work.
      const problem = deviceProblem(error);
      await this.#tryAlone('microphone', requests.microphone, ids.microphone, problem);
      await this.#tryAlone('camera', requests.camera, ids.camera, problem);
    }
    await refreshDevices().catch(() => undefined);
  }

  /** Switches one device on, or changes over to another one of its kind. */
  async switchOn(device: PreviewDevice, deviceId: string): Promise<void> {
    // Chromium shares one camera setting between all tracks of a page: the old one has to go first.
    const request = this.#begin(device);
    try {
      this.#finish(device, request, await openDevice(device, deviceId));
    } catch (error) {
      if (this.#isCurrent(device, request)) {
        this.#states[device].value = { kind: 'problem', problem: deviceProblem(error) };
      }
    }
    await refreshDevices().catch(() => undefined);
  }

  /** Switches one device off and lets go of it, so that its light goes out. */
  switchOff(device: PreviewDevice): void {
    this.#requests[device] += 1;
    this.#stop(device);
    this.#states[device].value = OFF;
  }

  /** Hands the running tracks over. The preview no longer owns them. */
  take(): PreviewTracks {
    const running = (device: PreviewDevice) => {
      const state = this.#states[device].peek();
      this.#requests[device] += 1;
      this.#states[device].value = OFF;
      return state.kind === 'on' && state.track.readyState === 'live' ? state.track : null;
    };
    return { microphone: running('microphone'), camera: running('camera') };
  }

  /** Lets go of everything. */
  release(): void {
    this.switchOff('microphone');
    this.switchOff('camera');
  }

  /** Asks for one device after the question for both has failed, unless the user has just answered it. */
  async #tryAlone(device: PreviewDevice, request: number, deviceId: string, problem: DeviceProblem): Promise<void> {
    if (!this.#isCurrent(device, request)) return;
    if (problem !== 'denied' || (await isAllowed(device))) await this.switchOn(device, deviceId);
    else if (this.#isCurrent(device, request)) this.#states[device].value = { kind: 'problem', problem };
  }

  #begin(device: PreviewDevice): number {
    this.#stop(device);
    this.#states[device].value = { kind: 'asking' };
    this.#requests[device] += 1;
    return this.#requests[device];
  }

  #finish(device: PreviewDevice, request: number, track: MediaStreamTrack | undefined): void {
    if (track === undefined || !this.#isCurrent(device, request)) {
      track?.stop();
      return;
    }
    track.addEventListener('ended', () => {
      const state = this.#states[device].peek();
      if (state.kind === 'on' && state.track === track) {
        this.#states[device].value = { kind: 'problem', problem: 'missing' };
      }
    });
    this.#states[device].value = { kind: 'on', track };
  }

  #isCurrent(device: PreviewDevice, request: number): boolean {
    return this.#requests[device] === request;
  }

  #stop(device: PreviewDevice): void {
    const state = this.#states[device].peek();
    if (state.kind === 'on') state.track.stop();
  }
}

/** Whether the browser gives the device without a question. False where it does not tell. */
async function isAllowed(device: PreviewDevice): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: device as PermissionName })).state === 'granted';
  } catch {
    return false;
  }
}
