// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { arrangeSeats, type Seat } from '../../src/layout/stable-tiles';

/** People by letter; `*` speaks now, a number is when they last did, `me` is the local one. */
function people(...descriptions: string[]): Seat[] {
  return descriptions.map((text) => {
    const [id = '', spoke = '0'] = text.replace('*', '').split(':');
    return { id, isLocal: id === 'me', isSpeaking: text.includes('*'), spokeAtMs: Number(spoke) };
  });
}

describe('arrangeSeats', () => {
  it('seats people in the order in which they came', () => {
    expect(arrangeSeats([], people('a', 'b', 'me'), 9)).toEqual(['a', 'b', 'me']);
  });

  it('moves nobody when somebody comes', () => {
    expect(arrangeSeats(['a', 'b', 'me'], people('a', 'b', 'c', 'me'), 9)).toEqual(['a', 'b', 'me', 'c']);
  });

  it('moves one person only when somebody leaves', () => {
    expect(arrangeSeats(['a', 'b', 'c', 'd'], people('b', 'c', 'd'), 9)).toEqual(['d', 'b', 'c']);
  });

  it('moves nobody when the last one leaves', () => {
    expect(arrangeSeats(['a', 'b', 'c'], people('a', 'b'), 9)).toEqual(['a', 'b']);
  });

  it('fills several gaps at once', () => {
    expect(arrangeSeats(['a', 'b', 'c', 'd', 'e'], people('b', 'd', 'e'), 9)).toEqual(['e', 'b', 'd']);
    expect(arrangeSeats(['a', 'b', 'c'], [], 9)).toEqual([]);
  });

  it('fills a gap on the first page with whoever spoke last out of sight', () => {
    const order = arrangeSeats(['a', 'b', 'c', 'd', 'e'], people('b', 'c', 'd:50', 'e:10'), 2);
    expect(order.slice(0, 2)).toEqual(['d', 'b']);
  });

  it('leaves a speaker who is in sight where they are', () => {
    expect(arrangeSeats(['a', 'b', 'c'], people('a', 'b*:9', 'c'), 3)).toEqual(['a', 'b', 'c']);
  });

  it('gives a speaker who is out of sight the seat of whoever was silent longest', () => {
    const order = arrangeSeats(['a', 'b', 'c', 'd'], people('a:30', 'b:10', 'c:20', 'd*:40'), 3);
    expect(order).toEqual(['a', 'd', 'c', 'b']);
  });

  it('takes the last seat from those who never spoke', () => {
    expect(arrangeSeats(['a', 'b', 'c', 'd'], people('a', 'b', 'c', 'd*:1'), 3)).toEqual(['a', 'b', 'd', 'c']);
  });

  it('never takes the seat of a speaker or of the own tile', () => {
    const order = arrangeSeats(['me', 'a', 'b'], people('me', 'a*:5', 'b*:6'), 2);
    expect(order).toEqual(['me', 'a', 'b']);
  });

  it('keeps the own tile on the first page', () => {
    expect(arrangeSeats(['a', 'b', 'c', 'me'], people('a', 'b', 'c', 'me'), 2)).toEqual(['a', 'me', 'c', 'b']);
  });

  it('changes nothing when called again', () => {
    const crowd = people('a:3', 'b', 'me', 'c*:8', 'd*:9', 'e');
    const once = arrangeSeats([], crowd, 3);
    expect(arrangeSeats(once, crowd, 3)).toEqual(once);
  });

  it('seats everybody exactly once, whatever happens', () => {
    let order: string[] = [];
    let random = 7;
    const next = (n: number) => {
      random = (random * 48_271) % 2_147_483_647;
      return random % n;
    };
    for (let step = 0; step < 400; step += 1) {
      const crowd = Array.from({ length: 12 }, (_, i): Seat => ({ id: `p${i}`, isLocal: i === 0, isSpeaking: next(4) === 0, spokeAtMs: next(99) }))
        .filter((seat) => seat.isLocal || next(3) > 0);
      order = arrangeSeats(order, crowd, 1 + next(6));
      expect(order.toSorted()).toEqual(crowd.map((seat) => seat.id).toSorted());
    }
  });
});
