// SPDX-License-Identifier: EUPL-1.2
// The README's walk through a first meeting: its commands, run as they are written there.
import { execFile, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort, startServer } from './server.mjs';

const README = join(dirname(fileURLToPath(import.meta.url)), '../../../../README.md');

/** The addresses that the README uses. */
const HTTP = '127.0.0.1:7880';
const SMTP = '127.0.0.1:8025';

/** How long its slowest command may take, which fetches a package, in milliseconds. */
const COMMAND_MS = 120_000;

/**
 * The blocks of commands in a section, each a text.
 * @param {string} heading
 */
export async function commandsOf(heading) {
  const text = await readFile(README, 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  if (section === undefined) throw new Error(`the README has no section ${heading}`);
  return Array.from(section.matchAll(/^```sh\n(.*?)^```$/gms), ([, block]) => block);
}

/**
 * Does what the first block says, and gives what runs the others: in a folder that looks like the project's after
 * `cargo xtask up`, and with free ports instead of those in the README.
 * @param {{ saal: string, log: string, start: string }} options  `start` is the first block.
 */
export async function setUp({ saal, log, start }) {
  const folder = await mkdtemp(join(tmpdir(), 'saal-readme-'));
  const smtp = `127.0.0.1:${await freePort()}`;
  let http = HTTP;
  const here = (command) => command.replaceAll(SMTP, smtp).replaceAll(HTTP, http);
  const run = async (command) => {
    const options = { cwd: folder, timeout: COMMAND_MS };
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', here(command)], options);
    return stdout;
  };

  await mkdir(join(folder, 'target/debug'), { recursive: true });
  await symlink(saal, join(folder, 'target/debug/saal'));
  const lines = start.trim().split('\n');
  const up = lines.pop();
  const mailbox = lines.pop();
  if (!up.endsWith(' cargo xtask up') || !mailbox.endsWith(' &')) throw new Error('the README starts otherwise');
  await run(lines.join('\n'));
  const [program, ...args] = here(mailbox.slice(0, -2)).split(' ');
  const mails = spawn(join(folder, program), args, { cwd: folder, stdio: 'inherit' });
  const settings = Object.fromEntries(up.split(' ').slice(0, -3).map((pair) => here(pair).split('=')));
  const server = await startServer({ saal, log, settings });
  await symlink(server.data, join(folder, 'data'));
  http = new URL(server.origin).host;
  return {
    folder,
    server,
    run,
    stop: async () => {
      mails.kill();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
