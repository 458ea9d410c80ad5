// SPDX-License-Identifier: EUPL-1.2
// When the sound of a meeting goes by somebody's own telephone, and when it comes back.
import { signal } from '@preact/signals';
import { describe, expect, it } from 'vitest';
import { OwnTelephone } from '../../src/conference/own-telephone';
import type { PlacedCall } from '../../src/conference/placed-call';
import { fakeCall } from '../stories/fake-conference';

/** The telephone of whoever looks at the page, once it is in. */
const mine = (id: string, participantId: string | null = `sip_${id}`) =>
  fakeCall(id, participantId === null ? 'ringing' : 'in_meeting', { participantId, isForMe: true });

/** The same when it has hung up. */
const ended = (id: string) => fakeCall(id, 'ended', { participantId: `sip_${id}`, isForMe: true });

/** A device that notes what is done to it. */
function device() {
  const done: string[] = [];
  const calls = signal<readonly PlacedCall[]>([]);
  const remembered: string[] = [];
  const remotes = signal<readonly { identity: string }[]>([{ identity: 'ada' }]);
  const isMicrophoneOn = signal(true);
  const telephone = new OwnTelephone({
    calls,
    remembered: () => remembered,
    remotes,
    isMicrophoneOn,
    mute: async () => {
      isMicrophoneOn.value = false;
      done.push('microphone off');
    },
    setSilent: (isSilent) => void done.push(isSilent ? 'silent' : 'heard'),
    hangUp: async (id) => void done.push(`hang up ${id}`),
  });
  const present = (...identities: string[]) => {
    remotes.value = ['ada', ...identities].map((identity) => ({ identity }));
  };
  return { done, calls, remembered, isMicrophoneOn, telephone, present, kind: () => telephone.notice.value?.kind };
}

/** A telephone has come in. */
function byTelephone() {
  const made = device();
  made.calls.value = [mine('1')];
  made.present('sip_1');
  return made;
}

describe('the sound', () => {
  it('goes by the telephone once it is in, however that becomes known', () => {
    const { done, calls, telephone, present, kind } = device();
    calls.value = [mine('1', null)];
    present('sip_1');
    expect([done, telephone.isByTelephone.value]).toEqual([[], false]);
    calls.value = [mine('1')];
    expect(done).toEqual(['silent', 'microphone off']);
    expect([telephone.isIn.value, telephone.isByTelephone.value, kind()]).toEqual([true, true, 'by-telephone']);
    const other = device();
    other.calls.value = [mine('1')];
    expect([other.telephone.isByTelephone.value, other.telephone.identities.value]).toEqual([false, []]);
    other.present('sip_1', 'bert');
    expect([other.telephone.isByTelephone.value, other.telephone.identities.value]).toEqual([true, ['sip_1']]);
  });

  it('stays here whoever else is called', () => {
    const { done, calls, telephone, present } = device();
    calls.value = [fakeCall('1', 'in_meeting', { participantId: 'sip_1' })];
    present('sip_1');
    expect([done, telephone.isIn.value]).toEqual([[], false]);
  });

  it('comes back when the telephone has gone, and the microphone stays muted', () => {
    const { done, isMicrophoneOn, telephone, present, kind } = byTelephone();
    done.length = 0;
    present();
    expect(done).toEqual(['heard']);
    expect([isMicrophoneOn.value, telephone.isIn.value, telephone.isByTelephone.value, kind()]).toEqual([false, false, false, 'gone']);
    // People come and go, and it is still to be read.
    present('bert');
    expect(kind()).toBe('gone');
    telephone.dismiss();
    expect(kind()).toBeUndefined();
  });

  it('is said to be back because the call has ended only once that is known', () => {
    const { calls, present, telephone, kind } = byTelephone();
    // It may have been moved to another meeting, and go on there.
    present();
    expect([kind(), telephone.calls.value]).toEqual(['gone', ['1']]);
    // Somebody else's is none of theirs.
    calls.value = [fakeCall('3', 'ended', { participantId: 'sip_3' }), mine('1')];
    expect(kind()).toBe('gone');
    calls.value = [ended('1')];
    expect([kind(), telephone.calls.value]).toEqual(['ended', []]);
    // The list may be the first to tell.
    const other = byTelephone();
    other.calls.value = [ended('1')];
    expect(other.kind()).toBe('by-telephone');
    other.present();
    expect(other.kind()).toBe('ended');
  });

  it('goes by the telephone as long as one of several is in', () => {
    const { done, calls, present, telephone } = byTelephone();
    calls.value = [mine('2'), mine('1')];
    present('sip_1', 'sip_2');
    present('sip_2');
    expect(done).toEqual(['silent', 'microphone off']);
    expect(telephone.isByTelephone.value).toBe(true);
    present();
    expect(done).toEqual(['silent', 'microphone off', 'heard']);
  });

  it('goes by a telephone that comes back, also where the list of calls has been forgotten meanwhile', () => {
    const { calls, telephone, present } = byTelephone();
    calls.value = [];
    present();
    expect(telephone.isByTelephone.value).toBe(false);
    present('bert');
    present('bert', 'sip_1');
    expect(telephone.isByTelephone.value).toBe(true);
  });

  it('goes by a telephone that this device remembers', () => {
    const { remembered, telephone, present } = device();
    remembered.push('sip_7');
    present('sip_1');
    expect(telephone.isByTelephone.value).toBe(false);
    present('sip_7');
    expect(telephone.isByTelephone.value).toBe(true);
  });

  it('knows only so many telephones, and those that are in the longest', () => {
    const { calls, telephone, present } = byTelephone();
    for (let i = 100; i < 200; i += 1) calls.value = [mine(String(i))];
    expect(telephone.isByTelephone.value).toBe(true);
    present();
    for (let i = 200; i < 300; i += 1) calls.value = [mine(String(i))];
    present('sip_1');
    expect(telephone.isByTelephone.value).toBe(false);
    present('sip_299');
    expect(telephone.isByTelephone.value).toBe(true);
  });

  it('goes by the telephone also where the list of calls has been forgotten', () => {
    const { calls, telephone, present, kind } = byTelephone();
    calls.value = [];
    expect([telephone.isByTelephone.value, telephone.calls.value]).toEqual([true, []]);
    present();
    expect(kind()).toBe('gone');
  });
});

