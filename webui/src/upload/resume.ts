// How an upload goes on after a reload: pure decisions about what is remembered, what storage has, and what is at hand.

import type { PartList, Video } from "../api/types";
import { fileSize } from "../ui/format";
import type { Chosen, UploadRecord } from "./records";

export interface UploadFacts {
  record: UploadRecord;
  /** Null: there is no such video (any more). */
  video: Pick<Video, "status" | "deleted_at"> | null;
  /** What storage has; null for a file in one piece, and when nothing was sent yet. */
  parts: PartList | null;
  hasFile: boolean;
  isSentElsewhere: boolean;
}

export type Next =
  | { kind: "forget" }
  | { kind: "elsewhere" }
  | { kind: "confirm" }
  | { kind: "send" }
  | { kind: "ask"; storedBytes: number; sentence: string };

export function nextStep({ record, video, parts, hasFile, isSentElsewhere }: UploadFacts): Next {
  if (isSentElsewhere) return { kind: "elsewhere" };
  if (record.videoId !== null && !waitsForFile(video)) return { kind: "forget" };
  if (parts !== null && parts.parts.length > 0 && parts.missing.length === 0) return { kind: "confirm" };
  if (hasFile) return { kind: "send" };
  const storedBytes = (parts?.parts ?? []).reduce((sum, part) => sum + part.size_bytes, 0);
  return { kind: "ask", storedBytes, sentence: askingSentence(record, parts, storedBytes) };
}

/** As if nothing had arrived: what is shown where nobody answers. */
export function nothingStored(record: UploadRecord): Next & { kind: "ask" } {
  return { kind: "ask", storedBytes: 0, sentence: askingSentence(record, null, 0) };
}

/** What is wrong with a file that was chosen again; null if it is the one that was being sent. */
export function mismatch(record: UploadRecord, chosen: Chosen): string | null {
  if (chosen.size !== record.size) {
    const [has, instead] = differentSizes(chosen.size, record.size);
    return `This is another file: it has ${has} instead of ${instead}. Choose “${record.name}” as it was.`;
  }
  if (chosen.name !== record.name) return `This file is called “${chosen.name}”. Choose “${record.name}”.`;
  if (chosen.lastModified !== record.lastModified) {
    return `“${record.name}” was changed since the upload began. Discard this upload and send the new file.`;
  }
  return null;
}

/** Both sizes as people read them, or exactly where those would be the same. */
function differentSizes(...sizes: [number, number]): [string, string] {
  const [one, other] = [fileSize(sizes[0]), fileSize(sizes[1])];
  return one === other ? [`${sizes[0]} bytes`, `${sizes[1]} bytes`] : [one, other];
}

function waitsForFile(video: UploadFacts["video"]): boolean {
  return video !== null && video.deleted_at === null && (video.status === "pending" || video.status === "uploading");
}

function askingSentence(record: UploadRecord, parts: PartList | null, storedBytes: number): string {
  const why = "The browser does not let a page open your file again by itself.";
  const choose = `Choose “${record.name}” once more`;
  if (parts !== null && parts.parts.length > 0) {
    return `${fileSize(storedBytes)} of ${fileSize(record.size)} are safe. ${why} ${choose}, and it goes on from there.`;
  }
  return `${why} ${choose}; nothing of it has arrived in full, so it begins anew.`;
}
