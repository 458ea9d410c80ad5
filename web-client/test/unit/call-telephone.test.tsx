// SPDX-License-Identifier: EUPL-1.2
// Calling a telephone from the people panel: the form, the calls below way, and what is read out of them.
import { readFileSync } from 'node:fs';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { language, LANGUAGES, ownNumber } from '../../src/app/preferences';
import { announceConference } from '../../src/conference/announce-conference';
import { Announcer } from '../../src/conference/announcer';
import { CALL_ENDINGS, CALL_STATES, calledName, callWords, refusalWords, type PlacedCall } from '../../src/conference/placed-call';
import { PeoplePanel } from '../../src/panels/PeoplePanel';
import { iconPath, type IconName } from '../../src/ui/icons';
import { fakeCall, fakeConference, fakeModeration, fakeParticipant } from '../stories/fake-conference';

beforeEach(() => {
  localStorage.clear();
  ownNumber.value = '';
});
afterEach(cleanup);

function moderated(calls: readonly PlacedCall[] = []) {
  const conference = fakeConference(fakeParticipant('me', 'Katharina Weiß', true), []);
  const moderation = fakeModeration([], calls);
  conference.moderation = moderation;
  return { conference, phoneCalls: moderation.phoneCalls };
}

function panel(calls: readonly PlacedCall[] = []) {
  const made = moderated(calls);
  render(<PeoplePanel conference={made.conference} onClose={() => undefined} />);
  return made;
}

const type = (testId: string, value: string) => fireEvent.input(screen.getByTestId(testId), { target: { value } });
const value = (testId: string) => screen.getByTestId<HTMLInputElement>(testId).value;
const submit = async () => {
  await act(async () => void fireEvent.submit(screen.getByTestId('call-now').closest('form') as HTMLFormElement));
};
const errorOf = (testId: string) => {
  const ids = screen.getByTestId(testId).getAttribute('aria-describedby') ?? '';
  return document.getElementById(ids.split(' ')[1] ?? '')?.textContent?.trim();
};
const has = (element: Element, icon: IconName) => element.querySelector(`path[d="${iconPath(icon)}"]`) !== null;

