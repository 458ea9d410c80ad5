// SPDX-License-Identifier: EUPL-1.2
// Browser storage that never throws: with cookies blocked, reading `localStorage` is already an exception.

/** A string store. */
export interface Store {
  read(key: string): string | null;
  write(key: string, value: string): void;
  remove(key: string): void;
}

function openStore(open: () => Storage): Store {
  const memory = new Map<string, string>();
  const attempt = <T>(use: (storage: Storage) => T, fallback: () => T): T => {
    try {
      return use(open());
    } catch {
      return fallback();
    }
  };
  return {
    read: (key) =>
      attempt(
        (storage) => storage.getItem(key) ?? memory.get(key) ?? null,
        () => memory.get(key) ?? null,
      ),
    write: (key, value) =>
      attempt(
        (storage) => storage.setItem(key, value),
        () => void memory.set(key, value),
      ),
    remove: (key) => {
      memory.delete(key);
      attempt(
        (storage) => storage.removeItem(key),
        () => undefined,
      );
    },
  };
}

/** Lives as long as the tab, survives a reload. */
export const tabStore = openStore(() => window.sessionStorage);

/** Lives on this device. */
export const deviceStore = openStore(() => window.localStorage);
