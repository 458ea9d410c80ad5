// SPDX-License-Identifier: EUPL-1.2
// A telephone: baresip with a sound file in place of a microphone and a recorder in place of a loudspeaker.
import { spawn } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './server.mjs';
import { waitUntil } from './wait.mjs';

/** Where Debian keeps its parts. */
const MODULES = '/usr/lib/baresip/modules';

/** What it says when there is a call, and when there is none any more. */
const ENDS_OF_CALLS = new Set(['CALL_ESTABLISHED', 'CALL_CLOSED']);

/** What a server of a scenario needs to take calls and to make them, as its `prepare`; `sip` is where it takes them. */
export async function prepareForCalls() {
  const sip = `127.0.0.1:${await freePort()}`;
  return { settings: { SAAL_SIP__LISTEN: sip }, sip, stop: async () => {} };
}

/**
 * A telephone that can call and be called.
 * @typedef {object} Telephone
 * @property {number} port  Where it is called.
 * @property {(address: string) => Promise<void>} dial  Returns when the call is answered.
 * @property {() => number} timesRung  How many calls have come to it.
 * @property {() => Promise<void>} answer  Takes the call that rings.
 * @property {(keys: string) => Promise<void>} press  With commas for pauses, as in a link for telephones.
 * @property {() => Promise<void>} hangUp  A call that rings is declined by it, as busy.
 * @property {() => boolean} isInCall
 * @property {() => Promise<Int16Array>} heard  What has come out of the loudspeaker in the last call so far, at the codec's rate.
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a telephone.
 * @param {{ folder: string, sound: string, codec: string, number: string }} options  `sound` is a WAV file of one channel in the
 *   codec's rate; `number` is what it says it is.
 * @returns {Promise<Telephone>}
 */
export async function startTelephone({ folder, sound, codec, number }) {
  // It takes no long paths, of what it plays or records.
  const home = await mkdtemp(join(tmpdir(), 'telephone-'));
  const own = join(home, 'sound.wav');
  await copyFile(sound, own);
  const [control, sip] = [await freePort(), await freePort()];
  const modules = ['g711', 'g722', 'aufile', 'aubridge', 'sndfile', 'account', 'menu', 'ctrl_tcp', 'stdio'];
  await writeFile(
    join(home, 'config'),
    [
      `sip_listen 127.0.0.1:${sip}`,
      'call_max_calls 1',
      `audio_source aufile,${own}`,
      'audio_player aubridge,loudspeaker',
      'audio_alert aubridge,alert',
      'audio_channels 1-1',
      'rtp_timeout 0',
      `snd_path ${home}`,
      `ctrl_tcp_listen 127.0.0.1:${control}`,
      `module_path ${MODULES}`,
      ...modules.map((name) => `module ${name}.so`),
      '',
    ].join('\n'),
  );
  await writeFile(join(home, 'accounts'), `<sip:${number}@127.0.0.1>;regint=0;audio_codecs=${codec};dtmfmode=rtpevent\n`);
  await writeFile(join(home, 'contacts'), '');
  const child = spawn('baresip', ['-f', home], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = new Promise((resolve) => child.on('exit', resolve));
  const line = await controlLine(control, () => output);
  const count = (wanted) => events(line).filter(({ type }) => type === wanted).length;
  /** Gives a command, and waits until the telephone says that this has come of it. */
  const order = async (command, params, wanted, problem) => {
    const before = count(wanted);
    line.send(command, params);
    await waitUntil(() => count(wanted) > before, { describe: () => `${problem}:\n${output.slice(-2_000)}` });
  };
  return {
    port: sip,
    dial: (address) => order('dial', address, 'CALL_ESTABLISHED', 'nobody answered'),
    timesRung: () => count('CALL_INCOMING'),
    answer: () => order('accept', '', 'CALL_ESTABLISHED', 'the call was not to be had'),
    press: async (keys) => {
      for (const key of keys) {
        if (key !== ',') line.send('sndcode', key);
        // As telephones dial what stands in a link: each key is held for a moment, and a comma is a pause.
        await new Promise((resolve) => setTimeout(resolve, key === ',' ? 2_000 : 250));
      }
    },
    hangUp: () => order('hangup', '', 'CALL_CLOSED', 'the call did not end'),
    // A call that is declined was not established before it is closed.
    isInCall: () => events(line).findLast(({ type }) => ENDS_OF_CALLS.has(type))?.type === 'CALL_ESTABLISHED',
    heard: async () => {
      const files = (await readdir(home)).filter((name) => name.endsWith('dec.wav')).toSorted();
      // Recording begins with the first sound.
      if (files.length === 0) return new Int16Array(0);
      const wave = await readFile(join(home, files.at(-1)));
      // The header has 44 bytes; its length is written at the end.
      return new Int16Array(wave.buffer.slice(wave.byteOffset + 44, wave.byteOffset + wave.length - (wave.length % 2)));
    },
    stop: async () => {
      line.close();
      child.kill('SIGTERM');
      const giveUp = setTimeout(() => child.kill('SIGKILL'), 3_000);
      await ended;
      clearTimeout(giveUp);
      await writeFile(join(folder, 'telephone.txt'), output);
      const recordings = (await readdir(home)).filter((name) => name.startsWith('dump-'));
      await Promise.all(recordings.map((name) => copyFile(join(home, name), join(folder, name))));
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** baresip's control connection: JSON in netstrings. */
async function controlLine(port, output) {
  let socket;
  await waitUntil(
    async () => {
      socket = connect(port, '127.0.0.1');
      return new Promise((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
    },
    { describe: () => `baresip does not start:\n${output().slice(-2_000)}` },
  );
  const line = { received: '', send: undefined, close: undefined };
  socket.setEncoding('utf8');
  socket.on('error', () => undefined);
  socket.on('data', (text) => (line.received += text));
  line.send = (command, params) => {
    const text = JSON.stringify({ command, params });
    socket.write(`${Buffer.byteLength(text)}:${text},`);
  };
  line.close = () => socket.destroy();
  return line;
}

/** What baresip has told so far. */
function events(line) {
  const found = [];
  let rest = line.received;
  for (;;) {
    const match = /^(\d+):/.exec(rest);
    if (match === null) return found;
    const [start, length] = [match[0].length, Number(match[1])];
    if (rest.length < start + length + 1) return found;
    const message = JSON.parse(rest.slice(start, start + length));
    if (message.event === true) found.push(message);
    rest = rest.slice(start + length + 1);
  }
}
