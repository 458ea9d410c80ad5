// SPDX-License-Identifier: EUPL-1.2
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effect } from '@preact/signals';
import { Announcer } from '../../src/conference/announcer';

let announcer: Announcer;
let heard: { at: number; text: string }[];
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  announcer = new Announcer();
  heard = [];
  stop = effect(() => {
    for (const announcement of [announcer.polite.value, announcer.assertive.value]) {
      if (announcement !== null && heard.at(-1)?.text !== announcement.text) {
        heard.push({ at: Date.now(), text: announcement.text });
      }
    }
  });
});

afterEach(() => {
  stop();
  announcer.reset();
  vi.useRealTimers();
});

const texts = () => heard.map(({ text }) => text);

describe('say', () => {
  it('speaks at once when nothing else is being said', () => {
    announcer.say('eins');
    expect(texts()).toEqual(['eins']);
  });

  it('leaves a pause between two texts', () => {
    announcer.say('eins');
    announcer.say('zwei');
    vi.advanceTimersByTime(299);
    expect(texts()).toEqual(['eins']);
    vi.advanceTimersByTime(1);
    expect(texts()).toEqual(['eins', 'zwei']);
  });

  it('makes the same text twice two announcements', () => {
    announcer.say('Mikrofon an.');
    const first = announcer.polite.value?.number;
    announcer.say('Mikrofon an.');
    vi.advanceTimersByTime(300);
    expect(announcer.polite.value?.number).not.toBe(first);
  });

  it('lets urgent texts go first', () => {
    announcer.say('eins');
    announcer.say('zwei');
    announcer.say('dringend', 'assertive');
    vi.advanceTimersByTime(1000);
    expect(announcer.assertive.value?.text).toBe('dringend');
    expect(texts().indexOf('dringend')).toBe(1);
  });

  it('takes a text off the page after a while', () => {
    announcer.say('eins');
    vi.advanceTimersByTime(10_000);
    expect(announcer.polite.value).toBeNull();
  });
});

describe('arrivals and departures', () => {
  it('are named when there is one', () => {
    announcer.joined('a', 'Ada');
    vi.advanceTimersByTime(1500);
    expect(texts()).toEqual(['Ada ist beigetreten.']);
  });

  it('are counted when there are several', () => {
    for (const name of ['Ada', 'Grace', 'Lise']) announcer.joined(name, name);
    announcer.left('k', 'Konrad');
    vi.advanceTimersByTime(2500);
    expect(texts()).toEqual(['3 Personen sind beigetreten.', 'Konrad hat die Besprechung verlassen.']);
  });

  it('are passed over when somebody only reloads', () => {
    announcer.left('a', 'Ada');
    announcer.joined('a', 'Ada');
    vi.advanceTimersByTime(3000);
    expect(texts()).toEqual([]);
  });
});
