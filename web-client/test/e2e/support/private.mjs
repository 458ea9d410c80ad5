// SPDX-License-Identifier: EUPL-1.2
// Looks for personal data in a server's log, above debug: nobody's address, name or token may stand there.
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

const LEVEL = /^\S+\s+(ERROR|WARN|INFO|DEBUG|TRACE)\s/;
const SHOWN = new Set(['ERROR', 'WARN', 'INFO']);

/** Where the server says that it listens: `http=127.0.0.1:7880`, and the same for media. */
const LISTENER = /\b(?:http|media)=(\S+)/;
const SAYS_LISTENER = /saal::serve: ready |media sockets are open /;

const KINDS = [
  ['an IPv4 address', /(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])/],
  // Neither a time of day nor a path of Rust: those have a letter or a digit before the first colon.
  ['an IPv6 address', /(?<![\w:])(?:[0-9a-f]{1,4}:|:)(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{0,4}(?![\w:])/i],
  ['an e-mail address', /@/],
  ['a signed token', /eyJ/],
  ['an API token', /saal_/],
];

/** Shorter texts are found by chance. */
const SHORTEST = 5;

/**
 * What is wrong with lines of a log.
 * @param {AsyncIterable<string> | Iterable<string>} lines
 * @param {Iterable<string>} typed  What people have entered.
 * @returns {Promise<string[]>}
 */
export async function privateIn(lines, typed) {
  const texts = [...new Set(typed)].filter((text) => text.length >= SHORTEST);
  const listeners = [];
  const problems = [];
  let isShown = false;
  for await (const line of lines) {
    const level = LEVEL.exec(line)?.[1];
    // What a message has on further lines is as loud as its first.
    if (level !== undefined) isShown = SHOWN.has(level);
    if (!isShown) continue;
    if (SAYS_LISTENER.test(line)) listeners.push(LISTENER.exec(line)?.[1] ?? '');
    const rest = listeners.filter((own) => own !== '').reduce((text, own) => text.replaceAll(own, '…'), line);
    const found = KINDS.filter(([, pattern]) => pattern.test(rest)).map(([kind]) => kind);
    const said = texts.filter((text) => rest.includes(text)).map((text) => `“${text}”, which somebody has entered`);
    problems.push(...[...found, ...said].map((what) => `${what}: ${line.slice(0, 300)}`));
  }
  return problems;
}

/**
 * Fails when a log shows personal data.
 * @param {string} log  Its file.
 * @param {Iterable<string>} typed
 */
export async function assertNothingPrivate(log, typed) {
  const problems = await privateIn(createInterface({ input: createReadStream(log) }), typed);
  if (problems.length > 0) throw new Error(`${log} shows\n        ${problems.slice(0, 10).join('\n        ')}`);
}
