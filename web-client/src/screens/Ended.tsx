// SPDX-License-Identifier: EUPL-1.2
import type { ReadonlySignal } from '@preact/signals';
import { navigate } from '../app/router';
import type { EndReason } from '../conference/model';
import { t } from '../i18n';
import { Button } from '../ui/Button';
import { Message } from './Message';

interface EndedProps {
  reason: EndReason;
  /** What is still to be said to whoever has left. Its words come with the room. */
  afterword?: ReadonlySignal<string | null>;
  onRejoin: () => void;
}

/** Ends that nobody wanted. */
const BY_ACCIDENT: ReadonlySet<EndReason> = new Set(['lost', 'no-media', 'shutdown']);

/** After a meeting: why it is over, and the way back in. */
export function Ended({ reason, afterword, onRejoin }: EndedProps) {
  const words = t.value.ended;
  const { title, text } = words.reasons[reason];
  const last = (reason === 'left' ? afterword?.value : null) ?? null;
  return (
    <Message
      icon={BY_ACCIDENT.has(reason) ? 'warning' : 'callEnd'}
      title={title}
      testId="ended"
      actions={
        <>
          <Button kind="primary" data-testid="rejoin" onClick={onRejoin}>
            {words.rejoin}
          </Button>
          <Button data-testid="to-start" onClick={() => navigate('/')}>
            {words.toStart}
          </Button>
        </>
      }
    >
      <p data-testid="end-reason" data-reason={reason}>
        {text}
      </p>
      {last !== null && <p>{last}</p>}
    </Message>
  );
}
