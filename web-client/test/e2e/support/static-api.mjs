// SPDX-License-Identifier: EUPL-1.2
// What a server would answer to the pages behind the sign-in, made up: for tests of how they look and read.
const soon = (minutes) => new Date(Date.now() + minutes * 60_000).toISOString().replace(/\.\d+/, '');

const SESSION = {
  user_id: 'u1',
  tenant_id: 't1',
  email: 'petra@example.org',
  name: 'Petra Leitung',
  role: 'tenant_admin',
  scopes: [
    'meetings:read', 'meetings:write', 'rooms:read', 'rooms:write', 'invitees:read', 'invitees:write', 'sessions:read', 'sessions:moderate',
    'policies:read', 'policies:write', 'users:read', 'users:write', 'tokens:admin', 'audit:read', 'webhooks:read', 'webhooks:write', 'privacy:admin',
  ],
  csrf_token: 'csrf',
  expires_at: soon(10_000),
};

const entry = (id, title, minutes, own) => ({
  meeting_id: id,
  recurrence_id: '20261019T080000Z',
  starts_at: soon(minutes),
  ends_at: soon(minutes + 45),
  status: 'scheduled',
  is_exception: minutes > 2_000,
  title: null,
  meeting_title: title,
  organizer_name: 'Olga Orga',
  join_url: 'https://conf.example.org/m/eE0oAt813UaJ0iFqvyxhkM',
  own,
});

const MEETING = {
  id: 'm1',
  tenant_id: 't1',
  title: 'Abstimmung zur barrierefreien Gestaltung der Bürgerservice-Portale',
  description: 'Worum es geht.\nIn zwei Zeilen.',
  agenda: '1. Begrüßung',
  type: 'recurring',
  status: 'scheduled',
  starts_at: soon(1_440),
  ends_at: soon(1_485),
  duration_minutes: 45,
  time_zone: 'Europe/Berlin',
  recurrence_rule: 'FREQ=WEEKLY;COUNT=10',
  excluded_dates: [],
  organizer: { user_id: 'u1', email: 'petra@example.org', name: 'Petra Leitung' },
  co_hosts: [],
  policy_id: null,
  policy_overrides: { lobby: 'everyone' },
  expected_participants: {},
  join_url: 'https://conf.example.org/m/eE0oAt813UaJ0iFqvyxhkM',
  dial_in: { numbers: [{ e164: '+4930123456', label: 'Berlin' }], conference_id: '481516234', pin: '481516', one_tap: null },
  invitation: { delivery: 'none', language: 'de', message: '' },
  tags: {},
  revision: 3,
  invitees: ['accepted', 'declined', 'needs_action'].map((response, index) => ({
    id: `i${index}`,
    user_id: null,
    email: `person.${index}@example.com`,
    phone_e164: null,
    name: index === 0 ? 'Bert Beispiel' : '',
    role: index === 0 ? 'presenter' : 'attendee',
    type: 'external',
    response_status: response,
    lobby_bypass: false,
    language: null,
    personal_join_url: 'https://conf.example.org/m/eE0oAt813UaJ0iFqvyxhkM#i=x',
    personal_pin: '48151623',
    revoked_at: null,
  })),
};

const text = (description, more = {}) => ({ type: 'string', description, ...more });
const scope = (name) => [{ api_token: [name] }, { browser: [] }];
const json = (schema) => ({ content: { 'application/json': { schema } } });
const list = (schema) => json({ type: 'object', properties: { items: { type: 'array', items: schema } } });
const USER_INPUT = {
  type: 'object',
  required: ['email', 'name'],
  properties: {
    email: text('Their address.', { format: 'email' }),
    name: text('What others read.', { maxLength: 200 }),
    role: { type: 'string', enum: ['organizer', 'participant'], default: 'participant' },
    disabled: { type: 'boolean' },
    language: { type: ['string', 'null'], enum: ['de', 'en', null] },
    limits: { type: 'object', properties: { max_participants: { type: ['integer', 'null'], minimum: 1, maximum: 100 }, may: { type: ['boolean', 'null'] } } },
    scopes: { type: 'array', items: { type: 'string', enum: ['meetings:read', 'meetings:write'] }, minItems: 1 },
    allowed_networks: { type: 'array', items: { type: 'string' } },
    co_hosts: { type: 'array', items: { type: 'object', properties: { email: text(''), name: text('') } } },
    tags: { type: 'object', additionalProperties: { type: 'string' } },
    expires_at: { type: ['string', 'null'], format: 'date-time' },
  },
};
const USER = { ...USER_INPUT, properties: { ...USER_INPUT.properties, id: text('Its id.'), last_sign_in_at: text('', { format: 'date-time' }) } };

