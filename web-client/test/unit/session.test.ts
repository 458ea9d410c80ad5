// SPDX-License-Identifier: EUPL-1.2
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ConnectionError, ConnectionState, RoomEvent } from 'livekit-client';
import { rememberOwnCall } from '../../src/conference/own-calls';
import type { PhoneCalls } from '../../src/conference/phone-calls';
import { JoinFailure, joinConference, type JoinOptions } from '../../src/conference/session';
import { deferred, fakeMediaTrack, LocalVideoTrack, Room } from './fake-livekit';

vi.mock('livekit-client', async (original) => ({ ...(await original<object>()), ...(await import('./fake-livekit')) }));

/** Longer than any chain of promises here. */
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

function start(more: Partial<JoinOptions> = {}) {
  const tracks = { microphone: fakeMediaTrack('audio'), camera: fakeMediaTrack('video') };
  const leaving = new AbortController();
  const takeTracks = vi.fn(() => tracks);
  const conference = joinConference({
    origin: 'https://saal.example',
    token: 'token',
    displayName: 'Ich',
    takeTracks,
    microphoneId: '',
    cameraId: '',
    speakerId: '',
    end: leaving.signal,
    ...more,
  });
  return { conference, tracks, takeTracks, leaving, room: Room.last };
}

/** A conference that is under way, with microphone and camera. */
async function meet() {
  const { conference, room, ...rest } = start();
  room.letIn();
  room.connected();
  const joined = await conference;
  await settled();
  return { conference: joined, room, me: room.localParticipant, ...rest };
}

afterEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

const token = (session: string, roomAdmin: boolean) =>
  `x.${btoa(JSON.stringify({ video: { room: `meeting-${session}`, roomAdmin } }))}.x`;
const first = '0190c0de-0000-7000-8000-000000000001';
const second = '0190c0de-0000-7000-8000-000000000002';

describe('a meeting', () => {
  it('is another one for whoever is moved, who may moderate only the one', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path);
      return new Response(JSON.stringify({ items: [], is_locked: true }));
    });
    const { conference, room } = start({ token: token(first, true) });
    room.letIn();
    room.connected();
    const joined = await conference;
    await settled();
    expect(joined.moderation?.isLocked.value).toBe(true);
    expect(asked).toContain(`/api/v1/meeting_sessions/${first}/lobby`);
    expect(joined.invitation).not.toBeNull();
    asked.length = 0;
    Object.assign(room, { engine: { token: token(second, false) } });
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
    await settled();
    expect(asked).toEqual([`/api/v1/meeting_sessions/${second}/chat`]);
    expect(joined.moderation).toBeNull();
  });

  it('is asked how its calls stand when the connection is back', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path);
      return Response.json({ items: [] });
    });
    const { conference, room } = start({ token: token(first, true) });
    room.letIn();
    room.connected();
    const joined = await conference;
    await settled();
    asked.length = 0;
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
    await settled();
    expect(asked).toEqual([]);
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.SignalReconnecting);
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
    await settled();
    expect(asked).toEqual([`/api/v1/meeting_sessions/${first}/phone_calls?limit=200`]);
    await joined.leave();
  });

  it('asks how its calls stand when somebody leaves', async () => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ items: [] })));
    const { conference, room } = start({ token: token(first, true) });
    const ada = new Room().localParticipant;
    Object.assign(ada, { identity: 'sip_1', isLocal: false });
    room.remoteParticipants.set('sip_1', ada);
    room.letIn();
    room.connected();
    const joined = await conference;
    await settled();
    const calls = joined.moderation?.phoneCalls as PhoneCalls;
    const somebodyLeft = vi.spyOn(calls, 'somebodyLeft');
    room.emit(RoomEvent.ParticipantDisconnected);
    await settled();
    expect(somebodyLeft).not.toHaveBeenCalled();
    room.remoteParticipants.clear();
    room.emit(RoomEvent.ParticipantDisconnected);
    await settled();
    expect(somebodyLeft).toHaveBeenCalledOnce();
  });
});

