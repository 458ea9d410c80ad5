// SPDX-License-Identifier: EUPL-1.2
import { ScreenHeading } from '../../ui/PageFrame';
import { Go } from '../Shell';
import { w } from '../words';

/** An address below the pages that leads nowhere. */
export function Lost() {
  const words = w.value.shell;
  return (
    <div class="stack" data-testid="lost">
      <ScreenHeading>{words.lostTitle}</ScreenHeading>
      <p>{words.lost}</p>
      <p>
        <Go to="/meetings">{words.toMeetings}</Go>
      </p>
    </div>
  );
}
