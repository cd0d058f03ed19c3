// Asks again and again while a view is shown, and rests while the tab is hidden.

import { useEffect, useState } from "preact/hooks";

/** The latest answer, null before the first; `error` is that of the latest call. A new `source` begins anew. */
export function usePolled<T>(ask: () => Promise<T>, source: unknown, everyMs: number): { latest: T | null; error: string | null } {
  const [latest, setLatest] = useState<T | null>(null);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    const look = async () => {
      clearTimeout(timer);
      try {
        const answer = document.hidden ? null : await ask();
        if (isGone) return;
        if (answer !== null) setLatest(answer);
        setError(null);
      } catch (error) {
        if (isGone) return;
        setError((error as Error).message);
      }
      timer = setTimeout(look, everyMs);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [source]);
  return { latest, error };
}
