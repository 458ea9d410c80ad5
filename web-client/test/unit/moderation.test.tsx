// SPDX-License-Identifier: EUPL-1.2
// What moderators see, and what their buttons ask for.
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { ChatLog } from '../../src/conference/chat';
import { MeetingSession } from '../../src/conference/moderation';
import { plural, t } from '../../src/i18n';
import { PeoplePanel } from '../../src/panels/PeoplePanel';
import { Banners } from '../../src/screens/Banners';
import { fakeConference, fakeModeration, fakeParticipant } from '../stories/fake-conference';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function moderated() {
  const others = ['Ada', 'Bert', 'Cem'].map((name) => fakeParticipant(name.toLowerCase(), name));
  const conference = fakeConference(fakeParticipant('me', 'Katharina', true), others);
  const moderation = fakeModeration([{ id: 'w1', name: 'Gus', isGuest: true, isPhone: false, sinceMs: 0 }]);
  conference.moderation = moderation;
  return { conference, moderation, others };
}

describe('the people panel', () => {
  it('shows who waits, and lets them in', () => {
    const { conference, moderation } = moderated();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    expect(screen.getByTestId('waiting-person').textContent).toContain('Gus');
    fireEvent.click(screen.getByTestId('admit'));
    expect(moderation.done).toEqual(['admit w1']);
    expect(screen.queryByTestId('waiting-person')).toBeNull();
  });

  it('says in words what is done with those who wait, and keeps the place of the focus', async () => {
    const { conference, moderation } = moderated();
    const names = ['Gus', 'Ida', 'Jo'];
    moderation.waiting.value = names.map((name) => ({ id: name, name, isGuest: true, isPhone: false, sinceMs: 0 }));
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const press = (label: string) => {
      const button = screen.getByRole('button', { name: label });
      button.focus();
      fireEvent.click(button);
      return button.textContent;
    };
    const focused = () => document.activeElement?.querySelector('.person-name')?.firstChild?.textContent;
    expect(press('Ida einlassen')).toBe('Einlassen');
    // On the next one, and not on a button that would let them in as well.
    await waitFor(() => expect(focused()).toBe('Jo'));
    expect(press('Jo abweisen')).toBe('Abweisen');
    await waitFor(() => expect(focused()).toBe('Gus'));
    press('Gus einlassen');
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('people-count')));
    expect(moderation.done).toEqual(['admit Ida', 'deny Jo', 'admit Gus']);
  });

  it('says in words how long somebody has waited, and counts on', () => {
    vi.useFakeTimers({ now: 0 });
    onTestFinished(() => void vi.useRealTimers());
    const { conference } = moderated();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const shown = () => screen.getByTestId('waiting-time').textContent;
    expect(shown()).toBe(t.value.moderation.waitingBriefly);
    for (const [minutes, words] of [
      [1, plural(t.value.moderation.waitingMinutes, 1)],
      [3, plural(t.value.moderation.waitingMinutes, 3)],
      [59, plural(t.value.moderation.waitingMinutes, 59)],
      [60, plural(t.value.moderation.waitingHours, 1)],
      [185, plural(t.value.moderation.waitingHours, 3)],
    ] as const) {
      act(() => void vi.advanceTimersByTime(minutes * 60_000 - Date.now()));
      expect(shown()).toBe(words);
    }
  });

  it('asks once more before it removes somebody', () => {
    const { conference, moderation } = moderated();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const [first] = screen.getAllByTestId('remove-person');
    if (first !== undefined) fireEvent.click(first);
    expect(moderation.done).toEqual([]);
    fireEvent.click(screen.getByTestId('remove-ban'));
    expect(moderation.done).toEqual(['ban ada']);
  });

  it('asks once more before it ends the meeting for everybody', () => {
    const { conference, moderation } = moderated();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    fireEvent.click(screen.getByTestId('end-meeting'));
    fireEvent.click(screen.getByTestId('end-cancel'));
    expect(moderation.done).toEqual([]);
    fireEvent.click(screen.getByTestId('end-meeting'));
    fireEvent.click(screen.getByTestId('end-now'));
    expect(moderation.done).toEqual(['end']);
  });

  it('puts hands first, in the order of the server, for everybody', () => {
    const { conference, others } = moderated();
    conference.moderation = null;
    const [, bert, cem] = others;
    if (bert !== undefined) bert.hand.value = 20;
    if (cem !== undefined) cem.hand.value = 10;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const order = screen.getAllByTestId('person').map((person) => person.dataset.participant);
    expect(order).toEqual(['cem', 'bert', 'me', 'ada']);
    expect(screen.queryByTestId('remove-person')).toBeNull();
  });
});

