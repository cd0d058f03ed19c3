// One tab sends a file, however many are open: a lock by the upload's key, held until the tab ends.

const ours = new Set<string>();

/** Take the lock; tells whether it is this tab's, now or since earlier. */
export async function claim(key: string, locks: LockManager | undefined = globalThis.navigator?.locks): Promise<boolean> {
  if (!locks || ours.has(key)) return true;
  return new Promise((resolve) => {
    void locks.request(`upload ${key}`, { ifAvailable: true }, (lock) => {
      if (lock !== null) ours.add(key);
      resolve(lock !== null);
      // Held for as long as this tab lives: the promise never ends.
      return lock === null ? undefined : new Promise<never>(() => undefined);
    });
  });
}
