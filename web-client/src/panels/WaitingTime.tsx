// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { plural, t } from '../i18n';

const MINUTE_MS = 60_000;

/** How often it is counted anew, in milliseconds: it says minutes. */
const COUNT_INTERVAL_MS = 10_000;

/** How long somebody has been before the door, in words. */
export function WaitingTime({ sinceMs }: { sinceMs: number }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), COUNT_INTERVAL_MS);
    return () => clearInterval(timer);
  }, [now]);
  return (
    <span class="person-note" data-testid="waiting-time">
      {inWords(Math.floor((now.value - sinceMs) / MINUTE_MS))}
    </span>
  );
}

/** Hours once there are any. Nothing negative where a clock is behind the server's. */
function inWords(minutes: number): string {
  const words = t.value.moderation;
  if (!(minutes >= 1)) return words.waitingBriefly;
  return minutes < 60 ? plural(words.waitingMinutes, minutes) : plural(words.waitingHours, Math.floor(minutes / 60));
}
