// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { readNumber } from '../../src/conference/phone-number';

const number = (text: string) => {
  const typed = readNumber(text);
  return typed.kind === 'number' ? typed.number : typed.problem;
};

describe('a telephone number', () => {
  it.each([
    ['+49 361 1234567', '+493611234567'],
    ['  0361 1234567 ', '03611234567'],
    ['0049 361/12 34-567', '00493611234567'],
    ['(0361) 1234567', '03611234567'],
    ['0361 – 123.45.67', '03611234567'],
    ['4711', '4711'],
    ['tel:+49-361-1234567', '+493611234567'],
    // Pasted: no-break and thin spaces, a non-breaking hyphen, marks of direction.
    ['\u202a+49\u00a0361\u2009123\u20114567\u202c', '+493611234567'],
    // Full width.
    ['＋４９ ３６１ １２３', '+49361123'],
  ])('is read as people write it: %s', (text, expected) => {
    expect(number(text)).toBe(expected);
  });

  it('has no zero in brackets behind a country’s prefix', () => {
    for (const text of ['+49 (0)361 1234567', '+49(0) 361 1234567', '(+49) (0) 361 1234567']) {
      expect(number(text), text).toBe('+493611234567');
    }
    expect(number('0049 (0) 361 1234567')).toBe('00493611234567');
    // Without a prefix it is what is dialled.
    expect(number('(0) 361 1234567')).toBe('03611234567');
  });

  it.each(['Ada Lovelace', '0361 12x4567', '0361+1234567', '++49361', '*21#', '+', 'https://example.org', '0361;ext=5', '٠٣٦١'])(
    'is none of these: %s',
    (text) => {
      expect(number(text)).toBe('not-a-number');
    },
  );

  it('is neither missing nor much shorter or longer than any', () => {
    expect(['', ' ', '\u200e', 'tel:'].map(number)).toEqual(['empty', 'empty', 'empty', 'empty']);
    expect(['1', '+1', '12'].map(number)).toEqual(['too-short', 'too-short', '12']);
    const [longest, longer] = ['00' + '1'.repeat(16), '+' + '1'.repeat(19)];
    expect([longest, longer].map(number)).toEqual([longest, 'too-long']);
  });
});
