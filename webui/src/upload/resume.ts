// Decides how an upload continues after a reload, from its record, the stored parts and the available file. Pure.

import { type Chosen, fileName, type PartList, type UploadRecord, type Video, waitsForFile } from "video-uploads-client";

import { fileSize } from "../ui/format";

export interface UploadFacts {
  record: UploadRecord;
  /** Null if the video does not exist (any more). */
  video: Pick<Video, "status" | "deleted_at"> | null;
  /** The stored parts; null for a file in one piece, and before anything was sent. */
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

/** Ask for the file as if nothing had been stored, for when the service does not answer. */
export function nothingStored(record: UploadRecord): Next & { kind: "ask" } {
  return { kind: "ask", storedBytes: 0, sentence: askingSentence(record, null, 0) };
}

/** Return why a file that was chosen again is refused, or null if it is the same file. */
export function mismatch(record: UploadRecord, chosen: Chosen): string | null {
  if (chosen.size !== record.size) {
    const [has, instead] = differentSizes(chosen.size, record.size);
    return `This is a different file: it has ${has} instead of ${instead}. Choose the unchanged “${record.name}”.`;
  }
  if (fileName(chosen.name) !== record.name) return `This file is called “${chosen.name}”. Choose “${record.name}”.`;
  if (chosen.lastModified !== record.lastModified) {
    return `“${record.name}” was changed after the upload began. Discard this upload and send the new file.`;
  }
  return null;
}

/** Format two different sizes so that they read differently. */
function differentSizes(...sizes: [number, number]): [string, string] {
  const [one, other] = [fileSize(sizes[0]), fileSize(sizes[1])];
  return one === other ? [`${sizes[0]} bytes`, `${sizes[1]} bytes`] : [one, other];
}

function askingSentence(record: UploadRecord, parts: PartList | null, storedBytes: number): string {
  const why = "The browser does not allow this page to reopen your file.";
  const choose = `Choose “${record.name}” again`;
  if (parts !== null && parts.parts.length > 0) {
    return `${fileSize(storedBytes)} of ${fileSize(record.size)} are saved. ${why} ${choose} to continue from there.`;
  }
  return `${why} ${choose}; the upload will start over.`;
}
