// SPDX-License-Identifier: EUPL-1.2
import { useEffect, useRef } from 'preact/hooks';
import type { Moderation } from '../conference/model';
import { fill, plural, t } from '../i18n';
import { Button } from '../ui/Button';
import { Disclosure } from '../ui/Disclosure';

interface BannedListProps {
  moderation: Moderation;
  /** The last one may come again, and the button for it had the focus. */
  onEmptied: () => void;
}

/** Who may not come to this meeting any more, so that a mistake can be undone. */
export function BannedList({ moderation, onEmptied }: BannedListProps) {
  const words = t.value.moderation;
  const summary = useRef<HTMLElement>(null);
  // Others who moderate ban people, too.
  useEffect(() => void moderation.lookAtBans(), [moderation]);
  const banned = moderation.banned.value;
  if (banned.length === 0) return null;
  const unban = (id: string) => {
    // The button goes with the entry.
    if (banned.length === 1) onEmptied();
    else summary.current?.focus();
    void moderation.unban(id);
  };
  return (
    <Disclosure title={plural(words.banned, banned.length)} testId="banned" openTestId="open-banned" summaryRef={summary}>
      <ul class="people-list people-banned">
        {banned.map(({ id, name }) => (
          <li key={id} class="person" data-testid="banned-person">
            <span class="person-name">{name}</span>
            <Button aria-label={fill(words.unban, { name })} data-testid="unban" onClick={() => unban(id)}>
              {words.unbanNow}
            </Button>
          </li>
        ))}
      </ul>
    </Disclosure>
  );
}
