// SPDX-License-Identifier: EUPL-1.2
// A TCP relay that can be cut, as a network is that loses its route: connections die, and none comes through.
import { connect, createServer } from 'node:net';

/**
 * Relays a free port of the loopback interface to `origin`.
 * @param {string} origin
 */
export async function startProxy(origin) {
  const { hostname, port } = new URL(origin);
  const open = new Set();
  let isCut = false;
  const relay = createServer((client) => {
    if (isCut) return void client.destroy();
    const server = connect({ host: hostname, port: Number(port) });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise((resolve) => {
    relay.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${relay.address().port}`,
    /** Ends all connections and refuses new ones. */
    cut: () => {
      isCut = true;
      for (const socket of open) socket.destroy();
    },
    /** Lets connections through again. */
    mend: () => {
      isCut = false;
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of open) socket.destroy();
        relay.close(() => resolve());
      }),
  };
}
