// SPDX-License-Identifier: EUPL-1.2
// Whoever comes by telephone, from what LiveKit tells to what is on the screen and read out.
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { ParticipantKind, Room, Track, type Participant } from 'livekit-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { language } from '../../src/app/preferences';
import { announceConference } from '../../src/conference/announce-conference';
import { announcer, Announcer } from '../../src/conference/announcer';
import { handPlaces } from '../../src/conference/hands';
import { ParticipantState } from '../../src/conference/participant-state';
import { iconPath, type IconName } from '../../src/ui/icons';
import { Stage } from '../../src/layout/Stage';
import { Tile } from '../../src/layout/Tile';
import { PeoplePanel } from '../../src/panels/PeoplePanel';
import { fakeCaller, fakeConference, fakeModeration, fakeParticipant } from '../stories/fake-conference';

const RECT = { x: 0, y: 0, width: 320, height: 180 };
const SMALL = { x: 0, y: 0, width: 140, height: 96 };

/** What stands with everybody who comes by telephone. */
const UNENCRYPTED = 'nicht Ende-zu-Ende verschlüsselt';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** What the server says of a participant, given to LiveKit's own participant. */
function told(participant: Participant, kind: ParticipantKind, name: string, attributes: Record<string, string>) {
  Object.assign(participant, { _kind: kind, name, _attributes: attributes, identity: 'sip_7f3a' });
  return participant;
}

const state = (kind: ParticipantKind, name: string, attributes: Record<string, string> = {}) =>
  new ParticipantState(told(new Room().localParticipant, kind, name, attributes));

const has = (element: Element, icon: IconName) => element.querySelector(`path[d="${iconPath(icon)}"]`) !== null;

describe('a participant', () => {
  it('is a caller by the kind that the server gave, not by attributes, which anybody can set', () => {
    const attributes = { 'sip.phoneNumber': '…123' };
    const expected = { number: '…123', isNamed: true, isOnHold: false, recordingConsent: null };
    expect(state(ParticipantKind.SIP, 'Ada', attributes).phone.value).toEqual(expected);
    expect(state(ParticipantKind.STANDARD, 'Ada', attributes).phone.value).toBeNull();
  });

  it('has the number for a name where none is known, and never the identity', () => {
    expect(state(ParticipantKind.SIP, '', { 'sip.phoneNumber': '…123' }).name.value).toBe('…123');
    const withheld = state(ParticipantKind.SIP, '');
    expect(withheld.phone.value).toEqual({ number: null, isNamed: false, isOnHold: false, recordingConsent: null });
    expect(withheld.name.value).toBe('Unbekannte Nummer');
    // What the server says where it knows neither is no name either.
    const nobody = state(ParticipantKind.SIP, 'Telefon');
    expect([nobody.name.value, nobody.phone.value?.isNamed]).toEqual(['Unbekannte Nummer', false]);
    expect(state(ParticipantKind.STANDARD, 'Telefon').name.value).toBe('Telefon');
    language.value = 'en';
    expect(withheld.name.value).toBe('Unknown number');
    expect(state(ParticipantKind.STANDARD, '').name.value).toBe('sip_7f3a');
  });

  it('is named once somebody has said who it is', () => {
    const participant = told(new Room().localParticipant, ParticipantKind.SIP, 'Telefon …123', { 'sip.phoneNumber': '…123' });
    const caller = new ParticipantState(participant);
    const before = caller.phone.value;
    expect(before?.isNamed).toBe(false);
    caller.refresh();
    expect(caller.phone.value).toBe(before);
    Object.assign(participant, { name: 'Olga Orga' });
    caller.refresh();
    expect([caller.name.value, caller.phone.value?.isNamed]).toEqual(['Olga Orga', true]);
  });

  it('may speak unless the server says otherwise', () => {
    expect(state(ParticipantKind.SIP, 'Ada').maySpeak.value).toBe(true);
    expect(state(ParticipantKind.SIP, 'Ada', { 'saal.held': '1' }).maySpeak.value).toBe(false);
  });

  it('is on hold while the server says so', () => {
    const participant = told(new Room().localParticipant, ParticipantKind.SIP, 'Ada', { 'sip.hold': 'true' });
    const caller = new ParticipantState(participant);
    expect(caller.phone.value?.isOnHold).toBe(true);
    Object.assign(participant, { _attributes: {} });
    caller.refresh();
    expect(caller.phone.value?.isOnHold).toBe(false);
  });

  it('has said to a recording what the server says', () => {
    const participant = told(new Room().localParticipant, ParticipantKind.SIP, 'Ada', {});
    const caller = new ParticipantState(participant);
    const consent = (said: string) => {
      Object.assign(participant, { _attributes: { 'saal.recording_consent': said } });
      caller.refresh();
      return caller.phone.value?.recordingConsent;
    };
    expect(caller.phone.value?.recordingConsent).toBeNull();
    expect(['given', 'withdrawn', 'perhaps', 'given'].map(consent)).toEqual(['given', 'withdrawn', null, 'given']);
    Object.assign(participant, { _attributes: {} });
    caller.refresh();
    expect(caller.phone.value?.recordingConsent).toBeNull();
  });

  it('is muted and unmuted as anybody is', () => {
    const participant = told(new Room().localParticipant, ParticipantKind.SIP, 'Ada', {});
    const publication = { isMuted: true };
    vi.spyOn(participant, 'getTrackPublication').mockImplementation((source) =>
      source === Track.Source.Microphone ? (publication as never) : undefined,
    );
    const caller = new ParticipantState(participant);
    expect(caller.microphone.value).toBe('muted');
    publication.isMuted = false;
    caller.refresh();
    expect(caller.microphone.value).toBe('on');
  });
});

