// Which videos change by themselves. Pure.

import type { Video } from "./types.js";

/** Return whether the state will change without the person. */
export function isMoving(video: Video): boolean {
  if (video.deleted_at !== null || video.reason === "Paused") return false;
  if (isAboutToBegin(video)) return true;
  const moves = (phase: string) => phase !== "ready" && phase !== "errored";
  return moves(video.status) || moves(video.edition_status) || (video.status === "ready" && !video.is_playable);
}

/** Return whether a requested edition or retry has not started: only `waiting_for` and `what_to_do` show it yet. */
export function isAboutToBegin(video: Video): boolean {
  const isAtRest = (video.edition_status === "ready" && video.is_playable) || video.edition_status === "errored";
  return isAtRest && video.deleted_at === null && video.waiting_for !== null && video.what_to_do === null;
}

/** Return whether a video still takes its file. */
export function waitsForFile(video: Pick<Video, "status" | "deleted_at"> | null): boolean {
  return video !== null && video.deleted_at === null && (video.status === "pending" || video.status === "uploading");
}
