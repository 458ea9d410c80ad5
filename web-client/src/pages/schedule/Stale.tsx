// SPDX-License-Identifier: EUPL-1.2
// Somebody else was quicker: what they changed of the meeting.
import { fill } from '../../i18n';
import { StaleDialog, type StaleChoices } from '../ui/StaleDialog';
import { w } from '../words';
import { changedFields } from './changes';
import type { Draft } from './draft';

interface StaleProps extends StaleChoices {
  /** As it was when this page read it. */
  before: Draft;
  /** As it is now. */
  now: Draft;
}

/** The question. */
export function Stale({ before, now, ...choices }: StaleProps) {
  const words = w.value.stale;
  const changes = changedFields(before, now);
  return (
    <StaleDialog {...choices} isSame={changes.length === 0} isWide>
      <dl class="facts">
        {changes.map(({ name, label, was, is }) => (
          <div key={name} class="facts-row">
            <dt>{label}</dt>
            <dd data-testid={`stale-${name}`}>
              {fill(words.is, { value: is })}
              <br />
              <span class="fine">{fill(words.was, { value: was })}</span>
            </dd>
          </div>
        ))}
      </dl>
    </StaleDialog>
  );
}
