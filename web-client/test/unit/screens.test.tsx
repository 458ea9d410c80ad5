// SPDX-License-Identifier: EUPL-1.2
// What the screens do, as far as it can be told without a layout. Accessibility and keyboard: test/a11y.
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { rememberedToken } from '../../src/app/access';
import { language } from '../../src/app/preferences';
import { route } from '../../src/app/router';
import { Tile } from '../../src/layout/Tile';
import { ChatPanel } from '../../src/panels/ChatPanel';
import { PeoplePanel } from '../../src/panels/PeoplePanel';
import { Banners } from '../../src/screens/Banners';
import { Ended } from '../../src/screens/Ended';
import { Start } from '../../src/screens/Start';
import { Toolbar } from '../../src/screens/Toolbar';
import { signal } from '@preact/signals';
import { fakeConference, fakeParticipant } from '../stories/fake-conference';
import { deferred } from './fake-livekit';

const RECT = { x: 0, y: 0, width: 320, height: 180 };

function conferenceWith(...names: string[]) {
  return fakeConference(fakeParticipant('me', 'Katharina', true), names.map((name) => fakeParticipant(name, name)));
}

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, '', '/');
  route.value = { name: 'start' };
});
afterEach(cleanup);

describe('Start', () => {
  const open = (dev: boolean) => render(<Start config={{ version: '0.1.0', dev, signIn: { password: true, provider: false } }} isLost={false} />);
  const type = (text: string) => fireEvent.input(screen.getByTestId('join-input'), { target: { value: text } });

  it('asks for a link where nothing was entered, and ties the message to the field', () => {
    open(false);
    fireEvent.click(screen.getByTestId('join'));
    const input = screen.getByTestId('join-input');
    expect(input.getAttribute('aria-invalid')).toBe('true');
    const described = input.getAttribute('aria-describedby')?.split(' ').map((id) => document.getElementById(id)?.textContent);
    expect(described?.join(' ')).toContain('Bitte geben Sie den Link');
    expect(document.activeElement).toBe(input);
  });

  it('keeps the token of a link and goes to its room', () => {
    open(false);
    type(`${location.origin}/m/Rat#token=abc`);
    fireEvent.click(screen.getByTestId('join'));
    expect(route.value).toEqual({ name: 'meeting', room: 'Rat' });
    expect(rememberedToken('Rat')).toBe('abc');
    expect(location.hash).toBe('');
  });

  it('takes a name on a development server only', () => {
    open(true);
    type('Rat');
    fireEvent.click(screen.getByTestId('join'));
    expect(route.value).toEqual({ name: 'meeting', room: 'Rat' });
    cleanup();
    route.value = { name: 'start' };
    open(false);
    type('Rat');
    fireEvent.click(screen.getByTestId('join'));
    expect(route.value).toEqual({ name: 'start' });
  });

  it('changes its language at once', async () => {
    open(true);
    language.value = 'en';
    await waitFor(() => expect(screen.getByTestId('join').textContent).toBe('Join'));
  });
});