describe('a caller’s tile', () => {
  it('says by icon and in words that it is a telephone, and shows no camera', () => {
    const caller = fakeCaller('c', 'Telefon …123', '…123');
    caller.microphone.value = 'muted';
    for (const rect of [RECT, SMALL]) {
      render(<Tile person={caller} rect={rect} handPlace={null} isInset={false} />);
      const plate = document.querySelector('.tile-plate');
      expect(plate?.textContent).toBe('Telefon …123, am Telefon, nicht Ende-zu-Ende verschlüsselt, stumm');
      expect(plate?.getAttribute('title')).toBe('am Telefon, nicht Ende-zu-Ende verschlüsselt');
      expect(plate && has(plate, 'call')).toBe(true);
      const tile = screen.getByTestId('tile');
      expect(has(tile, 'videocamOff') || has(tile, 'videocam')).toBe(false);
      // A number has no initials.
      expect(document.querySelector('.avatar')?.textContent).toBe('');
      cleanup();
    }
  });

  it('has the initials of a name that is known, and the ring of whoever speaks', () => {
    const caller = fakeCaller('c', 'Hannelore Brückner', '…789');
    caller.isSpeaking.value = true;
    render(<Tile person={caller} rect={RECT} handPlace={null} isInset={false} />);
    expect(document.querySelector('.avatar')?.textContent).toBe('HB');
    expect(screen.getByTestId('tile').classList.contains('tile-is-speaking')).toBe(true);
  });

  it('tells of a poor line in other words than of the internet', () => {
    const [caller, guest] = [fakeCaller('c', 'Ada', '…1'), fakeParticipant('g', 'Gus')];
    const shown = (person: typeof guest) => {
      render(<Tile person={person} rect={RECT} handPlace={null} isInset={false} />);
      const text = screen.queryByTestId('tile-link')?.textContent;
      cleanup();
      return text;
    };
    expect(shown(caller)).toBeUndefined();
    for (const person of [caller, guest]) person.link.value = 'lost';
    expect(shown(caller)).toBe(', Telefonverbindung unterbrochen');
    expect(shown(guest)).toBe(', Verbindung unterbrochen');
  });

  it('says that the call is on hold, by icon and in words', () => {
    const caller = fakeCaller('c', 'Ada', '…1');
    caller.phone.value = { number: '…1', isNamed: true, isOnHold: true, recordingConsent: null };
    for (const [rect, seen] of [
      [RECT, 'Anruf gehalten'],
      [SMALL, undefined],
    ] as const) {
      render(<Tile person={caller} rect={rect} handPlace={null} isInset={false} />);
      const plate = document.querySelector('.tile-plate');
      expect(plate?.textContent).toContain('Ada, am Telefon, nicht Ende-zu-Ende verschlüsselt, Anruf gehalten');
      expect(plate?.querySelector('.tile-note')?.textContent).toBe(seen);
      expect(plate && has(plate, 'callPaused') && !has(plate, 'call')).toBe(true);
      cleanup();
    }
  });

  it('is no telephone’s for anybody else', () => {
    render(<Tile person={fakeParticipant('g', 'Gus')} rect={RECT} handPlace={null} isInset={false} />);
    expect(screen.getByTestId('tile').textContent).not.toContain('Telefon');
    expect(document.querySelector('.tile-plate')?.hasAttribute('title')).toBe(false);
    expect(has(screen.getByTestId('tile'), 'call')).toBe(false);
  });
});

