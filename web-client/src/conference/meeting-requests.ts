// SPDX-License-Identifier: EUPL-1.2
// Requests about the run of a meeting that somebody is in, with the room token that they are in with.
import { meetingSessionOf } from '../app/access';
import { language } from '../app/preferences';
import { ApiProblem, problemOf } from '../app/problem';

type Headers = Readonly<Record<string, string>>;

/** Asks the server. What it refuses, or does not answer, rejects with an `ApiProblem`. */
export class MeetingRequests {
  readonly #token: () => string;

  /** `token` gives the present room token, which says which meeting it is: somebody can be moved to another. */
  constructor(token: () => string) {
    this.#token = token;
  }

  /** Reads what stands at a path behind the run's. */
  get(what: string): Promise<unknown> {
    return this.#send('GET', what, {}, null);
  }

  /** Has something done. */
  post(what: string, body: object | null, more: Headers = {}): Promise<unknown> {
    return this.#send('POST', what, { 'accept-language': language.peek(), ...more }, body);
  }

  /** Has something ended. */
  delete(what: string): Promise<unknown> {
    return this.#send('DELETE', what, { 'accept-language': language.peek() }, null);
  }

  async #send(method: 'GET' | 'POST' | 'DELETE', what: string, more: Headers, body: object | null): Promise<unknown> {
    const token = this.#token();
    const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...more };
    if (body !== null) headers['content-type'] = 'application/json';
    let response: Response;
    try {
      response = await fetch(`/api/v1/meeting_sessions/${meetingSessionOf(token) ?? ''}${what}`, {
        method,
        headers,
        ...(body === null ? {} : { body: JSON.stringify(body) }),
      });
    } catch {
      throw new ApiProblem(0, {}, null);
    }
    if (!response.ok) throw await problemOf(response);
    // Much that is done needs no words.
    return response.json().catch(() => null);
  }
}
