// SPDX-License-Identifier: EUPL-1.2
// What this device remembers between meetings. Nothing of it leaves the device.
import { effect, signal, type Signal } from '@preact/signals';
import { deviceStore } from './storage';

/** The languages the client speaks. */
export const LANGUAGES = ['de', 'en'] as const;
export type Language = (typeof LANGUAGES)[number];

/** How the screens are coloured; `system` follows the operating system. */
export const APPEARANCES = ['system', 'light', 'dark'] as const;
export type Appearance = (typeof APPEARANCES)[number];

/** The name shown to the others. */
export const displayName = remembered('saal.name', '', (text) => text);
export const language = remembered<Language>('saal.language', systemLanguage(), oneOf(LANGUAGES));
export const appearance = remembered<Appearance>('saal.appearance', 'system', oneOf(APPEARANCES));

/** Whether the next meeting starts with the device switched on. */
export const wantsMicrophone = remembered('saal.microphone-on', true, yesOrNo, String);
export const wantsCamera = remembered('saal.camera-on', true, yesOrNo, String);

/** This person's own telephone number, if they want it remembered. */
export const ownNumber = remembered('saal.own-number', '', (text) => text);

/** Chosen devices; the empty string leaves the choice to the browser. */
export const chosenMicrophone = remembered('saal.microphone', '', (text) => text);
export const chosenCamera = remembered('saal.camera', '', (text) => text);
export const chosenSpeaker = remembered('saal.speaker', '', (text) => text);

/** A signal that starts with the stored value and is stored on every change. `read` returns null for nonsense. */
function remembered<T>(
  key: string,
  fallback: T,
  read: (text: string) => T | null,
  write: (value: T) => string = (value) => String(value),
): Signal<T> {
  const stored = deviceStore.read(key);
  const value = signal<T>((stored === null ? null : read(stored)) ?? fallback);
  let isFirstRun = true;
  effect(() => {
    const text = write(value.value);
    // A value nobody chose is not stored, so that a changed default reaches everybody who kept the old one.
    if (!isFirstRun) deviceStore.write(key, text);
    isFirstRun = false;
  });
  return value;
}

function oneOf<T extends string>(allowed: readonly T[]): (text: string) => T | null {
  return (text) => allowed.find((value) => value === text) ?? null;
}

function yesOrNo(text: string): boolean | null {
  if (text === 'true') return true;
  return text === 'false' ? false : null;
}

function systemLanguage(): Language {
  const wanted = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.map((tag) => LANGUAGES.find((known) => known === tag)).find((known) => known !== undefined) ?? 'de';
}
