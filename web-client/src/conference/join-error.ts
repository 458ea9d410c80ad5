// SPDX-License-Identifier: EUPL-1.2
// What LiveKit's reasons mean for the person in front of the screen.
import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import type { EndReason, JoinError } from './model';

/** Why joining failed. `hadSignal` says whether the server had already answered when it did. */
export function joinError(error: unknown, hadSignal: boolean): JoinError {
  if (!(error instanceof ConnectionError)) return 'failed';
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return 'not-allowed';
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.Timeout:
    case ConnectionErrorReason.InternalError:
      // Once the server has answered, what is missing is the way for sound and pictures.
      return hadSignal ? 'no-media' : 'unreachable';
    default:
      return 'failed';
  }
}

/** Why the conference ended. */
export function endReason(reason: DisconnectReason | undefined): EndReason {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
      return 'left';
    case DisconnectReason.PARTICIPANT_REMOVED:
      return 'removed';
    case DisconnectReason.DUPLICATE_IDENTITY:
      return 'replaced';
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return 'closed';
    case DisconnectReason.SERVER_SHUTDOWN:
      return 'shutdown';
    default:
      return 'lost';
  }
}
