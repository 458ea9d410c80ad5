// SPDX-License-Identifier: EUPL-1.2
// Calls to telephones: they are ordered at the server, and it is asked how they stand for as long as that changes.
import { signal } from '@preact/signals';
import { ApiProblem } from '../app/problem';
import { randomHex } from '../app/random';
import type { MeetingRequests } from './meeting-requests';
import type { PhoneCalling } from './model';
import { isOwnCall, rememberOwnCall } from './own-calls';
import { isUnderWay, readCall, type Call, type CallRefusal, type CallWish, type PlacedCall } from './placed-call';

/** How often it is asked, in milliseconds. */
const ASK_INTERVAL_MS = 1_000;

/** The same when the server has not answered, unless it says when; twice as long after each further time, but no longer than the other. */
const RETRY_INTERVAL_MS = 5_000;
const MAX_RETRY_INTERVAL_MS = 60_000;

/** As many as the server gives at once. It keeps what has ended in the last hour, 2,000 at most, so ten pages are all. */
const PAGE_LIMIT = 200;
const MAX_PAGES = 11;

/** More are not shown; of those that are over the oldest goes. The server allows far fewer at a time. */
const MAX_SHOWN = 30;

/** One meeting's calls. */
export class PhoneCalls implements PhoneCalling {
  readonly #shown = signal<readonly PlacedCall[]>([]);
  readonly calls = this.#shown;
  readonly isAllowed = signal<boolean | null>(null);
  readonly isCalling = signal(false);
  readonly refusal = signal<CallRefusal | null>(null);
  readonly #requests: MeetingRequests;
  readonly #me: () => string;
  /** What calls were for, by their ids. The server tells no more than the end of a number. */
  readonly #wishes = new Map<string, CallWish>();
  /** A wish that the server may or may not have heard of. The same key keeps a second press from calling twice. */
  #unanswered: { readonly text: string; readonly key: string } | null = null;
  /** Counts up with whatever makes earlier answers out of date. */
  #turn = 0;
  /** Counts up when this person comes into another meeting. */
  #meeting = 0;
  /** How often in a row the server has not answered. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;

  /** `me` says who this person is in rooms. */
  constructor(requests: MeetingRequests, me: () => string) {
    this.#requests = requests;
    this.#me = me;
  }

  /** Asks no more, whatever is still under way, until somebody looks again. */
  stop(): void {
    this.#isStopped = true;
    this.#pause();
  }

