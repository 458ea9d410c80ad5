// SPDX-License-Identifier: EUPL-1.2
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Preview } from '../../src/conference/preview';
import { deferred, fakeMediaTrack } from './fake-livekit';

const BOTH = { microphone: '', camera: '' };

/** What the browser answers when asked for these kinds, for instance `audio+video`. */
let answers: Record<string, () => Promise<MediaStreamTrack[]>>;
let asked: string[];
let permissions: Record<string, PermissionState>;

beforeEach(() => {
  asked = [];
  permissions = { microphone: 'prompt', camera: 'prompt' };
  answers = {
    'audio+video': async () => [fakeMediaTrack('audio'), fakeMediaTrack('video')],
    audio: async () => [fakeMediaTrack('audio')],
    video: async () => [fakeMediaTrack('video')],
  };
  vi.stubGlobal('navigator', {
    permissions: { query: async ({ name }: { name: string }) => ({ state: permissions[name] }) },
    mediaDevices: {
      enumerateDevices: async () => [],
      getUserMedia: async (wanted: MediaStreamConstraints) => {
        const kinds = [wanted.audio && 'audio', wanted.video && 'video'].filter(Boolean).join('+');
        asked.push(kinds);
        const tracks = await answers[kinds]!();
        return {
          getTracks: () => tracks,
          getAudioTracks: () => tracks.filter((track) => track.kind === 'audio'),
          getVideoTracks: () => tracks.filter((track) => track.kind === 'video'),
        };
      },
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

const refuse = (name: string) => () => Promise.reject(new DOMException('', name));

describe('Preview', () => {
  it('asks once for both', async () => {
    const preview = new Preview();
    await preview.start(BOTH);
    expect(asked).toEqual(['audio+video']);
    expect([preview.microphone.value.kind, preview.camera.value.kind]).toEqual(['on', 'on']);
  });

  it('does not ask again whoever has just refused', async () => {
    answers['audio+video'] = refuse('NotAllowedError');
    const preview = new Preview();
    await preview.start(BOTH);
    expect(asked).toEqual(['audio+video']);
    expect(preview.microphone.value).toEqual({ kind: 'problem', problem: 'denied' });
    expect(preview.camera.value).toEqual({ kind: 'problem', problem: 'denied' });
  });

  it('uses the microphone where only the camera is forbidden', async () => {
    permissions = { microphone: 'granted', camera: 'denied' };
    answers['audio+video'] = refuse('NotAllowedError');
    const preview = new Preview();
    await preview.start(BOTH);
    expect(asked).toEqual(['audio+video', 'audio']);
    expect(preview.microphone.value.kind).toBe('on');
    expect(preview.camera.value).toEqual({ kind: 'problem', problem: 'denied' });
  });

  it('uses the microphone where there is no camera', async () => {
    answers['audio+video'] = refuse('NotFoundError');
    answers['video'] = refuse('NotFoundError');
    const preview = new Preview();
    await preview.start(BOTH);
    expect(preview.microphone.value.kind).toBe('on');
    expect(preview.camera.value).toEqual({ kind: 'problem', problem: 'missing' });
  });

  it('lets go of a camera that is allowed after it was released', async () => {
    const answer = deferred<MediaStreamTrack[]>();
    answers['video'] = () => answer.promise;
    const preview = new Preview();
    const change = preview.switchOn('camera', '');
    preview.release();
    const track = fakeMediaTrack('video');
    answer.resolve([track]);
    await change;
    expect(track.readyState).toBe('ended');
  });

  it('hands running tracks over without stopping them', async () => {
    const preview = new Preview();
    await preview.start(BOTH);
    const { camera } = preview.take();
    preview.release();
    expect(camera?.readyState).toBe('live');
  });
});
