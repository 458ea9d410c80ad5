// SPDX-License-Identifier: EUPL-1.2
// Where the legal texts are of whoever holds the meeting that a link leads to.
import { signal } from '@preact/signals';

const KINDS = ['privacy', 'imprint', 'accessibility'] as const;
export type LegalText = (typeof KINDS)[number];

/** What is known of them, in the order in which they are shown. */
export const legalTexts = signal<readonly { readonly kind: LegalText; readonly url: string }[]>([]);

/** Takes them from what the server says of a link. Only addresses of pages are taken. */
export function rememberLegalTexts(said: unknown): void {
  const urls = (typeof said === 'object' && said !== null ? said : {}) as Readonly<Record<string, unknown>>;
  legalTexts.value = KINDS.flatMap((kind) => {
    const url = urls[`${kind}_url`];
    return typeof url === 'string' && /^https?:\/\//.test(url) ? [{ kind, url }] : [];
  });
}
