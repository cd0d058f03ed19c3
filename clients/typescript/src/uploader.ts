// Uploads a file and resumes it: after a lost connection by itself, after a reload when it gets the same file again.

import { untilLaterOrOnline } from "./api.js";
import type { Calls, Choices } from "./calls.js";
import { afterFailure } from "./failures.js";
import { contentMd5 } from "./md5.js";
import { waitsForFile } from "./moving.js";
import { ProblemError } from "./problems.js";
import { newRecord, newVideoOf, type Records, type UploadRecord } from "./records.js";
import { type Send, sendBytes } from "./sending.js";
import { Targets } from "./targets.js";
import type { PartList } from "./types.js";

export interface UploadOptions extends Choices {
  /** By default the file's name without its extension. */
  title?: string;
  /** Parts that are sent at the same time. */
  parallel?: number;
  /** Called with the bytes that have arrived, those of earlier runs included. */
  onProgress?: (sentBytes: number, allBytes: number) => void;
  /** Called as soon as the video exists. */
  onVideo?: (videoId: string) => void;
  /** Stops sending; the same file resumes later. `Calls.remove` cancels an upload. */
  signal?: AbortSignal;
}

/** Storage or the service refused the file; the message is for people. */
export class UploadRefusedError extends Error {}

/** The parts of the uploader that tests replace. */
export interface UploaderSteps {
  send: Send;
  digest: (bytes: Blob) => Promise<string>;
  wait: (ms: number, signal?: AbortSignal) => Promise<void>;
}

const PARALLEL = 4;
const STEPS: UploaderSteps = { send: sendBytes, digest: contentMd5, wait: untilLaterOrOnline };

export class Uploader {
  private readonly targets = new Targets();

  /** `owner`: whose uploads these are; another user of the same browser resumes none of them. */
  constructor(
    private readonly calls: Calls,
    private readonly records: Records,
    private readonly owner: string,
    private readonly steps: UploaderSteps = STEPS,
  ) {}

  /** Send a file, or what is missing of it, and return the video's id. Throws UploadRefusedError, and what a call throws. */
  async upload(file: File, options: UploadOptions = {}): Promise<string> {
    const record = (await this.resumable(file)) ?? this.begun(file, options);
    const videoId = record.videoId ?? (await this.created(record, options));
    options.onVideo?.(videoId);
    for (let failures = 0; ; ) {
      try {
        await this.sent(videoId, record, file, options);
        break;
      } catch (error) {
        if (options.signal?.aborted) throw options.signal.reason;
        failures += 1;
        const status = error instanceof StorageError ? error.status : undefined;
        const after = afterFailure({ error, status, failures });
        if (after.kind === "done") break;
        if (after.kind === "person") throw new UploadRefusedError(after.sentence, { cause: error });
        await this.steps.wait(after.inMs, options.signal);
      }
    }
    this.records.forget(record.key);
    return videoId;
  }

  /** Return the record of an earlier run with this file, if its video still takes the file. */
  private async resumable(file: File): Promise<UploadRecord | null> {
    const { name, size, lastModified } = newRecord(file, this.owner, "", 0);
    const record = this.records
      .of(this.owner)
      .find((kept) => kept.name === name && kept.size === size && kept.lastModified === lastModified);
    if (!record?.videoId) return record ?? null;
    try {
      if (waitsForFile((await this.calls.video(record.videoId)).body)) return record;
    } catch (error) {
      if (!(error instanceof ProblemError && error.problem.status === 404)) throw error;
    }
    this.records.forget(record.key);
    return null;
  }

  private begun(file: File, options: UploadOptions): UploadRecord {
    const record = newRecord(file, this.owner, crypto.randomUUID(), Date.now());
    const titled = options.title === undefined ? record : { ...record, title: options.title };
    this.records.put(titled);
    return titled;
  }

