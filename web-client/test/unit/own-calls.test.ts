// SPDX-License-Identifier: EUPL-1.2
// What this device remembers of calls to one's own telephone.
import { effect } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { followOtherTabs, isOwnCall, ownTelephones, rememberOwnCall } from '../../src/conference/own-calls';

const KEY = 'saal.own-calls';

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe('a call to one’s own telephone', () => {
  it('is known to every tab of this device, and so is the telephone once it has been in a room', () => {
    rememberOwnCall('ann', 'c1');
    expect([isOwnCall('ann', 'c1'), isOwnCall('ann', 'c2'), ownTelephones('ann')]).toEqual([true, false, []]);
    rememberOwnCall('ann', 'c1', 'sip_1');
    // That it is said again without the telephone does not take that back.
    rememberOwnCall('ann', 'c1');
    sessionStorage.clear();
    expect([isOwnCall('ann', 'c1'), ownTelephones('ann')]).toEqual([true, ['sip_1']]);
  });

  it('is forgotten after a day, and when there were many since', () => {
    rememberOwnCall('ann', 'c1', 'sip_1');
    vi.setSystemTime(Date.now() + 24 * 60 * 60 * 1_000 - 1);
    expect(isOwnCall('ann', 'c1')).toBe(true);
    vi.setSystemTime(Date.now() + 1);
    expect([isOwnCall('ann', 'c1'), ownTelephones('ann')]).toEqual([false, []]);
    for (let i = 0; i < 20; i += 1) rememberOwnCall('ann', `n${i}`, `sip_n${i}`);
    expect(ownTelephones('ann')).toEqual(Array.from({ length: 10 }, (_, i) => `sip_n${i + 10}`));
    expect(localStorage.getItem(KEY)?.match(/sip_/g)).toHaveLength(10);
  });

  it('is nobody else’s who uses this device', () => {
    rememberOwnCall('ann', 'c1', 'sip_1');
    expect([isOwnCall('bert', 'c1'), ownTelephones('bert')]).toEqual([false, []]);
    expect([isOwnCall('ann', 'c1'), ownTelephones('ann')]).toEqual([true, ['sip_1']]);
  });

  it('is told to whoever follows it, also from other tabs', () => {
    const seen: (readonly string[])[] = [];
    const endFollowing = followOtherTabs();
    const endLooking = effect(() => void seen.push(ownTelephones('ann')));
    rememberOwnCall('ann', 'c1', 'sip_1');
    // As if it had been written in another tab.
    const other = { id: 'c2', owner: 'ann', participantId: 'sip_2', atMs: Date.now() };
    localStorage.setItem(KEY, JSON.stringify([other]));
    window.dispatchEvent(new StorageEvent('storage', { key: 'saal.other' }));
    expect(seen).toEqual([[], ['sip_1']]);
    window.dispatchEvent(new StorageEvent('storage', { key: KEY }));
    expect(seen).toEqual([[], ['sip_1'], ['sip_2']]);
    endFollowing();
    window.dispatchEvent(new StorageEvent('storage', { key: KEY }));
    expect(seen).toHaveLength(3);
    endLooking();
  });

  it('is read with care', () => {
    const good = { id: 'c1', owner: 'ann', participantId: 'sip_1', atMs: Date.now() };
    for (const [stored, known] of [
      ['c1 c2', []],
      ['{"id":"c1"}', []],
      [JSON.stringify([null, 1, 'c1', { id: 'c1' }, { ...good, atMs: 'now' }, { ...good, participantId: 7 }, { ...good, owner: null }, good]), ['sip_1']],
    ] as const) {
      localStorage.setItem(KEY, stored);
      expect(ownTelephones('ann')).toEqual(known);
    }
  });
});
