// A lock per upload, so that only one of several open tabs sends a file.

const ours = new Set<string>();

/** Take the lock. Returns whether this tab has it, now or since earlier. */
export async function claim(key: string, locks: LockManager | undefined = globalThis.navigator?.locks): Promise<boolean> {
  if (!locks || ours.has(key)) return true;
  return new Promise((resolve) => {
    void locks.request(`upload ${key}`, { ifAvailable: true }, (lock) => {
      if (lock !== null) ours.add(key);
      resolve(lock !== null);
      // The promise never settles, so the tab holds the lock until it closes.
      return lock === null ? undefined : new Promise<never>(() => undefined);
    });
  });
}
