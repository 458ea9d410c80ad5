// SPDX-License-Identifier: EUPL-1.2
// Who is signed in, and signing in and out. The cookie is the server's and out of reach; what is kept here is the answer of
// `GET /session`, and on this device only that somebody was signed in, so that the start page need not ask.
import { signal } from '@preact/signals';
import { rememberAccount } from '../../app/account-hint';
import { language } from '../../app/preferences';
import { ApiProblem, problemOf } from '../../app/problem';

/** Roles in the organisation. */
export type Role = 'system_admin' | 'tenant_admin' | 'organizer' | 'participant';

/** Answer of `GET /session`. */
export interface Session {
  readonly user_id: string;
  readonly tenant_id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly scopes: readonly string[];
  readonly csrf_token: string;
  readonly expires_at: string;
}

/** Who is signed in; null for nobody, `unknown` before the server was asked. */
export const session = signal<Session | null | 'unknown'>('unknown');

/** Whether the page asks to sign in again, over what is on it. */
export const asksToSignInAgain = signal(false);

/** What waits until somebody has signed in again, or has given it up. */
let waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];

/** Whether whoever is signed in has a scope. */
export function mayDo(scope: string): boolean {
  const { value } = session;
  return value !== null && value !== 'unknown' && value.scopes.includes(scope);
}

/** The token that changes carry, or null. */
export function csrfToken(): string | null {
  const value = session.peek();
  return value === null || value === 'unknown' ? null : value.csrf_token;
}

/** Asks the server who is signed in, and takes its word for it. Rejects with an `ApiProblem` when it does not say. */
export async function refreshSession(): Promise<Session | null> {
  const found = await probeSession();
  if (found === null) note(null);
  return found;
}

/** The same, but as long as nobody is signed in the page stays whose it was: what was typed there must not be lost. */
export async function probeSession(): Promise<Session | null> {
  let response;
  try {
    response = await fetch('/api/v1/session', { headers: { 'accept-language': language.peek() } });
  } catch {
    throw new ApiProblem(0, {}, null);
  }
  if (response.status === 401) return null;
  if (!response.ok) throw await problemOf(response);
  const found = (await response.json()) as Session;
  note(found);
  return found;
}

/** Signs in with a password. Rejects with an `ApiProblem`. */
export async function signIn(email: string, password: string, tenant: string | null): Promise<void> {
  let response;
  try {
    response = await fetch('/api/v1/session', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'accept-language': language.peek(),
        // Whoever is signed in as somebody else proves that this page is ours.
        ...(csrfToken() === null ? {} : { 'x-csrf-token': csrfToken() ?? '' }),
      },
      body: JSON.stringify({ email, password, ...(tenant === null ? {} : { tenant }) }),
    });
  } catch {
    throw new ApiProblem(0, {}, null);
  }
  if (!response.ok) throw await problemOf(response);
  note((await response.json()) as Session);
}

/** Signs out here, and returns where to go: to the identity provider, if it has to know, or to the start page. */
export async function signOut(): Promise<string> {
  let response;
  try {
    response = await fetch('/auth/logout', { method: 'POST', headers: { accept: 'application/json' } });
  } catch {
    throw new ApiProblem(0, {}, null);
  }
  if (!response.ok) throw await problemOf(response);
  const { location } = (await response.json()) as { location?: unknown };
  note(null);
  return typeof location === 'string' ? location : '/';
}

/** Where the identity provider is asked, and where it leads back to. */
export function providerPath(returnTo: string): string {
  return `/auth/oidc/start?return_to=${encodeURIComponent(returnTo)}`;
}

/** Resolves when somebody has signed in again over the page on screen; rejects when they give it up. */
export function signInAgain(): Promise<void> {
  asksToSignInAgain.value = true;
  return new Promise((resolve, reject) => {
    waiting.push({ resolve, reject });
  });
}

/** Ends the question: the requests that wait go on, or fail. */
export function finishSignInAgain(isSignedIn: boolean): void {
  asksToSignInAgain.value = false;
  const all = waiting;
  waiting = [];
  for (const { resolve, reject } of all) {
    if (isSignedIn) resolve();
    else reject(new ApiProblem(401, { code: 'unauthenticated' }, null));
  }
}

function note(found: Session | null): void {
  session.value = found;
  rememberAccount(found !== null);
}

/** A path of ours that a link to the sign-in page names, or the list of meetings. Nothing leads to other sites. */
export function safeReturn(path: string | null): string {
  if (path === null || !path.startsWith('/') || path.startsWith('//') || /[\\\p{Cc}]/u.test(path)) return '/meetings';
  return path.startsWith('/sign-in') ? '/meetings' : path;
}
