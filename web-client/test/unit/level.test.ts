// SPDX-License-Identifier: EUPL-1.2
import { afterEach, expect, it, vi } from 'vitest';
import { watchLevel } from '../../src/conference/level';

afterEach(() => vi.unstubAllGlobals());

it('starts measuring with the first click where the browser held it back', () => {
  const resume = vi.fn(async () => undefined);
  class Context {
    createAnalyser = () => ({ fftSize: 0, getFloatTimeDomainData: () => undefined });
    createMediaStreamSource = () => ({ connect: () => undefined, disconnect: () => undefined });
    resume = resume;
    close = async () => undefined;
  }
  vi.stubGlobal('AudioContext', Context);
  vi.stubGlobal('MediaStream', vi.fn());
  const stop = watchLevel({} as MediaStreamTrack, () => undefined);
  resume.mockClear();
  document.dispatchEvent(new Event('pointerdown'));
  expect(resume).toHaveBeenCalledOnce();
  stop();
  document.dispatchEvent(new Event('pointerdown'));
  expect(resume).toHaveBeenCalledOnce();
});