/** A small document with one thing of each kind; the real one is walked through in the end-to-end tests. */
const DOCUMENT = {
  paths: {
    '/users': {
      get: {
        security: scope('users:read'),
        parameters: [{ name: 'role', in: 'query', schema: { type: 'string', enum: ['organizer', 'participant'] } }],
        responses: { 200: list(USER) },
      },
      post: { security: scope('users:write'), requestBody: json(USER_INPUT), responses: { 201: json(USER) } },
    },
    '/users/{user_id}': {
      get: { security: scope('users:read'), responses: { 200: json(USER) } },
      patch: { security: scope('users:write'), requestBody: json(USER_INPUT) },
      delete: { security: scope('users:write') },
    },
    '/users/{user_id}/password': { put: { security: scope('users:write'), requestBody: json({ type: 'object', required: ['password'], properties: { password: text('', { format: 'password' }) } }) } },
    '/audit_events': { get: { security: scope('audit:read'), responses: { 200: list({ type: 'object', properties: { action: text(''), occurred_at: text('', { format: 'date-time' }) } }) } } },
    '/erasures': { post: { security: scope('privacy:admin'), requestBody: json({ type: 'object', properties: { email: text('') } }) } },
    '/availability': {
      get: {
        security: scope('meetings:read'),
        parameters: ['from', 'to'].map((name) => ({ name, in: 'query', required: true, schema: { type: 'string', format: 'date-time' } })),
        responses: { 200: json({ type: 'object', properties: { is_available: { type: 'boolean' } } }) },
      },
    },
  },
};
const user = (id, name, role) => ({ id, name, email: `${id}@example.org`, role, disabled: false, scopes: ['meetings:read'], last_sign_in_at: soon(-60) });

/** Answers by path, without the query. */
const ANSWERS = {
  '/session': SESSION,
  '/openapi.json': DOCUMENT,
  '/occurrences': {
    items: [
      entry('m1', 'Haushaltsausschuss', -10, { is_organizer: true, role: null, response_status: null }),
      entry('m2', 'Jour fixe IT-Betrieb', 10, { is_organizer: false, role: 'attendee', response_status: 'accepted' }),
      entry('m3', MEETING.title, 3_000, { is_organizer: false, role: 'presenter', response_status: 'needs_action' }),
    ],
    next_cursor: 'more',
  },
  '/meeting_sessions': { items: [{ meeting_id: 'm1', room_id: null, current_participants: 4 }] },
  '/rooms': { items: [{ id: 'r1', name: 'Kleiner Sitzungssaal', join_url: 'https://conf.example.org/m/abc' }] },
  '/policies': { items: [{ id: 'p1', name: 'Öffentliche Anhörung' }] },
  '/availability': { is_available: true, alternatives: [] },
  '/meetings/m1': MEETING,
  '/meetings/m1/occurrences': {
    items: ['scheduled', 'cancelled'].map((status, index) => ({ recurrence_id: `r${index}`, starts_at: soon(1_440 + index * 10_080), ends_at: soon(1_485), status, is_exception: index === 0 })),
    next_cursor: null,
  },
  '/users': { items: [user('olga', 'Olga Orga', 'organizer'), user('tim', 'Tim Teil', 'participant')], next_cursor: null },
  '/users/olga': user('olga', 'Olga Orga', 'organizer'),
  '/audit_events': { items: [{ action: 'user.create', occurred_at: soon(-5) }], next_cursor: null },
};

/** The made-up answer for a path below `/api/v1`; undefined when there is none. */
export function madeUp(path) {
  return ANSWERS[path];
}
