// SPDX-License-Identifier: EUPL-1.2
// Sounds that telephones play, and what is measured of those that they hear.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a sweep lingers at, in hertz: from the middle of a voice to the end of what G.722 carries. */
export const SWEEP_HZ = [500, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000];

/** Where the sentence has much of its sound, in hertz: below all of the sweep, in the pitch of the voice. */
export const WORDS_HZ = [185, 255];

/** A spoken sentence of four seconds; the README beside it says where it is from. */
const SENTENCE = new URL('../../../../sip-bridge/tests/sounds/sentence.wav', import.meta.url);
const SENTENCE_RATE = 16_000;
const HEADER_BYTES = 44;

const TONE_SECONDS = 0.7;
const ROUNDS = 40;

/**
 * A WAV file of one channel in which each of the tones sounds in turn, again and again. They come and go like syllables, for what
 * sounds without a pause is taken for noise.
 * @param {string} folder
 * @param {number} rate  Samples in a second.
 * @returns {Promise<string>}  Its path.
 */
export async function makeSweep(folder, rate) {
  return writeWave(join(folder, 'sweep.wav'), rate, sweep(rate));
}

/**
 * The same, with a spoken sentence in front of each round, and at the sentence's rate.
 * @param {string} folder
 * @returns {Promise<string>}  Its path.
 */
export async function makeWordsAndSweep(folder) {
  const words = (await readFile(SENTENCE)).subarray(HEADER_BYTES);
  return writeWave(join(folder, 'words-and-sweep.wav'), SENTENCE_RATE, Buffer.concat([words, sweep(SENTENCE_RATE)]));
}

/** One round of the tones. */
function sweep(rate) {
  const samples = [];
  for (const hertz of SWEEP_HZ) {
    for (let index = 0; index < TONE_SECONDS * rate; index += 1) {
      const time = index / rate;
      const syllable = Math.sin(Math.PI * ((time * 4) % 1));
      samples.push(Math.round(9_000 * syllable * Math.sin(2 * Math.PI * hertz * time)));
    }
  }
  return Buffer.from(Int16Array.from(samples).buffer);
}

/** Writes round after round. */
async function writeWave(path, rate, round) {
  const data = Buffer.concat(Array.from({ length: ROUNDS }, () => round));
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  await writeFile(path, Buffer.concat([header, data]));
  return path;
}

/** The mean energy of samples, 1 for full scale. */
export function energyOf(samples) {
  let sum = 0;
  for (const sample of samples) sum += (sample / 32_768) ** 2;
  return samples.length === 0 ? 0 : sum / samples.length;
}
