// SPDX-License-Identifier: EUPL-1.2
import { announcer, type Announcement } from '../conference/announcer';

/** The two places from which screen readers read unasked. Present from the start: a region added later is not heard. */
export function LiveRegions() {
  return (
    <div class="visually-hidden">
      <div role="status" aria-live="polite" data-testid="announcements">
        <Spoken what={announcer.polite.value} />
      </div>
      <div role="alert" aria-live="assertive">
        <Spoken what={announcer.assertive.value} />
      </div>
    </div>
  );
}

function Spoken({ what }: { what: Announcement | null }) {
  return what === null ? null : <p key={what.number}>{what.text}</p>;
}
