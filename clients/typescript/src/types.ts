// The API's responses (docs/api.md), as far as this package and the page use them. A test compares them with the OpenAPI
// document.

export type Phase = "pending" | "uploading" | "uploaded" | "processing" | "ready" | "errored";
export const PHASES: readonly Phase[] = ["pending", "uploading", "uploaded", "processing", "ready", "errored"];

export type Visibility = "public" | "private";

export type BulkAction = "retry" | "retranscode";

export interface VideoError {
  code: string;
  message: string;
  stage: string;
  retryable: boolean;
  what_to_do: string;
}

export interface Rendition {
  width: number | null;
  height: number | null;
  bandwidth: number;
}

export interface Video {
  id: string;
  title: string;
  status: Phase;
  revision: string;
  playback_url: string | null;
  thumbnail_url: string | null;
  poster: "automatic" | "own" | null;
  is_playable: boolean;
  visibility: Visibility;
  /** The sites that may show it; null for those of the installation. */
  embed_origins: string[] | null;
  profile: string;
  region: string;
  source_url: string | null;
  metadata: Record<string, string>;
  progress: number;
  reason: string;
  waiting_for: string | null;
  what_to_do: string | null;
  phase_since: string;
  next_check_at: string | null;
  deadline_at: string | null;
  attempt: number;
  submissions_left: number;
  edition: number;
  edition_status: Phase;
  error: VideoError | null;
  renditions: Rendition[];
  duration_seconds: number | null;
  filename: string;
  size_bytes: number | null;
  created_at: string;
  deleted_at: string | null;
  restorable_until: string | null;
}

export interface VideoPage<V = Video> {
  videos: V[];
  next_page_token: string | null;
}

export interface DeadLetter extends Video {
  owner: string;
  origin: string;
  provider_answer: string | null;
}

/** Videos that a bulk request leaves out for one reason, with the ids of the first. */
export interface LeftOut {
  reason: string;
  videos: number;
  detail: string;
  first: string[];
}

/** What a bulk request would do: nothing is changed before `plan` is sent back. */
export interface BulkPlan {
  action: BulkAction;
  at: string;
  matched: number;
  planned: number;
  left_out: LeftOut[];
  minutes: number;
  billed_minutes: number;
  dollars: number;
  without_estimate: number;
  plan: string | null;
  expires_at: string;
  next_page_token: string | null;
}

/** What became of a plan. Send it again while some are `remaining`; nothing is requested twice. */
export interface BulkResult {
  action: BulkAction;
  planned: number;
  requested: number;
  already_requested: number;
  left_out: LeftOut[];
  remaining: number;
}

export interface Target {
  video_id: string;
  upload_url: string;
  method: string;
  headers: Record<string, string>;
  expires_at: string;
  upload: { mode: "single" } | { mode: "multipart"; part_size: number; part_count: number };
}

export interface StoredPart {
  part_number: number;
  size_bytes: number;
  etag: string;
}

export interface PartList {
  size_bytes: number;
  part_size: number;
  part_count: number;
  parts: StoredPart[];
  missing: number[];
}

export interface SignedPart {
  part_number: number;
  upload_url: string;
  method: string;
  headers: Record<string, string>;
  expires_at: string;
}

export interface Original {
  url: string;
  filename: string;
  size_bytes: number;
}

export interface Caption {
  language: string;
  label: string;
  default: boolean;
  status: "pending" | "published";
  url: string | null;
}

export interface VideoEvent {
  at: string;
  cause: string;
  status: Phase;
  reason: string;
  message: string;
  attempt: number;
}

export interface Problem {
  status: number;
  code: string;
  title: string;
  detail: string;
  retryable: boolean;
  what_to_do: string;
  request_id?: string;
  errors?: { field: string; detail: string }[];
}

export interface Overview {
  at: string;
  is_complete: boolean;
  phases: { phase: Phase; uploads: number; overdue: number; oldest_since: string | null }[];
  overdue: number;
  waiting: { reason: string; uploads: number }[];
  held: number;
  uncertain: number;
  paused: number;
  dead_letters: number;
  breaker: { is_open: boolean; uploads: number };
  callbacks: {
    claims: number;
    claims_by_five_minutes: number[];
    last_claim_at: string | null;
    finished: number;
    finished_unclaimed: number;
  };
  spending: {
    since: string;
    submissions: number;
    billed_minutes: number;
    owners: { owner: string | null; submissions: number; billed_minutes: number }[];
  };
}

export type RolloutState = "Planning" | "AwaitingApproval" | "Paused" | "FailureRateExceeded" | "DaySpent" | "InProgress" | "UpToDate";

/** How far a library is that is converted anew, as `kubectl get tp` shows it. */
export interface Rollout {
  plan: string;
  state: RolloutState;
  is_approved: boolean;
  counted_at: string | null;
  planned: number;
  minutes: number;
  dollars: number;
  outdated: number | null;
  running: number;
  done: number;
  failed: number;
  spent_dollars: number;
  ends_at: string | null;
}

export interface TranscodeProfile {
  name: string;
  hash: string;
  is_offered: boolean;
  rollout: Rollout | null;
}

export interface ProfileList {
  at: string;
  namespace: string;
  profiles: TranscodeProfile[];
}
