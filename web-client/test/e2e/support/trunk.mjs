// SPDX-License-Identifier: EUPL-1.2
// A trunk at whose other end stands one telephone, in place of a provider.
import { asking, makeToken } from './rest-api.mjs';
import { waitUntil } from './wait.mjs';

/**
 * Lets meetings call a telephone, as administrators do: they make a trunk that leads to it, and allow the only tenant what it
 * may cost. Numbers in Germany may be called.
 * @param {import('./server.mjs').Server} server
 * @param {string} saal  The binary.
 * @param {import('./telephone.mjs').Telephone} telephone
 */
export async function letMeetingsCall(server, saal, telephone) {
  const scopes = 'phone:admin,tenants:admin,tenant:write';
  const ask = asking(server, await makeToken(server, saal, { scopes, isForInstallation: true }));
  const tenants = (await ask('GET', '/tenants')).items;
  await ask('PATCH', `/tenants/${tenants[0].id}`, { dial_out: { is_enabled: true } });
  const trunk = await ask('POST', '/phone/trunks', {
    id: 'exchange',
    name: 'Exchange with one telephone',
    destinations: [{ host: '127.0.0.1', port: telephone.port, transport: 'udp' }],
    outgoing: { from: '+4930900' },
  });
  await waitUntil(async () => (await ask('GET', `/phone/trunks/${trunk.id}`)).status !== null, {
    describe: () => 'the bridge does not take the trunk up',
  });
}
