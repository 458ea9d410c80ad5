// SPDX-License-Identifier: EUPL-1.2
// What is heard of the others, and that nothing of it outlasts the track.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Track, type RemoteTrack } from 'livekit-client';
import { Sounds } from '../../src/conference/sounds';

function sound() {
  const element = document.createElement('audio');
  const track = { kind: Track.Kind.Audio, attach: () => element, detach: () => [element] } as unknown as RemoteTrack;
  return { element, track };
}

afterEach(() => document.body.replaceChildren());

describe('a sound', () => {
  it('stays silent whatever unmutes its element, and no longer than the track goes on', () => {
    const sounds = new Sounds();
    const { element, track } = sound();
    sounds.play(track);
    sounds.setSilent(true);
    const setSilent = vi.spyOn(sounds, 'setSilent');
    element.muted = false;
    element.dispatchEvent(new Event('volumechange'));
    expect(setSilent).toHaveBeenCalled();
    expect(element.muted).toBe(true);
    sounds.stop(track);
    setSilent.mockClear();
    // LiveKit uses it again, perhaps for somebody whose sound is to be heard.
    element.muted = false;
    element.dispatchEvent(new Event('volumechange'));
    expect(setSilent).not.toHaveBeenCalled();
    expect([element.muted, element.isConnected]).toEqual([false, false]);
  });
});