describe('joining', () => {
  it('shows the room before sound and pictures have a way', async () => {
    const { conference, room, tracks } = start();
    room.letIn();
    const joined = await conference;
    expect(joined.connection.value).toBe('connecting');
    // There is no meeting behind it that others could be invited to.
    expect(joined.invitation).toBeNull();
    expect(joined.local.camera.value?.id).toBe(tracks.camera.id);
    expect(joined.isCameraOn.value).toBe(true);
    expect(room.localParticipant.publishTrack).not.toHaveBeenCalled();
    room.connected();
    await settled();
    expect(joined.connection.value).toBe('connected');
    expect(room.localParticipant.publishTrack).toHaveBeenCalledTimes(2);
  });

  it('keeps the own picture as it is when it is published', async () => {
    const { conference, room } = start();
    room.letIn();
    const joined = await conference;
    const before = joined.local.camera.value;
    expect(before).not.toBeNull();
    room.connected();
    await settled();
    expect(room.localParticipant.isCameraEnabled).toBe(true);
    expect(joined.local.camera.value).toBe(before);
  });

  it('leaves the preview alone when the server lets nobody in', async () => {
    const { conference, room, takeTracks } = start();
    room.failed(ConnectionError.notAllowed('expired', 401));
    await expect(conference).rejects.toEqual(new JoinFailure('not-allowed', undefined));
    await expect(conference).rejects.toMatchObject({ reason: 'not-allowed' });
    expect(takeTracks).not.toHaveBeenCalled();
  });

  it('ends, and lets go of the camera, when sound and pictures find no way', async () => {
    const { conference, room, tracks } = start();
    room.letIn();
    const joined = await conference;
    room.failed(ConnectionError.internal('could not establish pc connection'));
    expect(joined.endReason.value).toBe('no-media');
    await settled();
    expect([tracks.microphone.readyState, tracks.camera.readyState]).toEqual(['ended', 'ended']);
    expect(room.localParticipant.publishTrack).not.toHaveBeenCalled();
  });

  it('is broken off by leaving', async () => {
    const { conference, room, leaving } = start();
    leaving.abort();
    expect(room.disconnect).toHaveBeenCalledOnce();
    await expect(conference).rejects.toBeInstanceOf(JoinFailure);
  });

  it('does not publish a camera that was switched off meanwhile', async () => {
    const { conference, room, tracks } = start();
    room.letIn();
    const joined = await conference;
    const change = joined.setCamera(false);
    room.connected();
    await change;
    expect(room.localParticipant.publications.has('camera')).toBe(false);
    expect(tracks.camera.readyState).toBe('ended');
    expect(joined.local.camera.value).toBeNull();
    expect(joined.isCameraOn.value).toBe(false);
    expect(room.localParticipant.isMicrophoneEnabled).toBe(true);
  });

  it('publishes nothing that is not permitted, and lets go of its device', async () => {
    const { conference, room, tracks } = start();
    room.localParticipant.permissions.canPublish = false;
    room.letIn();
    room.connected();
    await conference;
    await settled();
    expect(room.localParticipant.publishTrack).not.toHaveBeenCalled();
    expect([tracks.microphone.readyState, tracks.camera.readyState]).toEqual(['ended', 'ended']);
  });
});

