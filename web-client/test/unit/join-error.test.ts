// SPDX-License-Identifier: EUPL-1.2
import { ConnectionError, DisconnectReason } from 'livekit-client';
import { describe, expect, it } from 'vitest';
import { endReason, joinError } from '../../src/conference/join-error';

describe('joinError', () => {
  it('tells a refused token', () => {
    expect(joinError(ConnectionError.notAllowed('expired', 401))).toBe('not-allowed');
  });

  it('tells a room that takes nobody in', () => {
    expect(joinError(ConnectionError.leaveRequest('full', DisconnectReason.JOIN_FAILURE))).toBe('turned-away');
  });

  it('tells a server that cannot be reached', () => {
    const failures = [
      ConnectionError.serverUnreachable('no answer'),
      ConnectionError.websocket('closed'),
      ConnectionError.timeout('too slow'),
      ConnectionError.internal('status 500'),
    ];
    for (const failure of failures) expect(joinError(failure)).toBe('unreachable');
  });

  it('knows nothing of other errors', () => {
    expect(joinError(new TypeError('x'))).toBe('failed');
  });
});

describe('endReason', () => {
  it('tells why a conference ended', () => {
    expect(endReason(DisconnectReason.CLIENT_INITIATED, true)).toBe('left');
    expect(endReason(DisconnectReason.PARTICIPANT_REMOVED, true)).toBe('removed');
    expect(endReason(DisconnectReason.DUPLICATE_IDENTITY, true)).toBe('replaced');
    expect(endReason(DisconnectReason.ROOM_DELETED, true)).toBe('closed');
    expect(endReason(DisconnectReason.SERVER_SHUTDOWN, true)).toBe('shutdown');
  });

  it('tells a lost connection from a network that lets no sound and no pictures through', () => {
    expect(endReason(undefined, true)).toBe('lost');
    expect(endReason(undefined, false)).toBe('no-media');
    expect(endReason(DisconnectReason.CLIENT_INITIATED, false)).toBe('left');
  });
});
