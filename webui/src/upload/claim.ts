// One tab sends a file, however many are open: a lock by the upload's key, held until the tab ends.

export async function claim(key: string, locks: LockManager | undefined = navigator.locks): Promise<boolean> {
  if (!locks) return true;
  return new Promise((resolve) => {
    void locks.request(`upload ${key}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      // Held for as long as this tab lives: the promise never ends.
      return lock === null ? undefined : new Promise<never>(() => undefined);
    });
  });
}
