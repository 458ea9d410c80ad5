// SPDX-License-Identifier: EUPL-1.2
// Datagrams that look like media and handshakes, from somebody who takes part in none.
import { noise } from './random.mjs';

/** RTP (RFC 3550 §5.1) of any payload type, SSRC and length, some with extensions and padding that do not fit. */
export function rtp(random) {
  const bytes = noise(random, 12 + random(1200));
  bytes[0] = 0x80 | random(64);
  // 64 to 95 would be RTCP (RFC 5761 §4).
  bytes[1] = random(2) * 128 + random(64);
  return bytes;
}

/** RTCP (RFC 3550 §6, RFC 4585 §6.1): reports, feedback and goodbyes with lengths and counts by chance. */
export function rtcp(random) {
  const bytes = noise(random, 8 + random(200));
  bytes[0] = 0x80 | random(32);
  bytes[1] = 200 + random(8);
  return bytes;
}

/** A DTLS record (RFC 6347 §4.1). */
function record(contentType, epoch, body) {
  const head = Buffer.alloc(13);
  head[0] = contentType;
  head.writeUInt16BE(0xfefd, 1);
  head.writeUInt16BE(epoch, 3);
  head.writeUInt16BE(body.length, 11);
  return Buffer.concat([head, body]);
}

/** A whole ClientHello (RFC 6347 §4.2) with SRTP profiles, as a stranger's first flight. */
export function clientHello(random) {
  const useSrtp = [0, 14, 0, 7, 0, 4, 0, 7, 0, 1, 0];
  const body = Buffer.concat([
    Buffer.from([0xfe, 0xfd]),
    noise(random, 32),
    Buffer.from([0, 0, 0, 2, 0xc0, 0x2b, 1, 0, 0, useSrtp.length, ...useSrtp]),
  ]);
  const head = Buffer.from([1, 0, 0, body.length, 0, 0, 0, 0, 0, 0, 0, body.length]);
  return record(22, 0, Buffer.concat([head, body]));
}

/** Handshake fragments that fit nothing, alerts, records that only seem encrypted, and records that are cut off. */
export function brokenDtls(random) {
  const kinds = [
    () => clientHello(random).subarray(0, 13 + random(30)),
    () => record(21, 1, noise(random, 40)),
    () => record(23, 1, noise(random, 200)),
    () => record(22, 0, Buffer.from([1, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
    () => record(20 + random(44), 2 + random(1000), noise(random, random(100))),
    () => Buffer.concat([Buffer.from([20 + random(44)]), noise(random, random(300))]),
  ];
  return kinds[random(kinds.length)]();
}
