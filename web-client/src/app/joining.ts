// SPDX-License-Identifier: EUPL-1.2
// From a meeting's link to a room token: what the server says about the link, and whether this person is let in.
import type { DialIn } from '../conference/dial-in';
import { rememberLegalTexts } from './legal';
import { tabStore } from './storage';

/** Meetings have codes of this form behind `/m/`; other rooms have names. */
const CODE = /^[A-Za-z0-9]{22}$/;

/** What somebody who holds a link may know before coming in. */
export interface LinkPage {
  readonly organisation: string;
  /** Null for whoever has not shown who they are. */
  readonly title: string | null;
  readonly startsAtMs: number | null;
  readonly isOver: boolean;
  readonly takesGuests: boolean;
  /** What of it outlasts the meeting; null when nothing does. */
  readonly keeps: 'chat' | 'attendance' | 'both' | null;
  /** How to come by telephone instead; null where that does not work without a PIN. */
  readonly dialIn: DialIn | null;
  /** The name that the server knows; null for a stranger. */
  readonly knownName: string | null;
}

/** What somebody in the lobby waits for. */
export type WaitsFor = 'admission' | 'host' | 'start';

/** A place in the lobby. */
export interface Waiting {
  readonly kind: 'waiting';
  readonly entryId: string;
  readonly ticket: string;
  readonly waitsFor: WaitsFor;
  readonly position: number;
  readonly state: string;
  readonly sinceMs: number;
  readonly startsAtMs: number | null;
}

/** Let in. */
export interface Admitted {
  readonly kind: 'admitted';
  readonly token: string;
  readonly title: string;
}

/** Why somebody is not let in. */
const REFUSALS = [
  'meeting-ended',
  'meeting-locked',
  'meeting-full',
  'lobby-full',
  'not-admitted',
  'banned',
  'guests-forbidden',
  'acr-too-low',
  'link-revoked',
  'not-found',
  'unavailable',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** The server said no. */
export class Refused extends Error {
  readonly reason: Refusal;

  constructor(reason: Refusal) {
    super(`refused: ${reason}`);
    this.reason = reason;
  }
}

/** Whether that may be the code of a meeting. */
export function isMeetingCode(room: string): boolean {
  return CODE.test(room);
}

const invitationKey = (code: string) => `saal.invitation.${code}`;

/** What stands in a fragment such as `#i=…`, or null. */
export function invitationInFragment(fragment: string): string | null {
  const invitation = new URLSearchParams(fragment.replace(/^#/, '')).get('i');
  return invitation === '' ? null : invitation;
}

/** Keeps the token of a personal link until the tab is closed. */
export function rememberInvitation(code: string, invitation: string): void {
  tabStore.write(invitationKey(code), invitation);
}

/** Moves the token of a personal link from the address bar into the tab's storage, like a room token. */
export function takeInvitationFromAddressBar(code: string): void {
  const invitation = invitationInFragment(location.hash);
  if (invitation === null) return;
  rememberInvitation(code, invitation);
  history.replaceState(history.state, '', location.pathname + location.search);
}

function rememberedInvitation(code: string): string | null {
  return tabStore.read(invitationKey(code));
}

/** Asks what a link leads to. Null when it is no meeting's. Rejects when the server does not answer. */
export async function lookAtLink(code: string): Promise<LinkPage | null> {
  const invitation = rememberedInvitation(code);
  const headers: Record<string, string> = invitation === null ? {} : { 'saal-invitation': invitation };
  const response = await fetch(`/api/v1/join/${code}`, { headers });
  if (response.status === 404) return null;
  const body = await answer(response);
  const you = body.you as { name?: unknown } | null | undefined;
  rememberLegalTexts(body.legal);
  return {
    organisation: text(body.organisation),
    title: typeof body.title === 'string' ? body.title : null,
    startsAtMs: time(body.starts_at),
    isOver: body.is_over === true,
    takesGuests: body.takes_guests === true,
    keeps: kept(body.keeps_chat === true, body.keeps_attendance === true),
    dialIn: (body.dial_in as DialIn | null | undefined) ?? null,
    knownName: typeof you?.name === 'string' && you.name !== '' ? you.name : null,
  };
}

function kept(chat: boolean, attendance: boolean): LinkPage['keeps'] {
  if (chat) return attendance ? 'both' : 'chat';
  return attendance ? 'attendance' : null;
}

/** Asks to come in. Rejects with `Refused`, or with another error when the server does not answer. */
export async function knock(code: string, name: string): Promise<Admitted | Waiting> {
  const invitation = rememberedInvitation(code);
  const body = JSON.stringify(invitation === null ? { name } : { name, invitation });
  const ask = (proof: Record<string, string>) =>
    fetch(`/api/v1/join/${code}`, { method: 'POST', headers: { 'content-type': 'application/json', ...proof }, body });
  let response = await ask({});
  // Guests need no proof that the request comes from this page; whoever is signed in does.
  if (response.status === 403 && (await isForgeryProblem(response.clone()))) {
    response = await ask({ 'x-csrf-token': await csrfToken() });
  }
  return outcome(await answer(response), '');
}

async function isForgeryProblem(response: Response): Promise<boolean> {
  const body = (await response.json()) as { code?: unknown };
  return body.code === 'forgery-protection';
}

/** What requests of somebody who is signed in need beside the cookie. */
async function csrfToken(): Promise<string> {
  const response = await fetch('/api/v1/session');
  const body = (await response.json()) as { csrf_token?: unknown };
  return text(body.csrf_token);
}

/** Waits until it stands otherwise than `now`, for half a minute at most. */
export async function waitInLobby(now: Waiting, end: AbortSignal): Promise<Admitted | Waiting> {
  const response = await fetch(`/api/v1/lobby/${now.entryId}?known=${encodeURIComponent(now.state)}`, {
    headers: { authorization: `Bearer ${now.ticket}` },
    signal: end,
  });
  return outcome(await answer(response), now.ticket);
}

/** Leaves the lobby. Whoever does not say so is forgotten after a while. */
export async function leaveLobby({ entryId, ticket }: Waiting): Promise<void> {
  await fetch(`/api/v1/lobby/${entryId}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${ticket}` },
    keepalive: true,
  });
}

async function answer(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json();
  const fields = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (response.ok) return fields;
  const reason = REFUSALS.find((known) => known === fields.code);
  if (reason !== undefined && reason !== 'unavailable') throw new Refused(reason);
  throw new Error(`the server answered with status ${response.status}`);
}

function outcome(body: Record<string, unknown>, ticket: string): Admitted | Waiting {
  if (body.status === 'admitted') {
    return { kind: 'admitted', token: text(body.token), title: text(body.title) };
  }
  const waitsFor = body.waits_for === 'host' || body.waits_for === 'start' ? body.waits_for : 'admission';
  return {
    kind: 'waiting',
    entryId: text(body.entry_id),
    ticket: text(body.ticket) || ticket,
    waitsFor,
    position: typeof body.position === 'number' ? body.position : 1,
    state: text(body.state),
    sinceMs: time(body.since) ?? Date.now(),
    startsAtMs: time(body.starts_at),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function time(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