describe('whoever is banned', () => {
  it('can be let in again by moderators, and the focus is not lost', () => {
    const { conference, moderation } = moderated();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    expect(screen.queryByTestId('banned')).toBeNull();
    act(() => void (moderation.banned.value = ['Gus', 'Ida'].map((name) => ({ id: name, name }))));
    expect(screen.getByTestId('open-banned').textContent).toBe('2 Personen ausgeschlossen');
    const unban = (name: string) => {
      const button = screen.getByRole('button', { name: `${name} wieder zulassen`, hidden: true });
      button.focus();
      act(() => void fireEvent.click(button));
    };
    unban('Gus');
    expect(document.activeElement).toBe(screen.getByTestId('open-banned'));
    expect(screen.getByTestId('open-banned').textContent).toBe('1 Person ausgeschlossen');
    unban('Ida');
    expect(document.activeElement).toBe(screen.getByTestId('people-count'));
    expect(screen.queryByTestId('banned')).toBeNull();
    expect(moderation.done).toEqual(['unban Gus', 'unban Ida']);
  });
});

describe('raised hands', () => {
  it('are lowered together by moderators where there are several', () => {
    const { conference, moderation, others } = moderated();
    const [ada, bert] = others;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    act(() => void (ada && (ada.hand.value = 10)));
    expect(screen.queryByTestId('lower-hands')).toBeNull();
    act(() => void (bert && (bert.hand.value = 20)));
    screen.getByTestId('lower-hands').focus();
    fireEvent.click(screen.getByTestId('lower-hands'));
    expect(moderation.done).toEqual(['lower all']);
    expect(document.activeElement).toBe(screen.getByTestId('people-count'));
    cleanup();
    conference.moderation = null;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    expect(screen.queryByTestId('lower-hands')).toBeNull();
  });
});

describe('banners', () => {
  it('tell moderators who waits, and everybody what the server says', () => {
    const { conference, moderation } = moderated();
    moderation.waiting.value = [...moderation.waiting.value, { id: 'w2', name: 'Ida', isGuest: true, isPhone: false, sinceMs: 0 }];
    conference.notice.value = { kind: 'ends-in', minutes: 5 };
    render(<Banners conference={conference} />);
    expect(screen.getByTestId('banner-notice').textContent).toContain('5');
    expect(screen.getByTestId('banner-lobby').textContent).toContain('2 Personen warten auf Einlass');
    expect(screen.getByTestId('admit-all').textContent).toBe('Alle einlassen');
    fireEvent.click(screen.getByTestId('admit-all'));
    expect(moderation.done).toEqual(['admit all']);
  });

  it('name the one who waits, and let in nobody else', () => {
    const { conference, moderation } = moderated();
    render(<Banners conference={conference} />);
    expect(screen.getByTestId('banner-lobby').textContent).toContain('Gus wartet auf Einlass');
    act(() => void (moderation.waiting.value = [{ id: 'w3', name: 'Telephone', isGuest: true, isPhone: true, sinceMs: 0 }]));
    expect(screen.getByTestId('banner-lobby').textContent).toContain('Unbekannte Nummer wartet auf Einlass');
    expect(screen.getByTestId('admit-all').textContent).toBe('Einlassen');
    fireEvent.click(screen.getByRole('button', { name: 'Unbekannte Nummer einlassen' }));
    expect(moderation.done).toEqual(['admit w3']);
  });
});

