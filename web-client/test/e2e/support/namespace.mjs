// SPDX-License-Identifier: EUPL-1.2
// A network namespace for scenarios that send hostile traffic: it has a loopback interface and nothing else, so that
// not one datagram of theirs can leave the machine, whatever a mistake in a test sends where.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';

/** Root can make one; anybody else becomes root of a user namespace first, where the kernel allows that. */
const UNSHARE = process.getuid() === 0 ? ['--net'] : ['--user', '--map-root-user', '--net'];

/** A new namespace's loopback interface is down. */
const RAISE_LOOPBACK = 'ip link set lo up';

/**
 * Says in one sentence why no namespace can be made here, or nothing.
 * @returns {Promise<string | undefined>}
 */
export async function whyNoNamespace() {
  try {
    await promisify(execFile)('unshare', [...UNSHARE, 'sh', '-c', RAISE_LOOPBACK]);
    return undefined;
  } catch (error) {
    const said = (error.stderr || error.message).trim();
    const remedy = 'run as root, or allow unprivileged user namespaces, with util-linux and iproute2 installed';
    return `no network namespace can be made here (${said}): ${remedy}`;
  }
}

/**
 * Runs a Node program in a new namespace, with this one's output, and gives what it sends back by `process.send`. Without
 * a word from it the result is undefined.
 * @param {string[]} command  The script and its arguments.
 */
export async function runInNamespace(command) {
  const script = `${RAISE_LOOPBACK} && exec "$@"`;
  const child = spawn('unshare', [...UNSHARE, 'sh', '-c', script, 'sh', process.execPath, ...command], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let result;
  child.on('message', (message) => (result = message));
  await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return result;
}

/** Stops whoever would send hostile traffic where somebody else could receive it. */
export function assertAlone() {
  const others = Object.keys(networkInterfaces()).filter((name) => name !== 'lo');
  assert.deepEqual(others, [], 'hostile traffic stays in a network namespace without other interfaces');
}
