// Where whole files go: the answer to the first call is good for some minutes, and spares the next one.

import type { Target } from "../api/types";

const FRESH_MS = 60_000;

export class Targets {
  private readonly kept = new Map<string, Target>();

  constructor(private readonly now: () => number = Date.now) {}

  put(key: string, target: Target): void {
    this.kept.set(key, target);
  }

  /** What was put there, once, if it is good for a while still. */
  take(key: string): Target | null {
    const target = this.kept.get(key);
    this.kept.delete(key);
    return target && Date.parse(target.expires_at) - this.now() > FRESH_MS ? target : null;
  }
}
