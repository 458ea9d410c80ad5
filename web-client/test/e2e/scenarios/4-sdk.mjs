// SPDX-License-Identifier: EUPL-1.2
// LiveKit's official SDKs, unmodified: the browser SDK joins with a token of `saal token`, the server SDK administers.
import assert from 'node:assert/strict';
import { observeFor } from '../support/meeting.mjs';
import { joinPlain, serveSdk } from '../support/sdk.mjs';

async function browserSdk({ server, newPage }, kind) {
  const sdk = await serveSdk();
  const url = server.origin.replace(/^http/, 'ws');
  const tokenFor = (identity) => server.token(['--room', 'plain', '--identity', identity]);
  const [anna, bert] = [await newPage(kind), await newPage('chromium')];
  await joinPlain(anna, sdk, url, await tokenFor('anna'));
  await joinPlain(bert, sdk, url, await tokenFor('bert'));
  await anna.evaluate(() => window.room.localParticipant.enableCameraAndMicrophone());
  await bert.waitUntil(() => {
    const publications = [...(window.room.remoteParticipants.get('anna')?.trackPublications.values() ?? [])];
    return publications.length === 2 && publications.every((publication) => publication.isSubscribed);
  });
  await bert.evaluate(() => {
    window.received = [];
    window.room.on('dataReceived', (payload, participant, _kind, topic) =>
      window.received.push([new TextDecoder().decode(payload), participant?.identity, topic]),
    );
  });
  for (const reliable of [true, false]) {
    await anna.evaluate(
      (isReliable) =>
        window.room.localParticipant.publishData(new TextEncoder().encode(`reliable: ${isReliable}`), {
          reliable: isReliable,
          topic: 'test',
        }),
      reliable,
    );
  }
  await bert.waitUntil(() => window.received.length === 2);
  const received = await bert.evaluate(() => window.received);
  assert.deepEqual(received.toSorted(), [
    ['reliable: false', 'anna', 'test'],
    ['reliable: true', 'anna', 'test'],
  ]);
  assert.ok(await anna.evaluate(() => window.room.serverInfo.version), 'the server tells its version');
  const answer = await answerOfRpc(anna, bert);
  assert.equal(answer, 'anna asked: wie spät?');
  sdk.close();
}

async function answerOfRpc(anna, bert) {
  await bert.evaluate(() =>
    window.room.registerRpcMethod('ask', async ({ callerIdentity, payload }) => `${callerIdentity} asked: ${payload}`),
  );
  return anna.evaluate(() =>
    window.room.localParticipant.performRpc({ destinationIdentity: 'bert', method: 'ask', payload: 'wie spät?' }),
  );
}

async function serverSdk({ server, newPage }) {
  const { RoomServiceClient, DataPacket_Kind } = await import('livekit-server-sdk');
  const rooms = new RoomServiceClient(server.origin, 'devkey', 'secret');
  const sdk = await serveSdk();
  const url = server.origin.replace(/^http/, 'ws');
  const created = await rooms.createRoom({ name: 'office', emptyTimeout: 60, metadata: 'first' });
  assert.match(created.sid, /^RM_/);
  assert.deepEqual((await rooms.listRooms()).map((room) => room.name), ['office']);
  const page = await newPage('chromium');
  const token = await server.token(['--room', 'office', '--identity', 'anna', '--name', 'Anna']);
  await joinPlain(page, sdk, url, token);
  await page.evaluate(async () => {
    window.received = [];
    window.room.on('dataReceived', (payload) => window.received.push(new TextDecoder().decode(payload)));
    await window.room.localParticipant.setMicrophoneEnabled(true);
  });
  await rooms.updateRoomMetadata('office', 'second');
  await page.waitUntil(() => window.room.metadata === 'second');
  const [listed] = await rooms.listParticipants('office');
  assert.equal(listed.identity, 'anna');
  const participant = await rooms.getParticipant('office', 'anna');
  assert.equal(participant.tracks.length, 1);
  await assert.rejects(rooms.getParticipant('office', 'nobody'));
  await assert.rejects(new RoomServiceClient(server.origin, 'devkey', 'wrong').listRooms());
  await rooms.mutePublishedTrack('office', 'anna', participant.tracks[0].sid, true);
  await page.waitUntil(() => !window.room.localParticipant.isMicrophoneEnabled);
  await rooms.updateParticipant('office', 'anna', { metadata: 'chair', name: 'Dr. Anna', attributes: { seat: '1' } });
  await page.waitUntil(
    () =>
      window.room.localParticipant.metadata === 'chair' &&
      window.room.localParticipant.name === 'Dr. Anna' &&
      window.room.localParticipant.attributes.seat === '1',
  );
  const watcher = await newPage('chromium');
  await joinPlain(watcher, sdk, url, await server.token(['--room', 'office', '--identity', 'bert']));
  const { sid } = participant.tracks[0];
  const isSubscribed = (state) =>
    watcher.waitUntil(
      ([track, wanted]) => {
        const publications = [...(window.room.remoteParticipants.get('anna')?.trackPublications.values() ?? [])];
        return publications.some((p) => p.trackSid === track && p.isSubscribed === wanted);
      },
      [sid, state],
    );
  await isSubscribed(true);
  await rooms.updateSubscriptions('office', 'bert', [sid], false);
  await isSubscribed(false);
  await rooms.sendData('office', new TextEncoder().encode('from the office'), DataPacket_Kind.RELIABLE, {
    destinationIdentities: ['anna'],
  });
  await page.waitUntil(() => window.received.includes('from the office'));
  await rooms.removeParticipant('office', 'anna');
  await page.waitUntil(() => window.ended !== null);
  const again = await page.evaluate(
    async ([serverUrl, ticket]) => {
      try {
        await new window.LivekitClient.Room().connect(serverUrl, ticket);
        return 'joined';
      } catch (error) {
        return error.reasonName ?? error.message;
      }
    },
    [url, token],
  );
  assert.notEqual(again, 'joined', 'the removed one cannot come back with the same token');
  await rooms.deleteRoom('office');
  assert.deepEqual(await rooms.listRooms(), []);
  sdk.close();
}

async function badTokens({ server }) {
  const base = `${server.origin}/rtc/v1/validate`;
  const statusOf = async (token) => (await fetch(`${base}?access_token=${token}`)).status;
  const good = await server.token(['--room', 'r', '--identity', 'i']);
  assert.notEqual(await statusOf(good), 401);
  const [header, payload, signature] = good.split('.');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  const expired = await server.token(['--room', 'r', '--identity', 'i', '--valid-for', '1s']);
  assert.equal(await statusOf(''), 401, 'no token');
  assert.equal(await statusOf(`${header}.${payload}.${'A'.repeat(signature.length)}`), 401, 'a wrong signature');
  assert.equal(await statusOf(`${none}.${payload}.`), 401, 'no algorithm');
  assert.equal(await statusOf(`${header}.${payload}`), 401, 'a cut token');
  // Clocks may differ by a minute.
  await observeFor(0);
  assert.notEqual(await statusOf(expired), 500);
}

export default [
  { name: 'the browser SDK joins by a printed token in Chromium', calm: true, run: (c) => browserSdk(c, 'chromium') },
  { name: 'the browser SDK joins by a printed token in Firefox', calm: true, run: (c) => browserSdk(c, 'firefox') },
  { name: 'the server SDK administers rooms', calm: true, run: serverSdk },
  { name: 'bad tokens are refused', calm: true, run: badTokens },
];