describe('raised hands', () => {
  function conferenceWithHands() {
    const [ada, caller, cem] = [fakeParticipant('ada', 'Ada'), fakeCaller('c', 'Telefon …123', '…123'), fakeParticipant('cem', 'Cem')];
    ada.hand.value = 30;
    caller.hand.value = 20;
    return fakeConference(fakeParticipant('me', 'Katharina', true), [ada, caller, cem]);
  }

  it('stand in one queue', () => {
    const { local, remotes } = conferenceWithHands();
    local.hand.value = 10;
    expect([...handPlaces([local, ...remotes.value])]).toEqual([
      ['me', 1],
      ['c', 2],
      ['ada', 3],
    ]);
  });

  it('show their place on tiles and in the list, in figures and in words', async () => {
    // The tests' document has no layout.
    vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} });
    vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockReturnValue({ width: 1200, height: 800 } as DOMRect);
    const conference = conferenceWithHands();
    render(<Stage conference={conference} />);
    const tile = (id: string) => document.querySelector(`[data-testid=tile][data-participant=${id}]`);
    await waitFor(() => expect(tile('c')?.textContent).toContain('Hand gehoben, Platz 1'));
    expect(tile('ada')?.textContent).toContain('Hand gehoben, Platz 2');
    expect(tile('cem')?.textContent).not.toContain('Hand');
    cleanup();
    vi.restoreAllMocks();
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const [first, second] = screen.getAllByTestId('person');
    expect(first?.dataset).toMatchObject({ participant: 'c', hand: 'up', phone: 'true' });
    expect(first?.textContent).toContain('Hand gehoben, Platz 1');
    expect(second?.dataset['participant']).toBe('ada');
  });

  it('are read out with arrivals of callers, together and only while they are up', () => {
    vi.useFakeTimers();
    const announcer = new Announcer();
    const said: string[] = [];
    vi.spyOn(announcer, 'say').mockImplementation((text) => void said.push(text));
    const conference = conferenceWithHands();
    const stop = announceConference(conference, announcer);
    const [ada, caller, cem] = conference.remotes.value;
    if (ada === undefined || caller === undefined || cem === undefined) throw new Error('three people are expected');
    vi.advanceTimersByTime(3000);
    // Those hands were up before.
    expect(said).toHaveLength(1);
    caller.hand.value = null;
    caller.hand.value = 40;
    vi.advanceTimersByTime(3000);
    expect(said.slice(1)).toEqual(['Telefon …123 hebt die Hand.']);
    cem.hand.value = 50;
    cem.hand.value = null;
    vi.advanceTimersByTime(3000);
    expect(said).toHaveLength(2);
    const late = fakeCaller('late', 'Unbekannte Nummer', null);
    conference.remotes.value = [...conference.remotes.value, late];
    for (const [index, person] of [cem, late].entries()) person.hand.value = 60 + index;
    vi.advanceTimersByTime(3000);
    expect(said.slice(2)).toEqual(['Unbekannte Nummer ist beigetreten.', '2 Personen heben die Hand.']);
    conference.remotes.value = conference.remotes.value.filter((person) => person !== caller);
    vi.advanceTimersByTime(3000);
    expect(said.at(-1)).toBe('Telefon …123 hat die Besprechung verlassen.');
    stop();
  });
});

