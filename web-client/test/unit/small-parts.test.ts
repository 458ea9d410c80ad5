// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { missingFeatures } from '../../src/app/support';
import { deviceProblem } from '../../src/conference/devices';
import { levelOf } from '../../src/conference/level';
import { SHORTCUTS, shortcutAction } from '../../src/conference/shortcuts';
import { chime } from '../../src/conference/test-tone';
import { formatElapsed } from '../../src/screens/Elapsed';
import { avatarColour, initials } from '../../src/ui/Avatar';
import { nextIndex } from '../../src/ui/roving-focus';

describe('initials', () => {
  it('are those of the first and the last word', () => {
    expect(initials('Ada Lovelace')).toBe('AL');
    expect(initials('Friederike Marie von Hohenstein')).toBe('FH');
    expect(initials('Ümit')).toBe('Ü');
  });

  it('leave out titles and what stands in brackets', () => {
    expect(initials('Dr. Ada Lovelace (Referat 12)')).toBe('AL');
  });

  it('are none for no name', () => {
    expect(initials('  ')).toBe('');
  });
});

describe('avatarColour', () => {
  it('is stable and one of six', () => {
    for (const seed of ['', 'a', 'web-1234', '会议']) {
      expect(avatarColour(seed)).toBe(avatarColour(seed));
      expect([1, 2, 3, 4, 5, 6]).toContain(avatarColour(seed));
    }
  });
});

describe('shortcuts', () => {
  const key = (name: string, more = {}) => ({
    key: name, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, repeat: false, ...more,
  });

  it('need a modifier, so that none is a single key', () => {
    for (const letter of Object.values(SHORTCUTS)) {
      expect(shortcutAction(key(letter), false)).toBeNull();
      expect(shortcutAction(key(letter), true)).toBeNull();
    }
  });

  it('go with Control, or Command on a Mac', () => {
    expect(shortcutAction(key('d', { ctrlKey: true }), false)).toBe('microphone');
    expect(shortcutAction(key('E', { ctrlKey: true }), false)).toBe('camera');
    expect(shortcutAction(key('d', { metaKey: true }), true)).toBe('microphone');
    expect(shortcutAction(key('d', { ctrlKey: true }), true)).toBeNull();
  });

  it('do not fire again while the key is held', () => {
    expect(shortcutAction(key('d', { ctrlKey: true, repeat: true }), false)).toBeNull();
  });
});

describe('nextIndex', () => {
  it('moves in a circle', () => {
    expect(nextIndex('ArrowRight', 5, 6)).toBe(0);
    expect(nextIndex('ArrowLeft', 0, 6)).toBe(5);
    expect(nextIndex('Home', 3, 6)).toBe(0);
    expect(nextIndex('End', 3, 6)).toBe(5);
    expect(nextIndex('Enter', 3, 6)).toBe(-1);
  });
});

describe('levelOf', () => {
  it('is nought for silence and one for a full scale', () => {
    expect(levelOf(new Float32Array(64))).toBe(0);
    expect(levelOf(new Float32Array(64).fill(1))).toBe(1);
  });

  it('rises with loudness', () => {
    expect(levelOf(new Float32Array(64).fill(0.05))).toBeGreaterThan(levelOf(new Float32Array(64).fill(0.01)));
  });
});

describe('the test tone', () => {
  it('is heard and never clipped', () => {
    const loudest = chime().reduce((max, sample) => Math.max(max, Math.abs(sample)), 0);
    expect(loudest).toBeGreaterThan(0.1);
    expect(loudest).toBeLessThan(1);
  });
});

describe('deviceProblem', () => {
  it('tells apart what browsers report', () => {
    const problem = (name: string) => deviceProblem(new DOMException('', name));
    expect(problem('NotAllowedError')).toBe('denied');
    expect(problem('NotFoundError')).toBe('missing');
    expect(problem('NotReadableError')).toBe('busy');
    expect(deviceProblem(new TypeError('x'))).toBe('failed');
    expect(deviceProblem(undefined)).toBe('failed');
  });
});

describe('formatElapsed', () => {
  it('shows hours once there are any', () => {
    expect(formatElapsed(-5)).toBe('00:00');
    expect(formatElapsed(61_999)).toBe('01:01');
    expect(formatElapsed(3_600_000)).toBe('1:00:00');
  });
});

describe('missingFeatures', () => {
  const scope = (more: object) =>
    ({
      isSecureContext: true,
      RTCPeerConnection: Event,
      WebSocket: Event,
      navigator: { mediaDevices: { getUserMedia: () => {} } },
      ...more,
    }) as unknown as typeof globalThis;

  it('is empty for a current browser', () => {
    expect(missingFeatures(scope({}))).toEqual([]);
  });

  it('names the cause where the connection is the cause', () => {
    expect(missingFeatures(scope({ isSecureContext: false, navigator: {} }))).toEqual(['secure']);
  });

  it('names what a browser cannot do', () => {
    expect(missingFeatures(scope({ RTCPeerConnection: undefined, navigator: {} }))).toEqual(['webrtc', 'media']);
  });
});
