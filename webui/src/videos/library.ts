// The videos of the list: pages, and polling of each video in progress while the page is visible.

import { type Calls, isMoving, nextPoll, ProblemError, type Video } from "video-uploads-client";

import { Store } from "../ui/store";

export type Filter = "all" | "ready" | "errored" | "deleted";

export interface ListState {
  filter: Filter;
  videos: readonly Video[];
  more: string | null;
  isLoading: boolean;
  error: string | null;
}

interface Look {
  etag: string | null;
  retryAfterSeconds: number | null;
  unchanged: number;
  unanswered: number;
  timer: ReturnType<typeof setTimeout> | null;
}

export class Library {
  readonly state = new Store<ListState>({ filter: "all", videos: [], more: null, isLoading: true, error: null });
  private readonly looks = new Map<string, Look>();
  private listing = 0;

  constructor(
    private readonly calls: Calls,
    private readonly isHidden: () => boolean = () => document.hidden,
  ) {}

  async show(filter: Filter): Promise<void> {
    const listing = ++this.listing;
    this.change({ filter, isLoading: true, error: null, ...(filter === this.state.value.filter ? {} : { videos: [] }) });
    try {
      const page = await this.calls.list(listingFor(filter));
      if (listing !== this.listing) return;
      this.change({ videos: page.videos, more: page.next_page_token, isLoading: false });
      this.schedule();
    } catch (error) {
      if (listing === this.listing) this.change({ isLoading: false, error: (error as Error).message });
    }
  }

  refresh(): Promise<void> {
    return this.show(this.state.value.filter);
  }

  async showMore(): Promise<void> {
    const { filter, more, videos } = this.state.value;
    if (more === null) return;
    const listing = ++this.listing;
    this.change({ isLoading: true });
    try {
      const page = await this.calls.list({ ...listingFor(filter), pageToken: more });
      if (listing !== this.listing) return;
      const listed = new Set(videos.map(({ id }) => id));
      const added = page.videos.filter(({ id }) => !listed.has(id));
      this.change({ videos: [...videos, ...added], more: page.next_page_token, isLoading: false });
      this.schedule();
    } catch (error) {
      if (listing === this.listing) this.change({ isLoading: false, error: (error as Error).message });
    }
  }

  /** Poll a video now, because it is new or was changed here. */
  async look(id: string): Promise<Video | null> {
    const look = this.lookOf(id);
    if (look.timer !== null) clearTimeout(look.timer);
    look.timer = null;
    try {
      const answer = await this.calls.video(id, look.etag);
      look.retryAfterSeconds = answer.retryAfterSeconds;
      look.unanswered = 0;
      look.unchanged = answer.isUnchanged ? look.unchanged + 1 : 0;
      look.etag = answer.etag;
      if (answer.body) this.take(answer.body);
    } catch (error) {
      look.retryAfterSeconds = error instanceof ProblemError ? error.retryAfterSeconds : null;
      look.unanswered += 1;
    }
    this.schedule();
    return this.state.value.videos.find((video) => video.id === id) ?? null;
  }

  /** Update the list with a video. */
  take(video: Video): void {
    const { videos, filter } = this.state.value;
    const isListed = videos.some(({ id }) => id === video.id);
    const others = videos.filter(({ id }) => id !== video.id);
    if (!fits(video, filter)) this.change({ videos: others });
    else if (isListed) this.change({ videos: videos.map((one) => (one.id === video.id ? video : one)) });
    else this.change({ videos: [video, ...videos] });
  }

  /** Poll everything in progress; called when the page is visible again or back online. */
  wake(): void {
    for (const video of this.state.value.videos) if (isMoving(video)) void this.look(video.id);
  }

  private schedule(): void {
    for (const video of this.state.value.videos) {
      const look = this.lookOf(video.id);
      if (look.timer !== null) continue;
      const { retryAfterSeconds, unchanged, unanswered } = look;
      const pollState = { isMoving: isMoving(video), isHidden: this.isHidden(), unchanged, unanswered, retryAfterSeconds };
      const inMs = nextPoll(pollState);
      if (inMs !== null) look.timer = setTimeout(() => void this.look(video.id), inMs);
    }
  }

  private lookOf(id: string): Look {
    const existing = this.looks.get(id);
    if (existing) return existing;
    const fresh: Look = { etag: null, retryAfterSeconds: null, unchanged: 0, unanswered: 0, timer: null };
    this.looks.set(id, fresh);
    return fresh;
  }

  private change(changes: Partial<ListState>): void {
    this.state.set({ ...this.state.value, ...changes });
  }
}

function listingFor(filter: Filter): { status?: string; deleted?: boolean } {
  if (filter === "deleted") return { deleted: true };
  return filter === "all" ? {} : { status: filter };
}

function fits(video: Video, filter: Filter): boolean {
  if ((video.deleted_at !== null) !== (filter === "deleted")) return false;
  if (filter === "ready") return video.status === "ready";
  if (filter === "errored") return video.edition_status === "errored";
  return true;
}
