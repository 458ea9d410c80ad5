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
    setMicrophone: async (isOn) => {
      isMicrophoneOn.value = isOn;
      done.push(isOn ? 'microphone on' : 'microphone off');
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
    expect(other.telephone.isByTelephone.value).toBe(false);
    other.present('sip_1');
    expect(other.telephone.isByTelephone.value).toBe(true);
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
    expect([isMicrophoneOn.value, telephone.isIn.value, telephone.isByTelephone.value, kind()]).toEqual([false, false, false, 'hung-up']);
    // People come and go, and it is still to be read.
    present('bert');
    expect(kind()).toBe('hung-up');
    telephone.dismiss();
    expect(kind()).toBeUndefined();
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
    expect(kind()).toBe('hung-up');
  });
});

describe('back to this device', () => {
  it('brings the microphone back as it was, and says what echoes', async () => {
    const { done, telephone, kind } = byTelephone();
    done.length = 0;
    telephone.backHere();
    telephone.backHere();
    expect(done).toEqual(['heard', 'microphone on']);
    expect([telephone.isIn.value, telephone.isByTelephone.value, kind()]).toEqual([true, false, 'both']);
    expect(telephone.calls.value).toEqual(['1']);
    await telephone.hangUp();
    expect(done.at(-1)).toBe('hang up 1');
    const muted = device();
    muted.isMicrophoneOn.value = false;
    muted.calls.value = [mine('1')];
    muted.present('sip_1');
    muted.telephone.backHere();
    expect(muted.isMicrophoneOn.value).toBe(false);
  });

  it('says so until the telephone is gone, or it has been read', () => {
    const { telephone, present, kind } = byTelephone();
    telephone.backHere();
    present('sip_1', 'bert');
    expect(kind()).toBe('both');
    present();
    expect(kind()).toBeUndefined();
    const other = byTelephone();
    other.telephone.backHere();
    other.telephone.dismiss();
    other.present();
    expect(other.kind()).toBeUndefined();
    expect(other.telephone.isIn.value).toBe(false);
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
    const without = device();
    expect([without.telephone.leavesMicrophone(), without.kind()]).toEqual([true, undefined]);
  });
});
