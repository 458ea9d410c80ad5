// SPDX-License-Identifier: EUPL-1.2
// What is shown and read out of the sound that goes by somebody's own telephone, and what its buttons do.
import { signal } from '@preact/signals';
import { act, cleanup, fireEvent, render, screen, waitFor } from '@testing-library/preact';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { announceConference } from '../../src/conference/announce-conference';
import { Announcer, announcer } from '../../src/conference/announcer';
import type { SoundNotice } from '../../src/conference/model';
import { roomDictionaries } from '../../src/i18n/room';
import { PeoplePanel } from '../../src/panels/PeoplePanel';
import { Banners } from '../../src/screens/Banners';
import { Room } from '../../src/screens/Room';
import { Toolbar } from '../../src/screens/Toolbar';
import { iconPath, type IconName } from '../../src/ui/icons';
import { fakeCall, fakeCaller, fakeConference, fakeModeration, fakeParticipant } from '../stories/fake-conference';

const words = roomDictionaries.de.ownTelephone;

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function meeting() {
  const conference = fakeConference(fakeParticipant('me', 'Katharina', true), [fakeParticipant('ada', 'Ada')]);
  const { telephone } = conference;
  const says = (kind: SoundNotice['kind'] | null) => act(() => void (telephone.notice.value = kind === null ? null : { kind }));
  return { conference, telephone, says };
}

const has = (element: Element, icon: IconName) => element.querySelector(`path[d="${iconPath(icon)}"]`) !== null;

