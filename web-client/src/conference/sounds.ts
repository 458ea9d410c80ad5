// SPDX-License-Identifier: EUPL-1.2
// Lets the others be heard: an element for each of their sounds, as long as it goes on.
import { Track, type RemoteTrack } from 'livekit-client';

/** What is heard of the others on this device. */
export class Sounds {
  /** LiveKit lets go of the elements before it tells that a track is over. */
  readonly #elements = new Map<RemoteTrack, HTMLMediaElement>();

  /** Lets somebody be heard. The element has to be in the page, or some browsers never play it. */
  play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    const element = track.attach();
    element.hidden = true;
    document.body.append(element);
    this.#elements.set(track, element);
  }

  stop(track: RemoteTrack): void {
    const element = this.#elements.get(track);
    if (element === undefined) return;
    track.detach();
    element.remove();
    this.#elements.delete(track);
  }

  stopAll(): void {
    for (const track of this.#elements.keys()) this.stop(track);
  }
}