describe('the people panel', () => {
  function moderated() {
    const caller = fakeCaller('c', 'Hannelore Brückner', '…789');
    const conference = fakeConference(fakeParticipant('me', 'Katharina', true), [caller]);
    const moderation = fakeModeration([
      { id: 'w1', name: 'Gus', isGuest: true, isPhone: false, sinceMs: 0 },
      { id: 'w2', name: 'Telefon …456', isGuest: false, isPhone: true, sinceMs: 0 },
    ]);
    conference.moderation = moderation;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    const entry = () => {
      const found = screen.getAllByTestId('person').find((person) => person.dataset['participant'] === 'c');
      if (found === undefined) throw new Error('the caller is not listed');
      return found;
    };
    return { caller, conference, moderation, entry };
  }

  it('shows a caller with name, number and telephone, and nothing of a camera', () => {
    const { entry } = moderated();
    expect(entry().querySelector('.person-name')?.textContent).toBe(`Hannelore Brückner…789${UNENCRYPTED}`);
    expect(entry().querySelector('[title="am Telefon"]')?.textContent).toBe('am Telefon');
    // To be read without pointing at anything, and said once.
    const notes = [...entry().querySelectorAll('.person-note')].map(({ textContent }) => textContent);
    expect(notes).toEqual(['…789', UNENCRYPTED]);
    expect(entry().textContent?.split(UNENCRYPTED)).toHaveLength(2);
    expect(screen.getAllByTestId('person').find((person) => person.dataset['participant'] === 'me')?.textContent).not.toContain(UNENCRYPTED);
    expect(entry().textContent).not.toContain('Kamera');
  });

  it('says of a caller that the call is on hold', async () => {
    const { caller, entry } = moderated();
    expect(entry().textContent).not.toContain('gehalten');
    caller.phone.value = { number: '…789', isNamed: true, isOnHold: true, recordingConsent: null };
    await waitFor(() => expect(entry().textContent).toContain('Anruf gehalten'));
    expect(has(entry(), 'callPaused')).toBe(true);
  });

  it('says of a caller, and of nobody else, whether they agree to the recording', () => {
    const { caller, conference, entry } = moderated();
    const own = () => screen.getAllByTestId('person').find((person) => person.dataset['participant'] === 'me');
    const says = (recordingConsent: 'given' | 'withdrawn' | null) => {
      act(() => void (caller.phone.value = { number: '…789', isNamed: true, isOnHold: false, recordingConsent }));
      return entry().querySelector('.person-name')?.textContent;
    };
    expect(says(null)).toBe(`Hannelore Brückner…789${UNENCRYPTED}`);
    act(() => void (conference.isRecording.value = true));
    expect(says(null)).toBe(`Hannelore Brückner…789${UNENCRYPTED}hat der Aufzeichnung noch nicht zugestimmt`);
    expect(says('given')).toBe(`Hannelore Brückner…789${UNENCRYPTED}hat der Aufzeichnung zugestimmt`);
    expect(says('withdrawn')).toBe(`Hannelore Brückner…789${UNENCRYPTED}hat die Zustimmung zur Aufzeichnung zurückgenommen`);
    expect(own()?.textContent).not.toContain('Aufzeichnung');
    act(() => void (language.value = 'en'));
    expect(says('given')).toBe('Hannelore Brückner…789not encrypted end to endhas agreed to the recording');
    act(() => void (conference.isRecording.value = false));
    expect(says('given')).toBe('Hannelore Brückner…789not encrypted end to end');
  });

  it('does not say a number twice', async () => {
    const { caller, entry } = moderated();
    caller.name.value = 'Telefon …789';
    await waitFor(() => expect(entry().querySelector('.person-name')?.textContent).toBe(`Telefon …789${UNENCRYPTED}`));
  });

  it('finds callers by number', async () => {
    const crowd = Array.from({ length: 12 }, (_, i) => fakeParticipant(`p${i}`, `Person ${i}`));
    const caller = fakeCaller('c', 'Hannelore Brückner', '…789');
    render(<PeoplePanel conference={fakeConference(fakeParticipant('me', 'Ich', true), [...crowd, caller])} onClose={() => undefined} />);
    fireEvent.input(screen.getByTestId('people-search'), { target: { value: '789' } });
    await waitFor(() => expect(screen.getAllByTestId('person').map((person) => person.dataset['participant'])).toEqual(['c']));
  });

  it('shows who waits on the telephone with number and place, and lets them in', async () => {
    const { moderation } = moderated();
    const [guest, caller] = screen.getAllByTestId('waiting-person');
    expect(guest?.textContent).toContain('Platz 1 · Gast');
    expect(caller?.textContent).toContain('Telefon …456Platz 2 · am Telefon');
    expect(caller && has(caller, 'call')).toBe(true);
    fireEvent.click(screen.getByLabelText('Telefon …456 einlassen'));
    expect(moderation.done).toEqual(['admit w2']);
    fireEvent.click(await screen.findByLabelText('Gus abweisen'));
    expect(moderation.done).toEqual(['admit w2', 'deny w1']);
  });

  it('calls who waits with a withheld number as it calls them in the room', () => {
    const { moderation } = moderated();
    act(() => void (moderation.waiting.value = [{ id: 'w3', name: 'Telephone', isGuest: false, isPhone: true, sinceMs: 0 }]));
    expect(screen.getByTestId('waiting-person').textContent).toContain('Unbekannte Nummer');
    expect(screen.getByLabelText('Unbekannte Nummer einlassen')).toBeTruthy();
  });

  it('mutes who can be heard and asks who is muted, never the other way about', async () => {
    const { caller, moderation } = moderated();
    expect(screen.queryByTestId('ask-to-unmute')).toBeNull();
    const button = screen.getByTestId('mute-person');
    button.focus();
    fireEvent.click(button);
    caller.microphone.value = 'muted';
    fireEvent.click(await screen.findByTestId('ask-to-unmute'));
    expect(document.activeElement).toBe(screen.getByTestId('ask-to-unmute'));
    expect(screen.queryByTestId('mute-person')).toBeNull();
    expect(moderation.done).toEqual(['mute c', 'ask c']);
  });

  it('blocks a microphone after asking once more, and unblocks it by the same button', async () => {
    const { caller, moderation, entry } = moderated();
    const said = vi.spyOn(announcer, 'say');
    const button = () => screen.getByTestId('permit-to-speak');
    expect(button().getAttribute('aria-label')).toBe('Mikrofon von Hannelore Brückner sperren');
    fireEvent.click(button());
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('forbid-cancel')));
    const group = screen.getByRole('group', { name: 'Mikrofon von Hannelore Brückner sperren?' });
    const hint = document.getElementById(group.getAttribute('aria-describedby') ?? '');
    expect(hint?.textContent).toContain('erst wieder einschalten, wenn die Leitung es freigibt');
    fireEvent.click(screen.getByTestId('forbid-cancel'));
    await waitFor(() => expect(document.activeElement).toBe(button()));
    expect(moderation.done).toEqual([]);
    fireEvent.click(button());
    fireEvent.click(await screen.findByTestId('forbid-now'));
    await waitFor(() => expect(document.activeElement).toBe(button()));
    expect(moderation.done).toEqual(['forbid c']);
    await waitFor(() => expect(said).toHaveBeenLastCalledWith('Das Mikrofon von Hannelore Brückner ist gesperrt.'));
    act(() => {
      caller.maySpeak.value = false;
      caller.microphone.value = 'muted';
    });
    expect(entry().textContent).toContain('Mikrofon gesperrt');
    // It would be asked in vain.
    expect(screen.queryByTestId('ask-to-unmute')).toBeNull();
    expect(document.activeElement).toBe(button());
    fireEvent.click(screen.getByLabelText('Mikrofon von Hannelore Brückner freigeben'));
    expect(moderation.done).toEqual(['forbid c', 'permit c']);
    await waitFor(() => expect(said).toHaveBeenLastCalledWith('Das Mikrofon von Hannelore Brückner ist freigegeben.'));
    act(() => void (caller.maySpeak.value = true));
    expect(entry().textContent).not.toContain('gesperrt');
    expect(screen.getByTestId('ask-to-unmute')).toBeTruthy();
  });

  it('has nothing to block where there is no microphone, but can unblock what comes', () => {
    const { caller } = moderated();
    act(() => void (caller.microphone.value = 'none'));
    expect(screen.queryByTestId('permit-to-speak')).toBeNull();
    act(() => void (caller.maySpeak.value = false));
    expect(screen.getByLabelText('Mikrofon von Hannelore Brückner freigeben')).toBeTruthy();
  });

  it('names a caller, and puts the focus back', async () => {
    const { caller, moderation } = moderated();
    act(() => void (caller.phone.value = { number: '…789', isNamed: false, isOnHold: false, recordingConsent: null }));
    fireEvent.click(screen.getByTestId('rename-person'));
    const input = await screen.findByTestId<HTMLInputElement>('new-name');
    await waitFor(() => expect(document.activeElement).toBe(input));
    // A number is nothing to go on with.
    expect(input.value).toBe('');
    fireEvent.click(screen.getByTestId('rename-now'));
    await waitFor(() => expect(input.getAttribute('aria-invalid')).toBe('true'));
    expect(moderation.done).toEqual([]);
    fireEvent.input(input, { target: { value: ' Olga Orga ' } });
    fireEvent.click(screen.getByTestId('rename-now'));
    expect(moderation.done).toEqual(['rename c Olga Orga']);
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('rename-person')));
  });

  it('puts the focus on the way out where it asks once more', async () => {
    moderated();
    fireEvent.click(screen.getByTestId('remove-person'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('remove-cancel')));
    fireEvent.click(screen.getByTestId('remove-cancel'));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('remove-person')));
  });
});
