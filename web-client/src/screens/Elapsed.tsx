// SPDX-License-Identifier: EUPL-1.2
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n';

/** How long the meeting has lasted for this person. */
export function Elapsed({ sinceMs }: { sinceMs: number }) {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1000);
    return () => clearInterval(timer);
  }, [now]);
  const text = formatElapsed(now.value - sinceMs);
  return (
    <span class="elapsed" title={t.value.room.elapsed}>
      <span class="visually-hidden">{t.value.room.elapsed}: </span>
      {text}
    </span>
  );
}

/** Minutes and seconds, with hours in front once there are any. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (n: number) => String(n).padStart(2, '0');
  const minutesAndSeconds = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return seconds < 3600 ? minutesAndSeconds : `${Math.floor(seconds / 3600)}:${minutesAndSeconds}`;
}
