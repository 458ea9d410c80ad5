// SPDX-License-Identifier: EUPL-1.2
// How to come by telephone: what is dialled, shown and copied, and where the room has it from.
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rememberAccount } from '../../src/app/account-hint';
import { dialInText, grouped, oneTap, type DialIn } from '../../src/conference/dial-in';
import { MeetingSession } from '../../src/conference/moderation';
import { Invite } from '../../src/panels/Invite';
import { DialInBox } from '../../src/ui/DialInBox';

const ERFURT = { e164: '+4936112345678', label: 'Erfurt' };
const BERLIN = { e164: '+4930123456' };
const DIAL_IN: DialIn = { numbers: [ERFURT, BERLIN], conference_id: '491234567', pin: '73914420' };
const RUN = '0190c0de-0000-7000-8000-000000000001';

beforeEach(() => localStorage.clear());
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

describe('a link for telephones', () => {
  it('dials number, conference number and PIN with pauses, and escapes the key behind them', () => {
    expect(oneTap(ERFURT, DIAL_IN)).toBe('tel:+4936112345678,,491234567%23,,73914420%23');
    // All of it is part of the number to a browser, too.
    expect(new URL(oneTap(ERFURT, DIAL_IN)).hash).toBe('');
  });

  it('answers the question for a PIN with the key alone where there is none', () => {
    const { pin: _, ...without } = DIAL_IN;
    for (const dialIn of [without, { ...DIAL_IN, pin: null }, { ...DIAL_IN, pin: '' }]) {
      expect(oneTap(BERLIN, dialIn)).toBe('tel:+4930123456,,491234567%23,,%23');
    }
  });
});

describe('digits', () => {
  it('stand in groups that are easy to type', () => {
    expect(['491234567', '73914420', '1234567890', '4711', ''].map(grouped)).toEqual([
      '491 234 567',
      '7391 4420',
      '1234 5678 90',
      '4711',
      '',
    ]);
  });
});

describe('the text to paste', () => {
  it('has every number, and the PIN or what to press without one', () => {
    const text = 'Per Telefon: +4936112345678 (Erfurt), +4930123456\nKonferenznummer: 491 234 567 #';
    expect(dialInText(DIAL_IN)).toBe(`${text}\nPIN: 7391 4420 #`);
    expect(dialInText({ ...DIAL_IN, pin: null })).toBe(`${text}\nPIN: nur #, wenn Sie keine haben`);
  });

  it('is none where nobody answers', () => {
    expect(dialInText({ ...DIAL_IN, numbers: [] })).toBeNull();
  });
});

