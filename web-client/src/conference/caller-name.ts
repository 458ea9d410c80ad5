// SPDX-License-Identifier: EUPL-1.2
// What somebody on the telephone is called where the server knows no more than a number, or not even that.
import { t } from '../i18n';
import type { LobbyPerson } from './model';

/** What the server calls somebody of whom it knows nothing, in each of its languages. */
const NOBODY_IN_PARTICULAR: ReadonlySet<string> = new Set(['', 'Telefon', 'Telephone']);

/** Whether that says who it is, and not only from which number somebody calls. */
export function isCallersName(name: string): boolean {
  return !NOBODY_IN_PARTICULAR.has(name) && !/\p{N}/u.test(name);
}

/** The name to show of somebody who waits to be let in. */
export function lobbyName({ name, isPhone }: Pick<LobbyPerson, 'name' | 'isPhone'>): string {
  return isPhone ? callerName(name, null) : name;
}

/** The name to show. */
export function callerName(name: string, number: string | null): string {
  return NOBODY_IN_PARTICULAR.has(name) ? (number ?? t.value.people.unknownCaller) : name;
}
