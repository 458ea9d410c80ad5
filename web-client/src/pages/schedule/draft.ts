// SPDX-License-Identifier: EUPL-1.2
// What stands in the scheduling form, how it comes from a meeting, and what is sent of it.
import type { Language } from '../../app/preferences';
import type { DialIn } from '../../conference/dial-in';
import type { Response } from '../day/entries';
import { nextStarts, firstDay } from './rule-dates';
import { readRule, ruleFor, writeRule, type Frequency, type Rule } from './rule';
import { instant, wallTime } from './zone';

export const ROLES = ['attendee', 'presenter', 'co_host', 'listener', 'interpreter', 'captioner'] as const;
export type InviteeRole = (typeof ROLES)[number];
export const LOBBIES = ['off', 'guests', 'guests_and_phone', 'everyone'] as const;
export const GUESTS = ['forbidden', 'invited_only', 'link'] as const;
export const DELIVERIES = ['mail', 'ics_only', 'none'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** Somebody who is invited, as the API takes them. */
export interface InviteeInput {
  readonly user_id?: string;
  readonly email?: string;
  readonly phone_e164?: string;
  readonly name?: string;
  readonly role: InviteeRole;
  readonly type?: string;
  readonly lobby_bypass: boolean;
  readonly language?: string;
}

/** Somebody who is invited, as the API shows them. */
export interface Invitee {
  readonly id: string;
  readonly user_id: string | null;
  readonly email: string | null;
  readonly phone_e164: string | null;
  readonly name: string;
  readonly role: InviteeRole;
  readonly type: string;
  readonly response_status: Response;
  readonly lobby_bypass: boolean;
  readonly language: string | null;
  readonly personal_join_url: string | null;
  readonly personal_pin: string | null;
  readonly revoked_at: string | null;
}

/** A meeting, as far as these pages read it. */
export interface Meeting {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly agenda: string;
  readonly type: string;
  readonly status: string;
  readonly starts_at: string | null;
  readonly ends_at: string | null;
  readonly duration_minutes: number | null;
  readonly time_zone: string;
  readonly recurrence_rule: string | null;
  readonly excluded_dates: readonly string[];
  readonly organizer: { readonly user_id: string | null; readonly email: string; readonly name: string };
  readonly co_hosts: readonly { readonly user_id: string | null; readonly email: string | null }[];
  readonly policy_id: string | null;
  readonly policy_overrides: Readonly<Record<string, unknown>>;
  readonly join_url: string;
  readonly dial_in: DialIn;
  readonly invitation: { readonly delivery?: Delivery | null; readonly language?: Language | null; readonly message?: string | null };
  readonly invitees?: readonly Invitee[];
}

/** Yes, no, or as the policy has it. */
export type Choice = '' | 'true' | 'false';

export interface Draft {
  readonly title: string;
  readonly description: string;
  readonly agenda: string;
  readonly date: string;
  readonly time: string;
  readonly minutes: string;
  readonly zone: string;
  /** `other` is a rule beyond the form. */
  readonly repeat: 'none' | Frequency | 'other';
  readonly rule: Rule;
  readonly otherRule: string;
  /** Days on which it does not happen. */
  readonly excluded: readonly string[];
  readonly invitees: readonly InviteeInput[];
  readonly policyId: string;
  readonly lobby: string;
  readonly guests: string;
  readonly joinBeforeHost: Choice;
  readonly muteOnEntry: Choice;
  readonly maxMinutes: string;
  readonly delivery: Delivery;
  readonly language: '' | Language;
  readonly message: string;
}

const HALF_HOUR_MS = 30 * 60_000;

/** What one begins with: the next half hour but one. */
export function emptyDraft(nowMs: number, zone: string): Draft {
  const { date, time } = wallTime(Math.ceil(nowMs / HALF_HOUR_MS) * HALF_HOUR_MS + HALF_HOUR_MS, zone);
  return {
    title: '',
    description: '',
    agenda: '',
    date,
    time,
    minutes: '60',
    zone,
    repeat: 'none',
    rule: ruleFor(date),
    otherRule: '',
    excluded: [],
    invitees: [],
    policyId: '',
    lobby: '',
    guests: '',
    joinBeforeHost: '',
    muteOnEntry: '',
    maxMinutes: '',
    delivery: 'mail',
    language: '',
    message: '',
  };
}

/** A meeting as the form shows it. */
export function draftOf(meeting: Meeting): Draft {
  const zone = meeting.time_zone;
  const { date, time } = wallTime(Date.parse(meeting.starts_at ?? '') || Date.now(), zone);
  const text = meeting.recurrence_rule;
  const rule = text === null ? null : readRule(text, date, zone);
  const rules = meeting.policy_overrides;
  const word = (name: string) => (typeof rules[name] === 'string' ? rules[name] : '');
  const choice = (name: string): Choice => (typeof rules[name] === 'boolean' ? (String(rules[name]) as Choice) : '');
  return {
    title: meeting.title,
    description: meeting.description,
    agenda: meeting.agenda,
    date,
    time,
    minutes: String(meeting.duration_minutes ?? minutesOf(meeting) ?? 60),
    zone,
    repeat: text === null ? 'none' : (rule?.frequency ?? 'other'),
    rule: rule ?? ruleFor(date),
    otherRule: rule === null ? (text ?? '') : '',
    excluded: meeting.excluded_dates.map((start) => wallTime(Date.parse(start), zone).date),
    invitees: (meeting.invitees ?? []).filter(({ revoked_at: revoked }) => revoked === null).map(inviteeInput),
    policyId: meeting.policy_id ?? '',
    lobby: word('lobby'),
    guests: word('guests'),
    joinBeforeHost: choice('join_before_host'),
    muteOnEntry: choice('mute_upon_entry'),
    maxMinutes: typeof rules['max_duration_minutes'] === 'number' ? String(rules['max_duration_minutes']) : '',
    delivery: meeting.invitation.delivery ?? 'mail',
    language: meeting.invitation.language ?? '',
    message: meeting.invitation.message ?? '',
  };
}

/** How long it takes, where that is not whole minutes. */
function minutesOf({ starts_at: start, ends_at: end }: Meeting): number | null {
  return start === null || end === null ? null : Math.ceil((Date.parse(end) - Date.parse(start)) / 60_000);
}

/** Without what the server works out. An account's address may have changed meanwhile, so that the account counts. */
function inviteeInput(invitee: Invitee): InviteeInput {
  const { user_id: user, email, phone_e164: phone, name, role, type, lobby_bypass, language } = invitee;
  return {
    ...(user !== null ? { user_id: user } : {}),
    ...(user === null && email !== null ? { email } : {}),
    ...(phone === null ? {} : { phone_e164: phone }),
    ...(name === '' ? {} : { name }),
    role,
    type,
    lobby_bypass,
    ...(language === null ? {} : { language }),
  };
}

/** The day on which the first time is: a rule may begin later than the day that was entered. Null when it never does. */
export function firstDate(draft: Draft): string | null {
  if (draft.repeat === 'none' || draft.repeat === 'other') return draft.date;
  return firstDay(draft.rule, draft.date);
}

/** The next times, as far as they can be worked out here. */
export function preview(draft: Draft, wanted: number): readonly number[] {
  if (draft.repeat === 'other') return [];
  if (draft.repeat === 'none') {
    const atMs = instant(draft, draft.zone);
    return Number.isNaN(atMs) ? [] : [atMs];
  }
  if (Number.isNaN(instant(draft, draft.zone))) return [];
  return nextStarts(draft.rule, draft.date, draft.time, draft.zone, excludedInstants(draft), wanted);
}

function excludedInstants(draft: Draft): number[] {
  return draft.excluded.map((date) => instant({ date, time: draft.time }, draft.zone)).filter((atMs) => !Number.isNaN(atMs));
}

/** What the API takes: a whole meeting. */
export type MeetingInput = Record<string, unknown>;

/** The fields that the form has. `null` takes something away, which only a patch does. */
export function inputOf(draft: Draft): MeetingInput {
  const { zone } = draft;
  const startsAt = instant({ date: firstDate(draft) ?? draft.date, time: draft.time }, zone);
  const repeats = draft.repeat !== 'none';
  let rule: string | null = null;
  if (draft.repeat === 'other') rule = draft.otherRule;
  else if (repeats) rule = writeRule(draft.rule, zone);
  return {
    title: draft.title.trim(),
    description: draft.description,
    agenda: draft.agenda,
    starts_at: Number.isNaN(startsAt) ? null : iso(startsAt),
    duration_minutes: Number(draft.minutes),
    time_zone: zone,
    recurrence_rule: rule,
    excluded_dates: repeats ? excludedInstants(draft).map(iso) : [],
    policy_id: draft.policyId === '' ? null : draft.policyId,
    policy_overrides: {
      lobby: draft.lobby === '' ? null : draft.lobby,
      guests: draft.guests === '' ? null : draft.guests,
      join_before_host: choiceOf(draft.joinBeforeHost),
      mute_upon_entry: choiceOf(draft.muteOnEntry),
      max_duration_minutes: draft.maxMinutes.trim() === '' ? null : Number(draft.maxMinutes),
    },
    invitation: { delivery: draft.delivery, language: draft.language === '' ? null : draft.language, message: draft.message },
    invitees: draft.invitees,
  };
}

const choiceOf = (choice: Choice) => (choice === '' ? null : choice === 'true');
const iso = (atMs: number) => new Date(atMs).toISOString().replace('.000', '');

/** For a new meeting: without what is not said. */
export function creation(draft: Draft, status: 'draft' | 'scheduled'): MeetingInput {
  return { ...(withoutNulls(inputOf(draft)) as MeetingInput), status };
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) => member !== null && member !== undefined);
  return Object.fromEntries(kept.map(([name, member]) => [name, withoutNulls(member)]));
}

