// SPDX-License-Identifier: EUPL-1.2
// One meeting from arriving to leaving: before, in and after the room.
import { useSignal, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import type { FunctionComponent } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Conference, EndReason, JoinError } from '../conference/model';
import { announcer } from '../conference/announcer';
import { Preview } from '../conference/preview';
import { warmUpConnections } from '../conference/warm-up';
import { playTestTone } from '../conference/test-tone';
import { t } from '../i18n';
import { Ended } from '../screens/Ended';
import { LinkProblem } from '../screens/LinkProblem';
import { Lobby } from '../screens/Lobby';
import { Prejoin } from '../screens/Prejoin';
import { RefusedScreen } from '../screens/Refused';
import { ServerProblem } from '../screens/ServerProblem';
import { screenKind } from '../theme/appearance';
import { meetingPath, signInPath } from './router';
import { isExpired, readClaims, rememberedToken, requestDevToken, takeTokenFromAddressBar } from './access';
import type { Config } from './config';
import {
  isMeetingCode,
  knock,
  leaveLobby,
  lookAtLink,
  Refused,
  takeInvitationFromAddressBar,
  waitInLobby,
  type Admitted,
  type LinkPage,
  type Refusal,
  type Waiting,
} from './joining';
import { chosenCamera, chosenMicrophone, chosenSpeaker, wantsCamera, wantsMicrophone } from './preferences';

type RoomScreen = FunctionComponent<{ room: string; conference: Conference }>;

type Phase =
  | { readonly name: 'prejoin' }
  | { readonly name: 'lobby'; readonly waiting: Waiting; readonly displayName: string }
  | { readonly name: 'refused'; readonly reason: Refusal }
  | { readonly name: 'room'; readonly conference: Conference; readonly Screen: RoomScreen }
  | { readonly name: 'ended'; readonly reason: EndReason; readonly afterword: ReadonlySignal<string | null> };

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
  const link = useLink(room, token);
  const phase = useSignal<Phase>({ name: 'prejoin' });
  const meetingTitle = useSignal<string | null>(null);
  const { value: now } = phase;
  const end = useEndOnUnmount();

  useSignalEffect(() => {
    const { value: current } = phase;
    screenKind.value = current.name === 'room' ? 'room' : 'page';
    if (current.name !== 'room') return;
    const { endReason, telephone } = current.conference;
    if (endReason.value !== null) phase.value = { name: 'ended', reason: endReason.value, afterword: telephone.afterword };
  });

  useEffect(() => {
    // While somebody looks at their picture there is time to get everything ready.
    const timer = setTimeout(() => {
      loadRoom().catch(() => undefined);
      warmUpConnections().catch(() => undefined);
    }, 500);
    return () => clearTimeout(timer);
  }, []);

  const title = (link !== 'looking' && link !== 'failed' ? (link?.title ?? link?.organisation) : null) ?? room;
  if (now.name === 'room') return <now.Screen room={meetingTitle.value ?? title} conference={now.conference} />;
  if (now.name === 'ended') {
    return <Ended reason={now.reason} afterword={now.afterword} onRejoin={() => (phase.value = { name: 'prejoin' })} />;
  }

  const claims = token === null ? null : readClaims(token);
  if (link === 'looking') return null;
  if (link === 'failed') return <ServerProblem />;
  if (token === null && link === null && !config.dev) return <LinkProblem problem="incomplete" />;
  if (claims !== null && isExpired(claims, Date.now())) return <LinkProblem problem="expired" />;

  const enter = async (
    ticketOrRequest: string | Promise<string>,
    name: string,
    preview: Preview,
    admitted?: Admitted,
  ): Promise<JoinError | null> => {
    let ticket;
    let parts;
    try {
      [ticket, parts] = await Promise.all([ticketOrRequest, loadRoom()]);
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
      if (admitted !== undefined) meetingTitle.value = admitted.title;
      phase.value = { name: 'room', conference, Screen: Room };
      return null;
    } catch (error) {
      return error instanceof JoinFailure ? error.reason : 'failed';
    }
  };

  /** By a meeting's link: in at once, into the lobby, or not at all. */
  const ask = async (name: string, preview: Preview): Promise<JoinError | null> => {
    try {
      const answer = await knock(room, name);
      if (answer.kind === 'admitted') return await enter(answer.token, name, preview, answer);
      phase.value = { name: 'lobby', waiting: answer, displayName: name };
    } catch (error) {
      if (!(error instanceof Refused)) return 'unreachable';
      phase.value = { name: 'refused', reason: error.reason };
    }
    return null;
  };

  const toPrejoin = () => {
    phase.value = { name: 'prejoin' };
  };

  if (now.name === 'lobby') {
    return (
      <InLobby
        title={title}
        first={now.waiting}
        onAdmitted={async (admitted) => {
          announcer.say(t.peek().lobby.admitted, 'assertive');
          playTestTone(chosenSpeaker.peek()).catch(() => undefined);
          // The devices were off while waiting.
          const preview = new Preview();
          await preview.start({
            microphone: wantsMicrophone.peek() ? chosenMicrophone.peek() : null,
            camera: wantsCamera.peek() ? chosenCamera.peek() : null,
          });
          const error = await enter(admitted.token, now.displayName, preview, admitted);
          preview.release();
          if (error !== null) phase.value = { name: 'refused', reason: 'unavailable' };
        }}
        onRefused={(reason) => (phase.value = { name: 'refused', reason })}
        onLeave={toPrejoin}
      />
    );
  }
  if (now.name === 'refused') return <RefusedScreen reason={now.reason} onRetry={toPrejoin} />;

  if (link !== null) {
    const known = link.knownName === null ? null : { name: link.knownName };
    const signIn = config.signIn.password || config.signIn.provider ? signInPath(meetingPath(room)) : null;
    const about = { title, signIn, keeps: link.keeps, dialIn: link.dialIn, claims: known };
    return <Prejoin room={room} version={config.version} onJoin={ask} {...about} />;
  }
  const join = (name: string, preview: Preview) => enter(token ?? requestDevToken(room, name), name, preview);
  return <Prejoin room={room} version={config.version} claims={claims} onJoin={join} />;
}

