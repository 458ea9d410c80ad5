// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { readAddresses } from '../../../src/pages/schedule/addresses';

const emails = (text: string) => readAddresses(text).found.map(({ email }) => email);

describe('a pasted list', () => {
  it('may be divided in any way', () => {
    expect(emails('a@x.de, b@x.de;c@x.de\nd@x.de\te@x.de f@x.de')).toEqual(['a@x.de', 'b@x.de', 'c@x.de', 'd@x.de', 'e@x.de', 'f@x.de']);
  });

  it('may have names', () => {
    expect(readAddresses('Anna Muster <a@x.de>; "Beispiel, Bert" <b@x.de>\nCem\tÖlçer\tc@x.de\tAmt 3\nDoe, Jane <d@x.de>').found).toEqual([
      { email: 'a@x.de', name: 'Anna Muster' },
      { email: 'b@x.de', name: 'Bert Beispiel' },
      { email: 'c@x.de', name: 'Cem Ölçer' },
      { email: 'd@x.de', name: 'Jane Doe' },
    ]);
  });

  it('names everybody once', () => {
    expect(emails('a@x.de\nA@X.DE, <a@x.de>')).toEqual(['a@x.de']);
  });

  it('says what it does not understand', () => {
    expect(readAddresses('a@x.de, Herr Meier, b@x, @x.de').unreadable).toEqual(['Herr Meier', 'b@x', '@x.de']);
    expect(readAddresses(' , ;\n')).toEqual({ found: [], unreadable: [] });
  });
});
