// SPDX-License-Identifier: EUPL-1.2
// A conference over LiveKit's protocol. The only file besides participant-state.ts and join-error.ts that knows LiveKit.
import { batch, computed, signal } from '@preact/signals';
import {
  ConnectionState,
  LocalAudioTrack,
  LocalVideoTrack,
  Room,
  RoomEvent,
  Track,
  VideoPresets,
  setLogLevel,
  type Participant,
  type RemoteTrack,
  type RoomOptions,
  type TextStreamReader,
} from 'livekit-client';
import { ChatLog } from './chat';
import { captureConstraints, deviceProblem, openDevice } from './devices';
import { endReason, joinError } from './join-error';
import type { Conference, ControlProblem, DeviceKind, EndReason, JoinError, Permissions } from './model';
import { ParticipantState } from './participant-state';
import type { PreviewTracks } from './preview';
import { Toggle } from './toggle';

/** LiveKit's own components, and every client built with them, chat on this topic. */
const CHAT_TOPIC = 'lk.chat';

/** A text that claims to be longer is not read at all. */
const MAX_CHAT_BYTES = 64 * 1024;

type CaptureControl = 'microphone' | 'camera';

const SOURCE = { microphone: Track.Source.Microphone, camera: Track.Source.Camera } as const;

/** LiveKit's `TrackSource` numbers, which its browser library does not export. */
const SOURCE_CAMERA = 1;
const SOURCE_MICROPHONE = 2;
const SOURCE_SCREEN = 3;

