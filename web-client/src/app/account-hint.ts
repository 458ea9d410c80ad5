// SPDX-License-Identifier: EUPL-1.2
// Whether somebody was signed in on this device. The server decides; this only spares guests a request that would fail.
import { deviceStore } from './storage';

const KEY = 'saal.account';

/** Whether the start page shows the way to one's meetings. */
export function hasAccountHere(): boolean {
  return deviceStore.read(KEY) === '1';
}

/** Notes it after signing in or out. */
export function rememberAccount(isSignedIn: boolean): void {
  if (isSignedIn) deviceStore.write(KEY, '1');
  else deviceStore.remove(KEY);
}