describe('leaving', () => {
  it('lets go of a camera whose publishing was under way', async () => {
    const { conference, room, tracks } = start();
    room.localParticipant.publishTrack.mockImplementation(() => new Promise(() => {}));
    room.letIn();
    room.connected();
    const joined = await conference;
    await settled();
    await joined.leave();
    expect(tracks.camera.readyState).toBe('ended');
    expect(joined.endReason.value).toBe('left');
  });

  it('lets go of a camera that is allowed only afterwards', async () => {
    const { conference: joining, room } = start({ takeTracks: () => ({ microphone: null, camera: null }) });
    room.letIn();
    room.connected();
    const conference = await joining;
    const answer = deferred<MediaStream>();
    vi.stubGlobal('navigator', { mediaDevices: { getUserMedia: () => answer.promise } });
    const change = conference.setCamera(true);
    await conference.leave();
    const track = fakeMediaTrack('video');
    answer.resolve({ getTracks: () => [track] } as unknown as MediaStream);
    await change;
    expect(track.readyState).toBe('ended');
    expect(room.localParticipant.publishTrack).not.toHaveBeenCalled();
  });

  it('lets go of a screen that is chosen only afterwards', async () => {
    const { conference, me } = await meet();
    const answer = deferred<LocalVideoTrack[]>();
    me.createScreenTracks = () => answer.promise;
    const change = conference.setScreenShare(true);
    await conference.leave();
    const track = fakeMediaTrack('video');
    answer.resolve([new LocalVideoTrack(track)]);
    await change;
    expect(track.readyState).toBe('ended');
  });
});

describe('a microphone that goes off', () => {
  const muted = (room: Room) => {
    room.localParticipant.mute('microphone');
    room.emit('trackMuted', room.localParticipant.getTrackPublication('microphone'), room.localParticipant);
  };

  it('was switched off by somebody else when nobody here did it', async () => {
    const { conference, room } = await meet();
    muted(room);
    expect(conference.isMicrophoneOn.value).toBe(false);
    expect(conference.controlProblem.value).toEqual({ control: 'microphone', problem: 'by-other' });
  });

  it('has been unplugged when its track has ended', async () => {
    const { conference, room, me } = await meet();
    me.publications.get('microphone')?.track.emit('ended');
    muted(room);
    expect(conference.controlProblem.value).toEqual({ control: 'microphone', problem: 'missing' });
  });

  it('is blocked where a moderator does not let this person speak, and they are told so once', async () => {
    const { conference, room, me } = await meet();
    const hold = (held: string) => {
      me.attributes = { 'saal.held': held };
      room.emit('participantAttributesChanged', { 'saal.held': held }, me);
    };
    // Whichever the server tells first.
    for (const steps of [[() => muted(room), () => hold('1')], [() => hold('1'), () => muted(room)]]) {
      for (const step of steps) step();
      expect(conference.isMicrophoneOn.value).toBe(false);
      expect(conference.permissions.value.microphone).toBe(false);
      expect(conference.notice.value).toEqual({ kind: 'may-not-speak' });
      expect(conference.controlProblem.value).toBeNull();
      hold('');
      expect(conference.notice.value).toEqual({ kind: 'may-speak' });
      expect(conference.permissions.value).toEqual({ microphone: true, camera: true, screen: true, chat: true });
      await conference.setMicrophone(true);
    }
  });

  it('is no news when it was switched off here', async () => {
    const { conference } = await meet();
    await conference.setMicrophone(false);
    expect(conference.controlProblem.value).toBeNull();
  });

  it('is no news while everything is published again after a reconnection', async () => {
    const { conference, room, me } = await meet();
    const publication = me.publications.get('microphone');
    me.publications.delete('microphone');
    room.emit('localTrackUnpublished', publication, me);
    expect(conference.controlProblem.value).toBeNull();
  });
});

describe('a recording', () => {
  it('is known to whoever comes, and followed', async () => {
    const { conference, room } = start();
    room.isRecording = true;
    room.letIn();
    const joined = await conference;
    expect(joined.isRecording.value).toBe(true);
    room.isRecording = false;
    // LiveKit does not tell of it while it is connecting.
    room.connected();
    await settled();
    expect(joined.isRecording.value).toBe(false);
    room.isRecording = true;
    room.emit(RoomEvent.RecordingStatusChanged, true);
    expect(joined.isRecording.value).toBe(true);
  });
});

