// SPDX-License-Identifier: EUPL-1.2
// Requests to the REST API as the person who is signed in: with the CSRF token, in their language, and with a second try
// after they have signed in again. Nothing is sent twice unless the server has refused it the first time.
import { language } from '../../app/preferences';
import { ApiProblem, problemOf } from '../../app/problem';
import { randomHex } from '../../app/random';
import { csrfToken, probeSession, signInAgain } from './session';

/** What came back. */
export interface Answer<T> {
  readonly body: T;
  /** The version that changes name in `If-Match`. */
  readonly etag: string | null;
  readonly status: number;
}

export interface Wish {
  readonly body?: unknown;
  /** The version that is changed. */
  readonly etag?: string | null | undefined;
  /** Makes a POST safe to repeat. */
  readonly idempotencyKey?: string;
  /** Instead of JSON, `application/merge-patch+json` and the like. */
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Asks for a path below `/api/v1`. Rejects with an `ApiProblem`, or with an `AbortError`. */
export async function ask<T>(method: Method, path: string, wish: Wish = {}): Promise<Answer<T>> {
  let response = await send(method, path, wish);
  if (response.status === 401) {
    await signInAgain();
    response = await send(method, path, wish);
  } else if (response.status === 403 && method !== 'GET') {
    const problem = await problemOf(response.clone());
    // Signed in anew in another tab: the cookie is another, and so is its token.
    if (problem.code === 'forgery-protection') {
      if ((await probeSession()) === null) await signInAgain();
      response = await send(method, path, wish);
    }
  }
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  const isJson = (response.headers.get('content-type') ?? '').includes('json');
  const content = response.status === 204 || response.status === 304 ? undefined : await (isJson ? response.json() : response.text());
  return { body: content as T, etag: response.headers.get('etag'), status: response.status };
}

/** Asks for a list's page. */
export function get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  return ask<T>('GET', path, signal === undefined ? {} : { signal });
}

/** A page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor?: string | null;
}

/** A query string of what is given; empty values are left out. */
export function query(values: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== '');
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === '' ? '' : `?${text}`;
}

/** A key for `Idempotency-Key`. */
export function newKey(): string {
  return randomHex(16);
}

async function send(method: Method, path: string, wish: Wish): Promise<Response> {
  const headers: Record<string, string> = { 'accept-language': language.peek() };
  if (wish.body !== undefined) {
    headers['content-type'] = wish.contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : 'application/json');
  }
  if (wish.etag !== undefined && wish.etag !== null) headers['if-match'] = wish.etag;
  if (wish.idempotencyKey !== undefined) headers['idempotency-key'] = wish.idempotencyKey;
  const csrf = csrfToken();
  if (method !== 'GET' && csrf !== null) headers['x-csrf-token'] = csrf;
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      ...(wish.body === undefined ? {} : { body: JSON.stringify(wish.body) }),
      ...(wish.signal === undefined ? {} : { signal: wish.signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiProblem(0, {}, null);
  }
}