describe('the notice', () => {
  it('stays while the sound goes by the telephone, with the way back', () => {
    const said = vi.spyOn(announcer, 'say');
    const { conference, telephone, says } = meeting();
    render(<Banners conference={conference} />);
    expect(screen.queryByTestId('banner-telephone')).toBeNull();
    says('by-telephone');
    expect(screen.getByTestId('banner-telephone').textContent).toContain(words.byTelephone);
    expect(screen.queryByTestId('dismiss-telephone')).toBeNull();
    expect(said.mock.calls).toEqual([[words.byTelephone, 'assertive']]);
    // As often as somebody presses the microphone.
    says('reminder');
    says('reminder');
    expect(said.mock.calls.slice(1)).toEqual([[words.reminder, 'assertive'], [words.reminder, 'assertive']]);
    fireEvent.click(screen.getByRole('button', { name: 'Zurück zu diesem Gerät' }));
    expect(telephone.done).toEqual(['back here']);
  });

  it('offers to hang up where that can be done, under another button than before', async () => {
    const { conference, telephone, says } = meeting();
    render(<Banners conference={conference} />);
    says('by-telephone');
    screen.getByTestId('sound-here').focus();
    telephone.calls.value = ['c1'];
    expect(screen.queryByTestId('hang-up-telephone')).toBeNull();
    says('both');
    // Whoever presses twice does not hang up.
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('dismiss-telephone')));
    fireEvent.click(screen.getByTestId('hang-up-telephone'));
    fireEvent.click(screen.getByTestId('dismiss-telephone'));
    expect(telephone.done).toEqual(['hang up', 'dismiss']);
    screen.getByTestId('hang-up-telephone').focus();
    act(() => void (telephone.calls.value = []));
    expect(screen.queryByTestId('hang-up-telephone')).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('dismiss-telephone')));
  });

  it('tells by the microphone whether the sound is here again, and has it switched on only when that is asked for', async () => {
    const said = vi.spyOn(announcer, 'say');
    const { conference, says } = meeting();
    const setMicrophone = vi.spyOn(conference, 'setMicrophone');
    conference.local.microphone.value = 'muted';
    render(<Banners conference={conference} />);
    says('both');
    const text = () => screen.getByTestId('banner-telephone').textContent;
    expect(text()).toContain(words.bothMuted);
    expect(said).toHaveBeenLastCalledWith(words.bothMuted, 'assertive');
    expect(setMicrophone).not.toHaveBeenCalled();
    screen.getByTestId('unmute-here').focus();
    await act(async () => void fireEvent.click(screen.getByTestId('unmute-here')));
    expect(setMicrophone.mock.calls).toEqual([[true]]);
    expect(text()).toContain(words.both);
    expect(screen.queryByTestId('unmute-here')).toBeNull();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('dismiss-telephone')));
    act(() => {
      conference.local.microphone.value = 'muted';
      conference.permissions.value = { microphone: false, camera: true, screen: true, chat: true };
    });
    expect(text()).toContain(words.bothMuted);
    expect(screen.queryByTestId('unmute-here')).toBeNull();
  });

  it('says of a telephone that is gone only where that is known that the call has ended, and ends it where it goes on', () => {
    const said = vi.spyOn(announcer, 'say');
    const { conference, telephone, says } = meeting();
    telephone.calls.value = ['c1'];
    render(<Banners conference={conference} />);
    says('gone');
    expect(screen.getByTestId('banner-telephone').textContent).toContain(words.gone);
    fireEvent.click(screen.getByTestId('hang-up-telephone'));
    expect(telephone.done).toEqual(['hang up']);
    says('ended');
    expect(screen.getByTestId('banner-telephone').textContent).toContain(words.ended);
    expect(screen.queryByTestId('hang-up-telephone')).toBeNull();
    // Nobody has to listen to the same twice.
    expect(said.mock.calls).toEqual([[words.gone, 'assertive']]);
    says('by-telephone');
    says('ended');
    expect(said).toHaveBeenLastCalledWith(words.ended, 'assertive');
  });

  it('says that the telephone is muted or may not speak, as long as the sound goes by it', () => {
    const { conference, telephone, says } = meeting();
    const [mine, other] = [fakeCaller('sip_1', 'Katharina', '…123'), fakeCaller('sip_2', 'Bert', '…456')];
    other.microphone.value = 'muted';
    conference.remotes.value = [mine, other];
    telephone.identities.value = ['sip_1'];
    telephone.isByTelephone.value = true;
    render(<Banners conference={conference} />);
    says('by-telephone');
    const said = vi.spyOn(announcer, 'say');
    const text = () => screen.getByTestId('telephone-muted').textContent;
    expect(text()).toBe('');
    act(() => void (mine.microphone.value = 'muted'));
    expect(text()).toBe(words.muted);
    expect(said).toHaveBeenLastCalledWith(words.muted, 'assertive');
    // It is not yet known.
    act(() => void (mine.microphone.value = 'none'));
    expect(text()).toBe('');
    act(() => void (mine.maySpeak.value = false));
    expect(text()).toBe(words.mayNotSpeak);
    act(() => {
      mine.maySpeak.value = true;
      mine.microphone.value = 'muted';
    });
    expect(text()).toBe(words.muted);
    // One of two is enough to be heard.
    act(() => void (telephone.identities.value = ['sip_1', 'sip_2']));
    expect(text()).toBe(words.muted);
    act(() => void (other.microphone.value = 'on'));
    expect(text()).toBe('');
    act(() => {
      other.microphone.value = 'muted';
      telephone.isByTelephone.value = false;
    });
    says('both');
    expect(text()).toBe('');
  });

  it('says why the telephone was not hung up, and nothing of other calls', () => {
    const { conference, telephone, says } = meeting();
    const moderation = fakeModeration([]);
    conference.moderation = moderation;
    telephone.calls.value = ['c1'];
    render(<Banners conference={conference} />);
    says('both');
    const refused = (callId: string) =>
      act(() => void (moderation.phoneCalls.refusal.value = { callId, code: 'unreachable', detail: '', isAboutNumber: false }));
    const why = () => screen.getByTestId('telephone-refusal').textContent;
    refused('c2');
    expect(why()).toBe('');
    refused('c1');
    expect(why()).toContain('Der Server antwortet nicht.');
  });

  it('is not what reads that out a second time, nor is the list of calls', () => {
    const { conference, telephone, says } = meeting();
    const mine = fakeCall('c1', 'in_meeting', { isForMe: true });
    const moderation = fakeModeration([], [mine]);
    conference.moderation = moderation;
    telephone.calls.value = ['c1'];
    const aloud = new Announcer();
    const said: string[] = [];
    vi.spyOn(aloud, 'say').mockImplementation((text) => void said.push(text));
    const stop = announceConference(conference, aloud);
    render(
      <>
        <Banners conference={conference} />
        <PeoplePanel conference={conference} onClose={() => {}} />
      </>,
    );
    says('both');
    said.length = 0;
    const refusal = (callId: string | null) => ({ callId, code: 'unreachable', detail: '', isAboutNumber: false });
    act(() => void (moderation.phoneCalls.refusal.value = refusal('c1')));
    const text = 'Der Server antwortet nicht. Bitte versuchen Sie es noch einmal.';
    expect(said).toEqual([text]);
    expect(screen.getAllByText(text)).toHaveLength(2);
    expect(screen.queryAllByRole('alert', { hidden: true }).map(({ textContent }) => textContent)).not.toContain(text);
    // As often as it is refused.
    act(() => void (moderation.phoneCalls.refusal.value = null));
    act(() => void (moderation.phoneCalls.refusal.value = refusal('c1')));
    expect(said).toEqual([text, text]);
    // The form says that by itself.
    act(() => void (moderation.phoneCalls.refusal.value = refusal(null)));
    expect(said).toHaveLength(2);
    expect(screen.getByTestId('call-refused').textContent).toContain(text);
    stop();
  });

  it('says that the telephone is gone, and that the microphone is muted, which can be changed there', async () => {
    const { conference, telephone, says } = meeting();
    const setMicrophone = vi.spyOn(conference, 'setMicrophone');
    const content = document.createElement('main');
    content.id = 'content';
    content.tabIndex = -1;
    document.body.append(content);
    conference.local.microphone.value = 'muted';
    render(<Banners conference={conference} />);
    says('ended');
    expect(screen.getByTestId('banner-telephone').textContent).toContain(words.ended);
    fireEvent.click(screen.getByTestId('unmute-here'));
    expect(setMicrophone).toHaveBeenCalledWith(true);
    screen.getByTestId('dismiss-telephone').focus();
    fireEvent.click(screen.getByTestId('dismiss-telephone'));
    expect(telephone.done).toEqual(['dismiss']);
    says(null);
    await waitFor(() => expect(document.activeElement).toBe(content));
    content.remove();
    act(() => void (conference.permissions.value = { microphone: false, camera: true, screen: true, chat: true }));
    act(() => void (conference.local.microphone.value = 'muted'));
    says('ended');
    expect(screen.queryByTestId('unmute-here')).toBeNull();
  });

  it('comes before the sound that the browser has paused: none is to be heard here', () => {
    const { conference, telephone, says } = meeting();
    const aloud = new Announcer();
    const said: string[] = [];
    vi.spyOn(aloud, 'say').mockImplementation((text) => void said.push(text));
    telephone.isByTelephone.value = true;
    conference.isSoundBlocked.value = true;
    const stop = announceConference(conference, aloud);
    render(<Banners conference={conference} />);
    says('by-telephone');
    expect(screen.queryByTestId('banner-sound')).toBeNull();
    expect(said).toHaveLength(1);
    act(() => void (telephone.isByTelephone.value = false));
    expect(screen.getByTestId('banner-sound')).toBeTruthy();
    expect(said[1]).toBe('Ihr Browser hat den Ton angehalten.');
    stop();
  });
});