describe('whoever may speak, or may not any more,', () => {
  it('is told so, and can switch the microphone on at once', async () => {
    const { conference } = moderated();
    conference.local.microphone.value = 'muted';
    conference.notice.value = { kind: 'may-not-speak' };
    render(<Banners conference={conference} />);
    expect(screen.getByTestId('banner-notice').textContent).toContain('Heben Sie die Hand');
    expect(screen.queryByTestId('unmute')).toBeNull();
    act(() => void (conference.notice.value = { kind: 'may-speak' }));
    expect(screen.getByTestId('banner-notice').textContent).toContain('Sie dürfen jetzt sprechen.');
    fireEvent.click(screen.getByTestId('unmute'));
    expect(conference.local.microphone.value).toBe('on');
    expect(conference.notice.value).toBeNull();
  });
});

function roomToken(sessionId: string): string {
  return `x.${btoa(JSON.stringify({ video: { room: `meeting-${sessionId}`, roomAdmin: true } }))}.x`;
}

describe('a meeting at the server', () => {
  it('is asked with the present token', async () => {
    const first = '0190c0de-0000-7000-8000-000000000001';
    const second = '0190c0de-0000-7000-8000-000000000002';
    let token = roomToken(first);
    const asked: [string, RequestInit][] = [];
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      asked.push([path, init]);
      return new Response(JSON.stringify({ items: [] }));
    });
    const session = new MeetingSession(() => token);
    await session.setLocked(true);
    expect(asked[0]?.[0]).toBe(`/api/v1/meeting_sessions/${first}/lock`);
    asked.length = 0;
    // A moderator of both was moved to another meeting.
    token = roomToken(second);
    await session.remove('g1', true);
    expect(asked[0]?.[0]).toBe(`/api/v1/meeting_sessions/${second}/remove`);
    expect(asked[0]?.[1].headers).toMatchObject({ authorization: `Bearer ${token}` });
    expect(JSON.parse(String(asked[0]?.[1].body))).toEqual({ identity: 'g1', ban: true });
    expect(session.problem.value).toBe(false);
  });

  it('says who is banned, which is asked for again after each ban, and not of another meeting', async () => {
    const first = '0190c0de-0000-7000-8000-000000000001';
    let token = roomToken(first);
    let bans = [{ id: 'b1', name: 'Gus' }];
    let answer: () => void = () => undefined;
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      asked.push(`${init.method} ${path.replace(/.*meeting_sessions\/[^/]+/, '')} ${String(init.body ?? '')}`);
      answer();
      return Response.json({ is_locked: true, bans });
    });
    const session = new MeetingSession(() => token);
    await session.remove('g1', true);
    expect(session.banned.value).toEqual([{ id: 'b1', name: 'Gus' }]);
    bans = [];
    await session.unban('b1');
    expect(session.banned.value).toEqual([]);
    await session.remove('g2', false);
    expect(asked).toEqual(['POST /remove {"identity":"g1","ban":true}', 'GET  ', 'POST /unban {"ban_id":"b1"}', 'GET  ', 'POST /remove {"identity":"g2","ban":false}']);
    bans = [{ id: 'b2', name: 'Ida' }];
    answer = () => (token = roomToken('0190c0de-0000-7000-8000-000000000002'));
    await session.lookAtBans();
    expect(session.banned.value).toEqual([]);
  });

  it('gives what was written before, once and read', async () => {
    const item = { id: 'm1', sender_name: 'Ada', text: 'Welcome', sent_at: '2026-11-22T10:00:00Z' };
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ items: [item] })));
    const chat = new ChatLog(async () => 'own');
    const later = Date.parse('2026-11-22T10:00:01Z');
    chat.receive({ id: 'm2', senderName: 'Bert', text: 'Hello', atMs: later });
    const history = await new MeetingSession(() => 't').history();
    chat.receiveHistory(history);
    chat.receiveHistory(history);
    expect(chat.messages.value.map(({ id }) => id)).toEqual(['m1', 'm2']);
    expect(chat.unread.value).toBe(1);
  });
});
