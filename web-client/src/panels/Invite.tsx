// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import type { Conference, Invitation } from '../conference/model';
import { t } from '../i18n';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { DialInBox } from '../ui/DialInBox';
import { Disclosure } from '../ui/Disclosure';

type Found = Invitation | 'hidden' | 'failed' | null;

/** How others can come, by link and by telephone. Asked for when somebody wants to see it. */
export function Invite({ ask }: { ask: NonNullable<Conference['invitation']> }) {
  const words = t.value.invite;
  const found = useSignal<Found>(null);
  const isAsking = useSignal(false);
  const load = () => {
    if (isAsking.peek() || (found.peek() !== null && found.peek() !== 'failed')) return;
    isAsking.value = true;
    ask()
      .then((answer) => (found.value = answer))
      .catch(() => (found.value = 'failed'))
      .finally(() => (isAsking.value = false));
  };
  return (
    <Disclosure title={words.title} testId="invite" openTestId="open-invite" onToggle={(isOpen) => isOpen && load()}>
      <Answer found={found.value} onRetry={load} />
    </Disclosure>
  );
}

function Answer({ found, onRetry }: { found: Found; onRetry: () => void }) {
  const words = t.value.invite;
  if (found === null) return <p role="status">{words.loading}</p>;
  if (found === 'hidden') return <p role="status">{words.hidden}</p>;
  if (found === 'failed') {
    return (
      <>
        <p role="alert">{words.failed}</p>
        <Button data-testid="invite-retry" onClick={onRetry}>
          {words.retry}
        </Button>
      </>
    );
  }
  return (
    <>
      <h3>{words.link}</h3>
      <p class="invite-link" data-testid="invite-link">
        {found.joinUrl}
      </p>
      <CopyButton kind="secondary" text={found.joinUrl} label={words.copyLink} testId="invite-copy-link" />
      <h3>{words.phone}</h3>
      {found.dialIn.numbers.length === 0 ? <p>{words.noDialIn}</p> : <DialInBox dialIn={found.dialIn} />}
    </>
  );
}
