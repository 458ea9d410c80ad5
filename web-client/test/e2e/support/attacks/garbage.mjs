// SPDX-License-Identifier: EUPL-1.2
// Garbage on the media port, from strangers and from somebody who is in the room.
import assert from 'node:assert/strict';
import { reception } from '../meeting.mjs';
import { waitUntil } from '../wait.mjs';
import { joinRoom } from './client.mjs';
import { Senders } from './datagrams.mjs';
import { brokenDtls, clientHello, rtcp, rtp } from './media-packets.mjs';
import { UFRAG, goodOffer } from './offers.mjs';
import { noise, randomNumbers } from './random.mjs';
import { repeat } from './repeat.mjs';
import { brokenChecks, check, isSuccess } from './stun.mjs';

/** The port that the witnesses' media goes to. */
async function mediaPortOf({ pages }) {
  const { serverPorts } = await reception(pages[0]);
  return Number(serverPorts[0].replace('udp:', ''));
}

/** Ports that a stranger's garbage comes from. */
const PORTS = 64;

/** Addresses that a participant has checked from. A client may have sixteen. */
const ADDRESSES = 8;

export async function garbageFromStrangers(meeting, origin) {
  const senders = await Senders.open({ origin, mediaPort: await mediaPortOf(meeting), count: PORTS });
  const random = randomNumbers(7);
  const unknown = (count) => ({ sfu_unknown_datagrams_total: count });
  const throwAt = (name, datagrams, counts = unknown(datagrams.length)) =>
    meeting.withstand(name, () => senders.send(datagrams), counts);
  await throwAt('random bytes', repeat(5000, () => noise(random, 1 + random(1400))));
  await throwAt('the largest datagrams that there are', repeat(50, () => noise(random, 65_507)));
  const claims = 'sfu_claims_total{outcome="refused"}';
  const eitherWay = (count) => ({ [`sfu_unknown_datagrams_total + ${claims}`]: count });
  // Some are broken so that they could be a check for somebody, which another part of the server then looks up.
  const broken = repeat(20, brokenChecks).flat();
  await throwAt('broken STUN', broken, eitherWay(broken.length));
  await throwAt('handshakes of strangers', repeat(2000, () => clientHello(random)));
  await throwAt('broken handshakes', repeat(3000, () => brokenDtls(random)));
  await throwAt('media of unknown sources', repeat(3000, (n) => (n % 2 === 0 ? rtp(random) : rtcp(random))));
  const strange = check('nobody:here', 'password');
  await throwAt('checks for nobody', Array(2000).fill(strange), { ...eitherWay(2000), [claims]: 1 });
  const userName = await userNameOf(meeting.pages[0]);
  const forged = Array(2000).fill(check(userName, 'not the password'));
  await throwAt('forged checks for somebody who is in', forged, eitherWay(2000));
  assert.equal(senders.answers.length, 0, 'strangers are not answered: nothing is confirmed or made larger');
  senders.close();
}

/** The user name of the checks that a page sends: the server's fragment, then its own (RFC 8445 §7.2.2). */
async function userNameOf(page) {
  const [local, remote] = await page.evaluate(async () => {
    const stats = Array.from((await window.saalTest.room.engine.pcManager.publisher.getStats()).values());
    const candidate = (side) => stats.find((entry) => entry.type === `${side}-candidate`);
    return ['local', 'remote'].map((side) => candidate(side).usernameFragment);
  });
  return `${remote}:${local}`;
}

/** Somebody with a good token, whose checks are valid, and who never shakes hands. */
export async function garbageFromAParticipant(meeting, origin) {
  const mallory = await joinRoom(origin, { offer: goodOffer });
  const { sdp } = await mallory.expect('answer');
  const [, ufrag] = /a=ice-ufrag:(\S+)/.exec(sdp);
  const [, password] = /a=ice-pwd:(\S+)/.exec(sdp);
  const senders = await Senders.open({ origin, mediaPort: await mediaPortOf(meeting), count: ADDRESSES });
  const random = randomNumbers(8);
  await senders.sendFromAll(check(`${ufrag}:${UFRAG}`, password));
  await waitUntil(() => senders.answers.filter(isSuccess).length === ADDRESSES, {
    describe: () => `${senders.answers.length} answers to ${ADDRESSES} good checks`,
  });
  await meeting.withstand('media before a handshake', () => senders.send(repeat(2000, () => rtp(random))), {
    'sfu_dropped_packets_total{reason="not_connected"}': 2000,
  });
  await meeting.withstand('reports before a handshake', () => senders.send(repeat(2000, () => rtcp(random))), {
    sfu_dropped_rtcp_total: 2000,
  });
  const answered = senders.answers.length;
  const broken = repeat(3000, () => brokenDtls(random));
  await meeting.withstand('broken handshakes', () => senders.send(broken), { sfu_dropped_dtls_total: 2000 });
  await meeting.withstand('handshakes that are only begun', () => senders.send(repeat(500, () => clientHello(random))));
  assert.ok(senders.answers.length - answered <= 550, `${senders.answers.length - answered} answers`);
  senders.close();
  mallory.socket.destroy();
}
