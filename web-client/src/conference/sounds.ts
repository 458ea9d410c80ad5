// SPDX-License-Identifier: EUPL-1.2
// Lets the others be heard: an element for each of their sounds, as long as it goes on.
import { Track, type RemoteTrack } from 'livekit-client';

/** What is heard of the others on this device. */
export class Sounds {
  /** LiveKit lets go of the elements before it tells that a track is over. */
  readonly #elements = new Map<RemoteTrack, HTMLMediaElement>();
  #isSilent = false;
  /** LiveKit unmutes what it plays whenever it has it played again, such as when the page comes back to the foreground. */
  readonly #staySilent = (): void => {
    if (this.#isSilent) this.setSilent(true);
  };

  /** Lets somebody be heard. The element has to be in the page, or some browsers never play it. */
  play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    const element = track.attach();
    element.hidden = true;
    element.muted = this.#isSilent;
    element.addEventListener('volumechange', this.#staySilent);
    document.body.append(element);
    this.#elements.set(track, element);
  }

  stop(track: RemoteTrack): void {
    const element = this.#elements.get(track);
    if (element === undefined) return;
    track.detach();
    element.remove();
    // LiveKit uses it again.
    element.removeEventListener('volumechange', this.#staySilent);
    this.#elements.delete(track);
  }

  /** Silences everybody, also those who come later; or lets them be heard again. */
  setSilent(isSilent: boolean): void {
    this.#isSilent = isSilent;
    for (const element of this.#elements.values()) element.muted = isSilent;
  }

  stopAll(): void {
    for (const track of this.#elements.keys()) this.stop(track);
  }
}
