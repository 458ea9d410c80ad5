// SPDX-License-Identifier: EUPL-1.2
// Which microphones, cameras and speakers this computer has.
import { signal, type ReadonlySignal } from '@preact/signals';
import type { DeviceKind, DeviceProblem } from './model';

/** One device as it is offered. The label is empty until the browser has been allowed to tell it. */
export interface Device {
  readonly id: string;
  readonly label: string;
}

const found = signal<Readonly<Record<DeviceKind, readonly Device[]>>>({ microphone: [], camera: [], speaker: [] });

/** The devices known at present. */
export const devices: ReadonlySignal<Readonly<Record<DeviceKind, readonly Device[]>>> = found;

const KIND: Record<MediaDeviceKind, DeviceKind> = {
  audioinput: 'microphone',
  videoinput: 'camera',
  audiooutput: 'speaker',
};

/** Looks the devices up again. Has to be done after permission was given, for only then have they names. */
export async function refreshDevices(): Promise<void> {
  const lists: Record<DeviceKind, Device[]> = { microphone: [], camera: [], speaker: [] };
  for (const info of await navigator.mediaDevices.enumerateDevices()) {
    // Before permission, browsers list one nameless device without an id for each kind. Chromium lists the system's
    // choices a second time under two ids of its own.
    if (['', 'default', 'communications'].includes(info.deviceId)) continue;
    lists[KIND[info.kind]].push({ id: info.deviceId, label: info.label });
  }
  found.value = lists;
}

/** Keeps the list up to date while devices are plugged in and out. Returns how to stop. */
export function watchDevices(): () => void {
  const refresh = () => void refreshDevices().catch(() => undefined);
  refresh();
  navigator.mediaDevices.addEventListener('devicechange', refresh);
  return () => navigator.mediaDevices.removeEventListener('devicechange', refresh);
}

/** Whether sound can be sent to a speaker of the user's choice. */
export function canChooseSpeaker(): boolean {
  return 'setSinkId' in HTMLMediaElement.prototype;
}

type SpeakerPicker = { selectAudioOutput?: () => Promise<MediaDeviceInfo> };

/** Whether the browser wants to ask for the speaker itself, as Firefox does. */
export function hasSpeakerPicker(): boolean {
  return typeof (navigator.mediaDevices as SpeakerPicker).selectAudioOutput === 'function';
}

/** Has the browser ask for the speaker. Resolves to null when the user decides against it. */
export async function pickSpeaker(): Promise<string | null> {
  try {
    const info = await (navigator.mediaDevices as SpeakerPicker).selectAudioOutput?.();
    await refreshDevices();
    return info?.deviceId ?? null;
  } catch {
    return null;
  }
}

/** The constraints for a device; the empty id leaves the choice to the browser. */
export function captureConstraints(kind: 'microphone' | 'camera', deviceId: string): MediaTrackConstraints {
  // "exact", because Chromium takes the default microphone when another one is merely the ideal.
  const device = deviceId === '' ? {} : { deviceId: { exact: deviceId } };
  return kind === 'microphone'
    ? { ...device, autoGainControl: true, echoCancellation: true, noiseSuppression: true }
    : // 720p is the largest layer that is sent.
      { ...device, width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
}

/** Switches a device on. One that has been unplugged is no error: any other of its kind will do. */
export async function openDevice(kind: 'microphone' | 'camera', deviceId: string): Promise<MediaStreamTrack> {
  const open = async (id: string) => {
    const constraints = captureConstraints(kind, id);
    const stream = await navigator.mediaDevices.getUserMedia(
      kind === 'microphone' ? { audio: constraints } : { video: constraints },
    );
    const [track] = stream.getTracks();
    if (track === undefined) throw new DOMException('the browser gave no track', 'NotFoundError');
    return track;
  };
  try {
    return await open(deviceId);
  } catch (error) {
    if (deviceId === '' || deviceProblem(error) !== 'missing') throw error;
    return open('');
  }
}

/** What a rejected `getUserMedia` means for the user. */
export function deviceProblem(error: unknown): DeviceProblem {
  switch ((error as { name?: unknown } | null)?.name) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'denied';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'missing';
    case 'NotReadableError':
    case 'AbortError':
      return 'busy';
    default:
      return 'failed';
  }
}

/** Whether it was the operating system, and not the user, who refused. Only Chromium tells, and only in words. */
export function isBlockedBySystem(error: unknown): boolean {
  return error instanceof DOMException && /\bsystem\b/i.test(error.message);
}
