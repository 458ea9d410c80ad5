// SPDX-License-Identifier: EUPL-1.2
import type { MissingFeature } from '../app/support';
import { fill, t } from '../i18n';
import { Message } from './Message';

/** The browser, or the way it is connected, cannot do what a meeting needs. */
export function NotSupported({ missing }: { missing: readonly MissingFeature[] }) {
  const words = t.value.unsupported;
  if (missing.includes('secure')) {
    return (
      <Message icon="warning" title={words.insecureTitle} testId="not-supported">
        <p>{words.insecure}</p>
        <p>
          <a href={`https://${location.host}${location.pathname}${location.hash}`}>{words.openSecurely}</a>
        </p>
      </Message>
    );
  }
  const names = missing.flatMap((feature) => (feature === 'secure' ? [] : [words.features[feature]]));
  return (
    <Message icon="warning" title={words.title} testId="not-supported">
      <p>{words.text}</p>
      <p>{fill(words.missing, { features: names.join(', ') })}</p>
    </Message>
  );
}
