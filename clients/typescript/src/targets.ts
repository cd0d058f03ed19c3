// Upload URLs for whole files. The URL from creating the video is valid for minutes and saves a call.

import { serverNow } from "./clock.js";
import type { Target } from "./types.js";

const FRESH_MS = 60_000;

export class Targets {
  private readonly kept = new Map<string, Target>();

  constructor(private readonly now: () => number = serverNow) {}

  put(key: string, target: Target): void {
    this.kept.set(key, target);
  }

  /** Return the URL once, if it stays valid long enough. */
  take(key: string): Target | null {
    const target = this.kept.get(key);
    this.kept.delete(key);
    return target && Date.parse(target.expires_at) - this.now() > FRESH_MS ? target : null;
  }
}
