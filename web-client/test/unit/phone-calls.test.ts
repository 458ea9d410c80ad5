// SPDX-License-Identifier: EUPL-1.2
// Calls to telephones: what the server is asked, how often, and what is made of its answers.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MeetingSession } from '../../src/conference/moderation';
import { ownTelephones } from '../../src/conference/own-calls';
import type { CallWish } from '../../src/conference/placed-call';
import { deferred } from './fake-livekit';

const RUN = '0190c0de-0000-7000-8000-000000000001';
const PATH = `/api/v1/meeting_sessions/${RUN}/phone_calls`;
const TOKEN = `x.${btoa(JSON.stringify({ video: { room: `meeting-${RUN}`, roomAdmin: true } }))}.x`;
const ADA: CallWish = { number: '+493611234567', name: 'Ada', language: 'de', isForMe: false };

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

const call = (id: string, state: string, more: object = {}) => ({ id, state, ended_because: null, number: '…567', name: 'Ada', ...more });

/** A server with a list of calls, of which each request to call makes the next. */
function serve() {
  const asked: Asked[] = [];
  const server = {
    asked,
    items: [] as object[],
    /** In the place of an answer. */
    instead: null as ((request: Asked) => Promise<Response> | Response) | null,
    methods: () => asked.map(({ method }) => method),
  };
  let made = 0;
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const body: unknown = typeof init.body === 'string' ? JSON.parse(init.body) : null;
    const request = { method: init.method ?? 'GET', path, headers: init.headers as Record<string, string>, body };
    asked.push(request);
    if (server.instead !== null) return server.instead(request);
    if (request.method === 'GET') return Response.json({ items: server.items });
    if (request.method === 'DELETE') return new Response(null, { status: 204 });
    made += 1;
    server.items = [call(`c${made}`, 'dialling'), ...server.items];
    return Response.json(server.items[0], { status: 202 });
  });
  return server;
}

const refuse = (status: number, document: object) => () => Response.json(document, { status });
const calls = () => new MeetingSession(() => TOKEN).phoneCalls;
const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const states = (phoneCalls: ReturnType<typeof calls>) => phoneCalls.calls.value.map(({ id, state }) => `${id} ${state}`);

describe('a call', () => {
  it('is ordered with what the moderator has said, in their language', async () => {
    const server = serve();
    const phoneCalls = calls();
    expect(await phoneCalls.call(ADA)).toBe(true);
    await phoneCalls.call({ number: '0361', name: '', language: 'en', isForMe: true });
    const [first, second] = server.asked;
    expect([first?.method, first?.path]).toEqual(['POST', PATH]);
    expect(first?.body).toEqual({ number: '+493611234567', name: 'Ada', language: 'de' });
    expect(second?.body).toEqual({ number: '0361', language: 'en', is_for_me: true });
    expect(first?.headers).toMatchObject({ authorization: `Bearer ${TOKEN}`, 'accept-language': 'de' });
    expect(first?.headers['idempotency-key']).not.toBe(second?.headers['idempotency-key']);
    expect(states(phoneCalls)).toEqual(['c2 dialling', 'c1 dialling']);
  });

  it('is ordered once, however often the button is pressed', async () => {
    const server = serve();
    const phoneCalls = calls();
    const both = await Promise.all([phoneCalls.call(ADA), phoneCalls.call(ADA)]);
    expect(both).toEqual([true, false]);
    expect(server.methods()).toEqual(['POST']);
    expect(phoneCalls.isCalling.value).toBe(false);
  });

  it('is followed once a second until nothing more is to be expected', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    for (const state of ['ringing', 'answered', 'in_meeting']) {
      server.items = [call('c1', state)];
      await after(999);
      expect(states(phoneCalls)).not.toEqual([`c1 ${state}`]);
      await after(1);
      expect(states(phoneCalls)).toEqual([`c1 ${state}`]);
    }
    await after(60_000);
    expect(server.methods()).toEqual(['POST', 'GET', 'GET', 'GET']);
  });

  it('is not followed any further when it has come to nothing', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.items = [call('c1', 'ended', { ended_because: 'busy' })];
    await after(60_000);
    expect(phoneCalls.calls.value).toMatchObject([{ state: 'ended', ending: 'busy', isOwn: true }]);
    expect(server.methods()).toEqual(['POST', 'GET']);
  });

  it('is looked at once more when somebody leaves the meeting', async () => {
    const server = serve();
    const phoneCalls = calls();
    phoneCalls.somebodyLeft();
    await after(60_000);
    expect(server.asked).toEqual([]);
    server.items = [call('c1', 'in_meeting')];
    await phoneCalls.look();
    server.items = [call('c1', 'ended', { ended_because: 'hung_up' })];
    for (let left = 0; left < 20; left += 1) phoneCalls.somebodyLeft();
    await after(60_000);
    expect(states(phoneCalls)).toEqual(['c1 ended']);
    expect(server.methods()).toEqual(['GET', 'GET']);
  });

  it('is given up, and that shows at once', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.items = [call('c1', 'ended', { ended_because: 'given_up' })];
    await phoneCalls.hangUp('c1');
    expect(server.asked[1]).toMatchObject({ method: 'DELETE', path: `${PATH}/c1` });
    expect(states(phoneCalls)).toEqual(['c1 ended']);
    expect(phoneCalls.refusal.value).toBeNull();
  });

  it('may have ended by itself before it is given up', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.instead = ({ method }) =>
      method === 'DELETE'
        ? Response.json({ code: 'conflict' }, { status: 409 })
        : Response.json({ items: [call('c1', 'ended', { ended_because: 'declined' })] });
    await phoneCalls.hangUp('c1');
    expect(states(phoneCalls)).toEqual(['c1 ended']);
    expect(phoneCalls.refusal.value).toBeNull();
    server.instead = null;
    await phoneCalls.call(ADA);
    server.instead = refuse(503, { code: 'unavailable', detail: 'Bitte später.' });
    await phoneCalls.hangUp('c2');
    expect(phoneCalls.refusal.value).toEqual({ callId: 'c2', code: 'unavailable', detail: 'Bitte später.', isAboutNumber: false });
  });
});