/** How long to wait after the server could not be asked. */
const RETRY_MS = 3_000;

interface InLobbyProps {
  title: string;
  first: Waiting;
  onAdmitted: (admitted: Admitted) => Promise<void>;
  onRefused: (reason: Refusal) => void;
  onLeave: () => void;
}

/** Asks again and again how it stands, as long as it is on screen. */
function InLobby({ title, first, onAdmitted, onRefused, onLeave }: InLobbyProps) {
  const waiting = useSignal(first);
  const hasLeft = useRef(false);
  useEffect(() => {
    const stop = new AbortController();
    const isOver = () => stop.signal.aborted;
    const wait = async () => {
      while (!isOver()) {
        try {
          const answer = await waitInLobby(waiting.peek(), stop.signal);
          if (isOver()) return;
          if (answer.kind === 'admitted') {
            hasLeft.current = true;
            await onAdmitted(answer);
            return;
          }
          waiting.value = answer;
        } catch (error) {
          if (isOver()) return;
          if (error instanceof Refused) {
            hasLeft.current = true;
            onRefused(error.reason);
            return;
          }
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    };
    void wait();
    const sayGoodbye = () => {
      if (!hasLeft.current) leaveLobby(waiting.peek()).catch(() => undefined);
      hasLeft.current = true;
    };
    return () => {
      stop.abort();
      sayGoodbye();
    };
    // Once: what it is given does not change while somebody waits.
  }, []);
  return <Lobby title={title} waiting={waiting.value} onLeave={onLeave} />;
}

/** What the server says about a meeting's link. Null is no meeting's: the room's name is its own. */
function useLink(room: string, token: string | null): LinkPage | 'looking' | 'failed' | null {
  const mayBe = token === null && isMeetingCode(room);
  const link = useSignal<LinkPage | 'looking' | 'failed' | null>(mayBe ? 'looking' : null);
  useEffect(() => {
    if (!mayBe) {
      link.value = null;
      return;
    }
    takeInvitationFromAddressBar(room);
    lookAtLink(room).then(
      (page) => (link.value = page),
      () => (link.value = 'failed'),
    );
  }, [mayBe, room, link]);
  return mayBe ? link.value : null;
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