describe('the form', () => {
  it('is there for moderators only, and looks which calls there are', () => {
    const { conference, phoneCalls } = panel();
    expect(screen.getByTestId('call-telephone').textContent).toContain('mit der Taste 1 herein');
    expect(phoneCalls.done).toEqual(['look']);
    cleanup();
    conference.moderation = null;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    expect(screen.queryByTestId('call-telephone')).toBeNull();
  });

  it('is there only where calls can be made, and not before that is known', async () => {
    const { phoneCalls } = moderated([fakeCall('c1', 'in_meeting')]);
    const { conference } = moderated();
    conference.moderation = { ...fakeModeration([]), phoneCalls };
    phoneCalls.isAllowed.value = null;
    render(<PeoplePanel conference={conference} onClose={() => undefined} />);
    expect(screen.queryByTestId('call-telephone')).toBeNull();
    act(() => void (phoneCalls.isAllowed.value = true));
    expect(screen.getByTestId('call-telephone')).toBeTruthy();
    act(() => void (phoneCalls.isAllowed.value = false));
    expect(screen.queryByTestId('call-telephone')).toBeNull();
    // One that goes on can be ended all the same.
    fireEvent.click(screen.getByTestId('hang-up'));
    expect(phoneCalls.done).toEqual(['look', 'hang up c1']);
  });

  it('takes a number as it is written, and is ready for the next', async () => {
    const { phoneCalls } = panel();
    expect(screen.getByTestId<HTMLInputElement>('call-number').type).toBe('tel');
    type('call-number', ' +49 (0)361 / 12 34-567 ');
    type('call-name', ' Ada Lovelace ');
    fireEvent.change(screen.getByTestId('call-language'), { target: { value: 'en' } });
    await submit();
    expect(phoneCalls.wishes).toEqual([{ number: '+493611234567', name: 'Ada Lovelace', language: 'en', isForMe: false }]);
    await waitFor(() => expect([value('call-number'), value('call-name')]).toEqual(['', '']));
    expect(ownNumber.value).toBe('');
  });

  it('says what is wrong with a number beside it, until it is changed', async () => {
    const { phoneCalls } = panel();
    const input = screen.getByTestId('call-number');
    for (const [text, words] of [
      ['', 'Bitte geben Sie eine Telefonnummer ein.'],
      ['Ada', 'Das ist keine Telefonnummer.'],
      ['1', 'Diese Nummer ist zu kurz.'],
    ] as const) {
      type('call-number', text);
      await submit();
      expect(errorOf('call-number')).toContain(words);
      expect(input.getAttribute('aria-invalid')).toBe('true');
      expect(document.activeElement).toBe(input);
    }
    type('call-number', '12');
    await waitFor(() => expect(errorOf('call-number')).toBe(''));
    expect(phoneCalls.wishes).toEqual([]);
  });

  it('shows there what the server says of the number, and elsewhere what it says of anything else', async () => {
    const { phoneCalls } = panel();
    vi.spyOn(phoneCalls, 'call').mockImplementation(async () => {
      phoneCalls.refusal.value = { callId: null, code: 'invalid', detail: 'In dieses Land wird nicht angerufen.', isAboutNumber: true };
      return false;
    });
    type('call-number', '0043 1 2345');
    await submit();
    await waitFor(() => expect(errorOf('call-number')).toBe('In dieses Land wird nicht angerufen.'));
    expect(screen.getByTestId('call-refused').textContent).toBe('');
    expect(document.activeElement).toBe(screen.getByTestId('call-number'));
    // What was typed is still there.
    expect(value('call-number')).toBe('0043 1 2345');
    type('call-number', '0043 1 23456');
    expect(phoneCalls.refusal.value).toBeNull();
    act(() => void (phoneCalls.refusal.value = { callId: null, code: 'unreachable', detail: '', isAboutNumber: false }));
    expect(screen.getByTestId('call-refused').textContent).toContain('Der Server antwortet nicht.');
    expect(screen.getByTestId('call-refused').getAttribute('role')).toBe('alert');
    expect(errorOf('call-number')).toBe('');
  });

  it('calls me under my name, and remembers my number only if I want it', async () => {
    const { phoneCalls } = panel();
    type('call-number', '4711');
    fireEvent.click(screen.getByTestId('call-me'));
    await waitFor(() => expect(screen.queryByTestId('call-name')).toBeNull());
    expect(value('call-number')).toBe('');
    expect(screen.getByLabelText('Ihre Telefonnummer')).toBe(screen.getByTestId('call-number'));
    type('call-number', '0361 42');
    await submit();
    expect(phoneCalls.wishes).toEqual([{ number: '036142', name: 'Katharina Weiß', language: 'de', isForMe: true }]);
    expect(localStorage.getItem('saal.own-number') ?? '').toBe('');
    fireEvent.click(screen.getByTestId('remember-number'));
    await submit();
    expect(localStorage.getItem('saal.own-number')).toBe('0361 42');
    // What was begun for somebody else is not lost.
    fireEvent.click(screen.getByTestId('call-me'));
    await waitFor(() => expect(value('call-number')).toBe('4711'));
    cleanup();
    panel();
    fireEvent.click(screen.getByTestId('call-me'));
    await waitFor(() => expect(value('call-number')).toBe('0361 42'));
    fireEvent.click(screen.getByTestId('remember-number'));
    await submit();
    expect(localStorage.getItem('saal.own-number')).toBe('');
  });
});

