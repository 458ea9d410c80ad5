// SPDX-License-Identifier: EUPL-1.2
// How loud a microphone is at this moment.

/** Below this a microphone delivers the noise of its own electronics. */
const FLOOR_DB = -60;

/** Speech close to a headset peaks about here. */
const CEILING_DB = -10;

/** Measures a track, about 30 times a second, from 0 for silence to 1 for loud. Returns how to stop. */
export function watchLevel(track: MediaStreamTrack, onLevel: (level: number) => void): () => void {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  const source = context.createMediaStreamSource(new MediaStream([track]));
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  // Before the page has been clicked, browsers hold sound back, also from being measured. The answer to the browser's
  // question for the microphone is no click on the page.
  const resume = () => void context.resume().catch(() => undefined);
  const gestures = ['pointerdown', 'keydown'] as const;
  for (const gesture of gestures) document.addEventListener(gesture, resume);
  resume();
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
  }, 33);
  return () => {
    clearInterval(timer);
    for (const gesture of gestures) document.removeEventListener(gesture, resume);
    source.disconnect();
    void context.close().catch(() => undefined);
  };
}

/** The loudness of some samples between -1 and 1, on a scale that follows the ear. */
export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms === 0) return 0;
  const db = 20 * Math.log10(rms);
  return Math.min(1, Math.max(0, (db - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
}
