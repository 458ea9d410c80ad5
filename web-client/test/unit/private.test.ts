// SPDX-License-Identifier: EUPL-1.2
// The eyes with which the end-to-end scenarios read the servers' logs.
import { expect, it } from 'vitest';

type PrivateIn = (lines: readonly string[], typed: readonly string[]) => Promise<string[]>;
const { privateIn } = (await import('../e2e/support/private.mjs' as string)) as { privateIn: PrivateIn };

const line = (level: string, text: string) => `2026-11-22T19:27:49.652625Z ${level.padStart(5)} signaling::rooms::keeper: ${text}`;
const kinds = async (lines: readonly string[], typed: readonly string[] = []) => (await privateIn(lines, typed)).map((problem) => problem.split(':')[0]);

it('finds what is about people', async () => {
  expect(await kinds([line('INFO', 'from=192.0.2.7:4711')])).toEqual(['an IPv4 address']);
  expect(await kinds([line('WARN', 'from=[2001:db8::7]:4711')])).toEqual(['an IPv6 address']);
  expect(await kinds([line('WARN', 'from=::1')])).toEqual(['an IPv6 address']);
  expect(await kinds([line('ERROR', 'no mail to ada@example.org')])).toEqual(['an e-mail address']);
  expect(await kinds([line('INFO', 'token=eyJhbGciOi')])).toEqual(['a signed token']);
  expect(await kinds([line('INFO', 'token=saal_abc')])).toEqual(['an API token']);
  expect(await kinds([line('INFO', 'Ada Admin joined')], ['Ada Admin', 'Ada'])).toEqual(['“Ada Admin”, which somebody has entered']);
  expect(await kinds([line('ERROR', 'the database says'), '  near "ada@example.org"'])).toEqual(['an e-mail address']);
});

it('leaves alone what is about the server, and what only debug shows', async () => {
  const ready = '2026-11-22T19:27:49.653132Z  INFO saal::serve: ready http=127.0.0.1:17999 version="0.1.0"';
  expect(await kinds([ready, line('INFO', 'room opened room=RM_ybKBPeZcsRAf'), line('DEBUG', 'from=192.0.2.7'), '  and 192.0.2.8'])).toEqual([]);
  // Where it listens is no excuse for who comes from there.
  expect(await kinds([ready, line('INFO', 'from=127.0.0.1:55555')])).toEqual(['an IPv4 address']);
});
