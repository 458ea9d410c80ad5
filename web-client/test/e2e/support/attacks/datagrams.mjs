// SPDX-License-Identifier: EUPL-1.2
// Sends datagrams to the media port, from many ports of the loopback interface.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { assertAlone } from '../namespace.mjs';

/** After so many the server's HTTP port is asked for something: a rest that lasts as long as the machine is busy, so that
 * it is the server that drops what is wrong, and not the kernel what is too much. */
const BATCH = 100;

/** A number of sockets that send to the server. */
export class Senders {
  #sockets;
  #origin;
  #port;

  /**
   * @param {{ origin: string, mediaPort: number, count: number }} options
   */
  static async open({ origin, mediaPort, count }) {
    assertAlone();
    const sockets = Array.from({ length: count }, () => createSocket('udp4'));
    await Promise.all(
      sockets.map((socket) => {
        socket.bind(0, '127.0.0.1');
        return once(socket, 'listening');
      }),
    );
    return new Senders(sockets, origin, mediaPort);
  }

  constructor(sockets, origin, port) {
    this.#sockets = sockets;
    this.#origin = origin;
    this.#port = port;
    /** Datagrams that came back. */
    this.answers = [];
    for (const socket of sockets) socket.on('message', (datagram) => this.answers.push(datagram));
  }

  /** Sends each datagram from one of the ports, in turn. */
  async send(datagrams) {
    let at = 0;
    while (at < datagrams.length) {
      const batch = datagrams.slice(at, at + BATCH);
      await Promise.all(batch.map((datagram, index) => this.#sendOne(at + index, datagram)));
      await (await fetch(`${this.#origin}/health/live`)).text();
      at += BATCH;
    }
  }

  /** Sends one datagram from every port. */
  async sendFromAll(datagram) {
    await Promise.all(this.#sockets.map((_, index) => this.#sendOne(index, datagram)));
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }

  #sendOne(number, datagram) {
    const socket = this.#sockets[number % this.#sockets.length];
    return new Promise((resolve, reject) => {
      socket.send(datagram, this.#port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  }
}