describe('ChatPanel', () => {
  it('sends with Enter and empties the field', async () => {
    const conference = conferenceWith('Ada');
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    const input = screen.getByTestId<HTMLTextAreaElement>('chat-input');
    expect(document.activeElement).toBe(input);
    fireEvent.input(input, { target: { value: ' Guten Tag ' } });
    fireEvent.keyDown(input, { key: 'Enter', shiftKey: true });
    expect(conference.chat.messages.value).toHaveLength(0);
    fireEvent.keyDown(input, { key: 'Enter' });
    await waitFor(() => expect(screen.getByTestId('message-list').textContent).toContain('Guten Tag'));
    expect(input.value).toBe('');
  });

  it('keeps a text that could not be sent', async () => {
    const conference = conferenceWith('Ada');
    vi.spyOn(conference.chat, 'send').mockRejectedValue(new Error('no connection'));
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    const input = screen.getByTestId<HTMLTextAreaElement>('chat-input');
    fireEvent.input(input, { target: { value: 'Guten Tag' } });
    fireEvent.click(screen.getByTestId('chat-send'));
    await waitFor(() => expect(screen.getByText(/wurde nicht gesendet/)).toBeTruthy());
    expect(input.value).toBe('Guten Tag');
  });

  it('keeps what is written while a message is on its way', async () => {
    const conference = conferenceWith('Ada');
    const sending = deferred<void>();
    vi.spyOn(conference.chat, 'send').mockReturnValue(sending.promise);
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    const input = screen.getByTestId<HTMLTextAreaElement>('chat-input');
    fireEvent.input(input, { target: { value: 'Guten Tag' } });
    fireEvent.keyDown(input, { key: 'Enter' });
    await waitFor(() => expect(input.value).toBe(''));
    fireEvent.input(input, { target: { value: 'Noch etwas' } });
    sending.resolve();
    await waitFor(() => expect(screen.getByTestId('chat-send').getAttribute('aria-disabled')).toBe('false'));
    expect(input.value).toBe('Noch etwas');
  });

  it('keeps what is written while it is closed', () => {
    const conference = conferenceWith('Ada');
    const { unmount } = render(<ChatPanel conference={conference} onClose={() => {}} />);
    fireEvent.input(screen.getByTestId('chat-input'), { target: { value: 'Ich wollte noch' } });
    unmount();
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    expect(screen.getByTestId<HTMLTextAreaElement>('chat-input').value).toBe('Ich wollte noch');
  });

  it('counts nothing as unread while it is open', async () => {
    const conference = conferenceWith('Ada');
    conference.chat.receive({ id: '1', senderName: 'Ada', text: 'Hallo', atMs: 1 });
    expect(conference.chat.unread.value).toBe(1);
    const { unmount } = render(<ChatPanel conference={conference} onClose={() => {}} />);
    expect(conference.chat.unread.value).toBe(0);
    const setReading = vi.spyOn(conference.chat, 'setReading');
    unmount();
    // Preact clears up after a component a moment after it has gone.
    await waitFor(() => expect(setReading).toHaveBeenCalledWith(false));
    conference.chat.receive({ id: '2', senderName: 'Ada', text: 'Noch da?', atMs: 2 });
    expect(conference.chat.unread.value).toBe(1);
  });

  it('shows markup as text', () => {
    const conference = conferenceWith('Ada');
    conference.chat.receive({ id: '1', senderName: '<b>Ada</b>', text: '<img src=x onerror=alert(1)>', atMs: 1 });
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    expect(document.querySelector('.messages img, .messages b')).toBeNull();
    expect(screen.getByTestId('message').textContent).toContain('<img src=x');
  });

  it('closes with Escape', () => {
    const onClose = vi.fn();
    render(<ChatPanel conference={conferenceWith()} onClose={onClose} />);
    fireEvent.keyDown(screen.getByTestId('chat-input'), { key: 'Escape' });
    expect(onClose).toHaveBeenCalledOnce();
  });

  it('offers no field to those who may not write', () => {
    const conference = conferenceWith('Ada');
    conference.permissions.value = { microphone: false, camera: false, screen: false, chat: false };
    render(<ChatPanel conference={conference} onClose={() => {}} />);
    expect(screen.queryByTestId('chat-input')).toBeNull();
  });
});

describe('Toolbar', () => {
  const open = (conference: ReturnType<typeof conferenceWith>) =>
    render(<Toolbar conference={conference} panel={signal(null)} onPanel={() => {}} />);

  it('shows what is on, and switches it', async () => {
    const conference = conferenceWith('Ada');
    open(conference);
    const microphone = screen.getByTestId('toggle-mic');
    expect(microphone.getAttribute('aria-pressed')).toBe('true');
    expect(microphone.getAttribute('aria-keyshortcuts')).toBe('Control+D');
    expect(microphone.title).toBe('Mikrofon stummschalten (Strg+D)');
    fireEvent.click(microphone);
    await waitFor(() => expect(microphone.getAttribute('aria-pressed')).toBe('false'));
    expect(microphone.title).toBe('Mikrofon einschalten (Strg+D)');
    expect(conference.local.microphone.value).toBe('muted');
  });

  it('says how many messages are unread, in figures and in words', async () => {
    const conference = conferenceWith('Ada');
    open(conference);
    expect(screen.queryByTestId('toggle-chat-badge')).toBeNull();
    conference.chat.receive({ id: '1', senderName: 'Ada', text: 'Hallo', atMs: 1 });
    await waitFor(() => expect(screen.getByTestId('toggle-chat-badge').textContent).toBe('1'));
    expect(screen.getByTestId('toggle-chat').textContent).toContain('1 neue Nachricht');
  });

  it('does nothing that is not permitted', () => {
    const conference = conferenceWith('Ada');
    conference.permissions.value = { microphone: false, camera: true, screen: true, chat: true };
    const setMicrophone = vi.spyOn(conference, 'setMicrophone');
    open(conference);
    fireEvent.click(screen.getByTestId('toggle-mic'));
    expect(setMicrophone).not.toHaveBeenCalled();
    expect(screen.getByTestId('toggle-mic').getAttribute('aria-disabled')).toBe('true');
  });
});

describe('Tile', () => {
  it('says in words what it shows in colour', async () => {
    const person = fakeParticipant('ada', 'Ada');
    person.isSpeaking.value = true;
    render(<Tile person={person} rect={RECT} handPlace={null} isInset={false} />);
    const tile = screen.getByTestId('tile');
    expect(tile.dataset).toMatchObject({ participant: 'ada', microphone: 'on', speaking: 'true', camera: 'off' });
    person.microphone.value = 'muted';
    await waitFor(() => expect(tile.textContent).toContain('stumm'));
    // Whoever is muted is not shown as speaking.
    expect(tile.dataset['speaking']).toBe('false');
  });
});

