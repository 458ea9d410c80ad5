// SPDX-License-Identifier: EUPL-1.2
// A conference over LiveKit's protocol: who is in it, and what they say. What this person sends is in local-media.ts.
import { batch, computed, effect, signal, untracked } from '@preact/signals';
import {
  ConnectionState,
  Room,
  RoomEvent,
  VideoPresets,
  setLogLevel,
  type Participant,
  type RoomOptions,
  type TextStreamReader,
  type Track,
} from 'livekit-client';
import { identityOf, meetingSessionOf, readClaims } from '../app/access';
import { ChatLog } from './chat';
import { endReason, joinError } from './join-error';
import { LocalMedia } from './local-media';
import { MeetingSession } from './moderation';
import type { Conference, ControlProblem, DeviceKind, EndReason, JoinError, MeetingNotice, Permissions } from './model';
import { followOtherTabs, ownTelephones } from './own-calls';
import { OwnTelephone } from './own-telephone';
import { ParticipantState } from './participant-state';
import type { PreviewTracks } from './preview';
import { Sounds } from './sounds';

/** LiveKit's own components, and every client built with them, chat on this topic. */
const CHAT_TOPIC = 'lk.chat';

/** What the server says to this person. */
const NOTICE_TOPIC = 'saal.notice';
const LOBBY_TOPIC = 'saal.lobby';

/** A longer text is not shown at all. */
const MAX_CHAT_CHARS = 64 * 1024;

/** LiveKit's `TrackSource` numbers, which its browser library does not export. */
const SOURCE_CAMERA = 1;
const SOURCE_MICROPHONE = 2;
const SOURCE_SCREEN = 3;

/**
 * The answer to LiveKit's offer follows within milliseconds of being let in. Sound and pictures wait for it, so it goes
 * before drawing the room, which keeps a slow computer busy for longer.
 */
const ANSWER_HEAD_START_MS = 50;

/** What is needed to enter a room. */
export interface JoinOptions {
  /** Origin of the server, such as `https://saal.example`. */
  readonly origin: string;
  readonly token: string;
  /** Shown to the others when the token carries no name. */
  readonly displayName: string;
  /** Hands over the preview's running tracks. Called once the server has let this person in, not when that fails. */
  readonly takeTracks: () => PreviewTracks;
  readonly microphoneId: string;
  readonly cameraId: string;
  readonly speakerId: string;
  /** Ends the conference, or the attempt to join it. */
  readonly end: AbortSignal;
  /** Is given the LiveKit room before anything happens in it. */
  readonly onRoom?: (room: Room) => void;
}

/** Thrown by `joinConference`. */
export class JoinFailure extends Error {
  readonly reason: JoinError;

  constructor(reason: JoinError, cause: unknown) {
    super(`joining failed: ${reason}`, { cause });
    this.reason = reason;
  }
}

/**
 * Enters a room. Resolves as soon as the server has let this person in: the room can be drawn while the way for sound
 * and pictures is still being found. Rejects with a `JoinFailure`.
 */
export async function joinConference(options: JoinOptions): Promise<Conference> {
  setLogLevel('warn');
  const room = new Room(roomOptions(options));
  options.onRoom?.(room);
  const session = new Session(room, options);
  const isIn = new Promise<void>((resolve) => room.once(RoomEvent.SignalConnected, resolve));
  try {
    options.end.throwIfAborted();
    options.end.addEventListener('abort', () => void session.leave());
    const connected = room.connect(options.origin, options.token);
    await Promise.race([isIn, connected]);
    await new Promise((resolve) => setTimeout(resolve, ANSWER_HEAD_START_MS));
    session.start(options, connected);
  } catch (error) {
    throw new JoinFailure(joinError(error), error);
  }
  return session;
}

function roomOptions({ speakerId }: JoinOptions): RoomOptions {
  return {
    adaptiveStream: true,
    dynacast: true,
    videoCaptureDefaults: { resolution: VideoPresets.h720.resolution },
    publishDefaults: { simulcast: true, videoCodec: 'vp8', stopMicTrackOnMute: false },
    ...(speakerId === '' ? {} : { audioOutput: { deviceId: speakerId } }),
  };
}

