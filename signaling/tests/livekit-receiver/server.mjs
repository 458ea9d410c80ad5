// SPDX-License-Identifier: EUPL-1.2
// Somebody who is told what happens in rooms, with LiveKit's own receiver. Prints its port and then a line of JSON for each
// event that it takes. The argument says what it does: { sdk, port, key, secret, failures: { ROOM: [STATUS, …] } }; a
// status of 0 hangs up without an answer.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const { sdk, port = 0, key, secret, failures = {} } = JSON.parse(process.argv[2]);
const { WebhookReceiver } = await import(pathToFileURL(sdk).href);
const receiver = new WebhookReceiver(key, secret);
const stranger = new WebhookReceiver(key, `${secret} of somebody else`);

const isRefused = (promise) => promise.then(() => false, () => true);

async function take(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const authorization = request.headers.authorization;
  const event = await receiver.receive(body, authorization);
  const status = failures[event.room.name]?.shift() ?? 200;
  if (status === 0) {
    request.socket.destroy();
    return;
  }
  response.writeHead(status).end();
  if (status !== 200) return;
  console.log(
    JSON.stringify({
      event: event.event,
      id: event.id,
      createdAt: Number(event.createdAt),
      room: event.room.name,
      roomSid: event.room.sid,
      identity: event.participant?.identity ?? null,
      reason: event.participant?.disconnectReason ?? null,
      track: event.track?.sid ?? null,
      numDropped: event.numDropped,
      endReason: event.roomEndReason ?? null,
      contentType: request.headers['content-type'],
      refusesForgery:
        (await isRefused(receiver.receive(`${body} `, authorization))) &&
        (await isRefused(stranger.receive(body, authorization))),
    }),
  );
}

const server = createServer((request, response) => {
  take(request, response).catch((error) => {
    console.log(JSON.stringify({ event: 'refused', error: String(error) }));
    response.writeHead(401).end();
  });
});
server.listen(port, '127.0.0.1', () => console.log(server.address().port));
// It ends with the test, whatever becomes of that.
process.stdin.on('end', () => process.exit(0)).resume();
