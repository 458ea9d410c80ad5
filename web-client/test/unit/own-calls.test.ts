// SPDX-License-Identifier: EUPL-1.2
// What this device remembers of calls to one's own telephone.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isOwnCall, ownTelephones, rememberOwnCall } from '../../src/conference/own-calls';

const KEY = 'saal.own-calls';

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('a call to one’s own telephone', () => {
  it('is known to every tab of this device, and so is the telephone once it has been in a room', () => {
    rememberOwnCall('c1');
    expect([isOwnCall('c1'), isOwnCall('c2'), ownTelephones()]).toEqual([true, false, []]);
    rememberOwnCall('c1', 'sip_1');
    // That it is said again without the telephone does not take that back.
    rememberOwnCall('c1');
    sessionStorage.clear();
    expect([isOwnCall('c1'), ownTelephones()]).toEqual([true, ['sip_1']]);
  });

  it('is forgotten after a day, and when there were many since', () => {
    rememberOwnCall('c1', 'sip_1');
    vi.setSystemTime(Date.now() + 24 * 60 * 60 * 1_000 - 1);
    expect(isOwnCall('c1')).toBe(true);
    vi.setSystemTime(Date.now() + 1);
    expect([isOwnCall('c1'), ownTelephones()]).toEqual([false, []]);
    for (let i = 0; i < 20; i += 1) rememberOwnCall(`n${i}`, `sip_n${i}`);
    expect(ownTelephones()).toEqual(Array.from({ length: 10 }, (_, i) => `sip_n${i + 10}`));
    expect(localStorage.getItem(KEY)?.match(/sip_/g)).toHaveLength(10);
  });

  it('is read with care', () => {
    const good = { id: 'c1', participantId: 'sip_1', atMs: Date.now() };
    for (const [stored, known] of [
      ['c1 c2', []],
      ['{"id":"c1"}', []],
      [JSON.stringify([null, 1, 'c1', { id: 'c1' }, { ...good, atMs: 'now' }, { ...good, participantId: 7 }, good]), ['sip_1']],
    ] as const) {
      localStorage.setItem(KEY, stored);
      expect(ownTelephones()).toEqual(known);
    }
  });
});
