// SPDX-License-Identifier: EUPL-1.2
// What the invitation says, for those who send it themselves.
import { useSignal } from '@preact/signals';
import { get, query } from '../api/client';
import { CopyButton } from '../../ui/Copy';
import { Trouble } from '../ui/Trouble';
import { w } from '../words';
import type { Meeting } from './draft';

interface Text {
  readonly subject: string;
  readonly text: string;
  readonly ics: string | null;
  readonly is_mail_set_up: boolean;
}

/** Fetched when somebody wants to see it. */
export function InvitationText({ meeting }: { meeting: Meeting }) {
  const { meeting: words, form } = w.value;
  const found = useSignal<Text | null>(null);
  const problem = useSignal<unknown>(null);
  const load = () => {
    if (found.peek() !== null) return;
    problem.value = null;
    get<Text>(`/meetings/${meeting.id}/invitation${query({ language: meeting.invitation.language ?? null })}`).then(
      ({ body }) => (found.value = body),
      (error: unknown) => (problem.value = error),
    );
  };
  return (
    <details class="card section" onToggle={load} data-testid="invitation">
      <summary>{words.showInvitation}</summary>
      {problem.value !== null && <Trouble problem={problem.value} onRetry={load} />}
      {found.value !== null && (
        <>
          {!found.value.is_mail_set_up && meeting.invitation.delivery === 'mail' && <p class="notice notice-warning">{words.mailNotSetUp}</p>}
          <div class="preview-mail">
            <p>
              <strong>{form.previewSubject}:</strong> {found.value.subject}
            </p>
            <p class="preserve" data-testid="invitation-text">
              {found.value.text}
            </p>
          </div>
          <div class="actions">
            <CopyButton text={`${found.value.subject}\n\n${found.value.text}`} label={words.copyInvitation} />
            {found.value.ics !== null && (
              <a class="button button-quiet" href={`/api/v1/meetings/${meeting.id}/invitation.ics`} download="invite.ics">
                {words.downloadIcs}
              </a>
            )}
          </div>
        </>
      )}
    </details>
  );
}
