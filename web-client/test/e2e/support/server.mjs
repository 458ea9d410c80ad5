// SPDX-License-Identifier: EUPL-1.2
// A Saal server for one scenario: on free ports, with its own data, its log kept.
import { spawn, execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { promisify } from 'node:util';

const READY_LINE = /^Saal is ready at (http:\/\/\S+)/;

/** How long it may take to start and to end, in milliseconds. */
const START_MS = 20_000;
const STOP_MS = 5_500;

/** A port of this machine that nobody has right now. */
export async function freePort() {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/**
 * A running server.
 * @typedef {object} Server
 * @property {string} origin  Where browsers find it.
 * @property {number} pid
 * @property {string} data  Its folder.
 * @property {string} log  The file that its log goes to.
 * @property {string[]} people  Names and addresses of accounts that were made there.
 * @property {(args: string[]) => Promise<string>} token  What `saal token` prints for these arguments.
 * @property {() => Promise<void>} stop  Ends it by SIGTERM; rejects when it does not end well within 5 s.
 */

/**
 * Starts `saal serve --dev`.
 * @param {{ saal: string, log: string, args?: string[], port?: number, settings?: Record<string, string> }} options  Settings go by
 *   their names in the environment, such as `SAAL_ROOMS__AUTO_CREATE`.
 * @returns {Promise<Server>}
 */
export async function startServer({ saal, log, args = [], port = 0, settings = {} }) {
  const data = await mkdtemp(join(tmpdir(), 'saal-e2e-'));
  const command = ['serve', '--dev', '--data-dir', data, '--http', `127.0.0.1:${port}`, '--media', '127.0.0.1:0', ...args];
  const env = { ...process.env, SAAL_LOG__LEVEL: 'debug', ...settings };
  const child = spawn(saal, command, { stdio: ['ignore', 'pipe', 'pipe'], env });
  const file = createWriteStream(log);
  child.stderr.pipe(file);
  const written = finished(file);
  const ended = new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const origin = await Promise.race([
    readyLine(child.stdout),
    ended.then(({ code }) => Promise.reject(new Error(`the server ended with status ${code}; its log: ${log}`))),
    timeout(START_MS, 'the server did not get ready'),
  ]);
  return {
    origin,
    pid: child.pid,
    data,
    log,
    people: [],
    token: async (tokenArgs) => (await promisify(execFile)(saal, ['token', '--dev', ...tokenArgs])).stdout.trim(),
    stop: async () => {
      child.kill('SIGTERM');
      const { code } = await Promise.race([ended, timeout(STOP_MS, 'the server did not end after SIGTERM')]);
      await written;
      await rm(data, { recursive: true, force: true });
      if (code !== 0) throw new Error(`the server ended with status ${code}; its log: ${log}`);
    },
  };
}

async function readyLine(stdout) {
  for await (const line of createInterface({ input: stdout })) {
    const match = READY_LINE.exec(line);
    if (match !== null) return match[1];
  }
  throw new Error('the server closed its output before it was ready');
}

function timeout(ms, message) {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error(`${message} within ${ms / 1000} s`)), ms).unref();
  });
}