describe('the own tile', () => {
  it('has a short name where it lies on the picture of somebody else', () => {
    const me = fakeParticipant('me', 'Friederike von Hohenstein', true);
    render(<Tile person={me} rect={RECT} handPlace={null} isInset />);
    expect(document.querySelector('.tile-name')?.textContent).toBe('Sie');
    cleanup();
    render(<Tile person={me} rect={RECT} handPlace={null} isInset={false} />);
    expect(document.querySelector('.tile-name')?.textContent).toBe('Friederike von Hohenstein (Sie)');
  });
});

describe('PeoplePanel', () => {
  it('lists everybody, oneself first and the others by name', () => {
    render(<PeoplePanel conference={conferenceWith('Zoe', 'Änne', 'Bert')} onClose={() => {}} />);
    const names = screen.getAllByTestId('person').map((person) => person.querySelector('.person-name')?.textContent);
    expect(names).toEqual(['Katharina (Sie)', 'Änne', 'Bert', 'Zoe']);
  });

  it('finds people in a large meeting', async () => {
    const crowd = Array.from({ length: 12 }, (_, i) => `Person ${i}`);
    render(<PeoplePanel conference={conferenceWith(...crowd)} onClose={() => {}} />);
    fireEvent.input(screen.getByTestId('people-search'), { target: { value: 'person 11' } });
    await waitFor(() => expect(screen.getAllByTestId('person')).toHaveLength(1));
  });
});

describe('Banners', () => {
  it('come and go with their reason', async () => {
    const conference = conferenceWith('Ada');
    render(<Banners conference={conference} />);
    expect(screen.queryByTestId('banner-reconnecting')).toBeNull();
    conference.connection.value = 'reconnecting';
    conference.isSoundBlocked.value = true;
    await waitFor(() => expect(screen.getByTestId('banner-reconnecting')).toBeTruthy());
    fireEvent.click(screen.getByTestId('play-sound'));
    await waitFor(() => expect(screen.queryByTestId('banner-sound')).toBeNull());
  });
});

describe('a problem with a control', () => {
  it('is told with what can be done about it', () => {
    const conference = conferenceWith('Ada');
    conference.controlProblem.value = { control: 'camera', problem: 'busy' };
    render(<Banners conference={conference} />);
    expect(screen.getByTestId('banner-problem').textContent).toContain('Die Kamera wird schon verwendet');
    expect(screen.getByTestId('banner-problem').textContent).toContain('Schließen Sie andere Programme');
  });

  it('is told as somebody else’s doing where it is', () => {
    const conference = conferenceWith('Ada');
    conference.controlProblem.value = { control: 'camera', problem: 'by-other' };
    render(<Banners conference={conference} />);
    expect(screen.getByTestId('banner-problem').textContent).toBe('Ihre Kamera wurde ausgeschaltet');
  });
});

describe('the banner of a slow connection', () => {
  afterEach(() => vi.useRealTimers());

  it('does not flash up when connecting is quick', async () => {
    vi.useFakeTimers();
    const conference = conferenceWith('Ada');
    conference.connection.value = 'connecting';
    render(<Banners conference={conference} />);
    await vi.advanceTimersByTimeAsync(1000);
    expect(screen.queryByTestId('banner-connecting')).toBeNull();
    await vi.advanceTimersByTimeAsync(1000);
    expect(screen.getByTestId('banner-connecting')).toBeTruthy();
    conference.connection.value = 'connected';
    await vi.advanceTimersByTimeAsync(100);
    expect(screen.queryByTestId('banner-connecting')).toBeNull();
  });
});

describe('Ended', () => {
  it('says why and offers the way back', () => {
    const onRejoin = vi.fn();
    render(<Ended reason="removed" onRejoin={onRejoin} />);
    expect(screen.getByTestId('end-reason').dataset['reason']).toBe('removed');
    fireEvent.click(screen.getByTestId('rejoin'));
    expect(onRejoin).toHaveBeenCalledOnce();
  });

  it('tells whoever has left what is still to be said, and nobody else', () => {
    const afterword = signal('Ihr Telefon ist noch da.');
    render(<Ended reason="left" afterword={afterword} onRejoin={() => {}} />);
    expect(screen.getByTestId('ended').textContent).toContain('Ihr Telefon ist noch da.');
    cleanup();
    render(<Ended reason="closed" afterword={afterword} onRejoin={() => {}} />);
    expect(screen.getByTestId('ended').textContent).not.toContain('Telefon');
  });
});
