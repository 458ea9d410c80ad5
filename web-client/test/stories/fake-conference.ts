// SPDX-License-Identifier: EUPL-1.2
// A conference made of signals alone, for looking at the room without a server. Not part of the production build.
import { computed, signal } from '@preact/signals';
import { ChatLog } from '../../src/conference/chat';
import type { BannedPerson, Conference, ControlProblem, EndReason, Invitation, LinkQuality, LobbyPerson, MeetingNotice, MicrophoneState, Moderation, ParticipantView, Permissions, PhoneCall, PhoneCalling, SoundNotice, TelephoneSound, VideoSource } from '../../src/conference/model';
import type { CallEnding, CallRefusal, CallState, CallWish, PlacedCall } from '../../src/conference/placed-call';

/** A participant whose every property can be set. */
export function fakeParticipant(identity: string, name: string, isLocal = false) {
  return {
    identity,
    isLocal,
    name: signal(name),
    microphone: signal<MicrophoneState>('on'),
    camera: signal<VideoSource | null>(null),
    screen: signal<VideoSource | null>(null),
    isSpeaking: signal(false),
    spokeAtMs: signal(0),
    link: signal<LinkQuality>('good'),
    hand: signal<number | null>(null),
    maySpeak: signal(true),
    isGuest: signal(false),
    phone: signal<PhoneCall | null>(null),
  } satisfies ParticipantView;
}

/** Somebody on the telephone: named, or known by no more than what is left of a number. */
export function fakeCaller(identity: string, name: string, number: string | null) {
  const caller = fakeParticipant(identity, name);
  caller.phone.value = { number, isNamed: number !== null && !name.includes(number), isOnHold: false, recordingConsent: null };
  return caller;
}

export type FakeParticipant = ReturnType<typeof fakeParticipant>;

/** A conference whose every property can be set. */
export function fakeConference(local: FakeParticipant, others: readonly FakeParticipant[]) {
  const remotes = signal<readonly FakeParticipant[]>(others);
  const endReason = signal<EndReason | null>(null);
  const controlProblem = signal<ControlProblem | null>(null);
  const notice = signal<MeetingNotice | null>(null);
  const isMicrophoneOn = computed(() => local.microphone.value === 'on');
  const isCameraOn = computed(() => local.camera.value !== null);
  const isScreenShared = computed(() => local.screen.value !== null);
  const isRecording = signal(false);
  const isSoundBlocked = signal(false);
  let sent = 0;
  return {
    joinedAtMs: Date.now() - 754_000,
    connection: signal<'connecting' | 'connected' | 'reconnecting'>('connected'),
    endReason,
    local,
    remotes,
    permissions: signal<Permissions>({ microphone: true, camera: true, screen: true, chat: true }),
    isMicrophoneOn,
    isCameraOn,
    isScreenShared,
    isRecording,
    isSoundBlocked,
    controlProblem,
    moderation: null as FakeModeration | null,
    notice,
    telephone: fakeTelephone(),
    chat: new ChatLog(async () => `own-${(sent += 1)}`),
    setMicrophone: async (isOn: boolean) => {
      local.microphone.value = isOn ? 'on' : 'muted';
    },
    setCamera: async (isOn: boolean) => {
      local.camera.value = isOn ? drawnVideo(local.identity, local.name.value, true) : null;
    },
    setScreenShare: async (isOn: boolean) => {
      local.screen.value = isOn ? drawnScreen('own-screen') : null;
    },
    useDevice: async () => undefined,
    startSound: async () => {
      isSoundBlocked.value = false;
    },
    dismissProblem: () => {
      controlProblem.value = null;
    },
    dismissNotice: () => {
      notice.value = null;
    },
    setHand: async (isRaised: boolean) => {
      local.hand.value = isRaised ? Date.now() : null;
    },
    invitation: null as (() => Promise<Invitation | 'hidden'>) | null,
    leave: async () => {
      endReason.value = 'left';
    },
  } satisfies Conference;
}

/** Somebody's own telephone, which notes what it was asked for. */
export function fakeTelephone() {
  const done: string[] = [];
  return {
    done,
    isIn: signal(false),
    identities: signal<readonly string[]>([]),
    isByTelephone: signal(false),
    notice: signal<SoundNotice | null>(null),
    afterword: signal<string | null>(null),
    calls: signal<readonly string[]>([]),
    backHere: () => void done.push('back here'),
    toTelephone: () => void done.push('to telephone'),
    hangUp: async () => void done.push('hang up'),
    dismiss: () => void done.push('dismiss'),
  } satisfies TelephoneSound & { done: string[] };
}

/** A call that was made from here, or by somebody else. */
export function fakeCall(id: string, state: CallState, more: Partial<PlacedCall> = {}): PlacedCall {
  const ending: CallEnding | null = state === 'ended' ? 'busy' : null;
  return { key: id, id, state, ending, number: '…567', name: 'Ada Lovelace', participantId: null, isOwn: true, isForMe: false, ...more };
}