describe('a call to one’s own telephone', () => {
  const own = (phoneCalls: ReturnType<typeof calls>) => phoneCalls.calls.value.map(({ id, isForMe, participantId }) => [id, isForMe, participantId]);

  it('is known as such, and who they are in the room once they are in it', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    await phoneCalls.call({ ...ADA, number: '4711', isForMe: true });
    expect(own(phoneCalls)).toEqual([
      ['c2', true, null],
      ['c1', false, null],
    ]);
    const inMeeting = (id: string) => call(id, 'in_meeting', { participant_id: `sip_${id}` });
    server.items = [inMeeting('c1'), inMeeting('c2')];
    await after(1_000);
    expect(own(phoneCalls)).toEqual([
      ['c2', true, 'sip_c2'],
      ['c1', false, 'sip_c1'],
    ]);
    // The page is loaded again, in another tab.
    sessionStorage.clear();
    const reloaded = calls();
    await reloaded.look();
    expect(own(reloaded)).toEqual([
      ['c2', true, 'sip_c2'],
      ['c1', false, 'sip_c1'],
    ]);
    server.items = [call('c2', 'ended', { ended_because: 'hung_up' })];
    await reloaded.look();
    await reloaded.again('c2');
    expect(server.asked.filter(({ method }) => method === 'POST')).toHaveLength(2);
  });

  it('is known in a tab that was there before, and so is the telephone wherever there is no list of calls', async () => {
    const server = serve();
    const [here, there] = [calls(), calls()];
    server.items = [call('c1', 'ringing')];
    await there.look();
    expect(own(there)).toEqual([['c1', false, null]]);
    server.items = [];
    await here.call({ ...ADA, isForMe: true });
    expect(ownTelephones('')).toEqual([]);
    server.items = [call('c1', 'in_meeting', { participant_id: 'sip_c1' })];
    await there.look();
    expect(own(there)).toEqual([['c1', true, 'sip_c1']]);
    expect(ownTelephones('')).toEqual(['sip_c1']);
  });

  it('stays one when it is made again', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call({ ...ADA, isForMe: true });
    server.items = [call('c1', 'ended', { ended_because: 'busy' })];
    await after(1_000);
    await phoneCalls.again('c1');
    expect(own(phoneCalls)).toEqual([['c2', true, null]]);
    expect(server.asked.at(-1)?.body).toMatchObject({ is_for_me: true });
  });

  it('is forgotten when there were many since', async () => {
    serve();
    const phoneCalls = calls();
    for (let i = 0; i < 11; i += 1) await phoneCalls.call({ ...ADA, isForMe: true });
    const reloaded = calls();
    await reloaded.look();
    expect(own(reloaded).filter(([, isForMe]) => isForMe === false)).toEqual([['c1', false, null]]);
  });
});