describe('the list of calls', () => {
  it('says of each by icon and in words how it stands', () => {
    panel([
      fakeCall('c1', 'dialling'),
      fakeCall('c2', 'ringing', { name: '', number: '…210' }),
      fakeCall('c3', 'answered'),
      fakeCall('c4', 'in_meeting'),
      fakeCall('c5', 'ended', { ending: 'busy' }),
      fakeCall('c6', 'ended', { ending: 'hung_up', name: '', number: '' }),
    ]);
    const shown = screen.getAllByTestId('placed-call').map((entry) => entry.querySelector('.person-name')?.textContent);
    expect(shown).toEqual([
      'Ada Lovelace…567wird gewählt',
      '…210es klingelt',
      'Ada Lovelace…567hat abgenommen und muss noch die 1 drücken',
      'Ada Lovelace…567in der Besprechung',
      'Ada Lovelace…567besetzt',
      'Unbekannte Nummeraufgelegt',
    ]);
    const icons: readonly IconName[] = ['dialpad', 'ringing', 'hourglass', 'inTalk', 'callMissed', 'callEnd'];
    for (const [index, entry] of screen.getAllByTestId('placed-call').entries()) {
      expect(has(entry, icons[index] ?? 'call'), `${index}`).toBe(true);
    }
  });

  it('gives calls up that have not been taken, and ends those that have', () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ringing'), fakeCall('c2', 'in_meeting', { name: 'Bert' })]);
    fireEvent.click(screen.getByRole('button', { name: 'Abbrechen: Anruf bei Ada Lovelace' }));
    fireEvent.click(screen.getByRole('button', { name: 'Auflegen: Bert' }));
    expect(phoneCalls.done).toEqual(['look', 'hang up c1', 'hang up c2']);
  });

  it('says what was done by the word on the button', () => {
    for (const [tag, button, done] of [
      ['de', 'Abbrechen', 'abgebrochen'],
      ['en', 'Cancel', 'cancelled'],
    ] as const) {
      language.value = tag;
      panel([fakeCall('c1', 'dialling')]);
      expect(screen.getByTestId('hang-up').textContent).toBe(button);
      expect(callWords(fakeCall('c1', 'ended', { ending: 'given_up' }))).toBe(done);
      cleanup();
    }
  });

  it('calls again where the number is known', () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ended'), fakeCall('c2', 'ended', { isOwn: false })]);
    const [again, ...more] = screen.getAllByTestId('call-again');
    expect(more).toEqual([]);
    if (again !== undefined) fireEvent.click(again);
    expect(phoneCalls.done).toEqual(['look', 'again c1']);
  });

  it('puts the focus where nothing is lost when its button goes', async () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ringing')]);
    screen.getByTestId('hang-up').focus();
    act(() => void (phoneCalls.calls.value = [fakeCall('c1', 'ended')]));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('dismiss-call')));
    screen.getByTestId('call-again').focus();
    act(() => void (phoneCalls.calls.value = [fakeCall('c2', 'dialling', { key: 'c1' })]));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('hang-up')));
    act(() => void (phoneCalls.calls.value = [fakeCall('c2', 'ended', { key: 'c1' })]));
    fireEvent.click(screen.getByTestId('dismiss-call'));
    await waitFor(() => expect(screen.queryByTestId('placed-call')).toBeNull());
    expect(document.activeElement).toBe(screen.getByTestId('open-call-telephone'));
  });

  it('has a place for the focus also where no more calls can be made', async () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ended')]);
    act(() => void (phoneCalls.isAllowed.value = false));
    screen.getByTestId('dismiss-call').focus();
    fireEvent.click(screen.getByTestId('dismiss-call'));
    await waitFor(() => expect(screen.queryByTestId('placed-call')).toBeNull());
    expect(document.activeElement).toBe(screen.getByTestId('people-count'));
  });

  it('leaves the focus alone that is elsewhere', () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ringing')]);
    screen.getByTestId('call-number').focus();
    act(() => void (phoneCalls.calls.value = [fakeCall('c1', 'ended')]));
    expect(document.activeElement).toBe(screen.getByTestId('call-number'));
  });

  it('says at the call what was refused of it, and not in the form', () => {
    const { phoneCalls } = panel([fakeCall('c1', 'ended'), fakeCall('c2', 'ringing')]);
    act(() => void (phoneCalls.refusal.value = { callId: 'c1', code: 'x', detail: 'Zu viele Anrufe.', isAboutNumber: false }));
    const [first, second] = screen.getAllByTestId('placed-call');
    expect(first?.textContent).toContain('Zu viele Anrufe.');
    expect(second?.textContent).not.toContain('Zu viele Anrufe.');
    expect(screen.getByTestId('call-refused').textContent).toBe('');
  });
});

