// SPDX-License-Identifier: EUPL-1.2
import { describe, expect, it } from 'vitest';
import { checkDraft, creation, draftOf, emptyDraft, firstDate, inputOf, patch, preview, type Draft, type Meeting } from '../../../src/pages/schedule/draft';
import { changedFields } from '../../../src/pages/schedule/changes';
import { ruleFor } from '../../../src/pages/schedule/rule';

const BERLIN = 'Europe/Berlin';
const draft = (changes: Partial<Draft> = {}): Draft => ({
  ...emptyDraft(Date.parse('2026-10-19T07:12:00Z'), BERLIN),
  title: 'Rat',
  ...changes,
});

const meeting: Meeting = {
  id: 'm1',
  title: 'Rat',
  description: '',
  agenda: '',
  type: 'recurring',
  status: 'scheduled',
  starts_at: '2026-10-19T08:00:00Z',
  ends_at: '2026-10-19T08:45:00Z',
  duration_minutes: 45,
  time_zone: BERLIN,
  recurrence_rule: 'FREQ=WEEKLY;BYDAY=MO',
  excluded_dates: ['2026-10-26T09:00:00Z'],
  organizer: { user_id: 'u1', email: 'a@x.de', name: 'A' },
  co_hosts: [],
  policy_id: null,
  policy_overrides: { lobby: 'everyone', max_participants: 12, mute_upon_entry: false },
  join_url: 'https://x/m/code',
  dial_in: { numbers: [], conference_id: '1', pin: null },
  invitation: { delivery: 'none', language: 'de', message: '' },
  invitees: [
    { id: 'i1', user_id: 'u2', email: 'b@x.de', phone_e164: null, name: 'B', role: 'co_host', type: 'internal', response_status: 'accepted', lobby_bypass: false, language: 'en', personal_join_url: null, personal_pin: null, revoked_at: null },
    { id: 'i2', user_id: null, email: 'gone@x.de', phone_e164: null, name: '', role: 'attendee', type: 'external', response_status: 'declined', lobby_bypass: false, language: null, personal_join_url: null, personal_pin: null, revoked_at: '2026-01-01T00:00:00Z' },
  ],
};

describe('a new meeting', () => {
  it('begins at the next half hour but one', () => {
    expect(draft()).toMatchObject({ date: '2026-10-19', time: '10:00', minutes: '60', zone: BERLIN });
  });

  it('is sent without what nobody said', () => {
    expect(creation(draft({ maxMinutes: '90' }), 'draft')).toEqual({
      title: 'Rat',
      description: '',
      agenda: '',
      starts_at: '2026-10-19T08:00:00Z',
      duration_minutes: 60,
      time_zone: BERLIN,
      excluded_dates: [],
      policy_overrides: { max_duration_minutes: 90 },
      invitation: { delivery: 'mail', message: '' },
      invitees: [],
      status: 'draft',
    });
  });

  it('of a series starts on the first day that the rule says', () => {
    const series = draft({ repeat: 'WEEKLY', rule: { ...ruleFor('2026-10-19'), weekdays: ['WE'] }, excluded: ['2026-10-28'] });
    expect(firstDate(series)).toBe('2026-10-21');
    expect(inputOf(series)).toMatchObject({
      starts_at: '2026-10-21T08:00:00Z',
      recurrence_rule: 'FREQ=WEEKLY;BYDAY=WE',
      excluded_dates: ['2026-10-28T09:00:00Z'],
    });
    expect(preview(series, 2).map((at) => new Date(at).toISOString().slice(0, 10))).toEqual(['2026-10-21', '2026-11-04']);
  });

  it('is checked before it is sent', () => {
    const wrong = (changes: Partial<Draft>) => [...checkDraft(draft(changes))];
    expect(wrong({})).toEqual([]);
    expect(wrong({ title: ' ', date: '', minutes: '0' })).toEqual([
      ['/title', 'titleMissing'],
      ['/starts_at', 'dateMissing'],
      ['/duration_minutes', 'durationWrong'],
    ]);
    const rule = ruleFor('2026-10-19');
    expect(wrong({ repeat: 'WEEKLY', rule: { ...rule, weekdays: [] } })).toEqual([['/recurrence_rule', 'weekdayMissing']]);
    expect(wrong({ repeat: 'DAILY', rule: { ...rule, interval: Number.NaN } })).toEqual([['/recurrence_rule', 'countWrong']]);
    expect(wrong({ repeat: 'DAILY', rule: { ...rule, end: { kind: 'until', date: '2026-10-18' } } })).toEqual([['/recurrence_rule', 'untilWrong']]);
  });
});

