// SPDX-License-Identifier: EUPL-1.2
import { navigate, signInPath } from '../app/router';
import type { Refusal } from '../app/joining';
import { t } from '../i18n';
import { Button } from '../ui/Button';
import { Message } from './Message';

/** Refusals after which it is worth another try. */
const CAN_TRY_AGAIN: ReadonlySet<Refusal> = new Set([
  'meeting-locked',
  'meeting-full',
  'lobby-full',
  'unavailable',
]);

/** Refusals that do not concern whoever is signed in, or more strongly. */
const CAN_SIGN_IN: ReadonlySet<Refusal> = new Set(['guests-forbidden', 'acr-too-low']);

/** Not let in, and why. */
export function RefusedScreen({ reason, onRetry }: { reason: Refusal; onRetry: () => void }) {
  const words = t.value.refused;
  const { title, text } = words.reasons[reason];
  return (
    <Message
      icon="block"
      title={title}
      testId="refused"
      actions={
        <>
          {CAN_TRY_AGAIN.has(reason) && (
            <Button kind="primary" data-testid="retry" onClick={onRetry}>
              {words.retry}
            </Button>
          )}
          {CAN_SIGN_IN.has(reason) && (
            <Button kind="primary" data-testid="refused-sign-in" onClick={() => navigate(signInPath(location.pathname))}>
              {t.value.start.signIn}
            </Button>
          )}
          <Button data-testid="to-start" onClick={() => navigate('/')}>
            {t.value.link.toStart}
          </Button>
        </>
      }
    >
      <p data-testid="refusal" data-reason={reason}>
        {text}
      </p>
    </Message>
  );
}
