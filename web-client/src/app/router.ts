// SPDX-License-Identifier: EUPL-1.2
// Which screen an address means. A handful of routes needs no library.
import { signal } from '@preact/signals';

/** What the address bar asks for. */
export type Route =
  | { readonly name: 'start' }
  | { readonly name: 'meeting'; readonly room: string }
  /** What lies behind the sign-in, and knows its own paths. */
  | { readonly name: 'pages'; readonly path: string; readonly query: string }
  | { readonly name: 'unknown' };

/** LiveKit refuses longer room names, so a longer one can only be a mistake. */
export const MAX_ROOM_NAME_CHARS = 256;

/** How paths begin that lie behind the sign-in. */
const PAGES: ReadonlySet<string | undefined> = new Set(['sign-in', 'meetings', 'admin']);

/** Reads a path such as `/m/Ortsbeirat`. */
export function parseRoute(pathname: string, query = ''): Route {
  if (pathname === '/' || pathname === '') return { name: 'start' };
  const [, prefix, encodedRoom, ...rest] = pathname.split('/');
  if (PAGES.has(prefix)) return { name: 'pages', path: pathname, query };
  if (prefix !== 'm' || encodedRoom === undefined) return { name: 'unknown' };
  // A trailing slash is a copying slip; anything after it is a different address.
  if (rest.some((part) => part !== '')) return { name: 'unknown' };
  const room = decodeRoom(encodedRoom);
  return room === null ? { name: 'unknown' } : { name: 'meeting', room };
}

/** The path of a meeting. */
export function meetingPath(room: string): string {
  return `/m/${encodeURIComponent(room)}`;
}

/** The path of the sign-in that leads back to another path. */
export function signInPath(returnTo: string): string {
  return `/sign-in?return_to=${encodeURIComponent(returnTo)}`;
}

function decodeRoom(encoded: string): string | null {
  try {
    const room = decodeURIComponent(encoded).trim();
    return room === '' || room.length > MAX_ROOM_NAME_CHARS ? null : room;
  } catch {
    // A broken percent sequence.
    return null;
  }
}

/** The route on screen. */
export const route = signal<Route>({ name: 'start' });

/** Follows the address bar from now on. Returns how to stop. */
export function startRouter(): () => void {
  const read = () => {
    route.value = parseRoute(location.pathname, location.search);
  };
  read();
  window.addEventListener('popstate', read);
  return () => window.removeEventListener('popstate', read);
}

/** Goes to another screen without reloading. */
export function navigate(path: string): void {
  history.pushState(null, '', path);
  route.value = parseRoute(location.pathname, location.search);
}

/** Goes to another screen that takes this one's place in the history. */
export function replaceRoute(path: string): void {
  history.replaceState(null, '', path);
  route.value = parseRoute(location.pathname, location.search);
}
