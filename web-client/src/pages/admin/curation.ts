// SPDX-License-Identifier: EUPL-1.2
// What a person would put differently from the document: which sections there are and in which order, and which columns a
// list shows. What is not named here comes last, with columns chosen by the schema.
import type { Api } from './api';
import type { Shape } from './document';
import { wordsOf, type Resource } from './resources';

export type GroupName = 'people' | 'meetings' | 'telephones' | 'machines' | 'records' | 'own' | 'more';

const GROUPS: readonly [GroupName, readonly string[]][] = [
  ['people', ['/tenants', '/users', '/policies']],
  ['meetings', ['/meetings', '/occurrences', '/meeting_sessions', '/rooms', '/availability', '/stats']],
  ['telephones', ['/phone/numbers', '/phone/trunks', '/phone/calls']],
  ['machines', ['/api_tokens', '/oauth_clients', '/webhooks']],
  ['records', ['/audit_events', '/exports', '/erasures']],
  ['own', ['/users/me', '/users/me/calendar_feed', '/session']],
];

/** The sections with what is in each. */
export function sections(api: Api, isOpen: (resource: Resource) => boolean): readonly { group: GroupName; resources: readonly Resource[] }[] {
  const top = [...api.resources.values()].filter((resource) => !resource.path.includes('{') && isOpen(resource));
  const isAt = (path: string, prefix: string) => path === prefix || path.startsWith(`${prefix}/`);
  const groupOf = (path: string) => {
    const own = GROUPS.find(([, paths]) => paths.includes(path));
    // Something below a section belongs to it.
    return own?.[0] ?? GROUPS.find(([, paths]) => paths.some((prefix) => isAt(path, prefix)))?.[0] ?? 'more';
  };
  const place = (group: GroupName, path: string) => {
    const paths = GROUPS.find(([name]) => name === group)?.[1] ?? [];
    const index = paths.indexOf(path);
    return index === -1 ? paths.findIndex((prefix) => isAt(path, prefix)) + 0.5 : index;
  };
  const groups: readonly GroupName[] = [...GROUPS.map(([name]) => name), 'more'];
  return groups
    .map((group) => ({
      group,
      resources: top.filter(({ path }) => groupOf(path) === group).toSorted((left, right) => place(group, left.path) - place(group, right.path)),
    }))
    .filter(({ resources }) => resources.length > 0);
}

/** What belongs to the installation and to no tenant. */
const OF_INSTALLATION = ['/tenants', '/phone/numbers', '/phone/trunks'];

/** Whether what is made there belongs to no tenant. */
export function isOfInstallation(path: string): boolean {
  return OF_INSTALLATION.some((one) => path === one || path.startsWith(`${one}/`));
}

/** Ids that the document calls plain texts, because people choose them, and the lists that they are from. */
export const CHOSEN_IDS: Readonly<Record<string, string>> = { trunk_id: '/phone/trunks' };

/** Columns of lists, by the words of the path or the last of them. */
const COLUMNS: Readonly<Record<string, readonly string[]>> = {
  tenants: ['name', 'slug', 'locale', 'updated_at'],
  users: ['name', 'email', 'role', 'disabled', 'last_sign_in_at'],
  policies: ['name', 'updated_at'],
  rooms: ['name', 'slug', 'owner_id', 'policy_id'],
  meetings: ['title', 'starts_at', 'status', 'type', 'organizer'],
  occurrences: ['meeting_title', 'starts_at', 'ends_at', 'status', 'organizer_name'],
  invitees: ['name', 'email', 'role', 'response_status'],
  phone_pins: ['kind', 'pin', 'invitee_id', 'expires_at', 'exposed_at'],
  meeting_sessions: ['meeting_id', 'room_id', 'status', 'started_at', 'ended_at', 'current_participants', 'peak_participants'],
  lobby: ['name', 'kind', 'role', 'waits_for', 'since'],
  audit_events: ['occurred_at', 'action', 'actor', 'target', 'result'],
  webhooks: ['url', 'events', 'is_active', 'failing_since'],
  deliveries: ['event', 'status', 'last_status', 'last_error', 'created_at'],
  'meetings/deliveries': ['invitee_id', 'status', 'news', 'problem', 'next_attempt_at'],
  api_tokens: ['name', 'prefix', 'scopes', 'expires_at', 'last_used_at'],
  oauth_clients: ['name', 'id', 'scopes', 'created_at'],
  'phone/numbers': ['number', 'name', 'trunk_id', 'is_shown'],
  'phone/trunks': ['name', 'id', 'is_enabled', 'status'],
  'phone/calls': ['number', 'stage', 'since', 'trunk_id', 'meeting_id'],
  exports: ['status', 'user_id', 'email', 'created_at', 'finished_at'],
};

/** What people look for first, when nobody has chosen. */
const LIKELY = ['name', 'title', 'email', 'subject', 'status', 'kind', 'type', 'role', 'starts_at', 'sent_at'];
const UNLIKELY = new Set(['id', 'tenant_id', 'revision', 'created_by', 'updated_at', 'sequence', 'html', 'text']);

const MAX_COLUMNS = 5;

/** The columns of a list. */
export function columnsOf(resource: Resource, shape: Shape, api: Api): readonly string[] {
  const chosen = chosenFor(resource).filter((column) => column in shape.properties);
  if (chosen.length > 1) return chosen;
  const isPlain = (column: string) => !['object', 'array', 'any'].includes(api.schemas.shape(shape.properties[column]).type);
  const plain = Object.keys(shape.properties).filter((column) => isPlain(column) && !UNLIKELY.has(column));
  const rank = (column: string) => (LIKELY.includes(column) ? LIKELY.indexOf(column) : LIKELY.length);
  return plain.toSorted((left, right) => rank(left) - rank(right)).slice(0, MAX_COLUMNS);
}

/** In which order forms ask, where people expect one. */
const FIELD_ORDER = [
  'name', 'title', 'email', 'slug', 'url', 'identity', 'entry_id', 'role', 'type', 'kind', 'status', 'starts_at', 'ends_at', 'duration_minutes', 'time_zone',
  'recurrence_rule', 'from', 'to', 'description', 'agenda', 'organizer', 'co_hosts', 'invitees', 'excluded_dates', 'room_id', 'policy_id', 'policy_overrides',
  'invitation', 'language', 'locale', 'events', 'scopes', 'expires_at',
];

/** A form's fields in that order; the others follow. */
export function inOrder(names: readonly string[]): readonly string[] {
  const rank = (name: string) => (FIELD_ORDER.includes(name) ? FIELD_ORDER.indexOf(name) : FIELD_ORDER.length);
  return names.toSorted((left, right) => rank(left) - rank(right));
}

/** Fields that stand first among the details. */
export function firstFields(resource: Resource): readonly string[] {
  const chosen = chosenFor(resource);
  return chosen.length === 0 ? LIKELY : chosen;
}

function chosenFor({ path, name }: Resource): readonly string[] {
  return COLUMNS[wordsOf(path)] ?? COLUMNS[name] ?? [];
}

/** Parameters of lists that are no filters. */
export const NO_FILTERS = new Set(['limit', 'cursor', 'tenant_id', 'expand', 'occurrence_limit', 'format']);

/** What lists are asked for when nobody has chosen: of a log people want the end. */
export const PRESET: Readonly<Record<string, Readonly<Record<string, string>>>> = { audit_events: { order: 'desc' } };