  private async created(record: UploadRecord, options: UploadOptions): Promise<string> {
    const { signal } = options;
    const video = { ...newVideoOf(record), ...choicesOf(options) };
    const target = await this.calls.create(video, record.key, signal).catch((error: unknown) => {
      // Nothing was created, so there is nothing to resume.
      if (error instanceof ProblemError) this.records.forget(record.key);
      throw error;
    });
    this.records.put({ ...record, videoId: target.video_id });
    this.targets.put(record.key, target);
    return target.video_id;
  }

  private async sent(videoId: string, record: UploadRecord, file: File, options: UploadOptions): Promise<void> {
    if (record.mode === "single") await this.sentWhole(videoId, record, file, options);
    else await this.sentInParts(videoId, file, options);
    await this.calls.confirm(videoId);
  }

  private async sentWhole(videoId: string, record: UploadRecord, file: File, options: UploadOptions): Promise<void> {
    // Before the URL, because that is valid for minutes only.
    const digest = await this.steps.digest(file);
    const target = this.targets.take(record.key) ?? (await this.calls.uploadUrl(videoId, options.signal));
    const headers = { ...target.headers, "Content-MD5": digest };
    const onSent = (bytes: number) => options.onProgress?.(bytes, file.size);
    const request = { method: target.method, headers, body: file };
    refuse(await this.steps.send(target.upload_url, request, onSent, options.signal));
  }

  private async sentInParts(videoId: string, file: File, options: UploadOptions): Promise<void> {
    const list = await this.calls.parts(videoId, options.signal);
    const progress = new PartsProgress(list, options.onProgress);
    const left = [...list.missing];
    const worker = async () => {
      for (let part = left.shift(); part !== undefined; part = left.shift()) {
        const failed = await this.sentPart(videoId, part, list, file, progress, options).catch((error: unknown) => ({ error }));
        if (failed) {
          // The others stop after their part, and the next try lists what is missing.
          left.length = 0;
          throw failed.error;
        }
      }
    };
    const ended = await Promise.allSettled(Array.from({ length: options.parallel ?? PARALLEL }, worker));
    const failure = ended.find((one) => one.status === "rejected");
    if (failure) throw failure.reason;
  }

  private async sentPart(
    videoId: string, part: number, list: PartList, file: File, progress: PartsProgress, { signal }: UploadOptions,
  ): Promise<void> {
    const start = (part - 1) * list.part_size;
    const body = file.slice(start, Math.min(start + list.part_size, file.size));
    const digest = await this.steps.digest(body);
    const { upload_url, method, headers } = await this.calls.sign(videoId, part, signal);
    const request = { method, headers: { ...headers, "Content-MD5": digest }, body };
    refuse(await this.steps.send(upload_url, request, (bytes) => progress.put(part, bytes), signal));
    progress.put(part, body.size);
  }
}

function choicesOf({ metadata, visibility, embed_origins, profile, region }: UploadOptions): Choices {
  return {
    ...(metadata && { metadata }), ...(visibility && { visibility }), ...(embed_origins && { embed_origins }),
    ...(profile && { profile }), ...(region && { region }),
  };
}

/** Storage did not take the bytes: its status, 0 without an answer. */
class StorageError extends Error {
  constructor(readonly status: number) {
    super(`storage: ${status || "no answer"}`);
  }
}

function refuse(status: number): void {
  if (status < 200 || status >= 300) throw new StorageError(status);
}

class PartsProgress {
  private readonly sent = new Map<number, number>();

  constructor(
    private readonly list: PartList,
    private readonly onProgress: UploadOptions["onProgress"],
  ) {
    for (const { part_number, size_bytes } of list.parts) this.sent.set(part_number, size_bytes);
    this.report();
  }

  put(part: number, bytes: number): void {
    this.sent.set(part, bytes);
    this.report();
  }

  private report(): void {
    this.onProgress?.([...this.sent.values()].reduce((sum, bytes) => sum + bytes, 0), this.list.size_bytes);
  }
}
