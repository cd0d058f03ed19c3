// The calls of the API, one method each.

import type { Answer, Api } from "./api.js";
import type {
  BulkAction, BulkPlan, BulkResult, Caption, DeadLetter, Original, Overview, PartList, ProfileList, SignedPart, Target, Video,
  VideoEvent, VideoPage, Visibility,
} from "./types.js";

/** What can be chosen when a video is created; left out: the default of the service. */
export interface Choices {
  metadata?: Record<string, string>;
  visibility?: Visibility;
  /** The sites that may show it, such as `https://www.example.com`. */
  embed_origins?: string[];
  profile?: string;
  region?: string;
}

export interface NewVideo extends Choices {
  title: string;
  filename: string;
  content_type: string;
  size_bytes: number;
  upload_mode: "single" | "multipart";
}

/** A video whose file the service fetches from `source_url`. */
export interface NewFetch extends Choices {
  title: string;
  filename: string;
  content_type: string;
  source_url: string;
}

/** What is left out stays as it is; null removes a name of the metadata. */
export interface Changes {
  title?: string;
  metadata?: Record<string, string | null>;
  visibility?: Visibility;
  /** Null for the sites of the installation. */
  embed_origins?: string[] | null;
}

export interface NewCaptions {
  language: string;
  label: string;
  isDefault: boolean;
  content: Blob;
  type: string;
}

export interface Listing {
  status?: string;
  deleted?: boolean;
  pageToken?: string;
}

/** What all owners' videos are filtered by; times as in `2026-03-01T12:00:00Z`. */
export interface CatalogueFilters {
  owner?: string;
  status?: string;
  profile?: string;
  region?: string;
  error_code?: string;
  created_after?: string;
  created_before?: string;
  title?: string;
  deleted?: boolean;
  page_size?: number;
}

/** What the videos of a bulk request are filtered by; `error_code` only for retries. */
export type BulkFilters = Omit<CatalogueFilters, "status" | "deleted" | "page_size">;

/** A change to wait for: of the revision that the page has. */
export interface Wait {
  since: string;
  seconds: number;
  signal: AbortSignal;
}

export class Calls {
  constructor(private readonly api: Api) {}

  async create(video: NewVideo, idempotencyKey: string, signal?: AbortSignal): Promise<Target> {
    return must(await this.api.callWithRetry<Target>("POST", "/videos", { body: video, idempotencyKey, signal }));
  }

  /** Have the service fetch a file, and return the video's id. Nothing is to be sent. */
  async fetch(video: NewFetch, idempotencyKey: string, signal?: AbortSignal): Promise<string> {
    const options = { body: video, idempotencyKey, signal };
    return must(await this.api.callWithRetry<{ video_id: string }>("POST", "/videos", options)).video_id;
  }

  /** Change title, metadata, visibility, and which sites may show the video. */
  async describe(id: string, changes: Changes): Promise<Video> {
    return must(await this.api.call<Video>("PATCH", `/videos/${id}`, { body: changes }));
  }

  async uploadUrl(id: string, signal?: AbortSignal): Promise<Target> {
    return must(await this.api.callWithRetry<Target>("POST", `/videos/${id}/upload_url`, { signal }));
  }

  async parts(id: string, signal?: AbortSignal): Promise<PartList> {
    return must(await this.api.callWithRetry<PartList>("GET", `/videos/${id}/parts`, { signal }));
  }

  async sign(id: string, part: number, signal?: AbortSignal): Promise<SignedPart> {
    const options = { body: { part_numbers: [part] }, signal };
    const answer = must(await this.api.callWithRetry<{ parts: SignedPart[] }>("POST", `/videos/${id}/parts`, options));
    const signed = answer.parts[0];
    if (!signed) throw new Error(`no URL for part ${part}`);
    return signed;
  }

  async confirm(id: string): Promise<void> {
    await this.api.callWithRetry("POST", `/videos/${id}/upload_complete`);
  }

  /** Get a video, once it differs from `wait.since` or the seconds are over; the body is null if `etag` still matches. */
  video(id: string, etag?: string | null, wait?: Wait | null): Promise<Answer<Video>> {
    const query = wait ? `?${new URLSearchParams({ wait: `${wait.seconds}`, since: wait.since })}` : "";
    return this.api.call<Video>("GET", `/videos/${id}${query}`, { etag: etag ?? null, signal: wait?.signal });
  }

  async list(listing: Listing): Promise<VideoPage> {
    const query = new URLSearchParams({ page_size: "12" });
    if (listing.status) query.set("status", listing.status);
    if (listing.deleted) query.set("deleted", "true");
    if (listing.pageToken) query.set("page_token", listing.pageToken);
    return must(await this.api.call<VideoPage>("GET", `/videos?${query}`));
  }

