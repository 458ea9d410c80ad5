// SPDX-License-Identifier: EUPL-1.2
import { ConnectionError, DisconnectReason } from 'livekit-client';
import { describe, expect, it } from 'vitest';
import { endReason, joinError } from '../../src/conference/join-error';

describe('joinError', () => {
  it('tells a refused token', () => {
    expect(joinError(ConnectionError.notAllowed('expired', 401), false)).toBe('not-allowed');
  });

  it('tells a server that cannot be reached from a network that lets no media through', () => {
    const failures = [
      ConnectionError.serverUnreachable('no answer'),
      ConnectionError.websocket('closed'),
      ConnectionError.timeout('too slow'),
      ConnectionError.internal('could not establish pc connection'),
    ];
    for (const failure of failures) {
      expect(joinError(failure, false)).toBe('unreachable');
      expect(joinError(failure, true)).toBe('no-media');
    }
  });

  it('knows nothing of other errors', () => {
    expect(joinError(new TypeError('x'), true)).toBe('failed');
    expect(joinError(ConnectionError.leaveRequest('full', DisconnectReason.JOIN_FAILURE), true)).toBe('failed');
  });
});

describe('endReason', () => {
  it('tells why a conference ended', () => {
    expect(endReason(DisconnectReason.CLIENT_INITIATED)).toBe('left');
    expect(endReason(DisconnectReason.PARTICIPANT_REMOVED)).toBe('removed');
    expect(endReason(DisconnectReason.DUPLICATE_IDENTITY)).toBe('replaced');
    expect(endReason(DisconnectReason.ROOM_DELETED)).toBe('closed');
    expect(endReason(DisconnectReason.SERVER_SHUTDOWN)).toBe('shutdown');
    expect(endReason(undefined)).toBe('lost');
  });
});
