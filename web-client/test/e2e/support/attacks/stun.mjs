// SPDX-License-Identifier: EUPL-1.2
// STUN binding requests (RFC 8489) as ICE sends them (RFC 8445 §7.2), valid and broken.
import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from './crc32.mjs';

const HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const MAGIC_COOKIE = 0x2112a442;

const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const PRIORITY = 0x0024;
const USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028;
const ICE_CONTROLLING = 0x802a;

/** An attribute with its padding. */
function attribute(type, value) {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(type, 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
}

function message(type, attributes, extraLength = 0) {
  const body = Buffer.concat(attributes);
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(body.length + extraLength, 2);
  header.writeUInt32BE(MAGIC_COOKIE, 4);
  randomBytes(12).copy(header, 8);
  return Buffer.concat([header, body]);
}

/** A connectivity check by the controlling side, signed with the password. */
export function check(userName, password) {
  const priority = Buffer.from([0x6e, 0x00, 0x1e, 0xff]);
  const attributes = [
    attribute(USERNAME, Buffer.from(userName)),
    attribute(PRIORITY, priority),
    attribute(ICE_CONTROLLING, randomBytes(8)),
    attribute(USE_CANDIDATE, Buffer.alloc(0)),
  ];
  // The length that is signed ends with MESSAGE-INTEGRITY (RFC 8489 §14.5), the one in the fingerprint with itself.
  const unsigned = message(BINDING_REQUEST, attributes, 24);
  const signature = createHmac('sha1', password).update(unsigned).digest();
  const signed = Buffer.concat([unsigned, attribute(MESSAGE_INTEGRITY, signature)]);
  signed.writeUInt16BE(signed.length + 8 - HEADER_BYTES, 2);
  const fingerprint = Buffer.alloc(4);
  fingerprint.writeUInt32BE((crc32(signed) ^ 0x5354554e) >>> 0);
  return Buffer.concat([signed, attribute(FINGERPRINT, fingerprint)]);
}

/** A request with a signature that is none. */
function unsigned(userName, signatureLength) {
  const signature = attribute(MESSAGE_INTEGRITY, Buffer.alloc(signatureLength));
  return message(BINDING_REQUEST, [attribute(USERNAME, userName), signature]);
}

export function isSuccess(datagram) {
  return datagram.length >= HEADER_BYTES && datagram.readUInt16BE(0) === BINDING_SUCCESS;
}

/** Messages that are nearly checks, every one of them broken in some other way. */
export function brokenChecks() {
  const whole = check('abcd:efgh', 'password');
  const changed = (change) => {
    const copy = Buffer.from(whole);
    change(copy);
    return copy;
  };
  return [
    ...Array.from({ length: whole.length - 1 }, (_, length) => whole.subarray(0, length + 1)),
    ...Array.from({ length: whole.length }, (_, at) => changed((copy) => (copy[at] ^= 0xff))),
    changed((copy) => copy.writeUInt16BE(0xffff, 2)),
    // The first attribute claims to be longer than the message.
    changed((copy) => copy.writeUInt16BE(0xffff, HEADER_BYTES + 2)),
    Buffer.concat([whole, Buffer.alloc(1000)]),
    message(BINDING_REQUEST, []),
    message(BINDING_REQUEST, Array(300).fill(attribute(USERNAME, Buffer.alloc(0)))),
    unsigned(Buffer.from([0xff, 0xfe, 0x3a]), 20),
    unsigned(Buffer.from('no colon'), 20),
    unsigned(Buffer.from('a:b'), 19),
    message(BINDING_SUCCESS, []),
    message(0x0003, []),
  ];
}