/** For a meeting that is there: what differs from how it was read (RFC 7396). Empty when nothing does. */
export function patch(before: Draft, after: Draft): MeetingInput {
  const [old, now] = [inputOf(before), inputOf(after)];
  const changed = Object.keys(now).filter((name) => !isSame(old[name], now[name]));
  const change: MeetingInput = Object.fromEntries(changed.map((name) => [name, now[name]]));
  // Where the clocks stand belongs to the series' times: they go together, or a new zone would move the instants.
  if ('time_zone' in change || 'recurrence_rule' in change) {
    change['starts_at'] = now['starts_at'];
    change['time_zone'] = now['time_zone'];
  }
  // The list is then whole: hosts are in it, too.
  if ('invitees' in change) change['co_hosts'] = [];
  return change;
}

/** Whether two values say the same. */
export function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** What is wrong and can be told without asking, by pointer. */
export type DraftProblem = 'titleMissing' | 'dateMissing' | 'durationWrong' | 'weekdayMissing' | 'countWrong' | 'untilWrong' | 'noDates';

/** Checks what the form itself can know; the server checks all of it. */
export function checkDraft(draft: Draft): ReadonlyMap<string, DraftProblem> {
  const problems = new Map<string, DraftProblem>();
  if (draft.title.trim() === '') problems.set('/title', 'titleMissing');
  if (Number.isNaN(instant(draft, draft.zone))) problems.set('/starts_at', 'dateMissing');
  const minutes = Number(draft.minutes);
  if (!Number.isInteger(minutes) || minutes < 1 || minutes > 10_080) problems.set('/duration_minutes', 'durationWrong');
  if (draft.repeat === 'none' || draft.repeat === 'other') return problems;
  const { rule } = draft;
  if (rule.frequency === 'WEEKLY' && rule.weekdays.length === 0) problems.set('/recurrence_rule', 'weekdayMissing');
  else if (!Number.isInteger(rule.interval) || rule.interval < 1) problems.set('/recurrence_rule', 'countWrong');
  else if (rule.end.kind === 'count' && (!Number.isInteger(rule.end.count) || rule.end.count < 1)) problems.set('/recurrence_rule', 'countWrong');
  else if (rule.end.kind === 'until' && !(rule.end.date >= draft.date)) problems.set('/recurrence_rule', 'untilWrong');
  else if (!problems.has('/starts_at') && preview(draft, 1).length === 0) problems.set('/recurrence_rule', 'noDates');
  return problems;
}

/** How somebody in the list is called. */
export function labelOf(invitee: InviteeInput): string {
  return invitee.name ?? invitee.email ?? invitee.phone_e164 ?? invitee.user_id ?? '';
}
