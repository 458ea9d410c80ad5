// SPDX-License-Identifier: EUPL-1.2
// Keeps the screen from going dark during a conference.

/** Holds the screen awake from now on. Returns how to stop. */
export function keepScreenAwake(): () => void {
  if (!('wakeLock' in navigator)) return () => undefined;
  let lock: WakeLockSentinel | null = null;
  let isWanted = true;
  const request = async () => {
    if (document.visibilityState !== 'visible') return;
    try {
      const granted = await navigator.wakeLock.request('screen');
      if (isWanted) lock = granted;
      else await granted.release();
    } catch {
      // Refused, for instance because the battery is low. The conference goes on all the same.
    }
  };
  // The browser drops the lock whenever the page is out of sight.
  const onVisibility = () => void request();
  document.addEventListener('visibilitychange', onVisibility);
  void request();
  return () => {
    isWanted = false;
    document.removeEventListener('visibilitychange', onVisibility);
    void lock?.release().catch(() => undefined);
  };
}
