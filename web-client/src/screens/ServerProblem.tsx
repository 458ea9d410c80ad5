// SPDX-License-Identifier: EUPL-1.2
import { t } from '../i18n';
import { Button } from '../ui/Button';
import { Message } from './Message';

/** The page came, for instance out of the browser's cache, but the server does not answer. */
export function ServerProblem() {
  const words = t.value.server;
  return (
    <Message
      icon="warning"
      title={words.title}
      testId="server-problem"
      actions={
        <Button kind="primary" onClick={() => location.reload()}>
          {words.reload}
        </Button>
      }
    >
      <p>{words.text}</p>
    </Message>
  );
}
