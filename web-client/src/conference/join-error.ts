// SPDX-License-Identifier: EUPL-1.2
// What LiveKit's reasons mean for the person in front of the screen.
import { ConnectionError, ConnectionErrorReason, DisconnectReason } from 'livekit-client';
import type { EndReason, JoinError } from './model';

/** Why the server did not let this person in, or could not be asked. */
export function joinError(error: unknown): JoinError {
  if (!(error instanceof ConnectionError)) return 'failed';
  switch (error.reason) {
    case ConnectionErrorReason.NotAllowed:
      return 'not-allowed';
    case ConnectionErrorReason.LeaveRequest:
      // LiveKit keeps the reason to itself here. The usual one is that the room is full.
      return 'turned-away';
    case ConnectionErrorReason.ServerUnreachable:
    case ConnectionErrorReason.WebSocket:
    case ConnectionErrorReason.Timeout:
    case ConnectionErrorReason.InternalError:
      return 'unreachable';
    default:
      return 'failed';
  }
}

/** Why the conference ended. `hadMedia` says whether sound and pictures ever had a connection. */
export function endReason(reason: DisconnectReason | undefined, hadMedia: boolean): EndReason {
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
      return hadMedia ? 'lost' : 'no-media';
  }
}
