// SPDX-License-Identifier: EUPL-1.2
// A WebSocket client (RFC 6455) over a plain socket, which can also do what a client must not.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { waitUntil } from '../wait.mjs';

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** Nobody waits for a server that has nothing more to say for longer than this. */
const PATIENCE_MS = 10_000;

/**
 * Asks for a WebSocket. `{ status, body }` is a refusal; otherwise there is a `socket`.
 * @param {string} origin
 * @param {string} path
 */
export async function openWebSocket(origin, path) {
  const { hostname, port } = new URL(origin);
  const stream = connect({ host: hostname, port: Number(port) });
  // A server that hangs up on an attacker may do so in the middle of what it sends.
  stream.on('error', () => undefined);
  await once(stream, 'connect');
  const key = randomBytes(16).toString('base64');
  stream.write(
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  );
  const { status, head, rest } = await readHead(stream);
  if (status !== 101) return { status, body: await readBody(stream, head, rest) };
  const expected = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  if (!head.includes(expected)) throw new Error('the server answered the handshake of somebody else');
  return { status, socket: new Socket(stream, rest) };
}

class Socket {
  /** Messages received and not yet taken: `{ opcode, payload }`. */
  received = [];
  /** Code and reason of the server's farewell; `{}` when it hung up without one. */
  closed = undefined;
  #stream;
  #buffer;

  constructor(stream, rest) {
    this.#stream = stream;
    this.#buffer = rest;
    stream.on('data', (bytes) => {
      this.#buffer = Buffer.concat([this.#buffer, bytes]);
      this.#take();
    });
    stream.on('close', () => (this.closed ??= {}));
    this.#take();
  }

  /**
   * Sends a frame. Options say what to do wrong.
   * @param {keyof OPCODES} kind
   * @param {Uint8Array} payload
   * @param {{ isLast?: boolean, isMasked?: boolean, reserved?: number, claimedLength?: bigint }} [options]
   */
  send(kind, payload, options) {
    return this.sendRaw(frame(kind, payload, options));
  }

  /** Sends bytes as they are, and waits while the server reads nothing, as long as it is there. */
  async sendRaw(bytes) {
    if (this.closed !== undefined || this.#stream.write(bytes)) return;
    await Promise.race([once(this.#stream, 'drain'), once(this.#stream, 'close')]).catch(() => undefined);
  }

  /** Stops reading, so that what the server says waits. */
  stopReading() {
    this.#stream.pause();
  }

  /** Waits for the server's farewell. */
  end() {
    return waitUntil(() => this.closed, { timeoutMs: PATIENCE_MS, describe: () => 'the server did not hang up' });
  }

  /** Hangs up without a word. */
  destroy() {
    this.#stream.destroy();
  }

  #take() {
    for (;;) {
      const parsed = parse(this.#buffer);
      if (parsed === undefined) return;
      this.#buffer = this.#buffer.subarray(parsed.end);
      const { opcode, payload } = parsed;
      if (opcode === OPCODES.ping) void this.send('pong', payload);
      else if (opcode === OPCODES.close) this.#answerClose(payload);
      else if (opcode !== OPCODES.pong) this.received.push({ opcode, payload });
    }
  }

  #answerClose(payload) {
    this.closed = payload.length < 2 ? {} : { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() };
    this.#stream.end(frame('close', payload.subarray(0, 2)));
  }
}

/** A frame, by the rules unless the options say otherwise. */
export function frame(kind, payload, { isLast = true, isMasked = true, reserved = 0, claimedLength } = {}) {
  const length = claimedLength ?? BigInt(payload.length);
  const first = (isLast ? 0x80 : 0) | (reserved << 4) | OPCODES[kind];
  const flag = isMasked ? 0x80 : 0;
  let head;
  if (length < 126n) {
    head = Buffer.from([first, flag | Number(length)]);
  } else if (length < 65_536n) {
    head = Buffer.from([first, flag | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.from([first, flag | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(length, 2);
  }
  // A mask of zeros is one, and leaves the payload as it is.
  return Buffer.concat([head, isMasked ? Buffer.alloc(4) : Buffer.alloc(0), payload]);
}

function parse(bytes) {
  if (bytes.length < 2) return undefined;
  let at = 2;
  let length = bytes[1] & 0x7f;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    at = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (bytes.length < at + length) return undefined;
  return { opcode: bytes[0] & 0x0f, payload: bytes.subarray(at, at + length), end: at + length };
}

async function readHead(stream) {
  let bytes = Buffer.alloc(0);
  while (!bytes.includes('\r\n\r\n')) {
    const [more] = await Promise.race([once(stream, 'data'), once(stream, 'close').then(() => [])]);
    if (more === undefined) throw new Error('the server hung up without an answer');
    bytes = Buffer.concat([bytes, more]);
  }
  const end = bytes.indexOf('\r\n\r\n') + 4;
  const head = bytes.subarray(0, end).toString('latin1');
  return { status: Number(head.split(' ')[1]), head, rest: bytes.subarray(end) };
}

async function readBody(stream, head, rest) {
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  let body = rest;
  while (body.length < length) {
    const [more] = await once(stream, 'data');
    body = Buffer.concat([body, more]);
  }
  stream.destroy();
  return body.toString();
}
