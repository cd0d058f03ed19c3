// Collects the state of an upload that an earlier page started: at the service, in other tabs, and whether its file is
// available. resume.ts decides what follows, uploads.ts does it.

import { type Calls, type PartList, ProblemError, type UploadRecord, type Video } from "video-uploads-client";

import { claim } from "./claim";
import type { FileStore } from "./file-store";
import { type Next, nextStep } from "./resume";

/** An upload that waits for the person or is sent by another tab. */
export interface Unfinished {
  record: UploadRecord;
  storedBytes: number;
  sentence: string;
  isElsewhere: boolean;
  /** Why the file that was chosen last is refused. */
  refusal: string | null;
}

/** Return what to do with an upload, and its file if it is available. Throws if the service does not answer. */
export async function whatFollows(
  record: UploadRecord,
  calls: Calls,
  fileStore: FileStore,
): Promise<{ next: Next; file: File | null }> {
  const isSentElsewhere = !(await claim(record.key));
  if (isSentElsewhere) {
    return { file: null, next: nextStep({ record, video: null, parts: null, hasFile: false, isSentElsewhere }) };
  }
  const file = await fileStore.give(record.key);
  const { video, parts } = await atTheService(record, calls);
  return { file, next: nextStep({ record, video, parts, hasFile: file !== null, isSentElsewhere }) };
}

/** Describe an upload that this tab cannot resume without the person. */
export function unfinished(record: UploadRecord, next: Next & { kind: "ask" | "elsewhere" }): Unfinished {
  if (next.kind === "elsewhere") {
    return { record, storedBytes: 0, sentence: "It is being sent in another tab.", isElsewhere: true, refusal: null };
  }
  return { record, storedBytes: next.storedBytes, sentence: next.sentence, isElsewhere: false, refusal: null };
}

async function atTheService(record: UploadRecord, calls: Calls): Promise<{ video: Video | null; parts: PartList | null }> {
  if (record.videoId === null) return { video: null, parts: null };
  try {
    const video = (await calls.video(record.videoId)).body;
    const isInParts = record.mode === "multipart" && video?.status === "uploading" && video.deleted_at === null;
    return { video, parts: isInParts ? await calls.parts(record.videoId) : null };
  } catch (error) {
    // The video is gone, or its parts were joined a moment ago: there is nothing to resume.
    if (error instanceof ProblemError && error.problem.status < 500) return { video: null, parts: null };
    throw error;
  }
}