describe('words', () => {
  it('are there for every state and ending, in both languages', () => {
    for (const tag of LANGUAGES) {
      language.value = tag;
      const underWay = CALL_STATES.filter((state) => state !== 'ended').map((state) => callWords(fakeCall('c', state)));
      const over = CALL_ENDINGS.map((ending) => callWords(fakeCall('c', 'ended', { ending })));
      const said = [...underWay, ...over];
      expect(said.filter((text) => typeof text !== 'string' || text.trim() === ''), tag).toEqual([]);
      // No two of them can be taken for each other.
      expect(said.filter((text, index) => said.indexOf(text) !== index), tag).toEqual([]);
    }
    expect(callWords(fakeCall('c', 'answered'))).toBe('has answered and has yet to press 1');
    expect(calledName(fakeCall('c', 'ringing', { name: '', number: '' }))).toBe('Unknown number');
  });

  it('are there for all that the server says of calls into meetings', () => {
    const { DialledCallState, DialledCallEnd } = (
      JSON.parse(readFileSync('../signaling/src/api/openapi/outline.json', 'utf8')) as {
        components: { schemas: Record<'DialledCallState' | 'DialledCallEnd', { enum: string[] }> };
      }
    ).components.schemas;
    expect(new Set(DialledCallState.enum)).toEqual(new Set(CALL_STATES));
    // The end of a trunk's test is shown where trunks are administered.
    const ends = DialledCallEnd.enum.filter((end) => end !== 'tested');
    expect(new Set(ends)).toEqual(new Set(CALL_ENDINGS.filter((ending) => ending !== 'other')));
  });

  it('of a refusal are ours where we know better, else the server’s, and never none', () => {
    const words = (code: string, detail: string) => refusalWords({ callId: null, code, detail, isAboutNumber: false });
    expect(words('rate-limited', 'Too many requests.')).toContain('warten Sie einen Moment');
    expect(words('dial-out-off', 'Die Systemverwaltung kann es einschalten.')).toBe('Die Systemverwaltung kann es einschalten.');
    expect(words('something-new', '')).toBe('Das hat nicht geklappt. Bitte versuchen Sie es noch einmal.');
  });
});

describe('what is read out', () => {
  it('is how calls from here stand; who comes in by one is said anyway', () => {
    const { conference, phoneCalls } = moderated([fakeCall('o', 'ringing', { isOwn: false })]);
    const announcer = new Announcer();
    const said: string[] = [];
    vi.spyOn(announcer, 'say').mockImplementation((text) => void said.push(text));
    const stop = announceConference(conference, announcer);
    said.length = 0;
    const now = (call: PlacedCall) => void (phoneCalls.calls.value = [call]);
    now(fakeCall('c1', 'dialling'));
    now(fakeCall('c1', 'ringing'));
    now(fakeCall('c1', 'ringing', { name: 'Ada' }));
    now(fakeCall('c1', 'answered'));
    now(fakeCall('c1', 'in_meeting'));
    now(fakeCall('c1', 'ended', { ending: 'hung_up' }));
    now(fakeCall('c2', 'dialling'));
    now(fakeCall('c2', 'ended', { ending: 'not_answered' }));
    now(fakeCall('o', 'ended', { isOwn: false }));
    stop();
    now(fakeCall('c3', 'dialling'));
    expect(said).toEqual([
      'Ada Lovelace: wird gewählt',
      'Ada Lovelace: es klingelt',
      'Ada Lovelace: hat abgenommen und muss noch die 1 drücken',
      'Ada Lovelace: wird gewählt',
      'Ada Lovelace: hat nicht abgenommen',
    ]);
  });
});
