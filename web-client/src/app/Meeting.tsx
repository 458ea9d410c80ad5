// SPDX-License-Identifier: EUPL-1.2
// One meeting from arriving to leaving: before, in and after the room.
import { useSignal, useSignalEffect } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Conference, EndReason, JoinError } from '../conference/model';
import type { Preview } from '../conference/preview';
import { warmUpConnections } from '../conference/warm-up';
import { Ended } from '../screens/Ended';
import { LinkProblem } from '../screens/LinkProblem';
import { Prejoin } from '../screens/Prejoin';
import { screenKind } from '../theme/appearance';
import { isExpired, readClaims, rememberedToken, requestDevToken, takeTokenFromAddressBar } from './access';
import type { Config } from './config';
import { chosenCamera, chosenMicrophone, chosenSpeaker } from './preferences';

type RoomScreen = FunctionComponent<{ room: string; conference: Conference }>;

type Phase =
  | { readonly name: 'prejoin' }
  | { readonly name: 'room'; readonly conference: Conference; readonly Screen: RoomScreen }
  | { readonly name: 'ended'; readonly reason: EndReason };

declare global {
  interface Window {
    /** For end-to-end tests, on development servers only. */
    saalTest?: { room: unknown };
  }
}

/** The room and everything LiveKit: by far the largest part of the client, and not needed before joining. */
const loadRoom = () => Promise.all([import('../conference/session'), import('../screens/Room')]);

/** A meeting. Give it the room's name as key, for it does not follow from one room into another. */
export function Meeting({ room, config }: { room: string; config: Config }) {
  const token = useToken(room);
  const phase = useSignal<Phase>({ name: 'prejoin' });
  const { value: now } = phase;
  const end = useEndOnUnmount();

  useSignalEffect(() => {
    const { value: current } = phase;
    screenKind.value = current.name === 'room' ? 'room' : 'page';
    const reason = current.name === 'room' ? current.conference.endReason.value : null;
    if (reason !== null) phase.value = { name: 'ended', reason };
  });

  useEffect(() => {
    // While somebody looks at their picture there is time to get everything ready.
    const timer = setTimeout(() => {
      loadRoom().catch(() => undefined);
      warmUpConnections().catch(() => undefined);
    }, 500);
    return () => clearTimeout(timer);
  }, []);

  if (now.name === 'room') return <now.Screen room={room} conference={now.conference} />;
  if (now.name === 'ended') {
    return <Ended reason={now.reason} onRejoin={() => (phase.value = { name: 'prejoin' })} />;
  }

  const claims = token === null ? null : readClaims(token);
  if (token === null && !config.dev) return <LinkProblem problem="incomplete" />;
  if (claims !== null && isExpired(claims, Date.now())) return <LinkProblem problem="expired" />;

  const join = async (name: string, preview: Preview): Promise<JoinError | null> => {
    let ticket;
    let parts;
    try {
      [ticket, parts] = await Promise.all([token ?? requestDevToken(room, name), loadRoom()]);
    } catch {
      return 'unreachable';
    }
    const [{ joinConference, JoinFailure }, { Room }] = parts;
    try {
      const conference = await joinConference({
        origin: location.origin,
        token: ticket,
        displayName: name,
        takeTracks: () => preview.take(),
        microphoneId: chosenMicrophone.value,
        cameraId: chosenCamera.value,
        speakerId: chosenSpeaker.value,
        end,
        onRoom: (livekitRoom) => {
          if (config.dev) window.saalTest = { room: livekitRoom };
        },
      });
      phase.value = { name: 'room', conference, Screen: Room };
      return null;
    } catch (error) {
      return error instanceof JoinFailure ? error.reason : 'failed';
    }
  };

  return <Prejoin room={room} version={config.version} claims={claims} onJoin={join} />;
}

/** The token for this room, out of the address bar or this tab's memory. */
function useToken(room: string): string | null {
  const token = useSignal<string | null>(null);
  const isRead = useSignal(false);
  const read = () => {
    takeTokenFromAddressBar(room);
    token.value = rememberedToken(room);
  };
  if (!isRead.peek()) {
    isRead.value = true;
    read();
  }
  useEffect(() => {
    // A link that differs from the present one only in its token does not reload the page.
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  return token.value;
}

/** The browser's back button leaves the room too, and breaks off joining it. */
function useEndOnUnmount(): AbortSignal {
  const [controller] = useState(() => new AbortController());
  useEffect(
    () => () => {
      screenKind.value = 'page';
      controller.abort();
    },
    [controller],
  );
  return controller.signal;
}
