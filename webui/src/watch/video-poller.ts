// Polls one video while it is in progress and the page is visible.

import type { Calls } from "../api/calls";
import { isTransient } from "../api/client";
import { ProblemError } from "../api/problems";
import type { Video } from "../api/types";
import { Store } from "../ui/store";
import { nextPoll } from "../videos/polling";
import { isMoving } from "../videos/states";

export interface PolledVideo {
  video: Video | null;
  /** Why the last poll failed. */
  error: string | null;
}

export class VideoPoller {
  readonly state = new Store<PolledVideo>({ video: null, error: null });
  private etag: string | null = null;
  private retryAfterSeconds: number | null = null;
  private unchanged = 0;
  private unanswered = 0;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private isOver = false;

  constructor(
    private readonly id: string,
    private readonly calls: Pick<Calls, "video">,
    private readonly isHidden: () => boolean = () => document.hidden,
  ) {}

  /** Poll now, and then as long as the video is in progress. */
  async look(): Promise<void> {
    this.rest();
    try {
      const answer = await this.calls.video(this.id, this.etag);
      if (this.isOver) return;
      this.etag = answer.etag;
      this.retryAfterSeconds = answer.retryAfterSeconds;
      this.unchanged = answer.isUnchanged ? this.unchanged + 1 : 0;
      this.unanswered = 0;
      this.state.set({ video: answer.body ?? this.state.value.video, error: null });
    } catch (error) {
      if (this.isOver) return;
      this.retryAfterSeconds = error instanceof ProblemError ? error.retryAfterSeconds : null;
      this.unanswered = isTransient(error) ? this.unanswered + 1 : 0;
      this.state.set({ ...this.state.value, error: (error as Error).message });
      if (!isTransient(error)) return;
    }
    this.schedule();
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
  }
}
