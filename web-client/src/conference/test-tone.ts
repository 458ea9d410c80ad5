// SPDX-License-Identifier: EUPL-1.2
// A short chime for trying out a speaker. It is computed, so that no sound file has to be loaded.

const SAMPLE_RATE_HZ = 24_000;

/** E5, G#5 and B5: a major chord, which nobody takes for an error. */
const NOTES_HZ = [659.26, 830.61, 987.77];
const NOTE_SECONDS = 0.22;
const TAIL_SECONDS = 0.5;
const LOUDNESS = 0.25;

/** Plays the chime on a speaker; the empty id is the system's own choice. Rejects when it cannot be heard. */
export async function playTestTone(speakerId: string): Promise<void> {
  const address = URL.createObjectURL(new Blob([waveFile(chime())], { type: 'audio/wav' }));
  const audio = new Audio(address);
  try {
    if (speakerId !== '' && 'setSinkId' in audio) await audio.setSinkId(speakerId);
    const finished = new Promise<void>((resolve, reject) => {
      audio.addEventListener('ended', () => resolve(), { once: true });
      audio.addEventListener('error', () => reject(new Error('the sound could not be played')), { once: true });
    });
    await audio.play();
    await finished;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The notes one after the other, each fading out into the next. */
export function chime(): Float32Array {
  const seconds = NOTES_HZ.length * NOTE_SECONDS + TAIL_SECONDS;
  const samples = new Float32Array(Math.ceil(seconds * SAMPLE_RATE_HZ));
  NOTES_HZ.forEach((hz, note) => {
    const start = Math.floor(note * NOTE_SECONDS * SAMPLE_RATE_HZ);
    for (let i = start; i < samples.length; i += 1) {
      const time = (i - start) / SAMPLE_RATE_HZ;
      const fadeIn = Math.min(1, time / 0.01);
      const value = Math.sin(2 * Math.PI * hz * time) * fadeIn * Math.exp(-6 * time) * LOUDNESS;
      samples[i] = (samples[i] ?? 0) + value;
    }
  });
  return samples;
}

/** Samples as a 16-bit mono WAV file. */
function waveFile(samples: Float32Array): ArrayBuffer {
  const dataBytes = samples.length * 2;
  const view = new DataView(new ArrayBuffer(44 + dataBytes));
  const text = (offset: number, word: string) =>
    [...word].forEach((letter, i) => view.setUint8(offset + i, letter.charCodeAt(0)));
  text(0, 'RIFF');
  view.setUint32(4, 36 + dataBytes, true);
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // mono
  view.setUint32(24, SAMPLE_RATE_HZ, true);
  view.setUint32(28, SAMPLE_RATE_HZ * 2, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, dataBytes, true);
  samples.forEach((sample, i) => view.setInt16(44 + i * 2, Math.max(-1, Math.min(1, sample)) * 0x7fff, true));
  return view.buffer;
}