describe('the sound of the others', () => {
  const ada = { identity: 'ada', isLocal: false, name: 'Ada', getTrackPublication: () => undefined };
  // LiveKit has already let go of its elements when it tells that a track is over.
  const sound = () => ({ kind: 'audio', attach: () => document.createElement('audio'), detach: () => [] });
  const elements = () => document.querySelectorAll('audio').length;

  it('leaves nothing behind in the page', async () => {
    const { conference, room } = await meet();
    const [first, second] = [sound(), sound()];
    room.emit('trackSubscribed', first, undefined, ada);
    room.emit('trackSubscribed', second, undefined, ada);
    expect(elements()).toBe(2);
    room.emit('trackUnsubscribed', first, undefined, ada);
    expect(elements()).toBe(1);
    await conference.leave();
    expect(elements()).toBe(0);
  });

  /** Whoever moderates is in, and so is somebody at a telephone. */
  async function withTelephone(roomToken = token(first, true)) {
    let calls: object[] = [];
    vi.stubGlobal('fetch', async () => Response.json({ items: calls }));
    const { conference, room } = start({ token: roomToken });
    const caller = new Room().localParticipant;
    Object.assign(caller, { identity: 'sip_1', isLocal: false });
    room.remoteParticipants.set('sip_1', caller);
    room.letIn();
    room.connected();
    const joined = await conference;
    await settled();
    room.emit('trackSubscribed', sound(), undefined, ada);
    const isHeard = () => [...document.querySelectorAll('audio')].map((element) => !element.muted);
    /** The server says that this call goes to the telephone, or went there. */
    const isCalled = (id: string, state = 'in_meeting') => {
      calls = [{ id, state, number: '…567', name: 'Ich', participant_id: 'sip_1' }];
      return joined.moderation?.phoneCalls.look();
    };
    const leave = async () => {
      room.remoteParticipants.delete('sip_1');
      room.emit(RoomEvent.ParticipantDisconnected);
      await settled();
    };
    return { conference: joined, room, caller, isHeard, isCalled, leave };
  }

  it.each([
    { order: 'before', isTelephoneFirst: true },
    { order: 'after', isTelephoneFirst: false },
  ])('goes by the telephone in another meeting, too, into which it is moved $order this person', async ({ isTelephoneFirst }) => {
    rememberOwnCall('', 'mine');
    const { conference, room, caller, isHeard, isCalled, leave } = await withTelephone();
    await isCalled('mine');
    await settled();
    // What this device remembers is for those who load the page again.
    localStorage.clear();
    expect(isHeard()).toEqual([false]);
    if (isTelephoneFirst) {
      await leave();
      expect(isHeard()).toEqual([true]);
    }
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Reconnecting);
    room.remoteParticipants.clear();
    Object.assign(room, { engine: { token: token(second, false) } });
    if (isTelephoneFirst) room.remoteParticipants.set('sip_1', caller);
    room.emit(RoomEvent.ConnectionStateChanged, ConnectionState.Connected);
    await settled();
    if (!isTelephoneFirst) {
      expect(isHeard()).toEqual([true]);
      room.remoteParticipants.set('sip_1', caller);
      room.emit(RoomEvent.ParticipantConnected, caller);
      await settled();
    }
    expect([conference.moderation, isHeard(), room.localParticipant.isMicrophoneEnabled]).toEqual([null, [false], false]);
    expect(conference.telephone.notice.value).toEqual({ kind: 'by-telephone' });
    await conference.leave();
  });

  it('goes by the telephone from the start for whoever comes back to where they do not moderate', async () => {
    rememberOwnCall('', 'mine', 'sip_1');
    const { conference, room, isHeard } = await withTelephone(token(second, false));
    expect([conference.isMicrophoneOn.value, isHeard()]).toEqual([false, [false]]);
    // It was not on for a moment.
    expect(room.localParticipant.publications.has('microphone')).toBe(false);
    expect(conference.isCameraOn.value).toBe(true);
    await conference.leave();
  });

  it('goes by this person’s own telephone, and is back when that has gone', async () => {
    // As after a reload: the page has not made the call, the tab has.
    rememberOwnCall('', 'mine');
    const { conference, room, isHeard, isCalled, leave } = await withTelephone();
    expect([conference.isMicrophoneOn.value, isHeard()]).toEqual([true, [true]]);
    await isCalled('mine');
    await settled();
    expect([room.localParticipant.isMicrophoneEnabled, isHeard()]).toEqual([false, [false]]);
    // Neither those who come later nor LiveKit change that.
    const late = sound();
    room.emit('trackSubscribed', late, undefined, ada);
    expect(isHeard()).toEqual([false, false]);
    await room.startAudio();
    for (const element of document.querySelectorAll('audio')) element.dispatchEvent(new Event('volumechange'));
    expect(isHeard()).toEqual([false, false]);
    await conference.setMicrophone(true);
    expect([conference.isMicrophoneOn.value, conference.telephone.notice.value]).toEqual([false, { kind: 'reminder' }]);
    await leave();
    expect(isHeard()).toEqual([true, true]);
    expect([conference.isMicrophoneOn.value, conference.telephone.notice.value]).toEqual([false, { kind: 'gone' }]);
    await isCalled('mine', 'ended');
    expect(conference.telephone.notice.value).toEqual({ kind: 'ended' });
    await conference.setMicrophone(true);
    expect([room.localParticipant.isMicrophoneEnabled, conference.telephone.notice.value]).toEqual([true, null]);
    await conference.leave();
    expect(elements()).toBe(0);
  });

  it('is back at once when that is wanted, and the microphone stays off until that is wanted, too', async () => {
    rememberOwnCall('', 'mine');
    const { conference, room, isHeard, isCalled } = await withTelephone();
    await isCalled('mine');
    conference.telephone.backHere();
    await settled();
    expect([room.localParticipant.isMicrophoneEnabled, isHeard()]).toEqual([false, [true]]);
    // A paused element would not be heard.
    expect(room.startAudio).toHaveBeenCalled();
    await conference.setMicrophone(true);
    expect([room.localParticipant.isMicrophoneEnabled, conference.telephone.notice.value]).toEqual([true, { kind: 'both' }]);
    conference.telephone.toTelephone();
    await settled();
    expect([room.localParticipant.isMicrophoneEnabled, isHeard()]).toEqual([false, [false]]);
    await conference.leave();
  });

  it('is said to go on at the telephone to whoever leaves before that', async () => {
    rememberOwnCall('', 'mine');
    const { conference, isCalled } = await withTelephone();
    expect(conference.telephone.afterword.value).toBeNull();
    await isCalled('mine');
    await conference.leave();
    await settled();
    expect(conference.endReason.value).toBe('left');
    expect(conference.telephone.afterword.value).toContain('Ihr Telefon ist unter Ihrem Namen noch in der Besprechung.');
    const other = await withTelephone();
    await other.isCalled('mine');
    await other.leave();
    await other.conference.leave();
    expect(other.conference.telephone.afterword.value).toBeNull();
  });

  it('stays here when it is somebody else’s telephone', async () => {
    rememberOwnCall('', 'mine');
    const { conference, isHeard, isCalled } = await withTelephone();
    await isCalled('theirs');
    await settled();
    expect([conference.isMicrophoneOn.value, isHeard()]).toEqual([true, [true]]);
    await conference.leave();
  });
});

describe('messages', () => {
  const send = async (room: Room, parts: string[], timestamp: number) => {
    const reader = {
      info: { id: String(timestamp), timestamp },
      async *[Symbol.asyncIterator]() {
        for (const part of parts) yield part;
      },
    };
    room.textHandler(reader, { identity: 'ada' });
    await settled();
  };

  it('carry the time of this computer, whatever the sender says', async () => {
    const { conference, room } = await meet();
    await send(room, ['Guten ', 'Tag'], 9e18);
    const [message] = conference.chat.messages.value;
    expect(message).toMatchObject({ text: 'Guten Tag', senderName: 'ada' });
    expect(new Date(message?.atMs ?? Number.NaN).toISOString()).toMatch(/^20/);
  });

  it('are dropped when they do not end', async () => {
    const { conference, room } = await meet();
    const endless = Array.from({ length: 100 }, () => 'x'.repeat(1000));
    await send(room, endless, 1);
    expect(conference.chat.messages.value).toEqual([]);
  });
});
