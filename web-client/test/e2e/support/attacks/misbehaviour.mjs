// SPDX-License-Identifier: EUPL-1.2
// Somebody who is in the room and asks for too much, in messages that are all in order.
import assert from 'node:assert/strict';
import { DisconnectReason, LeaveRequest_Action, RequestResponse_Reason } from '@livekit/protocol';
import { joinRoom, request } from './client.mjs';
import { UFRAG, goodOffer } from './offers.mjs';
import { noise, randomNumbers } from './random.mjs';
import { repeat } from './repeat.mjs';
import { frame } from './web-socket.mjs';

export async function misbehave(meeting, origin) {
  const sentAway = async (mallory) => {
    const { reason, action } = await mallory.expect('leave');
    assert.deepEqual([reason, action], [DisconnectReason.PARTICIPANT_REMOVED, LeaveRequest_Action.DISCONNECT]);
    await mallory.socket.end();
  };
  await meeting.withstand(
    '100,000 small messages at once',
    async () => {
      const mallory = await joinRoom(origin);
      const ping = frame('binary', request('ping', 1n));
      await mallory.socket.sendRaw(Buffer.concat(repeat(100_000, () => ping)));
      await sentAway(mallory);
    },
    {
      'signaling_rejected_frames_total{reason="too_many"}': 1,
      'signaling_leaves_total{reason="participant_removed"}': 1,
    },
  );
  await meeting.withstand(
    'nonsense in frames',
    async () => {
      const mallory = await joinRoom(origin);
      const random = randomNumbers(1);
      for (let sent = 0; sent < 50; sent += 1) {
        await mallory.socket.send('binary', Buffer.concat([Buffer.from([0xff]), noise(random, random(500))]));
        await mallory.socket.send('text', Buffer.from('['.repeat(5000)));
      }
      await sentAway(mallory);
    },
    { 'signaling_rejected_frames_total{reason="malformed"}': 21 },
  );
  await meeting.withstand(
    'hundreds of tracks',
    async () => {
      const mallory = await joinRoom(origin);
      for (let number = 0; number < 400; number += 1) {
        const long = 'x'.repeat(5_000);
        const layers = repeat(200, () => ({ width: 1 }));
        await mallory.send('addTrack', { cid: `c${number}`, type: number % 2, name: long, stream: long, layers });
      }
      for (let answers = 0; answers < 380; answers += 1) {
        const { reason } = await mallory.expect('requestResponse');
        assert.equal(reason, RequestResponse_Reason.LIMIT_EXCEEDED);
      }
      await mallory.settle();
      mallory.socket.destroy();
    },
    { 'signaling_requests_total{kind="add_track"}': 400 },
  );
  await meeting.withstand(
    'subscriptions to 10,000 tracks that are not there',
    async () => {
      const mallory = await joinRoom(origin);
      await mallory.send('subscription', { trackSids: repeat(10_000, (n) => `TR_${n}`), subscribe: true });
      await mallory.send('trackSetting', { trackSids: repeat(10_000, (n) => `TR_${n}`), width: 1, height: 1 });
      await mallory.socket.end();
    },
    { signaling_slow_sessions_total: 1 },
  );
  const people = await Promise.all(repeat(5, (n) => joinRoom(origin, { identity: `mallory ${n}` })));
  await meeting.withstand('rules for 150,000 tracks, again and again', async () => {
    const trackSids = repeat(150_000, (n) => n.toString(36));
    for (let round = 0; round < 3; round += 1) {
      const trackPermissions = [{ participantIdentity: `somebody ${round}`, trackSids }];
      const rules = frame('binary', request('subscriptionPermission', { trackPermissions }));
      for (const mallory of people) await mallory.socket.sendRaw(rules);
    }
    for (const mallory of people) await mallory.settle();
  });
  for (const mallory of people) mallory.socket.destroy();
  await meeting.withstand(
    'offers in a loop',
    async () => {
      const mallory = await joinRoom(origin);
      const began = performance.now();
      for (let id = 1; id <= 400; id += 1) {
        // New credentials each time, so that ICE starts anew.
        const sdp = goodOffer.replace(`a=ice-ufrag:${UFRAG}`, `a=ice-ufrag:${UFRAG}${id}`);
        await mallory.send('offer', { type: 'offer', sdp, id });
      }
      let answers = 0;
      for (let id = 0; id < 400; answers += 1) ({ id } = await mallory.expect('answer'));
      mallory.socket.destroy();
      // Twenty at once, then five a second; of those that wait only the newest counts.
      const most = 25 + (5 * (performance.now() - began)) / 1000;
      assert.ok(answers <= most, `${answers} offers were answered`);
      return { answers };
    },
    { 'signaling_requests_total{kind="offer"}': 400 },
  );
  await meeting.withstand('50 times the same person', async () => {
    const sockets = [];
    for (let number = 0; number < 50; number += 1) sockets.push((await joinRoom(origin, { offer: goodOffer })).socket);
    await Promise.all(sockets.slice(0, -1).map((socket) => socket.end()));
    sockets.at(-1).destroy();
  });
}
