// SPDX-License-Identifier: EUPL-1.2
// This person's own telephone: while it is in the meeting the sound goes by it, and the browser keeps pictures and screens. With
// both there would be an echo.
import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';
import { inRoom } from '../i18n/room';
import type { TelephoneSound } from './model';
import type { PlacedCall } from './placed-call';
import { backHere, dismissed, HERE, microphoneWanted, toTelephone, withEnded, withTelephones, type SoundPlace } from './sound-place';

/** More of their telephones are not recognised; then the oldest is forgotten. Of one meeting no more calls are listed. */
const MAX_KNOWN = 50;

/** What the telephone takes the sound from, and how it is found. */
export interface ThisDevice {
  readonly calls: ReadonlySignal<readonly PlacedCall[]>;
  /** Their telephones, by their identities, that are remembered from before this page was loaded, and from other tabs. */
  remembered(): readonly string[];
  /** Who else is in the room. */
  readonly remotes: ReadonlySignal<readonly { readonly identity: string }[]>;
  readonly isMicrophoneOn: ReadonlySignal<boolean>;
  mute(): Promise<void>;
  /** Nothing of the others is to be heard here, or everything again. */
  setSilent(isSilent: boolean): void;
  hangUp(callId: string): Promise<void>;
}

/** Follows the telephones that somebody has had called for themselves. */
export class OwnTelephone implements TelephoneSound {
  readonly #place = signal<SoundPlace>(HERE);
  readonly identities = computed(() => this.#place.value.telephones);
  readonly isIn = computed(() => this.identities.value.length > 0);
  readonly isByTelephone = computed(() => this.#place.value.isByTelephone);
  readonly notice = computed(() => this.#place.value.notice);
  readonly afterword = computed(() => (this.isIn.value ? inRoom.value.ownTelephone.staysIn : null));
  readonly calls = computed(() => this.#device.calls.value.filter(({ isForMe, state }) => isForMe && state === 'in_meeting').map(({ id }) => id));
  readonly #device: ThisDevice;
  /**
   * All that have been theirs, the latest last. Whoever is moved to another room loses sight of the calls, and the telephone may come
   * there sooner or later than they do.
   */
  readonly #known = new Set<string>();

  constructor(device: ThisDevice) {
    this.#device = device;
    effect(() => {
      const own = device.calls.value.filter(({ isForMe }) => isForMe);
      const present = device.remotes.value.map(({ identity }) => identity);
      const remembered = device.remembered();
      untracked(() => this.#look(own, present, remembered));
    });
  }

  backHere(): void {
    // The microphone stays off: beside the telephone it may howl, and nobody has asked for it.
    this.#become(backHere(this.#place.peek()));
  }

  toTelephone(): void {
    this.#become(toTelephone(this.#place.peek()));
  }

  async hangUp(): Promise<void> {
    for (const id of this.calls.peek()) await this.#device.hangUp(id);
  }

  dismiss(): void {
    this.#become(dismissed(this.#place.peek()));
  }

  /** The microphone is to be switched on here. Whether it may be; if not, the notice says why. */
  leavesMicrophone(): boolean {
    this.#become(microphoneWanted(this.#place.peek()));
    return !this.isByTelephone.peek();
  }

  #look(own: readonly PlacedCall[], present: readonly string[], remembered: readonly string[]): void {
    this.#recognise([...remembered, ...telephonesOf(own)]);
    const telephones = present.filter((identity) => this.#known.has(identity));
    // Those that are in are forgotten last.
    this.#recognise(telephones);
    const place = withTelephones(this.#place.peek(), telephones, this.#device.isMicrophoneOn.peek());
    this.#become(withEnded(place, telephonesOf(own.filter(({ state }) => state === 'ended'))));
  }

  #recognise(telephones: readonly string[]): void {
    for (const identity of telephones) {
      this.#known.delete(identity);
      this.#known.add(identity);
    }
    for (const identity of [...this.#known].slice(0, -MAX_KNOWN)) this.#known.delete(identity);
  }

  #become(next: SoundPlace): void {
    const before = this.#place.peek();
    this.#place.value = next;
    if (before.isByTelephone === next.isByTelephone) return;
    this.#device.setSilent(next.isByTelephone);
    if (next.isByTelephone) void this.#device.mute();
  }
}

/** Who is or was in the room by these calls. */
function telephonesOf(calls: readonly PlacedCall[]): readonly string[] {
  return calls.flatMap(({ participantId }) => (participantId === null ? [] : [participantId]));
}