  async events(id: string): Promise<VideoEvent[]> {
    return must(await this.api.call<{ events: VideoEvent[] }>("GET", `/videos/${id}/events`)).events;
  }

  async captions(id: string): Promise<Caption[]> {
    return must(await this.api.call<{ captions: Caption[] }>("GET", `/videos/${id}/captions`)).captions;
  }

  async putCaptions(id: string, captions: NewCaptions): Promise<Caption> {
    const { language, label, isDefault, content, type } = captions;
    const query = new URLSearchParams({ label, default: String(isDefault) });
    const path = `/videos/${id}/captions/${language}?${query}`;
    return must(await this.api.call<Caption>("PUT", path, { file: { content, type } }));
  }

  async removeCaptions(id: string, language: string): Promise<void> {
    await this.api.call("DELETE", `/videos/${id}/captions/${language}`);
  }

  /** Choose a picture, a JPEG of at most 512 KiB, as the poster: `thumbnail_url` shows it within seconds. */
  async putPoster(id: string, picture: Blob): Promise<Video> {
    return must(await this.api.call<Video>("PUT", `/videos/${id}/poster`, { file: { content: picture, type: "image/jpeg" } }));
  }

  /** Go back to the poster that the transcode made. */
  async removePoster(id: string): Promise<void> {
    await this.api.call("DELETE", `/videos/${id}/poster`);
  }

  async retry(id: string): Promise<Video> {
    return must(await this.api.call<Video>("POST", `/videos/${id}/retry`));
  }

  /** Request another edition. Until it has started, the response describes the previous one. */
  async retranscode(id: string): Promise<Video> {
    return must(await this.api.call<Video>("POST", `/videos/${id}/retranscode`));
  }

  async original(id: string): Promise<Original> {
    return must(await this.api.call<Original>("GET", `/videos/${id}/original`));
  }

  async remove(id: string): Promise<void> {
    await this.api.callWithRetry("DELETE", `/videos/${id}`);
  }

  async restore(id: string): Promise<Video> {
    return must(await this.api.call<Video>("POST", `/videos/${id}/restore`));
  }

  async overview(): Promise<Overview> {
    return must(await this.api.call<Overview>("GET", "/admin/overview"));
  }

  /** Return all transcode profiles, and how far their rollouts are. */
  async profiles(): Promise<ProfileList> {
    return must(await this.api.call<ProfileList>("GET", "/admin/profiles"));
  }

  async deadLetters(pageToken: string | null): Promise<VideoPage<DeadLetter>> {
    const query = new URLSearchParams({ status: "errored", page_size: "10" });
    if (pageToken) query.set("page_token", pageToken);
    return must(await this.api.call<VideoPage<DeadLetter>>("GET", `/admin/videos?${query}`));
  }

  /** Return a page of all owners' videos. It may be empty while more follow: the list ends where there is no token. */
  async catalogue(filters: CatalogueFilters, pageToken: string | null): Promise<VideoPage<DeadLetter>> {
    const query = queryOf(filters, pageToken);
    return must(await this.api.call<VideoPage<DeadLetter>>("GET", `/admin/videos?${query}`));
  }

  /** Return what would be done with the failed or the ready videos that match. Nothing is changed. */
  async planBulk(action: BulkAction, filters: BulkFilters, pageToken: string | null): Promise<BulkPlan> {
    const query = queryOf(filters, pageToken);
    return must(
      action === "retry"
        ? await this.api.call<BulkPlan>("GET", `/admin/videos/retry?${query}`)
        : await this.api.call<BulkPlan>("GET", `/admin/videos/retranscode?${query}`),
    );
  }

  /** Do what a plan has shown. Safe to repeat: nothing is requested twice. */
  async applyBulk(action: BulkAction, plan: string): Promise<BulkResult> {
    return must(
      action === "retry"
        ? await this.api.call<BulkResult>("POST", "/admin/videos/retry", { body: { plan } })
        : await this.api.call<BulkResult>("POST", "/admin/videos/retranscode", { body: { plan } }),
    );
  }

  async retryAsAdmin(id: string): Promise<void> {
    await this.api.call("POST", `/admin/videos/${id}/retry`);
  }
}

function queryOf(filters: CatalogueFilters, pageToken: string | null): URLSearchParams {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) if (value !== undefined) query.set(name, `${value}`);
  if (pageToken) query.set("page_token", pageToken);
  return query;
}

function must<T>(answer: Answer<T>): T {
  if (answer.body === null) throw new Error("a response without a body");
  return answer.body;
}
