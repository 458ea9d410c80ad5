// SPDX-License-Identifier: EUPL-1.2
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { announceConference } from '../../src/conference/announce-conference';
import { Announcer } from '../../src/conference/announcer';
import type { VideoSource } from '../../src/conference/model';
import { fakeConference, fakeParticipant } from '../stories/fake-conference';

const SCREEN: VideoSource = { id: 's', isMirrored: false, attach: () => {}, detach: () => {} };

let said: string[];
let stop: () => void;
let conference: ReturnType<typeof fakeConference>;
const ada = fakeParticipant('ada', 'Ada');
const grace = fakeParticipant('grace', 'Grace');

beforeEach(() => {
  vi.useFakeTimers();
  const announcer = new Announcer();
  said = [];
  vi.spyOn(announcer, 'say').mockImplementation((text) => void said.push(text));
  conference = fakeConference(fakeParticipant('me', 'Ich', true), [ada]);
  ada.screen.value = null;
  stop = announceConference(conference, announcer);
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

describe('announceConference', () => {
  it('says who is there, but not one by one', () => {
    vi.advanceTimersByTime(3000);
    expect(said).toEqual(['Sie sind in der Besprechung. Außer Ihnen ist 1 Person da.']);
  });

  it('says who comes and goes', () => {
    conference.remotes.value = [grace];
    vi.advanceTimersByTime(3000);
    expect(said.slice(1)).toEqual(['Grace ist beigetreten.', 'Ada hat die Besprechung verlassen.']);
  });

  it('keeps silent about people while the connection is being restored', () => {
    conference.connection.value = 'reconnecting';
    conference.remotes.value = [];
    conference.remotes.value = [ada];
    conference.connection.value = 'connected';
    vi.advanceTimersByTime(3000);
    expect(said.slice(1)).toEqual(['Verbindung unterbrochen.', 'Verbindung wiederhergestellt.']);
  });

  it('reads messages of others, and long ones only in part', async () => {
    conference.chat.receive({ id: '1', senderName: 'Ada', text: 'Hallo', atMs: 1 });
    await conference.chat.send('Guten Tag', 'Ich');
    conference.chat.receive({ id: '2', senderName: 'Ada', text: 'x'.repeat(500), atMs: 2 });
    expect(said[1]).toBe('Nachricht von Ada: Hallo');
    expect(said[2]?.length).toBeLessThan(240);
    expect(said).toHaveLength(3);
  });

  it('says nothing of a connection that is only being made', () => {
    conference.connection.value = 'connecting';
    conference.connection.value = 'connected';
    expect(said).toHaveLength(1);
  });

  it('says that the browser holds back the sound', () => {
    conference.isSoundBlocked.value = true;
    expect(said.slice(1)).toEqual(['Ihr Browser hat den Ton angehalten.']);
  });

  it('says that a recording begins and ends', () => {
    conference.isRecording.value = true;
    conference.isRecording.value = false;
    expect(said.slice(1)).toEqual(['Diese Besprechung wird aufgezeichnet.', 'Die Aufzeichnung ist beendet.']);
  });

  it('says to whoever comes that the meeting is recorded', () => {
    stop();
    said.length = 0;
    conference.isRecording.value = true;
    const announcer = new Announcer();
    vi.spyOn(announcer, 'say').mockImplementation((text) => void said.push(text));
    stop = announceConference(conference, announcer);
    expect(said.slice(1)).toEqual(['Diese Besprechung wird aufgezeichnet.']);
  });

  it('says who shares a screen', () => {
    ada.screen.value = SCREEN;
    ada.screen.value = null;
    expect(said.slice(1)).toEqual(['Ada gibt den Bildschirm frei.', 'Ada hat die Freigabe beendet.']);
  });
});