class Session implements Conference {
  readonly joinedAtMs = Date.now();
  readonly connection = signal<'connecting' | 'connected' | 'reconnecting'>('connecting');
  readonly endReason = signal<EndReason | null>(null);
  readonly isRecording = signal(false);
  readonly isSoundBlocked = signal(false);
  readonly permissions = computed<Permissions>(() => {
    const granted = this.#granted.value;
    return { ...granted, microphone: granted.microphone && this.local.maySpeak.value };
  });
  readonly chat: ChatLog;
  readonly notice = signal<MeetingNotice | null>(null);
  readonly #meeting: MeetingSession;
  /** The run of a meeting that this person is in. */
  readonly #meetingId = signal<string | null>(null);
  readonly #isModerator = signal(false);
  /** The present room token. The server sends a younger one now and then, which LiveKit keeps to itself. */
  readonly #token: () => string;
  readonly local: ParticipantState;
  readonly #remotes = signal<readonly ParticipantState[]>([]);
  readonly remotes = computed(() => this.#remotes.value);
  readonly #room: Room;
  readonly #media: LocalMedia;
  /** What the token allows. */
  readonly #granted = signal<Permissions>({ microphone: true, camera: true, screen: true, chat: true });
  readonly #sounds = new Sounds();
  readonly telephone: OwnTelephone;
  readonly #endFollowing = followOtherTabs();

  constructor(room: Room, { token }: JoinOptions) {
    this.#room = room;
    this.#token = () => (room.engine as unknown as { token?: string } | undefined)?.token ?? token;
    this.#meeting = new MeetingSession(this.#token);
    const me = room.localParticipant;
    this.local = new ParticipantState(me);
    this.chat = new ChatLog(async (text) => (await me.sendText(text, { topic: CHAT_TOPIC })).id);
    this.#media = new LocalMedia(room);
    this.telephone = this.#ownTelephone();
    effect(() => this.local.showUntilPublished(this.#media.unpublishedCamera.value));
    let before = true;
    effect(() => {
      const maySpeak = this.local.maySpeak.value;
      if (maySpeak !== before) untracked(() => this.#maySpeakChanged(maySpeak));
      before = maySpeak;
    });
    this.#listen();
  }

  /** Null for whoever does not moderate, and where there is no meeting. */
  get moderation(): MeetingSession | null {
    return this.#isModerator.value && this.#meetingId.value !== null ? this.#meeting : null;
  }

  get invitation() {
    return this.#meetingId.value === null ? null : () => this.#meeting.invitation();
  }

  get isMicrophoneOn() {
    return this.#media.microphone.isOn;
  }

  get isCameraOn() {
    return this.#media.camera.isOn;
  }

  get isScreenShared() {
    return this.#media.screen.isOn;
  }

  get controlProblem() {
    return this.#media.problem;
  }

  /** Called once the server has let this person in; `connected` resolves when sound and pictures have a way too. */
  start({ takeTracks, displayName, microphoneId, cameraId }: JoinOptions, connected: Promise<void>): void {
    const me = this.#room.localParticipant;
    this.#readPermissions();
    this.isSoundBlocked.value = !this.#room.canPlaybackAudio;
    this.#readParticipants();
    this.#readRecording();
    const granted = this.#granted.peek();
    if (!me.name && displayName !== '') void me.setName(displayName).catch(() => undefined);
    this.#media.start({
      tracks: takeTracks(),
      ids: { microphone: microphoneId, camera: cameraId },
      // What a moderator forbids the server mutes, and it can be heard as soon as it is permitted.
      // The sound of somebody whose telephone is in already goes by that from the start.
      may: { ...granted, microphone: granted.microphone && !this.telephone.isByTelephone.peek() },
      connected,
    });
    this.#followMeeting();
    // Why it failed is told by the end of the conference.
    void connected.catch(() => undefined);
  }

  setMicrophone(isOn: boolean): Promise<void> {
    if (isOn && !this.telephone.leavesMicrophone()) return Promise.resolve();
    return this.#media.set('microphone', isOn);
  }

  setCamera(isOn: boolean): Promise<void> {
    return this.#media.set('camera', isOn);
  }

  setScreenShare(isOn: boolean): Promise<void> {
    return this.#media.setScreenShare(isOn);
  }

  useDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    return this.#media.useDevice(kind, deviceId);
  }

  startSound(): Promise<void> {
    return this.#room.startAudio();
  }

  dismissProblem(): void {
    this.#media.problem.value = null;
  }

  dismissNotice(): void {
    this.notice.value = null;
  }

  async setHand(isRaised: boolean): Promise<void> {
    // The server writes the place in the queue into the attribute, so LiveKit waits in vain for what it asked for.
    await this.#room.localParticipant.setAttributes({ 'saal.hand': isRaised ? '1' : '' }).catch(() => undefined);
  }

  leave(): Promise<void> {
    return this.#room.disconnect();
  }

  #ownTelephone(): OwnTelephone {
    const { phoneCalls } = this.#meeting;
    return new OwnTelephone({
      calls: phoneCalls.calls,
      remembered: () => ownTelephones(identityOf(this.#token())),
      remotes: this.remotes,
      isMicrophoneOn: this.#media.microphone.isOn,
      mute: () => this.#media.set('microphone', false),
      setSilent: (isSilent) => {
        this.#sounds.setSilent(isSilent);
        // A browser that has paused it meanwhile may want a click before it plays; then that is said.
        if (!isSilent) void this.#room.startAudio().catch(() => undefined);
      },
      hangUp: (callId) => phoneCalls.hangUp(callId),
    });
  }

  /** Looks which meeting this person is in, and what the server knows of it if it is another than before. Returns whether it is. */
  #followMeeting(): boolean {
    const meetingId = meetingSessionOf(this.#token());
    if (meetingId === this.#meetingId.peek()) return false;
    batch(() => {
      this.#meeting.forget();
      this.#meetingId.value = meetingId;
      this.#isModerator.value = isModerator(this.#token());
    });
    if (meetingId === null) return true;
    if (this.#isModerator.peek()) this.#meeting.start();
    void this.#meeting.history().then((messages) => this.chat.receiveHistory(messages));
    return true;
  }

  #state(participant: Participant): ParticipantState {
    if (participant.isLocal) return this.local;
    const known = this.#remotes.peek().find((state) => state.identity === participant.identity);
    if (known !== undefined) {
      // After a full reconnection LiveKit has a new object for the same person, who keeps their tile.
      known.follow(participant);
      return known;
    }
    const state = new ParticipantState(participant);
    this.#remotes.value = [...this.#remotes.peek(), state];
    return state;
  }

  #readParticipants(): void {
    batch(() => {
      this.local.refresh();
      for (const participant of this.#room.remoteParticipants.values()) this.#state(participant).refresh();
    });
  }

  #readRecording(): void {
    this.isRecording.value = this.#room.isRecording;
  }

  /** Takes away those who are no longer in the room. */
  #forgetAbsent(): void {
    // While the connection is being restored LiveKit forgets everybody, only to learn of them again.
    if (this.connection.peek() === 'reconnecting') return;
    const present = this.#room.remoteParticipants;
    const remotes = this.#remotes.peek();
    if (remotes.every((state) => present.has(state.identity))) return;
    this.#remotes.value = remotes.filter((state) => present.has(state.identity));
    this.#meeting.phoneCalls.somebodyLeft();
  }

  #speakersChanged(speakers: readonly Participant[]): void {
    const heard = new Set(speakers.map((speaker) => speaker.identity));
    const now = Date.now();
    batch(() => {
      for (const state of [this.local, ...this.#remotes.peek()]) state.setSpeaking(heard.has(state.identity), now);
    });
  }

  #readPermissions(): void {
    const granted = this.#room.localParticipant.permissions;
    if (granted === undefined) return;
    const may = (source: number) =>
      granted.canPublish && (granted.canPublishSources.length === 0 || granted.canPublishSources.includes(source));
    this.#granted.value = {
      microphone: may(SOURCE_MICROPHONE),
      camera: may(SOURCE_CAMERA),
      screen: may(SOURCE_SCREEN),
      chat: granted.canPublishData,
    };
  }

