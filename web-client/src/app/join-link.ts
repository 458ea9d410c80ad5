// SPDX-License-Identifier: EUPL-1.2
// Makes sense of what somebody pastes into the start screen: a link, part of a link, or a room's name.
import { tokenInFragment } from './access';
import { invitationInFragment } from './joining';
import { MAX_ROOM_NAME_CHARS, parseRoute } from './router';

/** What the text means. */
export type JoinTarget =
  | { readonly kind: 'meeting'; readonly room: string; readonly token: string | null; readonly invitation: string | null }
  | { readonly kind: 'problem'; readonly problem: JoinProblem; readonly host?: string };

/** Why the text leads nowhere. */
export type JoinProblem = 'empty' | 'not-a-meeting' | 'other-server' | 'name-without-link' | 'too-long';

/** Reads `text` on the server at `origin`; `allowsNames` says whether a bare room name is enough to join. */
export function parseJoinInput(text: string, origin: string, allowsNames: boolean): JoinTarget {
  const input = text.trim();
  if (input === '') return { kind: 'problem', problem: 'empty' };
  const link = parseLink(input, origin);
  if (link === 'broken') return { kind: 'problem', problem: 'not-a-meeting' };
  if (link !== null) return readLink(link, origin);
  if (!allowsNames) return { kind: 'problem', problem: 'name-without-link' };
  if (input.length > MAX_ROOM_NAME_CHARS) return { kind: 'problem', problem: 'too-long' };
  return { kind: 'meeting', room: input, token: null, invitation: null };
}

function readLink(link: URL, origin: string): JoinTarget {
  if (link.host !== new URL(origin).host) return { kind: 'problem', problem: 'other-server', host: link.host };
  const route = parseRoute(link.pathname);
  if (route.name !== 'meeting') return { kind: 'problem', problem: 'not-a-meeting' };
  const { hash } = link;
  return { kind: 'meeting', room: route.room, token: tokenInFragment(hash), invitation: invitationInFragment(hash) };
}

/** A URL when the text looks like one: with a scheme, without one but with our host, or only the path. */
function parseLink(input: string, origin: string): URL | 'broken' | null {
  const { host, protocol } = new URL(origin);
  let address: string;
  if (/^https?:/i.test(input)) address = input;
  else if (input.toLowerCase().startsWith(`${host}/`)) address = `${protocol}//${input}`;
  else if (input.startsWith('/m/')) address = origin + input;
  else return null;
  try {
    return new URL(address);
  } catch {
    return 'broken';
  }
}