describe('calling again', () => {
  it('takes the place of the call that came to nothing, and knows the number', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    await phoneCalls.call({ ...ADA, number: '4711', name: 'Bert' });
    server.items = [call('c1', 'ended', { ended_because: 'busy' }), call('c2', 'ringing')];
    await after(1_000);
    const before = phoneCalls.calls.value.find(({ id }) => id === 'c1');
    await phoneCalls.again('c1');
    expect(server.asked.at(-1)?.body).toMatchObject({ number: ADA.number, name: 'Ada' });
    expect(states(phoneCalls)).toEqual(['c2 ringing', 'c3 dialling']);
    expect(phoneCalls.calls.value[1]?.key).toBe(before?.key);
    // What is over and was called again does not come back.
    await after(1_000);
    expect(states(phoneCalls)).toEqual(['c2 ringing', 'c3 dialling']);
  });

  it('leaves the entry when it is refused, and says so there', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.items = [call('c1', 'ended', { ended_because: 'busy' })];
    await after(1_000);
    server.instead = refuse(409, { code: 'too-many-calls', detail: 'Zu viele Anrufe.' });
    await phoneCalls.again('c1');
    expect(states(phoneCalls)).toEqual(['c1 ended']);
    expect(phoneCalls.refusal.value).toMatchObject({ callId: 'c1', detail: 'Zu viele Anrufe.' });
    phoneCalls.dismiss('c1');
    expect([phoneCalls.calls.value, phoneCalls.refusal.value]).toEqual([[], null]);
  });
});

describe('calls of others', () => {
  it('are shown and followed while they go on, but cannot be made again', async () => {
    const server = serve();
    server.items = [call('o1', 'ringing'), call('o2', 'ended', { ended_because: 'busy' }), call('o3', 'in_meeting')];
    const phoneCalls = calls();
    await phoneCalls.look();
    // The server has the oldest first.
    expect(states(phoneCalls)).toEqual(['o3 in_meeting', 'o1 ringing']);
    expect(phoneCalls.calls.value.map(({ isOwn }) => isOwn)).toEqual([false, false]);
    server.items = [call('o1', 'ended', { ended_because: 'not_answered' }), call('o3', 'in_meeting')];
    await after(1_000);
    expect(states(phoneCalls)).toEqual(['o3 in_meeting', 'o1 ended']);
    await phoneCalls.again('o1');
    expect(server.methods()).toEqual(['GET', 'GET']);
  });

  it('are not taken off the list while they go on', async () => {
    const server = serve();
    server.items = [call('o1', 'in_meeting')];
    const phoneCalls = calls();
    await phoneCalls.look();
    phoneCalls.dismiss('o1');
    expect(states(phoneCalls)).toEqual(['o1 in_meeting']);
  });
});

describe('whether calls can be made', () => {
  it('says the server with its list, and one that does not say makes them', async () => {
    const server = serve();
    const phoneCalls = calls();
    expect(phoneCalls.isAllowed.value).toBeNull();
    for (const [said, isAllowed] of [
      [{ allowed: false }, false],
      [{ allowed: true }, true],
      [{}, true],
    ] as const) {
      server.instead = () => Response.json({ items: [], ...said });
      await phoneCalls.look();
      expect(phoneCalls.isAllowed.value).toBe(isAllowed);
    }
  });

  it('is settled by a refusal, and by no other failure', async () => {
    const server = serve();
    const phoneCalls = calls();
    server.instead = () => Promise.reject(new TypeError('no network'));
    await phoneCalls.look();
    expect(phoneCalls.isAllowed.value).toBe(true);
    server.instead = refuse(403, { code: 'forbidden' });
    await phoneCalls.look();
    expect(phoneCalls.isAllowed.value).toBe(false);
    server.instead = refuse(503, { code: 'unavailable' });
    await phoneCalls.look();
    expect(phoneCalls.isAllowed.value).toBe(false);
  });

  it('is asked anew in another meeting', async () => {
    const server = serve();
    const meeting = new MeetingSession(() => TOKEN);
    server.instead = () => Response.json({ items: [], allowed: false });
    await meeting.phoneCalls.look();
    meeting.forget();
    expect(meeting.phoneCalls.isAllowed.value).toBeNull();
    server.instead = null;
    meeting.start();
    await after(0);
    meeting.stop();
    expect(meeting.phoneCalls.isAllowed.value).toBe(true);
  });
});