describe('a meeting that is there', () => {
  it('fills the form, without those who are not invited any more', () => {
    expect(draftOf(meeting)).toMatchObject({
      date: '2026-10-19',
      time: '10:00',
      minutes: '45',
      repeat: 'WEEKLY',
      excluded: ['2026-10-26'],
      lobby: 'everyone',
      muteOnEntry: 'false',
      invitees: [{ user_id: 'u2', name: 'B', role: 'co_host', language: 'en' }],
    });
    expect(draftOf({ ...meeting, recurrence_rule: 'FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO,TU' })).toMatchObject({
      repeat: 'other',
      otherRule: 'FREQ=MONTHLY;BYSETPOS=1;BYDAY=MO,TU',
    });
  });

  it('is changed by what differs only', () => {
    const before = draftOf(meeting);
    expect(patch(before, before)).toEqual({});
    expect(patch(before, { ...before, title: 'Stadtrat' })).toEqual({ title: 'Stadtrat' });
    // Rules that the form does not show are not in it, so that they stay.
    expect(patch(before, { ...before, lobby: '' })).toEqual({
      policy_overrides: { lobby: null, guests: null, join_before_host: null, mute_upon_entry: false, max_duration_minutes: null },
    });
    expect(patch(before, { ...before, invitees: [] })).toEqual({ invitees: [], co_hosts: [] });
  });

  it('moves with its exceptions and its zone', () => {
    const before = draftOf(meeting);
    expect(patch(before, { ...before, time: '11:00' })).toEqual({
      starts_at: '2026-10-19T09:00:00Z',
      excluded_dates: ['2026-10-26T10:00:00Z'],
    });
    expect(patch(before, { ...before, zone: 'Europe/London' })).toMatchObject({ time_zone: 'Europe/London', starts_at: '2026-10-19T09:00:00Z' });
  });

  it('shows what somebody else has changed', () => {
    const before = draftOf(meeting);
    const now = draftOf({ ...meeting, title: 'Stadtrat', starts_at: '2026-10-19T09:00:00Z', excluded_dates: [] });
    expect(changedFields(before, now).map(({ label, was, is }) => [label, was, is])).toEqual([
      ['Titel', 'Rat', 'Stadtrat'],
      ['Beginn', 'Mo., 19.10.2026, 10:00', 'Mo., 19.10.2026, 11:00'],
      ['Entfallende Termine', 'Mo., 26.10.2026, 10:00', 'leer'],
    ]);
  });

  it('shows rules and ways in the words of the form, not of the API', () => {
    const before = draftOf(meeting);
    const invitation = { delivery: 'mail', language: null, message: 'Bis bald' } as const;
    const now = draftOf({ ...meeting, duration_minutes: 60, recurrence_rule: null, excluded_dates: [], policy_overrides: { guests: 'link' }, invitation });
    const shown = changedFields(before, now).map(({ label, was, is }) => [label, was, is]);
    expect(shown.slice(0, 2)).toEqual([
      ['Dauer', '45 Minuten', '60 Minuten'],
      ['Wiederholung', 'Jede Woche am Montag.', 'Nicht wiederholen'],
    ]);
    expect(shown.slice(3)).toEqual([
      ['Regeln', 'Warteraum: Alle warten; Beim Eintreten stumm: Nein', 'Gäste: Alle mit dem Link'],
      ['Einladung', 'Ich kopiere den Text und verschicke ihn selbst; Sprache der Einladung: Deutsch', 'Saal verschickt sie per E-Mail; Sprache der Einladung: Sprache der Organisation; Bis bald'],
    ]);
  });
});