  /** A moderator, or a rule of the meeting, decides whether this person is heard. */
  #maySpeakChanged(maySpeak: boolean): void {
    // Whoever only listens could not speak before either.
    if (!this.#granted.peek().microphone) return;
    this.notice.value = { kind: maySpeak ? 'may-speak' : 'may-not-speak' };
    if (!maySpeak && isMutedByOther(this.controlProblem.peek())) this.dismissProblem();
  }

  /** Somebody has muted this person. Whoever may not speak is told that, whichever comes first. */
  #explainMute(source: Track.Source): void {
    this.#media.explainMute(source);
    if (!this.local.maySpeak.peek() && isMutedByOther(this.controlProblem.peek())) this.dismissProblem();
  }

  #receiveNotice(payload: Uint8Array, topic: string | undefined): void {
    if (topic === LOBBY_TOPIC) void this.moderation?.refresh();
    if (topic !== NOTICE_TOPIC) return;
    const notice = readNotice(payload);
    if (notice?.kind === 'locked' || notice?.kind === 'unlocked') {
      if (this.moderation !== null) this.moderation.isLocked.value = notice.kind === 'locked';
    } else if (notice !== null) this.notice.value = notice;
  }

  async #receiveChat(reader: TextStreamReader, identity: string): Promise<void> {
    // The name may be gone together with the person by the time the text is complete.
    const senderName = this.#room.getParticipantByIdentity(identity)?.name || identity;
    try {
      const text = await readAtMost(reader, MAX_CHAT_CHARS);
      if (text === null || text.trim() === '') return;
      // The time here, for the sender's clock may be wrong, and nothing keeps a client from writing nonsense there.
      this.chat.receive({ id: reader.info.id, senderName, text, atMs: Date.now() });
    } catch {
      // The sender vanished in the middle of the text.
    }
  }

  #listen(): void {
    const room = this.#room;
    const changed = (participant: Participant) => {
      this.#state(participant).refresh();
      if (participant.isLocal) this.#media.sync();
    };
    room
      .on(RoomEvent.ParticipantConnected, changed)
      .on(RoomEvent.ParticipantDisconnected, () => queueMicrotask(() => this.#forgetAbsent()))
      .on(RoomEvent.ParticipantNameChanged, (_, participant) => changed(participant))
      .on(RoomEvent.TrackSubscribed, (track, _, participant) => {
        this.#sounds.play(track);
        changed(participant);
      })
      .on(RoomEvent.TrackUnsubscribed, (track, _, participant) => {
        this.#sounds.stop(track);
        changed(participant);
      })
      .on(RoomEvent.TrackPublished, (_, participant) => changed(participant))
      .on(RoomEvent.TrackUnpublished, (_, participant) => changed(participant))
      .on(RoomEvent.TrackMuted, (publication, participant) => {
        if (participant.isLocal) this.#explainMute(publication.source);
        changed(participant);
      })
      .on(RoomEvent.TrackUnmuted, (_, participant) => changed(participant))
      .on(RoomEvent.LocalTrackPublished, (_, participant) => changed(participant))
      .on(RoomEvent.LocalTrackUnpublished, (_, participant) => changed(participant))
      .on(RoomEvent.ConnectionQualityChanged, (_, participant) => changed(participant))
      .on(RoomEvent.ParticipantAttributesChanged, (_, participant) => changed(participant))
      .on(RoomEvent.DataReceived, (payload, participant, _kind, topic) => {
        // Only what comes from nobody comes from the server.
        if (participant === undefined) this.#receiveNotice(payload, topic);
      })
      .on(RoomEvent.ParticipantPermissionsChanged, () => this.#readPermissions())
      .on(RoomEvent.RecordingStatusChanged, () => this.#readRecording())
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.#speakersChanged(speakers))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        this.isSoundBlocked.value = !room.canPlaybackAudio;
      })
      .on(RoomEvent.ConnectionStateChanged, (state) => {
        if (state === ConnectionState.Connected) {
          const wasBroken = this.connection.peek() === 'reconnecting';
          this.connection.value = 'connected';
          const isAnotherMeeting = this.#followMeeting();
          // LiveKit does not tell what changed while it was connecting.
          this.#readParticipants();
          this.#readRecording();
          this.#forgetAbsent();
          // In another one it has just been asked for.
          if (wasBroken && !isAnotherMeeting) void this.moderation?.phoneCalls.look();
        }
        if (state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting) {
          this.connection.value = 'reconnecting';
        }
      })
      .on(RoomEvent.Disconnected, (reason) => {
        this.#media.release();
        this.#meeting.stop();
        this.#endFollowing();
        this.#sounds.stopAll();
        this.endReason.value = endReason(reason, this.connection.peek() !== 'connecting');
      });
    room.registerTextStreamHandler(CHAT_TOPIC, (reader, { identity }) => void this.#receiveChat(reader, identity));
  }
}

/** What a token says; the server alone decides what its bearer may do. */
function isModerator(token: string): boolean {
  return readClaims(token)?.isModerator === true;
}

function isMutedByOther(problem: ControlProblem | null): boolean {
  return problem?.control === 'microphone' && problem.problem === 'by-other';
}

/** What the server says in a message of its own. */
type ServerNotice = MeetingNotice | { readonly kind: 'locked' } | { readonly kind: 'unlocked' };

function readNotice(payload: Uint8Array): ServerNotice | null {
  try {
    const { kind, minutes } = JSON.parse(new TextDecoder().decode(payload)) as { kind?: unknown; minutes?: unknown };
    if (kind === 'ends_in' && typeof minutes === 'number') return { kind: 'ends-in', minutes };
    if (kind === 'unmute_request') return { kind: 'unmute-request' };
    return kind === 'locked' || kind === 'unlocked' ? { kind } : null;
  } catch {
    return null;
  }
}

/** A text, or null when it is too long to be kept in memory. */
async function readAtMost(reader: TextStreamReader, chars: number): Promise<string | null> {
  let text = '';
  for await (const part of reader) {
    text += part;
    if (text.length > chars) return null;
  }
  return text;
}
