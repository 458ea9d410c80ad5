// SPDX-License-Identifier: EUPL-1.2
// What strangers try at the HTTP port, and what they hear.
import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { WrappedJoinRequest } from '@livekit/protocol';
import { joinPath } from './client.mjs';
import { httpNonsense, say } from './http.mjs';
import { repeat } from './repeat.mjs';
import { roomToken, strangeTokens } from './tokens.mjs';
import { openWebSocket } from './web-socket.mjs';

const MIB = 1024 * 1024;

/** Where rooms must be made before somebody can come in. */
export async function strangeTokensAndRooms(meeting, origin) {
  const refused = async (path, status, text) => {
    const opened = await openWebSocket(origin, path);
    assert.deepEqual([opened.status, opened.body], [status, text]);
    // Browsers learn here why a WebSocket did not open, and must hear the same.
    const answer = await fetch(`${origin}${path.replace('/rtc/v1', '/rtc/v1/validate')}`);
    assert.deepEqual([answer.status, await answer.text()], [status, text]);
  };
  const strange = Object.entries(strangeTokens());
  await meeting.withstand(
    'strange tokens',
    async () => {
      for (const [what, token] of strange) {
        await refused(joinPath(token), 401, 'invalid authorization token').catch((error) => {
          throw new Error(`a token ${what}: ${error.message}`);
        });
      }
      await refused(joinPath(roomToken({ grants: { roomJoin: false } })), 401, 'permissions denied');
    },
    { 'signaling_refusals_total{status="401"}': 2 * (strange.length + 1) },
  );
  await meeting.withstand(
    'rooms that are not there',
    () => refused(joinPath(roomToken({ room: 'nowhere' })), 404, 'requested room does not exist'),
    { 'signaling_refusals_total{status="404"}': 2 },
  );
  const wrap = (joinRequest, compression = 1) => new WrappedJoinRequest({ compression, joinRequest }).toBinary();
  const packed = {
    'join_request is too large': wrap(gzipSync(Buffer.alloc(20 * MIB))),
    'join_request cannot be decompressed': wrap(Buffer.from('no gzip')),
    'join_request is not valid': Buffer.alloc(1000, 0xff),
  };
  await meeting.withstand(
    'join requests that are bombs',
    async () => {
      for (const [text, wrapped] of Object.entries(packed)) {
        await refused(joinPath(roomToken(), { wrapped }), 400, text);
      }
    },
    { 'signaling_refusals_total{status="400"}': 2 * Object.keys(packed).length },
  );
  await meeting.withstand('other words for the same door', async () => {
    const token = roomToken();
    for (const [path, status] of [
      [`/rtc?access_token=${roomToken({ room: 'nowhere' })}`, 404],
      ['/rtc/v1/../v1', 404],
      ['/rtc/v1%00', 404],
    ]) {
      assert.equal((await openWebSocket(origin, path)).status, status, path);
    }
    assert.equal((await fetch(`${origin}/rtc/v1?access_token=${token}`)).status, 404, 'no WebSocket');
  });
}

/** How often each door is tried, in turn. */
const TRIES = 100;

/** That it is the same work is shown by a test of the server's; this shows that nothing else is in the way. */
const SAME_TIME_RATIO = 2;

/** Whether a room exists must not be told by how long a refusal takes. */
export async function sameTime(meeting, origin) {
  const doors = {
    unknown: roomToken({ room: 'nowhere' }),
    forbidden: roomToken({ room: 'demo', grants: { roomJoin: false } }),
    'forbidden and unknown': roomToken({ room: 'nowhere', grants: { roomJoin: false } }),
  };
  const times = Object.fromEntries(Object.keys(doors).map((door) => [door, []]));
  await meeting.withstand('the same question again and again', async () => {
    for (let round = 0; round < TRIES; round += 1) {
      for (const [door, token] of Object.entries(doors)) {
        const began = performance.now();
        await (await fetch(`${origin}${joinPath(token).replace('/rtc/v1', '/rtc/v1/validate')}`)).text();
        times[door].push(performance.now() - began);
      }
    }
    const medians = Object.fromEntries(Object.entries(times).map(([door, list]) => [door, median(list)]));
    const [least, most] = [Math.min(...Object.values(medians)), Math.max(...Object.values(medians))];
    assert.ok(most <= least * SAME_TIME_RATIO, `milliseconds to answer: ${JSON.stringify(medians)}`);
    return { medians };
  });
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

export async function noHttp(meeting, origin) {
  const nonsense = Object.entries(httpNonsense());
  const count = (reason) => nonsense.filter(([, [, label]]) => label === reason).length;
  await meeting.withstand(
    'what is no HTTP',
    async () => {
      for (const [what, [bytes]] of nonsense) {
        assert.match(await say(origin, bytes), /^(HTTP\/1\.1 4\d\d |$)/, what);
      }
    },
    {
      'signaling_closed_connections_total{reason="malformed"}': count('malformed'),
      'signaling_closed_connections_total{reason="too_large"}': count('too_large'),
    },
  );
  await meeting.withstand(
    'connections that say nothing',
    async () => {
      await Promise.all(repeat(200, (index) => say(origin, index % 2 === 0 ? '' : 'GET / HTTP/1.1\r\n')));
    },
    { 'signaling_closed_connections_total{reason="silent"}': 200 },
  );
}
