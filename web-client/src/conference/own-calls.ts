// SPDX-License-Identifier: EUPL-1.2
// Which calls went to this person's own telephone. The server does not tell, so the tab remembers it: after a reload the telephone
// is still in the meeting, and still theirs.
import { tabStore } from '../app/storage';

const KEY = 'saal.own-calls';

/** Nobody has more telephones that are called at a time; then the oldest goes. */
const MAX_REMEMBERED = 10;

export function rememberOwnCall(id: string): void {
  const others = ownCalls().filter((known) => known !== id);
  tabStore.write(KEY, [...others, id].slice(-MAX_REMEMBERED).join(' '));
}

export function isOwnCall(id: string): boolean {
  return ownCalls().includes(id);
}

function ownCalls(): string[] {
  return (tabStore.read(KEY) ?? '').split(' ').filter((id) => id !== '');
}
