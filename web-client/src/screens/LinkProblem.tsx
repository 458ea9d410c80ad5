// SPDX-License-Identifier: EUPL-1.2
import { navigate } from '../app/router';
import { t } from '../i18n';
import { Button } from '../ui/Button';
import { Message } from './Message';

/** A link that leads to a meeting but does not let anybody in, and what can be done about it. */
export function LinkProblem({ problem }: { problem: 'incomplete' | 'expired' }) {
  const words = t.value.link;
  const isExpired = problem === 'expired';
  return (
    <Message
      icon="warning"
      title={isExpired ? words.expiredTitle : words.incompleteTitle}
      testId="link-problem"
      actions={
        <Button kind="primary" data-testid="to-start" onClick={() => navigate('/')}>
          {words.toStart}
        </Button>
      }
    >
      <p>{isExpired ? words.expired : words.incomplete}</p>
      <h2>{words.whatToDo}</h2>
      <ul class="message-steps">
        {!isExpired && <li>{words.openInvitation}</li>}
        {!isExpired && <li>{words.pasteWhole}</li>}
        <li>{words.askHost}</li>
      </ul>
    </Message>
  );
}