describe('the server’s answers', () => {
  it('are put by when they are older than what is known', async () => {
    const server = serve();
    const phoneCalls = calls();
    const late = deferred<Response>();
    server.instead = () => late.promise;
    const looking = phoneCalls.look();
    server.instead = null;
    await phoneCalls.call(ADA);
    late.resolve(Response.json({ items: [] }));
    await looking;
    expect(states(phoneCalls)).toEqual(['c1 dialling']);
    await after(1_000);
    expect(server.methods()).toEqual(['GET', 'POST', 'GET']);
  });

  it('may have gone missing: the second press is the same request', async () => {
    const server = serve();
    const phoneCalls = calls();
    server.instead = () => Promise.reject(new TypeError('no network'));
    expect(await phoneCalls.call(ADA)).toBe(false);
    expect(phoneCalls.refusal.value).toMatchObject({ callId: null, code: 'unreachable' });
    server.instead = refuse(503, { code: 'unavailable' });
    await phoneCalls.call(ADA);
    server.instead = null;
    await phoneCalls.call({ ...ADA, name: 'Bert' });
    const [first, second, other] = server.asked.map(({ headers }) => headers['idempotency-key']);
    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(phoneCalls.refusal.value).toBeNull();
  });

  it('are asked for less often while there are none', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.instead = () => Promise.reject(new TypeError('no network'));
    await after(1_000 + 4_999);
    expect(server.methods()).toEqual(['POST', 'GET']);
    server.instead = () => Response.json({ code: 'rate-limited' }, { status: 429, headers: { 'retry-after': '9' } });
    await after(1 + 8_999);
    expect(server.methods()).toEqual(['POST', 'GET', 'GET']);
    server.instead = refuse(410, { code: 'meeting-ended' });
    await after(1 + 60_000);
    expect(server.methods()).toEqual(['POST', 'GET', 'GET', 'GET']);
  });

  it('are asked for until there is one, with growing pauses, also while no call is known', async () => {
    const server = serve();
    const phoneCalls = calls();
    server.instead = refuse(503, { code: 'unavailable' });
    await phoneCalls.look();
    for (const pauseMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      server.asked.length = 0;
      await after(pauseMs - 1);
      expect(server.methods()).toEqual([]);
      await after(1);
      expect(server.methods()).toEqual(['GET']);
    }
    // However long the server would have it wait.
    server.instead = () => Response.json({ code: 'rate-limited' }, { status: 429, headers: { 'retry-after': '99999999' } });
    await after(60_000);
    server.instead = null;
    server.items = [call('c1', 'in_meeting')];
    await after(60_000);
    expect(states(phoneCalls)).toEqual(['c1 in_meeting']);
    server.asked.length = 0;
    await after(600_000);
    expect(server.methods()).toEqual([]);
    // The next time begins anew.
    server.instead = () => Promise.reject(new TypeError('no network'));
    await phoneCalls.look();
    await after(5_000);
    expect(server.methods()).toEqual(['GET', 'GET']);
  });

  it.each([403, 404, 410])('are asked for no more after a refusal for good (%i), nor when this person has left', async (status) => {
    const server = serve();
    const phoneCalls = calls();
    server.instead = refuse(status, { code: 'no' });
    await phoneCalls.look();
    await after(600_000);
    expect(server.methods()).toEqual(['GET']);
    server.instead = refuse(503, { code: 'unavailable' });
    await phoneCalls.look();
    phoneCalls.stop();
    await after(600_000);
    expect(server.methods()).toEqual(['GET', 'GET']);
  });

  it('are asked for no more by whoever left while one was being hung up', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    await after(1_000);
    const answer = deferred<Response>();
    server.instead = ({ method }) => (method === 'DELETE' ? answer.promise : Promise.reject(new TypeError('no network')));
    const hangingUp = phoneCalls.hangUp('c1');
    await after(0);
    phoneCalls.stop();
    server.asked.length = 0;
    answer.resolve(new Response(null, { status: 204 }));
    await hangingUp;
    await after(600_000);
    expect(server.methods()).toEqual([]);
    // Whoever comes back looks again.
    void phoneCalls.look();
    await after(0);
    expect(server.methods()).toEqual(['GET']);
    phoneCalls.stop();
  });

  it('name the number where that is what is wrong', async () => {
    const server = serve();
    const phoneCalls = calls();
    const errors = [{ pointer: '/number', code: 'wrong-format', detail: 'Das ist keine Nummer.' }];
    server.instead = refuse(422, { code: 'invalid', detail: 'Bitte prüfen.', errors });
    await phoneCalls.call(ADA);
    expect(phoneCalls.refusal.value).toEqual({ callId: null, code: 'invalid', detail: 'Das ist keine Nummer.', isAboutNumber: true });
    server.instead = refuse(403, { code: 'number-not-allowed', detail: 'Nein.' });
    await phoneCalls.call(ADA);
    expect(phoneCalls.refusal.value?.isAboutNumber).toBe(true);
    server.instead = refuse(403, { code: 'dial-out-off', detail: 'Nein.' });
    await phoneCalls.call(ADA);
    expect(phoneCalls.refusal.value?.isAboutNumber).toBe(false);
  });

  it('come in pages, and the latest call is on the last', async () => {
    const server = serve();
    const phoneCalls = calls();
    await phoneCalls.call(ADA);
    server.instead = ({ path }) =>
      path.endsWith('?limit=200')
        ? Response.json({ items: [call('old', 'ended')], next_cursor: 'a&b' })
        : Response.json({ items: [call('c1', 'ringing')], next_cursor: null });
    await after(1_000);
    expect(states(phoneCalls)).toEqual(['c1 ringing']);
    expect(server.asked.slice(1).map(({ path }) => path)).toEqual([`${PATH}?limit=200`, `${PATH}?limit=200&cursor=a%26b`]);
    // Whoever never comes to an end is not asked for ever.
    server.instead = () => Response.json({ items: [call('c1', 'answered')], next_cursor: 'more' });
    server.asked.length = 0;
    await phoneCalls.look();
    expect(server.asked).toHaveLength(11);
  });

  it('are read with care', async () => {
    const server = serve();
    const phoneCalls = calls();
    server.items = [call('c1', 'teleported'), call('c2', 'ended', { ended_because: 'eclipse' }), { state: 'ringing' }, 'c4', call('c5', 'ringing', { name: null, number: null })] as object[];
    await phoneCalls.look();
    expect(phoneCalls.calls.value).toMatchObject([{ id: 'c5', name: '', number: '' }]);
    server.items = [call('c5', 'ended', { ended_because: 'eclipse' })];
    await after(1_000);
    expect(phoneCalls.calls.value).toMatchObject([{ ending: 'other' }]);
    server.instead = () => new Response('<html>', { status: 200 });
    await phoneCalls.look();
    // It says nothing of calls, so there is none but what is over.
    expect(states(phoneCalls)).toEqual(['c5 ended']);
  });

  it('do not fill the list for ever', async () => {
    const server = serve();
    const phoneCalls = calls();
    server.items = Array.from({ length: 40 }, (_, i) => call(`c${i}`, 'ringing'));
    await phoneCalls.look();
    expect(phoneCalls.calls.value).toHaveLength(30);
    server.items = Array.from({ length: 50 }, (_, i) => call(`c${i}`, i < 40 ? 'ended' : 'ringing'));
    await phoneCalls.look();
    expect(phoneCalls.calls.value).toHaveLength(30);
    expect(phoneCalls.calls.value.slice(0, 10).every(({ state }) => state === 'ringing')).toBe(true);
  });
});

describe('another meeting', () => {
  it('has none of the calls of the one before', async () => {
    const server = serve();
    const meeting = new MeetingSession(() => TOKEN);
    const late = deferred<Response>();
    await meeting.phoneCalls.call(ADA);
    server.instead = () => late.promise;
    const calling = meeting.phoneCalls.call({ ...ADA, name: 'Bert' });
    meeting.forget();
    late.resolve(Response.json(call('c2', 'dialling'), { status: 202 }));
    expect(await calling).toBe(false);
    await after(60_000);
    expect(meeting.phoneCalls.calls.value).toEqual([]);
    expect(server.methods()).toEqual(['POST', 'POST']);
  });
});