/** What is needed to enter a room. */
export interface JoinOptions {
  /** Origin of the server, such as `https://saal.example`. */
  readonly origin: string;
  readonly token: string;
  /** Shown to the others when the token carries no name. */
  readonly displayName: string;
  /** Hands over the preview's running tracks. Called once the room has been entered, not when that fails. */
  readonly takeTracks: () => PreviewTracks;
  readonly microphoneId: string;
  readonly cameraId: string;
  readonly speakerId: string;
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

/** Enters a room. Rejects with a `JoinFailure`. */
export async function joinConference(options: JoinOptions): Promise<Conference> {
  setLogLevel('warn');
  const room = new Room(roomOptions(options));
  options.onRoom?.(room);
  let hadSignal = false;
  room.once(RoomEvent.SignalConnected, () => {
    hadSignal = true;
  });
  const session = new Session(room);
  try {
    await room.connect(options.origin, options.token);
  } catch (error) {
    throw new JoinFailure(joinError(error, hadSignal), error);
  }
  session.start(options);
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
  readonly connection = signal<'connected' | 'reconnecting'>('connected');
  readonly endReason = signal<EndReason | null>(null);
  readonly isSoundBlocked = signal(false);
  readonly controlProblem = signal<ControlProblem | null>(null);
  readonly permissions = signal<Permissions>({ microphone: true, camera: true, screen: true, chat: true });
  readonly chat: ChatLog;
  readonly local: ParticipantState;
  readonly #remotes = signal<readonly ParticipantState[]>([]);
  readonly remotes = computed(() => this.#remotes.value);
  readonly #room: Room;
  readonly #microphone: Toggle;
  readonly #camera: Toggle;
  readonly #screen: Toggle;
  /** Tracks of the preview that have not been published yet. */
  readonly #handedOver: Record<CaptureControl, MediaStreamTrack | null> = { microphone: null, camera: null };
  /** The devices to be opened; the empty id leaves the choice to the browser. */
  readonly #ids: Record<CaptureControl, string> = { microphone: '', camera: '' };

  constructor(room: Room) {
    this.#room = room;
    const me = room.localParticipant;
    this.local = new ParticipantState(me);
    this.chat = new ChatLog(async (text) => (await me.sendText(text, { topic: CHAT_TOPIC })).id);
    this.#microphone = new Toggle(
      (isOn) => this.#switch('microphone', isOn),
      () => me.isMicrophoneEnabled,
    );
    this.#camera = new Toggle(
      (isOn) => this.#switch('camera', isOn),
      () => me.isCameraEnabled,
    );
    this.#screen = new Toggle(
      async (isOn) => {
        const capture = { audio: true, contentHint: 'text', selfBrowserSurface: 'exclude' } as const;
        await me.setScreenShareEnabled(isOn, capture);
      },
      () => me.isScreenShareEnabled,
    );
    this.#listen();
  }

  get isMicrophoneOn() {
    return this.#microphone.isOn;
  }

  get isCameraOn() {
    return this.#camera.isOn;
  }

  get isScreenShared() {
    return this.#screen.isOn;
  }

  /** Called once the room is connected. */
  start({ takeTracks, displayName, microphoneId, cameraId }: JoinOptions): void {
    this.#ids.microphone = microphoneId;
    this.#ids.camera = cameraId;
    const me = this.#room.localParticipant;
    this.#readPermissions();
    this.isSoundBlocked.value = !this.#room.canPlaybackAudio;
    batch(() => {
      this.local.refresh();
      for (const participant of this.#room.remoteParticipants.values()) this.#state(participant).refresh();
    });
    if (!me.name && displayName !== '') void me.setName(displayName).catch(() => undefined);
    const tracks = takeTracks();
    const may = this.permissions.peek();
    this.#handedOver.microphone = tracks.microphone;
    this.#handedOver.camera = tracks.camera;
    if (!may.microphone) this.#takeHandedOver('microphone')?.stop();
    if (!may.camera) this.#takeHandedOver('camera')?.stop();
    if (this.#handedOver.microphone !== null) void this.setMicrophone(true);
    if (this.#handedOver.camera !== null) void this.setCamera(true);
  }

  setMicrophone(isOn: boolean): Promise<void> {
    return this.#control('microphone', this.#microphone.set(isOn));
  }

  setCamera(isOn: boolean): Promise<void> {
    return this.#control('camera', this.#camera.set(isOn));
  }

  async setScreenShare(isOn: boolean): Promise<void> {
    try {
      await this.#screen.set(isOn);
    } catch (error) {
      // Closing the browser's window picker without choosing is an answer, not an error.
      if (deviceProblem(error) !== 'denied') this.controlProblem.value = { control: 'screen' };
    }
  }

  async useDevice(kind: DeviceKind, deviceId: string): Promise<void> {
    if (kind === 'speaker') {
      await this.#room.switchActiveDevice('audiooutput', deviceId);
      return;
    }
    this.#ids[kind] = deviceId;
    // Without a choice, 'default' is only a wish: not every browser knows a device of that name.
    const isChosen = deviceId !== '';
    const liveKitKind = kind === 'microphone' ? 'audioinput' : 'videoinput';
    await this.#room.switchActiveDevice(liveKitKind, isChosen ? deviceId : 'default', isChosen);
  }

  startSound(): Promise<void> {
    return this.#room.startAudio();
  }

  dismissProblem(): void {
    this.controlProblem.value = null;
  }

  leave(): Promise<void> {
    return this.#room.disconnect();
  }

  async #control(control: CaptureControl, change: Promise<void>): Promise<void> {
    try {
      await change;
      const shown = this.controlProblem.peek()?.control;
      if (shown === control || (shown === 'muted-by-other' && control === 'microphone')) this.dismissProblem();
    } catch (error) {
      this.controlProblem.value = { control, problem: deviceProblem(error) };
    }
  }

  #takeHandedOver(control: CaptureControl): MediaStreamTrack | null {
    const track = this.#handedOver[control];
    this.#handedOver[control] = null;
    return track;
  }

  async #switch(control: CaptureControl, isOn: boolean): Promise<void> {
    const me = this.#room.localParticipant;
    if (isOn && me.getTrackPublication(SOURCE[control]) === undefined) {
      await this.#publish(control, this.#takeHandedOver(control) ?? (await openDevice(control, this.#ids[control])));
    } else if (control === 'microphone') {
      await me.setMicrophoneEnabled(isOn);
    } else {
      await me.setCameraEnabled(isOn);
    }
  }

  /** Publishes a track, which then behaves like one that LiveKit asked the browser for itself. */
  async #publish(control: CaptureControl, track: MediaStreamTrack): Promise<void> {
    // What LiveKit opens again later, for instance after muting a camera, has to be the same device.
    const constraints = captureConstraints(control, track.getSettings().deviceId ?? '');
    const localTrack =
      control === 'microphone'
        ? new LocalAudioTrack(track, constraints, false)
        : new LocalVideoTrack(track, constraints, false);
    try {
      await this.#room.localParticipant.publishTrack(localTrack, { source: SOURCE[control] });
    } catch (error) {
      localTrack.stop();
      throw error;
    }
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

  /** Takes away those who are no longer in the room. */
  #forgetAbsent(): void {
    // While the connection is being restored LiveKit forgets everybody, only to learn of them again.
    if (this.connection.peek() === 'reconnecting') return;
    const present = this.#room.remoteParticipants;
    const remotes = this.#remotes.peek();
    if (remotes.every((state) => present.has(state.identity))) return;
    this.#remotes.value = remotes.filter((state) => present.has(state.identity));
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
    this.permissions.value = {
      microphone: may(SOURCE_MICROPHONE),
      camera: may(SOURCE_CAMERA),
      screen: may(SOURCE_SCREEN),
      chat: granted.canPublishData,
    };
  }

  #syncToggles(): void {
    if (this.#microphone.sync() && !this.#microphone.isOn.peek() && this.endReason.peek() === null) {
      this.controlProblem.value = { control: 'muted-by-other' };
    }
    this.#camera.sync();
    this.#screen.sync();
  }

  async #receiveChat(reader: TextStreamReader, identity: string): Promise<void> {
    const { id, timestamp, size } = reader.info;
    if ((size ?? 0) > MAX_CHAT_BYTES) return;
    // The name may be gone together with the person by the time the text is complete.
    const sender = this.#room.getParticipantByIdentity(identity);
    try {
      const text = await reader.readAll();
      if (text.trim() === '') return;
      this.chat.receive({ id, senderName: sender?.name || identity, text, atMs: timestamp });
    } catch {
      // The sender vanished in the middle of the text.
    }
  }

  #listen(): void {
    const room = this.#room;
    const changed = (participant: Participant) => {
      this.#state(participant).refresh();
      if (participant.isLocal) this.#syncToggles();
    };
    room
      .on(RoomEvent.ParticipantConnected, changed)
      .on(RoomEvent.ParticipantDisconnected, () => queueMicrotask(() => this.#forgetAbsent()))
      .on(RoomEvent.ParticipantNameChanged, (_, participant) => changed(participant))
      .on(RoomEvent.TrackSubscribed, (track, _, participant) => {
        playSound(track);
        changed(participant);
      })
      .on(RoomEvent.TrackUnsubscribed, (track, _, participant) => {
        stopSound(track);
        changed(participant);
      })
      .on(RoomEvent.TrackPublished, (_, participant) => changed(participant))
      .on(RoomEvent.TrackUnpublished, (_, participant) => changed(participant))
      .on(RoomEvent.TrackMuted, (_, participant) => changed(participant))
      .on(RoomEvent.TrackUnmuted, (_, participant) => changed(participant))
      .on(RoomEvent.LocalTrackPublished, (_, participant) => changed(participant))
      .on(RoomEvent.LocalTrackUnpublished, (_, participant) => changed(participant))
      .on(RoomEvent.ConnectionQualityChanged, (_, participant) => changed(participant))
      .on(RoomEvent.ParticipantPermissionsChanged, () => this.#readPermissions())
      .on(RoomEvent.ActiveSpeakersChanged, (speakers) => this.#speakersChanged(speakers))
      .on(RoomEvent.AudioPlaybackStatusChanged, () => {
        this.isSoundBlocked.value = !room.canPlaybackAudio;
      })
      .on(RoomEvent.ConnectionStateChanged, (state) => {
        if (state === ConnectionState.Connected) {
          this.connection.value = 'connected';
          this.#forgetAbsent();
        }
        if (state === ConnectionState.Reconnecting || state === ConnectionState.SignalReconnecting) {
          this.connection.value = 'reconnecting';
        }
      })
      .on(RoomEvent.Disconnected, (reason) => {
        this.endReason.value = endReason(reason);
      });
    room.registerTextStreamHandler(CHAT_TOPIC, (reader, { identity }) => void this.#receiveChat(reader, identity));
  }
}

/** Lets a participant be heard. The element has to be in the page, or some browsers never play it. */
function playSound(track: RemoteTrack): void {
  if (track.kind !== Track.Kind.Audio) return;
  const element = track.attach();
  element.hidden = true;
  document.body.append(element);
}

function stopSound(track: RemoteTrack): void {
  if (track.kind !== Track.Kind.Audio) return;
  for (const element of track.detach()) element.remove();
}