/** Calls to telephones that note what they were asked for. */
export function fakePhoneCalls(calls: readonly PlacedCall[] = []) {
  const done: string[] = [];
  const wishes: CallWish[] = [];
  const shown = signal(calls);
  return {
    done,
    wishes,
    calls: shown,
    isAllowed: signal<boolean | null>(true),
    isCalling: signal(false),
    refusal: signal<CallRefusal | null>(null),
    look: async () => void done.push('look'),
    call: async (wish: CallWish) => {
      wishes.push(wish);
      return true as boolean;
    },
    again: async (id: string) => void done.push(`again ${id}`),
    hangUp: async (id: string) => void done.push(`hang up ${id}`),
    dismiss: (id: string) => {
      shown.value = shown.value.filter((call) => call.id !== id);
    },
  } satisfies PhoneCalling & { done: string[]; wishes: CallWish[] };
}

/** Moderation that notes what it was asked for. */
export function fakeModeration(waiting: readonly LobbyPerson[], calls: readonly PlacedCall[] = []) {
  const done: string[] = [];
  const note = (what: string) => async () => void done.push(what);
  const people = signal(waiting);
  const isLocked = signal(false);
  const banned = signal<readonly BannedPerson[]>([]);
  return {
    done,
    waiting: people,
    isLocked,
    banned,
    problem: signal(false),
    phoneCalls: fakePhoneCalls(calls),
    admit: async (entryId: string | null) => {
      done.push(`admit ${entryId ?? 'all'}`);
      people.value = entryId === null ? [] : people.value.filter(({ id }) => id !== entryId);
    },
    deny: async (entryId: string) => {
      done.push(`deny ${entryId}`);
      people.value = people.value.filter(({ id }) => id !== entryId);
    },
    mute: (identity: string | null) => note(`mute ${identity ?? 'all'}`)(),
    askToUnmute: (identity: string) => note(`ask ${identity}`)(),
    permitToSpeak: (identity: string, isPermitted: boolean) => note(`${isPermitted ? 'permit' : 'forbid'} ${identity}`)(),
    rename: (identity: string, name: string) => note(`rename ${identity} ${name}`)(),
    lowerHand: (identity: string | null) => note(`lower ${identity ?? 'all'}`)(),
    remove: (identity: string, isBanned: boolean) => note(`${isBanned ? 'ban' : 'remove'} ${identity}`)(),
    lookAtBans: async () => undefined,
    unban: async (banId: string) => {
      done.push(`unban ${banId}`);
      banned.value = banned.value.filter(({ id }) => id !== banId);
    },
    setLocked: async (locked: boolean) => {
      isLocked.value = locked;
    },
    end: note('end'),
  } satisfies Moderation & { done: string[] };
}

export type FakeModeration = ReturnType<typeof fakeModeration>;

/** A picture of a person, drawn. */
export function drawnVideo(id: string, name: string, isMirrored = false): VideoSource {
  return canvasSource(id, isMirrored, 640, 360, (pen) => {
    const hue = [...name].reduce((sum, letter) => sum + letter.charCodeAt(0) * 13, 0) % 360;
    const ground = pen.createLinearGradient(0, 0, 640, 360);
    ground.addColorStop(0, `hsl(${hue} 30% 62%)`);
    ground.addColorStop(1, `hsl(${(hue + 50) % 360} 35% 34%)`);
    pen.fillStyle = ground;
    pen.fillRect(0, 0, 640, 360);
    pen.fillStyle = `hsl(${(hue + 180) % 360} 25% 30%)`;
    pen.beginPath();
    pen.ellipse(320, 380, 170, 130, 0, 0, 7);
    pen.fill();
    pen.fillStyle = `hsl(${20 + (hue % 15)} 45% ${45 + (hue % 30)}%)`;
    pen.beginPath();
    pen.ellipse(320, 165, 72, 92, 0, 0, 7);
    pen.fill();
  });
}

/** A shared screen with text on it. */
export function drawnScreen(id: string): VideoSource {
  return canvasSource(id, false, 1280, 720, (pen) => {
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, 1280, 720);
    pen.fillStyle = '#0b3d91';
    pen.fillRect(0, 0, 1280, 90);
    pen.fillStyle = '#fff';
    pen.font = '600 40px sans-serif';
    pen.fillText('Haushaltsplan 2027 – Entwurf', 48, 60);
    pen.fillStyle = '#223';
    pen.font = '26px sans-serif';
    for (let row = 0; row < 11; row += 1) {
      pen.fillText(`${row + 1}. Titel ${100 + row * 7}: Zuweisungen und Zuschüsse`, 48, 150 + row * 50);
      pen.fillText(`${(1234.5 * (row + 1)).toFixed(2)} €`, 1040, 150 + row * 50);
    }
  });
}

function canvasSource(
  id: string,
  isMirrored: boolean,
  width: number,
  height: number,
  draw: (pen: CanvasRenderingContext2D) => void,
): VideoSource {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  if (pen !== null) draw(pen);
  // A canvas only gives a frame to a stream when something is painted on it.
  setInterval(() => pen?.fillRect(0, 0, 1, 1), 500);
  const stream = canvas.captureStream(2);
  return {
    id,
    isMirrored,
    attach: (element) => {
      element.srcObject = stream;
    },
    detach: (element) => {
      element.srcObject = null;
    },
  };
}
