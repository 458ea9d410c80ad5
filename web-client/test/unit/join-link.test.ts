// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { parseJoinInput } from '../../src/app/join-link';

const ORIGIN = 'https://saal.example';
const read = (text: string, allowsNames = false) => parseJoinInput(text, ORIGIN, allowsNames);

describe('parseJoinInput', () => {
  it('reads a whole link with its token', () => {
    expect(read('https://saal.example/m/Rat#token=ey.J.x')).toEqual({ kind: 'meeting', room: 'Rat', token: 'ey.J.x', invitation: null });
  });

  it('reads a link without token, without scheme, or the path alone', () => {
    const expected = { kind: 'meeting', room: 'Rat', token: null, invitation: null };
    expect(read('  https://saal.example/m/Rat ')).toEqual(expected);
    expect(read('saal.example/m/Rat')).toEqual(expected);
    expect(read('/m/Rat')).toEqual(expected);
    expect(read('HTTPS://SAAL.EXAMPLE/m/Rat')).toEqual(expected);
  });

  it('decodes the room', () => {
    expect(read('https://saal.example/m/B%C3%BCrgeramt')).toMatchObject({ room: 'Bürgeramt' });
  });

  it('keeps a room whose name looks like a path component in its place', () => {
    expect(read('/m/a%2Fb')).toMatchObject({ room: 'a/b' });
  });

  it('tells an empty text', () => {
    expect(read('   ')).toEqual({ kind: 'problem', problem: 'empty' });
  });

  it('tells a link to another server and names it', () => {
    expect(read('https://meet.example/m/Rat')).toEqual({ kind: 'problem', problem: 'other-server', host: 'meet.example' });
    expect(read('https://saal.example:8443/m/Rat')).toMatchObject({ problem: 'other-server' });
  });

  it('tells a link that leads elsewhere', () => {
    expect(read('https://saal.example/licences.txt')).toMatchObject({ problem: 'not-a-meeting' });
    expect(read('https://')).toMatchObject({ problem: 'not-a-meeting' });
  });

  it('takes a plain name only where that is enough to join', () => {
    expect(read('Rat')).toEqual({ kind: 'problem', problem: 'name-without-link' });
    expect(read('Rat', true)).toEqual({ kind: 'meeting', room: 'Rat', token: null, invitation: null });
    expect(read('a'.repeat(300), true)).toMatchObject({ problem: 'too-long' });
  });
});
