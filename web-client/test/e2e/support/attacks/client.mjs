// SPDX-License-Identifier: EUPL-1.2
// A participant without a browser, who speaks the signalling protocol by hand and need not mean well.
import { JoinRequest, SessionDescription, SignalRequest, SignalResponse, WrappedJoinRequest } from '@livekit/protocol';
import { waitUntil } from '../wait.mjs';
import { roomToken } from './tokens.mjs';
import { openWebSocket } from './web-socket.mjs';

/**
 * The way to the door, with a token and a join request.
 * @param {string} token
 * @param {{ offer?: string, join?: object, wrapped?: Uint8Array }} [options]  `wrapped` is sent in place of a request.
 */
export function joinPath(token, { offer, join, wrapped } = {}) {
  const request = new JoinRequest({
    connectionSettings: { autoSubscribe: false },
    publisherOffer: offer === undefined ? undefined : new SessionDescription({ type: 'offer', sdp: offer, id: 1 }),
    ...join,
  });
  const bytes = wrapped ?? new WrappedJoinRequest({ joinRequest: request.toBinary() }).toBinary();
  return `/rtc/v1?access_token=${token}&join_request=${Buffer.from(bytes).toString('base64url')}`;
}

/** A request as bytes. */
export function request(kind, value) {
  return Buffer.from(new SignalRequest({ message: { case: kind, value } }).toBinary());
}

/**
 * Joins. Gives a client that has been told who it is.
 * @param {string} origin
 * @param {{ room?: string, identity?: string, offer?: string }} [options]
 */
export async function joinRoom(origin, { room, identity, offer } = {}) {
  const opened = await openWebSocket(origin, joinPath(roomToken({ room, identity }), { offer }));
  if (opened.socket === undefined) throw new Error(`refused with ${opened.status}: ${opened.body}`);
  const client = new Client(opened.socket);
  client.joined = await client.expect('join');
  return client;
}

class Client {
  /** The first message. */
  joined = undefined;

  constructor(socket) {
    this.socket = socket;
  }

  send(kind, value) {
    return this.socket.send('binary', request(kind, value));
  }

  /** Waits for a message of a kind; those before it are forgotten. */
  expect(kind) {
    return waitUntil(
      () => {
        while (this.socket.received.length > 0) {
          const { message } = SignalResponse.fromBinary(this.socket.received.shift().payload);
          if (message.case === kind) return message.value;
        }
        return undefined;
      },
      { timeoutMs: 10_000, describe: () => `no ${kind} came, ${JSON.stringify(this.socket.closed)}` },
    );
  }

  /** Waits until the server has answered something that was sent after all else. */
  async settle() {
    await this.send('ping', 1n);
    await this.expect('pong');
  }
}