describe('the box', () => {
  it('has a link for each number, whose name says where it leads', () => {
    render(<DialInBox dialIn={DIAL_IN} />);
    const [erfurt, berlin] = screen.getAllByRole('link');
    expect(erfurt?.getAttribute('href')).toBe(oneTap(ERFURT, DIAL_IN));
    expect(erfurt?.getAttribute('aria-label')).toBe('+4936112345678 anrufen (Erfurt)');
    expect(berlin?.getAttribute('aria-label')).toBe('+4930123456 anrufen');
    const hint = document.getElementById(erfurt?.getAttribute('aria-describedby') ?? '');
    expect(hint?.textContent).toContain('mitgewählt');
  });

  it('shows the PIN only where the server does', () => {
    render(<DialInBox dialIn={DIAL_IN} />);
    expect(screen.getByTestId('dial-in-id').textContent).toBe('491 234 567');
    expect(screen.getByTestId('dial-in-pin').textContent).toBe('7391 4420');
    cleanup();
    render(<DialInBox dialIn={{ ...DIAL_IN, pin: null }} />);
    expect(screen.queryByTestId('dial-in-pin')).toBeNull();
    expect(screen.getByTestId('dial-in-without-pin').textContent).toBe('nur #, wenn Sie keine haben');
    const hint = document.getElementById(screen.getAllByRole('link')[0]?.getAttribute('aria-describedby') ?? '');
    expect(hint?.textContent).toContain('Sie nehmen ohne PIN teil');
  });

  it('says that nobody’s call is encrypted from end to end', () => {
    render(<DialInBox dialIn={DIAL_IN} />);
    expect(screen.getByTestId('dial-in').textContent).toContain('Anrufe sind nicht Ende-zu-Ende verschlüsselt.');
  });

  it('says what the keys do, and the star as a word to screen readers', () => {
    render(<DialInBox dialIn={DIAL_IN} />);
    const keys = [...document.querySelectorAll('.dial-in-keys dt')].map((key) => [
      key.querySelector('kbd[aria-hidden=true]')?.textContent,
      key.querySelector('.visually-hidden')?.textContent,
      key.nextElementSibling?.textContent,
    ]);
    expect(keys).toEqual([
      ['*6', 'Stern 6', 'Mikrofon aus oder ein'],
      ['*9', 'Stern 9', 'Hand heben oder senken'],
      ['*0', 'Stern 0', 'alle Tasten hören'],
    ]);
  });

  it('copies all of it', async () => {
    const writeText = vi.spyOn(navigator.clipboard, 'writeText').mockResolvedValue();
    render(<DialInBox dialIn={DIAL_IN} />);
    fireEvent.click(screen.getByTestId('copy-dial-in'));
    await waitFor(() => expect(writeText).toHaveBeenCalledWith(dialInText(DIAL_IN)));
    await waitFor(() => expect(screen.getByTestId('copy-dial-in').dataset['copied']).toBe('true'));
    expect(screen.getByRole('alert').textContent).toBe('');
    writeText.mockRejectedValueOnce(new DOMException('no', 'NotAllowedError'));
    fireEvent.click(screen.getByTestId('copy-dial-in'));
    await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('Bitte markieren Sie den Text selbst.'));
  });
});

describe('inviting from the room', () => {
  const open = () => {
    const details = screen.getByTestId<HTMLDetailsElement>('invite');
    details.open = true;
    fireEvent(details, new Event('toggle'));
  };

  it('asks once it is opened, and shows link and telephone', async () => {
    const ask = vi.fn(async () => ({ joinUrl: 'https://conf.example.org/m/abc', dialIn: DIAL_IN }));
    render(<Invite ask={ask} />);
    expect(ask).not.toHaveBeenCalled();
    open();
    await waitFor(() => expect(screen.getByTestId('invite-link').textContent).toBe('https://conf.example.org/m/abc'));
    expect(screen.getByTestId('dial-in-id').textContent).toBe('491 234 567');
    open();
    expect(ask).toHaveBeenCalledOnce();
  });

  it('says so where there is no number', async () => {
    render(<Invite ask={async () => ({ joinUrl: 'https://x/m/a', dialIn: { ...DIAL_IN, numbers: [] } })} />);
    open();
    await screen.findByText('Für diese Besprechung gibt es keine Einwahl.');
    expect(screen.queryByTestId('dial-in')).toBeNull();
  });

  it('says where it stands for whoever may not see it here', async () => {
    render(<Invite ask={async () => 'hidden'} />);
    open();
    await screen.findByText(/stehen in der Einladung/);
  });

  it('can be tried again', async () => {
    const ask = vi.fn<() => Promise<'hidden'>>().mockRejectedValueOnce(new Error('unreachable')).mockResolvedValue('hidden');
    render(<Invite ask={ask} />);
    open();
    fireEvent.click(await screen.findByTestId('invite-retry'));
    await screen.findByText(/stehen in der Einladung/);
  });
});

