// SPDX-License-Identifier: EUPL-1.2
// What the server says when a request fails (RFC 9457), in a form that the screens can use.

/** One field that is wrong. */
export interface FieldProblem {
  /** Where it is in the body (RFC 6901), or `query/NAME` for a parameter. */
  readonly pointer: string;
  readonly code: string;
  /** In the reader's language. */
  readonly detail: string;
}

/** A request that failed. `code` is `unreachable` when no answer came. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly fields: readonly FieldProblem[];
  readonly requestId: string | null;
  /** When it is worth another try, in milliseconds from now. */
  readonly retryAfterMs: number | null;
  /** The whole document, for members of its own such as `alternatives`. */
  readonly document: Readonly<Record<string, unknown>>;

  constructor(status: number, document: Readonly<Record<string, unknown>>, retryAfterMs: number | null) {
    const code = text(document['code']) ?? (status === 0 ? 'unreachable' : `http-${status}`);
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.title = text(document['title']) ?? '';
    this.detail = text(document['detail']) ?? '';
    this.fields = readFields(document['errors']);
    this.requestId = text(document['request_id']);
    this.retryAfterMs = retryAfterMs;
    this.document = document;
  }
}

function readFields(errors: unknown): FieldProblem[] {
  if (!Array.isArray(errors)) return [];
  return errors.map((error: Record<string, unknown>) => ({
    pointer: text(error['pointer']) ?? '',
    code: text(error['code']) ?? '',
    detail: text(error['detail']) ?? '',
  }));
}

/** What an answer says is wrong. An answer that is no problem document, such as a proxy's page, has its status only. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  let document: unknown = null;
  try {
    document = await response.json();
  } catch {
    // The status says enough.
  }
  const isObject = typeof document === 'object' && document !== null;
  return new ApiProblem(response.status, isObject ? (document as Record<string, unknown>) : {}, retryAfter(response));
}

/** Milliseconds from `Retry-After`, which says seconds or a date (RFC 9110 §10.2.3). */
function retryAfter(response: Response): number | null {
  const value = response.headers.get('retry-after');
  if (value === null) return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
