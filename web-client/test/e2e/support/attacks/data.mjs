// SPDX-License-Identifier: EUPL-1.2
// Somebody in the room whose browser sends whatever it can over its data channels.
import assert from 'node:assert/strict';
import { DataPacket } from '@livekit/protocol';
import { readMetrics } from '../metrics.mjs';
import { joinPlain, serveSdk } from '../sdk.mjs';
import { floodData, openChannels } from './data-channels.mjs';
import { roomToken } from './tokens.mjs';

/** A message that all others in the room are to have. */
const userMessage = (bytes) =>
  new DataPacket({ value: { case: 'user', value: { payload: new Uint8Array(bytes) } } }).toBinary();

/** How long floods last. */
const FLOOD_MS = 4_000;

/** What somebody can send beside the pace: its burst, and what the server reads on before it waits. */
const AT_ONCE_BYTES = 1.5 * 1024 * 1024;
const BYTES_PER_SECOND = 512 * 1024;

/** Floods all others with reliable messages. They are held up where they come from, for the sake of the others' links. */
async function giants(origin, mallory) {
  const bytes = async () => (await readMetrics(origin)).get('signaling_data_bytes_total{channel="reliable"}');
  const [before, began] = [await bytes(), performance.now()];
  const messages = await floodData(mallory, { isReliable: true, ms: FLOOD_MS, message: userMessage(60_000) });
  const taken = (await bytes()) - before;
  const most = AT_ONCE_BYTES + (BYTES_PER_SECOND * (performance.now() - began)) / 1000;
  assert.ok(taken <= most, `${taken} bytes were taken, at most ${most} expected`);
  assert.ok(taken >= BYTES_PER_SECOND, `only ${taken} bytes were taken`);
  return { messages, taken };
}

export async function floodOfData(meeting, { server, newPage }) {
  const sdk = await serveSdk();
  const mallory = await newPage('chromium');
  const url = server.origin.replace(/^http/, 'ws');
  const join = async (grants) => {
    await joinPlain(mallory, sdk, url, roomToken({ grants }), { autoSubscribe: false });
    await mallory.waitUntil(() =>
      [0, 1].every((kind) => window.room.engine.dataChannelForKind(kind)?.readyState === 'open'),
    );
  };
  const dropped = (reason, count) => ({ [`signaling_dropped_data_messages_total{reason="${reason}"}`]: count });
  const flood = (name, what, counts) =>
    meeting.withstand(name, async () => ({ messages: await floodData(mallory, what) }), counts);
  await join();
  const isReliable = true;
  const garbage = Buffer.alloc(60_000, 0xff);
  await flood('garbage over a data channel', { isReliable, count: 20, message: garbage }, dropped('malformed', 20));
  const speakers = new DataPacket({ value: { case: 'speaker', value: {} } }).toBinary();
  await flood('what only the server may say', { isReliable, count: 500, message: speakers }, dropped('malformed', 500));
  await meeting.withstand('giant messages to everybody', () => giants(server.origin, mallory));
  await flood(
    'giant lossy messages to everybody',
    { isReliable: false, ms: FLOOD_MS, message: userMessage(60_000) },
    dropped('too_much', 1),
  );
  await meeting.withstand('channels that nobody knows', async () => ({ channels: await openChannels(mallory, 100) }));
  await join({ canPublishData: false });
  const small = { isReliable, count: 100, message: userMessage(10) };
  await flood('data without permission', small, dropped('not_allowed', 100));
  sdk.close();
}