describe('back to this device', () => {
  it('lets the meeting be heard, leaves the microphone muted, and says what echoes', async () => {
    const { done, isMicrophoneOn, telephone, kind } = byTelephone();
    done.length = 0;
    telephone.backHere();
    telephone.backHere();
    expect(done).toEqual(['heard']);
    expect(isMicrophoneOn.value).toBe(false);
    expect([telephone.isIn.value, telephone.isByTelephone.value, kind()]).toEqual([true, false, 'both']);
    expect(telephone.calls.value).toEqual(['1']);
    await telephone.hangUp();
    expect(done.at(-1)).toBe('hang up 1');
  });

  it('says so until the telephone is gone, or it has been read', () => {
    const { isMicrophoneOn, telephone, present, kind } = byTelephone();
    telephone.backHere();
    present('sip_1', 'bert');
    expect(kind()).toBe('both');
    expect(telephone.leavesMicrophone()).toBe(true);
    isMicrophoneOn.value = true;
    present();
    expect([kind(), telephone.isIn.value]).toEqual([undefined, false]);
    const other = byTelephone();
    other.telephone.backHere();
    other.telephone.dismiss();
    expect(other.kind()).toBeUndefined();
    other.present('sip_1', 'bert');
    expect(other.kind()).toBeUndefined();
  });

  it('is followed by word of the microphone when the telephone goes while that is muted', () => {
    for (const isRead of [false, true]) {
      const { telephone, present, kind } = byTelephone();
      telephone.backHere();
      if (isRead) telephone.dismiss();
      present();
      expect([kind(), telephone.isByTelephone.value]).toEqual(['gone', false]);
    }
  });

  it('is not for ever: a second telephone takes the sound, and so does the first when that is wanted', () => {
    const { done, calls, telephone, present } = byTelephone();
    telephone.backHere();
    done.length = 0;
    telephone.toTelephone();
    expect(done).toEqual(['silent', 'microphone off']);
    telephone.backHere();
    done.length = 0;
    calls.value = [mine('2'), mine('1')];
    present('sip_1', 'sip_2');
    expect(done).toEqual(['silent', 'microphone off']);
    telephone.backHere();
    done.length = 0;
    present();
    telephone.toTelephone();
    expect([done, telephone.isByTelephone.value]).toEqual([[], false]);
  });
});

describe('the microphone', () => {
  it('stays off while the sound goes by the telephone, and each time it is said why', () => {
    const { telephone, kind } = byTelephone();
    // That is not to be closed: it is the way back.
    telephone.dismiss();
    expect(kind()).toBe('by-telephone');
    expect(telephone.leavesMicrophone()).toBe(false);
    const first = telephone.notice.value;
    expect(first).toEqual({ kind: 'reminder' });
    expect(telephone.leavesMicrophone()).toBe(false);
    expect(telephone.notice.value).not.toBe(first);
    telephone.backHere();
    expect(telephone.leavesMicrophone()).toBe(true);
    expect(kind()).toBe('both');
  });

  it('is no longer said to be muted once it is switched on', () => {
    const { telephone, present, kind } = byTelephone();
    present();
    expect([telephone.leavesMicrophone(), kind()]).toEqual([true, undefined]);
    const over = byTelephone();
    over.calls.value = [ended('1')];
    over.present();
    expect([over.telephone.leavesMicrophone(), over.kind()]).toEqual([true, undefined]);
    const without = device();
    expect([without.telephone.leavesMicrophone(), without.kind()]).toEqual([true, undefined]);
  });
});
