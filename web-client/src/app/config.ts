// SPDX-License-Identifier: EUPL-1.2
// What the server tells every client before anything else.

/** Answer of `GET /api/v1/config`. */
export interface Config {
  /** Version of the server. */
  readonly version: string;
  /** Whether the server hands out tokens to everybody; true only on a developer's machine. */
  readonly dev: boolean;
  /** How people with an account sign in. */
  readonly signIn: { readonly password: boolean; readonly provider: boolean };
}

/** Asks the server for its configuration. Rejects when it does not answer or answers nonsense. */
export async function loadConfig(): Promise<Config> {
  // With a header of its own it would be another request than the one that index.html has sent already.
  const response = await fetch('/api/v1/config');
  if (!response.ok) throw new Error(`the configuration request was answered with status ${response.status}`);
  const body: unknown = await response.json();
  if (typeof body !== 'object' || body === null) throw new Error('the configuration is not a JSON object');
  const { version, dev, sign_in: ways } = body as Record<string, unknown>;
  const { password, provider } = (ways ?? {}) as Record<string, unknown>;
  return {
    version: typeof version === 'string' ? version : '',
    dev: dev === true,
    signIn: { password: password === true, provider: provider === true },
  };
}
