// SPDX-License-Identifier: EUPL-1.2
// SDP offers (RFC 8829): a small good one, and bombs.

const FINGERPRINT = Array(32).fill('AB').join(':');

const data = (mid) =>
  `m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\na=sctp-port:5000\r\n`;

const audio = (mid) =>
  `m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:${mid}\r\na=rtcp-mux\r\na=recvonly\r\na=rtpmap:111 opus/48000/2\r\n`;

function offer(sections) {
  const mids = sections.map((_, mid) => mid).join(' ');
  const session = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE ${mids}\r\n`;
  const transport = `a=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\na=setup:actpass\r\na=fingerprint:sha-256 ${FINGERPRINT}\r\n`;
  return session + transport + sections.map((section, mid) => section(mid)).join('');
}

/** The user name fragment in all offers here. */
export const UFRAG = 'abcd';

/** An offer as a client makes it that wants nothing but data. */
export const goodOffer = offer([data]);

const candidates = (count) =>
  Array.from({ length: count }, (_, n) => `a=candidate:${n} 1 udp 1 192.0.2.9 ${n} typ host\r\n`).join('');

/** Offers that no client may be answered. All fit into one message. */
export const bombs = {
  '1,000 m-lines': offer(Array(1000).fill(audio)),
  '1,000 m-lines of nothing': goodOffer + 'm=audio 0 RTP/AVP 0\r\n'.repeat(1000),
  '900 kB in one line': `${goodOffer}a=x:${'x'.repeat(900_000)}\r\n`,
  '900 kB of lines': goodOffer + 'a=x\r\n'.repeat(180_000),
  '2 MB of lines': goodOffer + 'a=x\r\n'.repeat(400_000),
  '60,000 lines': goodOffer + 'a=\n'.repeat(60_000),
  '10,000 header extensions': goodOffer + 'a=extmap:1 urn:x\r\n'.repeat(10_000),
  '5,000 sources': goodOffer + Array.from({ length: 5000 }, (_, ssrc) => `a=ssrc:${ssrc} cname:a\r\n`).join(''),
  'an m-line twice': goodOffer + data(0),
  'no SDP': 'nonsense',
  nothing: '',
};

/** Candidates mean nothing to a server that waits for checks: so many are read over. */
export const tenThousandCandidates = goodOffer + candidates(10_000);
