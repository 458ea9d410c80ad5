// SPDX-License-Identifier: EUPL-1.2
// What moderators see and do, over the REST API with the room token that this person is in with.
import { signal } from '@preact/signals';
import { identityOf, meetingSessionOf } from '../app/access';
import { hasAccountHere } from '../app/account-hint';
import { isMeetingCode, lookAtLink } from '../app/joining';
import { meetingPath, parseRoute } from '../app/router';
import type { ChatMessage } from './chat';
import type { DialIn } from './dial-in';
import { MeetingRequests } from './meeting-requests';
import type { BannedPerson, Invitation, LobbyPerson, Moderation } from './model';
import { PhoneCalls } from './phone-calls';

/** How often the lobby is looked at without a word of the server, in milliseconds. */
const LOOK_INTERVAL_MS = 20_000;

/** Not signed in, without the right to see meetings, or without a part in this one. */
const NOT_FOR_THEM: ReadonlySet<number> = new Set([401, 403, 404]);

/** The meeting that a conference is of, as the server knows it. */
export class MeetingSession implements Moderation {
  readonly waiting = signal<readonly LobbyPerson[]>([]);
  readonly isLocked = signal(false);
  readonly banned = signal<readonly BannedPerson[]>([]);
  readonly problem = signal(false);
  readonly phoneCalls: PhoneCalls;
  readonly #token: () => string;
  readonly #requests: MeetingRequests;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** `token` gives the present room token, which says which meeting it is: somebody can be moved to another. */
  constructor(token: () => string) {
    this.#token = token;
    this.#requests = new MeetingRequests(token);
    this.phoneCalls = new PhoneCalls(this.#requests, () => identityOf(token()));
  }

  /** Looks after the lobby from now on, and whether telephones can be called. */
  start(): void {
    this.stop();
    void this.refresh();
    void this.#readRun();
    void this.phoneCalls.look();
    this.#timer = setInterval(() => void this.refresh(), LOOK_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.phoneCalls.stop();
  }

  /** This person is in another meeting than before, about which nothing is known yet. */
  forget(): void {
    this.stop();
    this.phoneCalls.forget();
    this.waiting.value = [];
    this.isLocked.value = false;
    this.banned.value = [];
    this.problem.value = false;
  }

  /** Reads who waits. */
  async refresh(): Promise<void> {
    try {
      const body = (await this.#requests.get('/lobby')) as { items?: unknown };
      if (Array.isArray(body.items)) this.waiting.value = body.items.map(lobbyPerson);
    } catch {
      // It is asked again soon.
    }
  }

  /** What was written before this person came, the oldest first. Empty when it cannot be had. */
  async history(): Promise<readonly Omit<ChatMessage, 'isOwn'>[]> {
    try {
      const body = (await this.#requests.get('/chat')) as { items?: unknown };
      return Array.isArray(body.items) ? body.items.map(message) : [];
    } catch {
      return [];
    }
  }

  /**
   * How others can come. All of it is with the meeting, which a room token does not open: whoever is signed in may see it. Others
   * came by a link, and learn again what they learned there.
   */
  async invitation(): Promise<Invitation | 'hidden'> {
    const found = hasAccountHere() ? await this.#ofMeeting() : 'hidden';
    return found === 'hidden' ? byLink() : found;
  }

  async #ofMeeting(): Promise<Invitation | 'hidden'> {
    const run = (await this.#requests.get('')) as { meeting_id?: unknown; room_id?: unknown };
    const [kind, id] = typeof run.meeting_id === 'string' ? ['meetings', run.meeting_id] : ['rooms', run.room_id];
    if (typeof id !== 'string') return 'hidden';
    const response = await fetch(`/api/v1/${kind}/${id}`);
    if (NOT_FOR_THEM.has(response.status)) return 'hidden';
    if (!response.ok) throw new Error(`answered with status ${response.status}`);
    const body = (await response.json()) as { join_url: string; dial_in: DialIn };
    return { joinUrl: body.join_url, dialIn: body.dial_in };
  }

  async admit(entryId: string | null): Promise<void> {
    await this.#do('admit', entryId === null ? {} : { entry_id: entryId });
    await this.refresh();
  }

  async deny(entryId: string): Promise<void> {
    await this.#do('deny', { entry_id: entryId });
    await this.refresh();
  }

  mute(identity: string | null): Promise<void> {
    return this.#do('mute', identity === null ? {} : { identity });
  }

  askToUnmute(identity: string): Promise<void> {
    return this.#do('unmute_request', { identity });
  }

  permitToSpeak(identity: string, isPermitted: boolean): Promise<void> {
    return this.#do('permit', { identity, is_permitted: isPermitted });
  }

  rename(identity: string, name: string): Promise<void> {
    return this.#do('rename', { identity, name });
  }

  lowerHand(identity: string | null): Promise<void> {
    return this.#do('lower_hand', identity === null ? {} : { identity });
  }

  async remove(identity: string, isBanned: boolean): Promise<void> {
    await this.#do('remove', { identity, ban: isBanned });
    if (isBanned) await this.lookAtBans();
  }

  lookAtBans(): Promise<void> {
    return this.#readRun();
  }

  async unban(banId: string): Promise<void> {
    await this.#do('unban', { ban_id: banId });
    await this.lookAtBans();
  }

  async setLocked(isLocked: boolean): Promise<void> {
    await this.#do(isLocked ? 'lock' : 'unlock', null);
    if (!this.problem.peek()) this.isLocked.value = isLocked;
  }

  end(): Promise<void> {
    return this.#do('end', null);
  }

  async #readRun(): Promise<void> {
    const token = this.#token();
    try {
      const body = (await this.#requests.get('')) as { is_locked?: unknown; bans?: unknown };
      // Meanwhile this person may have been moved to another meeting.
      if (meetingSessionOf(token) !== meetingSessionOf(this.#token())) return;
      this.isLocked.value = body.is_locked === true;
      this.banned.value = Array.isArray(body.bans) ? body.bans.map(bannedPerson) : [];
    } catch {
      // Then it shows when somebody changes it.
    }
  }

  /** Never rejects: that it did not work is in `problem`. */
  async #do(action: string, body: object | null): Promise<void> {
    try {
      await this.#requests.post(`/${action}`, body);
      this.problem.value = false;
    } catch {
      this.problem.value = true;
    }
  }
}

function lobbyPerson(item: { id?: unknown; name?: unknown; kind?: unknown; since?: unknown }): LobbyPerson {
  return {
    id: String(item.id),
    name: String(item.name),
    isGuest: item.kind === 'guest',
    isPhone: item.kind === 'phone',
    sinceMs: Date.parse(String(item.since)),
  };
}

function bannedPerson(item: { id?: unknown; name?: unknown }): BannedPerson {
  return { id: String(item.id), name: String(item.name) };
}

function message(item: { id?: unknown; sender_name?: unknown; text?: unknown; sent_at?: unknown }) {
  return {
    id: String(item.id),
    senderName: String(item.sender_name),
    text: String(item.text),
    atMs: Date.parse(String(item.sent_at)),
  };
}

/** What the link in the address bar says, which stays there also for whoever is in a breakout room of the meeting. */
async function byLink(): Promise<Invitation | 'hidden'> {
  const route = parseRoute(location.pathname);
  if (route.name !== 'meeting' || !isMeetingCode(route.room)) return 'hidden';
  const dialIn = (await lookAtLink(route.room))?.dialIn ?? null;
  if (dialIn === null) return 'hidden';
  return { joinUrl: location.origin + meetingPath(route.room), dialIn };
}
