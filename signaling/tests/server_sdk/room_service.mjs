// SPDX-License-Identifier: EUPL-1.2
// LiveKit's own server SDK manages a room of ours. Started by `tests/server_sdk.rs`, which has put Ann and Bob into the
// room; takes the service's URL, the API key, its secret and the sid of Ann's track.
import assert from 'node:assert/strict';
import { AccessToken, DataPacket_Kind, RoomServiceClient, TrackSource } from 'livekit-server-sdk';

const [url, key, secret, track] = process.argv.slice(2);
const service = new RoomServiceClient(url, key, secret);
const identities = async () => (await service.listParticipants('room')).map((info) => info.identity).sort();

assert.deepEqual(await identities(), ['ann', 'bob']);
const ann = await service.getParticipant('room', 'ann');
assert.equal(ann.tracks[0].sid, track);
assert.equal(ann.tracks[0].source, TrackSource.MICROPHONE);

const rooms = await service.listRooms(['room']);
assert.equal(rooms.length, 1);
assert.equal(rooms[0].numParticipants, 2);

const muted = await service.mutePublishedTrack('room', 'ann', track, true);
assert.equal(muted.muted, true);

const updated = await service.updateParticipant('room', 'bob', {
  name: 'Robert',
  metadata: 'm',
  attributes: { hand: 'up' },
  permission: { canPublish: false, canSubscribe: true, canPublishData: true },
});
assert.equal(updated.name, 'Robert');
assert.equal(updated.attributes.hand, 'up');
assert.equal(updated.permission.canPublish, false);

await service.updateSubscriptions('room', 'bob', [track], false);
await service.sendData('room', new TextEncoder().encode('hello'), DataPacket_Kind.RELIABLE, { topic: 'chat' });
assert.equal((await service.updateRoomMetadata('room', 'new')).metadata, 'new');

await service.removeParticipant('room', 'bob');
assert.deepEqual(await identities(), ['ann']);
await assert.rejects(service.removeParticipant('room', 'bob'), (error) => error.status === 404 && error.code === 'not_found');

const made = await service.createRoom({ name: 'made', emptyTimeout: 7, maxParticipants: 3 });
assert.equal(made.emptyTimeout, 7);
await service.deleteRoom('made');
assert.deepEqual((await service.listRooms()).map((room) => room.name), ['room']);

// A token that the SDK signs is one that the server takes.
const token = new AccessToken(key, secret, { identity: 'cy' });
token.addGrant({ roomJoin: true, room: 'room' });
const answer = await fetch(`${url}/rtc/validate?access_token=${await token.toJwt()}`);
assert.deepEqual([answer.status, await answer.text()], [200, 'success']);
console.log('ok');
