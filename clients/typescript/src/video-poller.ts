// Follows one video while it is in progress and the page, if there is one, is visible: it waits for changes at the service, and polls where
// that cannot let it wait.

import type { Calls } from "./calls.js";
import { isTransient } from "./api.js";
import { ProblemError } from "./problems.js";
import type { Video } from "./types.js";
import { Store } from "./store.js";
import { nextPoll } from "./polling.js";
import { isMoving } from "./moving.js";

/** Below the minute after which a proxy closes a silent connection. */
const WAIT_SECONDS = 25;

export interface PolledVideo {
  video: Video | null;
  /** Why the last poll failed. */
  error: string | null;
}

export class VideoPoller {
  readonly state = new Store<PolledVideo>({ video: null, error: null });
  /** Called when the service refuses: nothing is polled any more. */
  onRefused: (error: unknown) => void = () => undefined;
  private etag: string | null = null;
  private retryAfterSeconds: number | null = null;
  private unchanged = 0;
  private unanswered = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private waiting: AbortController | null = null;
  private isOver = false;

  constructor(
    private readonly id: string,
    private readonly calls: Pick<Calls, "video">,
    private readonly isHidden: () => boolean = () => globalThis.document?.hidden ?? false,
  ) {}

  /** Look now, and then as long as the video is in progress. */
  look(): Promise<void> {
    return this.ask(null);
  }

  private async ask(since: string | null): Promise<void> {
    this.rest();
    const waiting = since === null ? null : new AbortController();
    this.waiting = waiting;
    const beganAt = Date.now();
    try {
      const wait = since === null || waiting === null ? null : { since, seconds: WAIT_SECONDS, signal: waiting.signal };
      const answer = await this.calls.video(this.id, this.etag, wait);
      if (this.isOver || waiting?.signal.aborted) return;
      this.etag = answer.etag;
      this.retryAfterSeconds = answer.retryAfterSeconds;
      this.unchanged = answer.isUnchanged ? this.unchanged + 1 : 0;
      this.unanswered = 0;
      this.state.set({ video: answer.body ?? this.state.value.video, error: null });
    } catch (error) {
      if (this.isOver || waiting?.signal.aborted) return;
      this.retryAfterSeconds = error instanceof ProblemError ? error.retryAfterSeconds : null;
      this.unanswered = isTransient(error) ? this.unanswered + 1 : 0;
      this.state.set({ ...this.state.value, error: (error as Error).message });
      if (!isTransient(error)) {
        this.onRefused(error);
        return;
      }
    }
    this.goOn(since, Date.now() - beganAt);
  }

  /** Poll if needed; called when the page is visible again or back online. */
  wake(): void {
    if (this.moves() || this.unanswered > 0) void this.look();
  }

  end(): void {
    this.isOver = true;
    this.rest();
  }

  private moves(): boolean {
    const { video } = this.state.value;
    return video !== null && isMoving(video);
  }

  /** Wait for the next change. An early answer without one means that the service cannot let us wait: poll instead. */
  private goOn(since: string | null, tookMs: number): void {
    const revision = this.state.value.video?.revision;
    const mayWait = revision !== since || tookMs >= (WAIT_SECONDS - 1) * 1000;
    if (revision && mayWait && this.unanswered === 0 && this.moves() && !this.isHidden()) void this.ask(revision);
    else this.schedule();
  }

  private schedule(): void {
    this.rest();
    const { unchanged, unanswered, retryAfterSeconds } = this;
    const isMoving = this.moves() || unanswered > 0;
    const inMs = nextPoll({ isMoving, isHidden: this.isHidden(), unchanged, unanswered, retryAfterSeconds });
    if (inMs !== null) this.timer = setTimeout(() => void this.look(), inMs);
  }

  private rest(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.waiting?.abort();
    this.waiting = null;
  }
}