  /** What is asked now does not count any more. */
  #pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#turn += 1;
  }

  /** This person is in another meeting, whose calls are not known yet. */
  forget(): void {
    this.#pause();
    this.#meeting += 1;
    this.#failures = 0;
    this.#unanswered = null;
    this.refusal.value = null;
    this.isAllowed.value = null;
    this.#show([]);
  }

  look(): Promise<void> {
    this.#isStopped = false;
    return this.#look();
  }

  async #look(): Promise<void> {
    if (this.#isStopped) return;
    this.#pause();
    const turn = this.#turn;
    try {
      const { items, isAllowed } = await this.#ask();
      if (turn !== this.#turn) return;
      this.#failures = 0;
      this.isAllowed.value = isAllowed;
      this.#take(items.map(readCall).filter((call) => call !== null));
    } catch (error) {
      const problem = asProblem(error);
      if (turn !== this.#turn) return;
      // Of anything else than a refusal one is told when one calls.
      if (problem.status === 403) this.isAllowed.value = false;
      else this.isAllowed.value ??= true;
      // Nothing becomes of asking again: the meeting is over, say, or somebody else moderates it now.
      if (problem.status >= 400 && problem.status < 500 && problem.code !== 'rate-limited') return;
      // Also where no call is under way: as long as none is known, nobody's own telephone is recognised.
      this.#lookIn(Math.min(problem.retryAfterMs ?? RETRY_INTERVAL_MS * 2 ** this.#failures, MAX_RETRY_INTERVAL_MS));
      this.#failures += 1;
      return;
    }
    if (turn === this.#turn && this.#shown.peek().some(isUnderWay)) this.#lookIn(ASK_INTERVAL_MS);
  }

  call(wish: CallWish): Promise<boolean> {
    return this.#place(wish, null);
  }

  async again(id: string): Promise<void> {
    const wish = this.#wishes.get(id);
    const before = this.#find(id);
    if (wish !== undefined && before !== undefined) await this.#place(wish, before);
  }

  async hangUp(id: string): Promise<void> {
    this.refusal.value = null;
    let problem: unknown = null;
    try {
      await this.#requests.delete(`/phone_calls/${encodeURIComponent(id)}`);
    } catch (error) {
      problem = error;
    }
    await this.#look();
    // It may just have ended by itself.
    const call = this.#find(id);
    if (problem !== null && call !== undefined && call.state !== 'ended') this.refusal.value = refusalOf(problem, id);
  }

  dismiss(id: string): void {
    if (this.refusal.peek()?.callId === id) this.refusal.value = null;
    this.#show(this.#shown.peek().filter((call) => call.id !== id || call.state !== 'ended'));
  }

  /** Somebody has gone, perhaps one of those who were called. */
  somebodyLeft(): void {
    if (this.#timer === undefined && this.#shown.peek().some(({ state }) => state === 'in_meeting')) this.#lookIn(ASK_INTERVAL_MS);
  }

  /** What the server lists, the oldest first: what has just been ordered stands on the last page. */
  async #ask(): Promise<{ items: unknown[]; isAllowed: boolean }> {
    const items: unknown[] = [];
    let isAllowed = true;
    let cursor = '';
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const path = `/phone_calls?limit=${PAGE_LIMIT}${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
      const body = (await this.#requests.get(path)) as { items?: unknown; next_cursor?: unknown; allowed?: unknown } | null;
      isAllowed = body?.allowed !== false;
      if (Array.isArray(body?.items)) items.push(...(body.items as unknown[]));
      if (typeof body?.next_cursor !== 'string' || body.next_cursor === '') break;
      cursor = body.next_cursor;
    }
    return { items, isAllowed };
  }

  #lookIn(pauseMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#look(), pauseMs);
  }

  #find(id: string): PlacedCall | undefined {
    return this.#shown.peek().find((call) => call.id === id);
  }

  /** Has a call made, in the place of one that is over if it is the same again. Whether that worked. */
  async #place(wish: CallWish, before: PlacedCall | null): Promise<boolean> {
    if (this.isCalling.peek()) return false;
    const meeting = this.#meeting;
    const { number, name, language, isForMe } = wish;
    const body = { number, ...(name === '' ? {} : { name }), language, ...(isForMe ? { is_for_me: true } : {}) };
    this.isCalling.value = true;
    this.refusal.value = null;
    try {
      const answer = await this.#requests.post('/phone_calls', body, { 'idempotency-key': this.#keyOf(body) });
      if (meeting !== this.#meeting) return false;
      this.#unanswered = null;
      const call = readCall(answer);
      if (call !== null) this.#add(call, wish, before);
      // Whoever asked a moment ago does not hear of it.
      this.#pause();
      this.#lookIn(ASK_INTERVAL_MS);
      return true;
    } catch (error) {
      if (meeting !== this.#meeting) return false;
      const { status } = asProblem(error);
      if (status >= 400 && status < 500) this.#unanswered = null;
      this.refusal.value = refusalOf(error, before?.id ?? null);
      return false;
    } finally {
      this.isCalling.value = false;
    }
  }

  #keyOf(body: object): string {
    const text = JSON.stringify(body);
    if (this.#unanswered?.text !== text) this.#unanswered = { text, key: randomHex(16) };
    return this.#unanswered.key;
  }

  #add(call: Call, wish: CallWish, before: PlacedCall | null): void {
    const { isForMe } = wish;
    const added: PlacedCall = { ...call, key: before?.key ?? call.id, isOwn: true, isForMe };
    if (isForMe) rememberOwnCall(this.#me(), call.id);
    this.#wishes.set(call.id, wish);
    // Asking may have been quicker.
    const others = this.#shown.peek().filter(({ id }) => id !== call.id);
    const place = before === null ? -1 : others.findIndex(({ id }) => id === before.id);
    this.#show(place === -1 ? [added, ...others] : others.with(place, added));
  }

  /** How all calls stand, as the server says. */
  #take(told: readonly Call[]): void {
    const now = new Map(told.map((call) => [call.id, call]));
    const known = this.#shown.peek();
    const kept = known.flatMap((before): PlacedCall[] => {
      const call = now.get(before.id);
      // It may have been made from another tab.
      if (call !== undefined) return [{ ...call, key: before.key, isOwn: before.isOwn, isForMe: before.isForMe || isOwnCall(this.#me(), call.id) }];
      // The server forgets what is long over, and everything when it starts anew.
      return before.state === 'ended' ? [before] : [];
    });
    for (const { id } of known) now.delete(id);
    // Others' calls, and those from before this page was reloaded. Of what is over one was told at the time.
    const others: PlacedCall[] = [];
    for (const call of now.values()) {
      if (call.state !== 'ended') others.push({ ...call, key: call.id, isOwn: false, isForMe: isOwnCall(this.#me(), call.id) });
    }
    const shown = [...others.toReversed(), ...kept];
    for (const { id, isForMe, state, participantId } of shown) {
      if (isForMe && state === 'in_meeting') rememberOwnCall(this.#me(), id, participantId);
    }
    this.#show(shown);
  }

  #show(calls: readonly PlacedCall[]): void {
    let tooMany = calls.length - MAX_SHOWN;
    const shown = calls
      .toReversed()
      .filter(({ state }) => {
        const goes = tooMany > 0 && state === 'ended';
        if (goes) tooMany -= 1;
        return !goes;
      })
      .toReversed()
      .slice(0, MAX_SHOWN);
    for (const id of this.#wishes.keys()) if (!shown.some((call) => call.id === id)) this.#wishes.delete(id);
    this.#shown.value = shown;
  }
}

function asProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, {}, null);
}

function refusalOf(error: unknown, callId: string | null): CallRefusal {
  const { code, detail, fields } = asProblem(error);
  const field = fields.find(({ pointer }) => pointer === '/number');
  const isAboutNumber = field !== undefined || code === 'number-not-allowed';
  return { callId, code, detail: field?.detail || detail, isAboutNumber };
}