describe('what the server says of a meeting', () => {
  const token = `x.${btoa(JSON.stringify({ video: { room: `meeting-${RUN}` } }))}.x`;
  const session = () => new MeetingSession(() => token);

  /** A server that knows the run with a room token, and the meeting with a cookie. */
  function serve(run: object, status: number, body: object = {}) {
    const asked: [string, unknown][] = [];
    vi.stubGlobal('fetch', async (path: string, init?: RequestInit) => {
      asked.push([path, init?.headers]);
      if (path === `/api/v1/meeting_sessions/${RUN}`) return new Response(JSON.stringify(run));
      return new Response(JSON.stringify(body), { status });
    });
    return asked;
  }

  it('is asked for as whoever is signed in: a room token does not open it', async () => {
    rememberAccount(true);
    const asked = serve({ meeting_id: 'm1', room_id: null }, 200, { join_url: 'https://x/m/a', dial_in: DIAL_IN });
    expect(await session().invitation()).toEqual({ joinUrl: 'https://x/m/a', dialIn: DIAL_IN });
    expect(asked).toEqual([
      [`/api/v1/meeting_sessions/${RUN}`, { authorization: `Bearer ${token}` }],
      ['/api/v1/meetings/m1', undefined],
    ]);
  });

  it('is that of the permanent room where there is no meeting', async () => {
    rememberAccount(true);
    const asked = serve({ meeting_id: null, room_id: 'r1' }, 200, { join_url: 'https://x/m/a', dial_in: DIAL_IN });
    await session().invitation();
    expect(asked.at(-1)?.[0]).toBe('/api/v1/rooms/r1');
  });

  it.each([401, 403, 404])('is hidden from whoever is answered %i', async (status) => {
    rememberAccount(true);
    serve({ meeting_id: 'm1' }, status);
    expect(await session().invitation()).toBe('hidden');
  });

  it('is no silence when the server is out of order', async () => {
    rememberAccount(true);
    serve({ meeting_id: 'm1' }, 503);
    await expect(session().invitation()).rejects.toThrow('503');
  });

  it('is not asked for by guests', async () => {
    const asked = serve({ meeting_id: 'm1' }, 200);
    expect(await session().invitation()).toBe('hidden');
    expect(asked).toEqual([]);
  });

  it('is for guests what their link tells', async () => {
    const code = 'AbCdEfGhIjKlMnOpQrStUv';
    history.replaceState(null, '', `/m/${code}`);
    const dialIn = { numbers: [BERLIN], conference_id: '491234567' };
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path);
      return Response.json({ organisation: 'Stadt', dial_in: asked.length === 1 ? dialIn : null });
    });
    expect(await session().invitation()).toEqual({ joinUrl: `${location.origin}/m/${code}`, dialIn });
    expect(await session().invitation()).toBe('hidden');
    expect(asked).toEqual([`/api/v1/join/${code}`, `/api/v1/join/${code}`]);
    history.replaceState(null, '', '/');
  });

  it('tells browsers and telephones in the lobby apart', async () => {
    const since = '2026-11-23T03:00:00Z';
    vi.stubGlobal('fetch', async () =>
      Response.json({
        items: [
          { id: 'e1', name: 'Gus', kind: 'guest', since },
          { id: 'e2', name: 'Telefon …456', kind: 'phone', since },
        ],
      }),
    );
    const meeting = session();
    await meeting.refresh();
    const sinceMs = Date.parse(since);
    expect(meeting.waiting.value).toEqual([
      { id: 'e1', name: 'Gus', isGuest: true, isPhone: false, sinceMs },
      { id: 'e2', name: 'Telefon …456', isGuest: false, isPhone: true, sinceMs },
    ]);
  });

  it('is told what a moderator asks of a caller', async () => {
    const asked: [string, string][] = [];
    vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
      asked.push([path, String(init.body)]);
      return new Response(null, { status: 204 });
    });
    const meeting = session();
    await meeting.askToUnmute('sip_1');
    await meeting.rename('sip_1', 'Olga Orga');
    await meeting.permitToSpeak('sip_1', false);
    await meeting.lowerHand('sip_1');
    await meeting.lowerHand(null);
    expect(asked).toEqual([
      [`/api/v1/meeting_sessions/${RUN}/unmute_request`, '{"identity":"sip_1"}'],
      [`/api/v1/meeting_sessions/${RUN}/rename`, '{"identity":"sip_1","name":"Olga Orga"}'],
      [`/api/v1/meeting_sessions/${RUN}/permit`, '{"identity":"sip_1","is_permitted":false}'],
      [`/api/v1/meeting_sessions/${RUN}/lower_hand`, '{"identity":"sip_1"}'],
      [`/api/v1/meeting_sessions/${RUN}/lower_hand`, '{}'],
    ]);
    expect(meeting.problem.value).toBe(false);
  });
});
