// Judges an overview, so that a glance shows whether something needs attention. Pure.

import type { Overview, Phase } from "video-uploads-client";

import type { Tone } from "../videos/states";
import { relative } from "../ui/format";

export interface Tile {
  name: string;
  value: string;
  tone: Tone;
  note: string;
}

const IN_PROGRESS: readonly Phase[] = ["pending", "uploading", "uploaded", "processing"];
// With fewer jobs, one lost callback means nothing.
const JOBS_TO_JUDGE = 4;

export const PHASE_NAMES: Record<Phase, string> = {
  pending: "Waiting for a URL",
  uploading: "Waiting for the file",
  uploaded: "Waiting for a job",
  processing: "Converting",
  ready: "Ready, recently",
  errored: "Failed, recently",
};

export function tiles(overview: Overview, now: number): Tile[] {
  const inProgress = overview.phases
    .filter(({ phase }) => IN_PROGRESS.includes(phase))
    .reduce((sum, { uploads }) => sum + uploads, 0);
  return [
    { name: "In progress", value: count(inProgress, overview), tone: "busy", note: oldest(overview, now) },
    overdueTile(overview),
    breakerTile(overview),
    callbackTile(overview, now),
    deadLetterTile(overview),
    spendingTile(overview),
  ];
}

/** Summarise the overview in one sentence. */
export function verdict(overview: Overview): { tone: Tone; sentence: string } {
  if (overview.breaker.is_open) {
    return { tone: "bad", sentence: "The conversion service has problems. Submissions are paused and resume automatically." };
  }
  if (overview.overdue > 0) return { tone: "bad", sentence: "Some uploads are past their deadline. Is the operator running?" };
  if (overview.held > 0) return { tone: "bad", sentence: "Some uploads wait for a person to decide." };
  if (callbacksAreLost(overview)) return { tone: "bad", sentence: "Callbacks are not arriving. Everything works, but more slowly." };
  return { tone: "good", sentence: "All is well." };
}

function overdueTile({ overdue }: Overview): Tile {
  const isFine = overdue === 0;
  const note = isFine ? "Nothing is past its deadline." : "Past their deadline. Check that the operator is running.";
  return { name: "Overdue", value: String(overdue), tone: isFine ? "good" : "bad", note };
}

function breakerTile({ breaker }: Overview): Tile {
  if (!breaker.is_open) {
    return { name: "Breaker", value: "Closed", tone: "good", note: "The conversion service accepts jobs." };
  }
  const uploads = breaker.uploads === 1 ? "One upload is" : `${breaker.uploads} uploads are`;
  const note = `${uploads} paused until the conversion service recovers.`;
  return { name: "Breaker", value: "Open", tone: "bad", note };
}

function callbackTile(overview: Overview, now: number): Tile {
  const { claims, last_claim_at, finished, finished_unclaimed } = overview.callbacks;
  const last = last_claim_at === null ? "None so far." : `The last one ${relative(last_claim_at, now)}.`;
  const lost = finished_unclaimed > 0 ? ` ${finished_unclaimed} of ${finished} jobs ended without one.` : "";
  const tone: Tone = callbacksAreLost(overview) ? "bad" : finished_unclaimed > 0 ? "busy" : "good";
  return { name: "Callbacks in an hour", value: String(claims), tone, note: `${last}${lost}` };
}

function deadLetterTile(overview: Overview): Tile {
  const dead = overview.dead_letters;
  const note = dead === 0 ? "No upload has failed." : "Failed uploads of all owners, listed below.";
  return { name: "Dead letters", value: count(dead, overview), tone: dead === 0 ? "good" : "busy", note };
}

function spendingTile({ spending }: Overview): Tile {
  const [most] = spending.owners;
  const jobs = spending.submissions === 1 ? "One job" : `${spending.submissions.toLocaleString("en")} jobs`;
  const by = most === undefined ? "" : ` The most for ${most.owner ?? "imports"}: ${minutes(most.billed_minutes)}.`;
  const note = spending.submissions === 0 ? "Nothing was bought since midnight, UTC." : `${jobs} since midnight, UTC.${by}`;
  return { name: "Billed today", value: minutes(spending.billed_minutes), tone: "good", note };
}

function minutes(billed: number): string {
  return `${Math.ceil(billed).toLocaleString("en")} min`;
}

function callbacksAreLost({ callbacks }: Overview): boolean {
  return callbacks.finished >= JOBS_TO_JUDGE && callbacks.finished_unclaimed * 2 > callbacks.finished;
}

function oldest(overview: Overview, now: number): string {
  const since = overview.phases
    .filter(({ phase, oldest_since }) => IN_PROGRESS.includes(phase) && oldest_since !== null)
    .map(({ oldest_since }) => oldest_since as string)
    .sort()[0];
  return since === undefined ? "Nothing is in progress." : `The longest wait began ${relative(since, now)}.`;
}

function count(uploads: number, { is_complete }: Overview): string {
  return is_complete ? uploads.toLocaleString("en") : `${uploads.toLocaleString("en")} or more`;
}
