// Configures Uppy. It asks its creator (uploads.ts) where each file goes.

import AwsS3 from "@uppy/aws-s3";
import Uppy, { type Body, type Meta, type UppyFile } from "@uppy/core";
import { serverNow, type SignedPart, type StoredPart, type Target } from "video-uploads-client";

import { Digests, UnreadableFileError } from "./digests";
import { UPPY_LOCALE } from "./uppy-locale";

export interface OwnMeta extends Meta {
  /** Names the upload's record. */
  key: string;
}
export type Sent = UppyFile<OwnMeta, Body>;

/** What Uppy needs to know while it sends. */
export interface Steps {
  /** Return the file with its key, or false to refuse it. */
  withKey(file: Sent): Sent | boolean;
  isInParts(file: Sent): boolean;
  partSize(data: Blob): number;
  target(file: Sent, signal?: AbortSignal): Promise<Target>;
  stored(file: Sent, signal?: AbortSignal): Promise<StoredPart[]>;
  sign(file: Sent, part: number, signal?: AbortSignal): Promise<SignedPart>;
  confirm(file: Sent): Promise<void>;
  /** Called when the file cannot be read, because Uppy alone would retry for minutes. */
  unreadable(file: Sent, error: UnreadableFileError): void;
  videoOf(file: Sent): string;
}

// A few parallel requests suit storage and phones; Spaces allows ten for one object.
const PARTS_AT_ONCE = 4;
// Retries of one part before the file fails: they bridge two minutes of a bad connection.
const PART_RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 30_000];
// The page shows failures to the person, so the console stays quiet.
const QUIET = { debug: () => undefined, warn: () => undefined, error: () => undefined };

export function makeUppy(steps: Steps): Uppy<OwnMeta, Body> {
  const uppy = new Uppy<OwnMeta, Body>({
    autoProceed: true,
    allowMultipleUploadBatches: true,
    restrictions: { minFileSize: 1, allowedFileTypes: ["video/*", "application/mp4", "application/mxf", ".mxf", ".mkv", ".mov", ".avi", ".mts", ".mpg"] },
    locale: UPPY_LOCALE,
    logger: QUIET,
    onBeforeFileAdded: (file) => steps.withKey(file as Sent),
  });
  // With a digest, storage refuses bytes damaged or cut in transit, and they are sent again.
  const digests = new Digests();
  const digestOf = async (file: Sent, bytes: Blob) => {
    try {
      return await digests.of(bytes);
    } catch (error) {
      if (error instanceof UnreadableFileError) steps.unreadable(file, error);
      throw error;
    }
  };
  return uppy.use(AwsS3<OwnMeta, Body>, {
    limit: PARTS_AT_ONCE,
    retryDelays: PART_RETRY_DELAYS,
    shouldUseMultipart: (file) => steps.isInParts(file as Sent),
    // Uppy passes the bytes here, although its types say otherwise.
    getChunkSize: (data) => steps.partSize(data as unknown as Blob),
    getUploadParameters: async (file, { signal }) => {
      const digest = await digestOf(file as Sent, file.data as Blob);
      // Only after the digest, because the URL is valid for minutes only.
      const { upload_url, headers } = await steps.target(file as Sent, signal);
      return { method: "PUT" as const, url: upload_url, fields: {}, headers: { ...headers, "Content-MD5": digest } };
    },
    // The video exists before Uppy starts, so every upload in parts is a resumed one.
    createMultipartUpload: async (file) => ({ uploadId: steps.videoOf(file as Sent), key: steps.videoOf(file as Sent) }),
    listParts: async (file, { signal }) =>
      (await steps.stored(file as Sent, signal)).map((part) => ({
        PartNumber: part.part_number,
        Size: part.size_bytes,
        ETag: part.etag,
      })),
    signPart: async (file, { partNumber, body, signal }) => {
      const digest = await digestOf(file as Sent, body);
      const { upload_url, headers, expires_at } = await steps.sign(file as Sent, partNumber, signal);
      const sent = { ...headers, "Content-MD5": digest };
      return { url: upload_url, method: "PUT", headers: sent, expires: secondsUntil(expires_at) };
    },
    completeMultipartUpload: async (file) => {
      await steps.confirm(file as Sent);
      return {};
    },
    // Uppy calls this after failures too; an upload is only aborted when its file is removed (uploads.ts, `removed`).
    abortMultipartUpload: async () => undefined,
  });
}

function secondsUntil(time: string): number {
  return Math.max(1, Math.floor((Date.parse(time) - serverNow()) / 1000));
}