describe('the controls', () => {
  it('show that the loudspeaker is off, and switch it, as long as there is a telephone', () => {
    const { conference, telephone } = meeting();
    render(<Toolbar conference={conference} panel={signal(null)} onPanel={() => {}} />);
    expect(screen.queryByTestId('toggle-loudspeaker')).toBeNull();
    act(() => {
      telephone.isIn.value = true;
      telephone.isByTelephone.value = true;
    });
    const loudspeaker = screen.getByTestId('toggle-loudspeaker');
    expect([loudspeaker.getAttribute('aria-pressed'), has(loudspeaker, 'volumeOff'), loudspeaker.textContent]).toEqual(['false', true, 'Lautsprecher']);
    expect(loudspeaker.title).toBe(words.loudspeakerOn);
    expect(screen.getByTestId('toggle-mic').title).toBe('Mikrofon stummschalten (Strg+D)');
    act(() => void (conference.local.microphone.value = 'muted'));
    expect(screen.getByTestId('toggle-mic').title).toBe(words.reminder);
    fireEvent.click(loudspeaker);
    act(() => void (telephone.isByTelephone.value = false));
    expect([loudspeaker.getAttribute('aria-pressed'), has(loudspeaker, 'volumeUp')]).toEqual(['true', true]);
    fireEvent.click(loudspeaker);
    expect(telephone.done).toEqual(['back here', 'to telephone']);
  });

  it('keep the focus when the loudspeaker’s switch goes with the telephone', async () => {
    const { conference, telephone } = meeting();
    render(<Toolbar conference={conference} panel={signal(null)} onPanel={() => {}} />);
    act(() => void (telephone.isIn.value = true));
    screen.getByTestId('toggle-loudspeaker').focus();
    act(() => void (telephone.isIn.value = false));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId('toggle-mic')));
    // Nobody is brought there who is elsewhere.
    act(() => void (telephone.isIn.value = true));
    screen.getByTestId('toggle-hand').focus();
    act(() => void (telephone.isIn.value = false));
    expect(document.activeElement).toBe(screen.getByTestId('toggle-hand'));
    screen.getByTestId('toggle-hand').blur();
    act(() => void (telephone.isIn.value = true));
    act(() => void (telephone.isIn.value = false));
    expect(document.activeElement).toBe(document.body);
  });

  it('do not say that the microphone is on when a shortcut could not switch it on', async () => {
    // The tests' document has no layout.
    vi.stubGlobal('ResizeObserver', class { observe() {} disconnect() {} });
    vi.spyOn(HTMLElement.prototype, 'getBoundingClientRect').mockReturnValue({ width: 1200, height: 800 } as DOMRect);
    const { conference, telephone } = meeting();
    conference.local.microphone.value = 'muted';
    const said = vi.spyOn(announcer, 'say');
    // What the conference does then is in session.test.ts.
    const setMicrophone = vi.spyOn(conference, 'setMicrophone').mockResolvedValue();
    render(<Room room="Rat" conference={conference} />);
    const press = () => act(() => void fireEvent.keyDown(document, { key: 'd', ctrlKey: true }));
    await waitFor(() => {
      press();
      expect(said).toHaveBeenLastCalledWith('Mikrofon an.');
    });
    said.mockClear();
    setMicrophone.mockClear();
    telephone.isByTelephone.value = true;
    press();
    expect(setMicrophone).toHaveBeenCalledWith(true);
    expect(said).not.toHaveBeenCalled();
  });
});
