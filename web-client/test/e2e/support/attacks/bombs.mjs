// SPDX-License-Identifier: EUPL-1.2
// Messages of somebody with a good token that no server should read to their end.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { DisconnectReason, LeaveRequest_Action, WrappedJoinRequest } from '@livekit/protocol';
import { joinPath, joinRoom } from './client.mjs';
import { bombs, tenThousandCandidates } from './offers.mjs';
import { repeat } from './repeat.mjs';
import { roomToken } from './tokens.mjs';
import { frame, openWebSocket } from './web-socket.mjs';

const MIB = 1024 * 1024;

/** Codes that a WebSocket is closed with (RFC 6455 §7.4.1). */
const PROTOCOL_ERROR = 1002;
const NO_TEXT = 1007;
const TOO_LARGE = 1009;

/** Frames that are none, each with the code that the server closes with and the reason that it counts. */
function brokenFrames() {
  const piece = Buffer.alloc(MIB / 2 + 1);
  const claim = frame('binary', Buffer.alloc(0), { claimedLength: 2n ** 62n });
  return {
    'a message that is too large': [[frame('binary', Buffer.alloc(3 * MIB))], TOO_LARGE, 'too_large'],
    'a message that only claims to be large': [[claim], TOO_LARGE, 'too_large'],
    'fragments without end': [
      [frame('binary', piece, { isLast: false }), ...repeat(9, () => frame('continuation', piece, { isLast: false }))],
      TOO_LARGE,
      'too_large',
    ],
    'no mask': [[frame('binary', Buffer.from([1]), { isMasked: false })], PROTOCOL_ERROR, 'protocol'],
    'reserved bits': [[frame('binary', Buffer.from([1]), { reserved: 7 })], PROTOCOL_ERROR, 'protocol'],
    'a continuation of nothing': [[frame('continuation', Buffer.from([1]))], PROTOCOL_ERROR, 'protocol'],
    'a ping that is too long': [[frame('ping', Buffer.alloc(200))], PROTOCOL_ERROR, 'protocol'],
    'text that is none': [[frame('text', Buffer.from([0xff, 0xfe, 0xfd]))], NO_TEXT, 'no_text'],
  };
}

export async function brokenWebSockets(meeting, origin) {
  const frames = Object.entries(brokenFrames());
  const count = (reason) => frames.filter(([, [, , counted]]) => counted === reason).length;
  await meeting.withstand(
    'frames that are none',
    async () => {
      for (const [what, [pieces, code]] of frames) {
        const mallory = await joinRoom(origin);
        for (const bytes of pieces) await mallory.socket.sendRaw(bytes);
        const farewell = await mallory.socket.end();
        // Who still sends when the server hangs up may miss why: TCP then takes back what was not read yet.
        if (farewell.code !== undefined || code !== TOO_LARGE) assert.equal(farewell.code, code, what);
      }
    },
    Object.fromEntries(
      ['too_large', 'protocol', 'no_text'].map((reason) => [
        `signaling_rejected_frames_total{reason="${reason}"}`,
        count(reason),
      ]),
    ),
  );
}

export async function sdpBombs(meeting, origin) {
  for (const room of ['demo', 'elsewhere']) {
    await meeting.withstand(
      `offers that are bombs, in the room ${room}`,
      async () => {
        for (const [what, sdp] of Object.entries(bombs)) {
          const mallory = await joinRoom(origin, { room });
          await mallory.send('offer', { type: 'offer', sdp, id: 1 });
          const { reason, action } = await mallory.expect('leave');
          assert.deepEqual([reason, action], [DisconnectReason.JOIN_FAILURE, LeaveRequest_Action.DISCONNECT], what);
          await mallory.socket.end();
        }
      },
      {
        signaling_refused_offers_total: Object.keys(bombs).length,
        'signaling_leaves_total{reason="join_failure"}': Object.keys(bombs).length,
      },
    );
  }
  await meeting.withstand('10,000 candidates', async () => {
    const mallory = await joinRoom(origin);
    await mallory.send('offer', { type: 'offer', sdp: tenThousandCandidates, id: 1 });
    const { sdp } = await mallory.expect('answer');
    mallory.socket.destroy();
    assert.ok(sdp.length < 10_000, 'the answer repeats none of them');
  });
  await meeting.withstand(
    'an offer of 1,000 m-lines that comes with the join',
    async () => {
      const offer = bombs['1,000 m-lines'];
      const path = joinPath(roomToken(), { wrapped: packedJoin(offer) });
      const { socket } = await openWebSocket(origin, path);
      await socket.end();
    },
    { signaling_refused_offers_total: 1 },
  );
}

/** A join request with an offer that would be too long for a URL as it is. */
function packedJoin(offer) {
  const plain = new URL(joinPath('', { offer }), 'http://x').searchParams.get('join_request');
  const { joinRequest } = WrappedJoinRequest.fromBinary(Buffer.from(plain, 'base64url'));
  return new WrappedJoinRequest({ compression: 1, joinRequest: gzipSync(joinRequest) }).toBinary();
}
