// SPDX-License-Identifier: EUPL-1.2
// People who mean no good. Beside each attack two people meet: they, their room and the server must not notice, and what
// is refused or dropped is counted. All of it runs in a network namespace.
import { RoomServiceClient } from 'livekit-server-sdk';
import { noHttp, sameTime, strangeTokensAndRooms } from '../support/attacks/at-the-door.mjs';
import { brokenWebSockets, sdpBombs } from '../support/attacks/bombs.mjs';
import { floodOfData } from '../support/attacks/data.mjs';
import { garbageFromAParticipant, garbageFromStrangers } from '../support/attacks/garbage.mjs';
import { misbehave } from '../support/attacks/misbehaviour.mjs';
import { startMeeting } from '../support/witness.mjs';

async function strangersAtTheDoor(context) {
  const { origin } = context.server;
  // Where nobody makes a room by coming, somebody has to make the one for the meeting.
  await new RoomServiceClient(origin, 'devkey', 'secret').createRoom({ name: 'demo' });
  const meeting = await startMeeting(context);
  await strangeTokensAndRooms(meeting, origin);
  await sameTime(meeting, origin);
  await noHttp(meeting, origin);
}

async function messagesThatAreBombs(context) {
  const meeting = await startMeeting(context);
  await brokenWebSockets(meeting, context.server.origin);
  await sdpBombs(meeting, context.server.origin);
}

async function participantWhoMisbehaves(context) {
  await misbehave(await startMeeting(context), context.server.origin);
}

async function garbageOnTheMediaPort(context) {
  const meeting = await startMeeting(context);
  await garbageFromStrangers(meeting, context.server.origin);
  await garbageFromAParticipant(meeting, context.server.origin);
}

async function tooMuchData(context) {
  await floodOfData(await startMeeting(context), context);
}

const beside = (name, run, settings) => ({ name: `a meeting goes on beside ${name}`, run, settings, namespace: true });

export default [
  beside('strangers at the door', strangersAtTheDoor, { SAAL_ROOMS__AUTO_CREATE: 'false' }),
  beside('messages that are bombs', messagesThatAreBombs),
  beside('a participant who misbehaves', participantWhoMisbehaves),
  beside('garbage on the media port', garbageOnTheMediaPort),
  beside('a flood of data', tooMuchData),
];
