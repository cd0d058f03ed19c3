// The uploads of this tab: Uppy sends the bytes, this says for which video, and what follows when they are there.

import AwsS3 from "@uppy/aws-s3";
import Uppy, { type Body, type Meta, type UppyFile } from "@uppy/core";

import type { Calls } from "../api/calls";
import { NoAnswerError, ProblemError } from "../api/problems";
import type { PartList, Target, Video } from "../api/types";
import { Store } from "../ui/store";
import { claim } from "./claim";
import { afterFailure } from "./failures";
import type { Keeper } from "./keeper";
import { newRecord, type Records, type UploadRecord } from "./records";
import { mismatch, nextStep } from "./resume";
import { UPPY_WORDS } from "./uppy-words";

interface OwnMeta extends Meta {
  key: string;
}
type Sent = UppyFile<OwnMeta, Body>;

export interface Unfinished {
  record: UploadRecord;
  storedBytes: number;
  sentence: string;
  isElsewhere: boolean;
  refusal: string | null;
}

// Storage and phones alike do well with a few requests at once; Spaces allows ten for one object.
const PARTS_AT_ONCE = 4;
// What storage is asked for again before the whole file counts as failed: about two minutes of a line that comes and goes.
const PART_RETRY_DELAYS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000, 30_000];
// What fails is shown to the person; a console is read by nobody.
const QUIET = { debug: () => undefined, warn: () => undefined, error: () => undefined };
const SHOWN_WHEN_DONE_MS = 1500;
const FRESH_MS = 60_000;

export class Uploads {
  readonly uppy: Uppy<OwnMeta, Body>;
  readonly unfinished = new Store<readonly Unfinished[]>([]);
  /** Bytes sent of each video that this tab sends, in percent. */
  readonly sending = new Store<ReadonlyMap<string, number>>(new Map());
  /** Told whenever a video of this tab began or went on. */
  onVideo: (videoId: string) => void = () => undefined;

  private readonly partSizes = new WeakMap<Blob, number>();
  private readonly targets = new Map<string, Target>();
  private readonly failures = new Map<string, number>();
  private readonly ended = new Set<string>();

  constructor(
    private readonly calls: Calls,
    private readonly records: Records,
    private readonly keeper: Keeper,
    private readonly owner: () => string | null,
  ) {
    this.uppy = new Uppy<OwnMeta, Body>({
      autoProceed: true,
      allowMultipleUploadBatches: true,
      restrictions: { minFileSize: 1, allowedFileTypes: ["video/*", ".mkv", ".mov", ".avi", ".mts", ".mpg"] },
      locale: UPPY_WORDS,
      logger: QUIET,
      onBeforeFileAdded: (file) => this.named(file as Sent),
    });
    this.uppy.use(AwsS3<OwnMeta, Body>, {
      limit: PARTS_AT_ONCE,
      retryDelays: PART_RETRY_DELAYS,
      shouldUseMultipart: (file) => this.recordOf(file).mode === "multipart",
      // Uppy hands over the bytes here, whatever its types say.
      getChunkSize: (data) => this.partSizes.get(data as unknown as Blob) ?? 0,
      getUploadParameters: async (file, { signal }) => this.parameters(file as Sent, signal),
      // The video was made before Uppy begins; every upload in parts is one that goes on.
      createMultipartUpload: async (file) => ({ uploadId: this.videoOf(file), key: this.videoOf(file) }),
      listParts: async (file, { signal }) => this.stored(this.videoOf(file), signal),
      signPart: async (file, { partNumber, signal }) => {
        const signed = await this.calls.sign(this.videoOf(file), partNumber, signal);
        return { url: signed.upload_url, method: "PUT", headers: signed.headers, expires: secondsUntil(signed.expires_at) };
      },
      completeMultipartUpload: async (file) => {
        await this.calls.confirm(this.videoOf(file));
        return {};
      },
      // Uppy says this after failures too. Whoever removes the file gives the upload up: see `removed`.
      abortMultipartUpload: async () => undefined,
    });
    this.listen();
  }

  /** Go on with what an earlier page of this person left; ask for files where the browser forces it. */
  async restore(): Promise<void> {
    const owner = this.owner();
    if (owner === null) return;
    const found = await Promise.all(this.records.of(owner).map((record) => this.restored(record)));
    this.unfinished.set(found.filter((one) => one !== null));
  }

  /** A file was chosen for an unfinished upload. */
  chosenAgain(record: UploadRecord, file: File): void {
    const refusal = mismatch(record, file);
    if (refusal !== null) {
      const marked = this.unfinished.value.map((one) => (one.record.key === record.key ? { ...one, refusal } : one));
      this.unfinished.set(marked);
      return;
    }
    this.unlist(record);
    this.add(record, file);
  }

  /** Give an unfinished upload up. */
  async discard(record: UploadRecord): Promise<void> {
    this.unlist(record);
    this.records.forget(record.key);
    if (record.videoId === null) return;
    await this.calls.remove(record.videoId).catch(() => undefined);
    this.onVideo(record.videoId);
  }

  /** Stop sending to a video that is being deleted in the list. */
  drop(videoId: string): void {
    for (const file of this.uppy.getFiles()) {
      if (this.records.get(file.meta.key)?.videoId === videoId) this.finish(file, 0);
    }
    const waiting = this.unfinished.value.find(({ record }) => record.videoId === videoId);
    if (waiting) {
      this.unlist(waiting.record);
      this.records.forget(waiting.record.key);
    }
  }

  private async restored(record: UploadRecord): Promise<Unfinished | null> {
    const known = await this.known(record);
    const { next } = known;
    switch (next.kind) {
      case "forget":
        this.records.forget(record.key);
        await this.keeper.forget(record.key);
        return null;
      case "confirm":
        await this.confirmed(record);
        return null;
      case "send":
        if (known.file) this.add(record, known.file);
        return null;
      case "elsewhere":
        return { record, storedBytes: 0, sentence: "It is being sent in another tab.", isElsewhere: true, refusal: null };
      case "ask":
        return { record, storedBytes: next.storedBytes, sentence: next.sentence, isElsewhere: false, refusal: null };
    }
  }

  private async known(record: UploadRecord) {
    const isSentElsewhere = !(await claim(record.key));
    const file = isSentElsewhere ? null : await this.keeper.give(record.key);
    const { video, parts } = isSentElsewhere ? { video: null, parts: null } : await this.atTheService(record);
    return { file, next: nextStep({ record, video, parts, hasFile: file !== null, isSentElsewhere }) };
  }

  private async atTheService(record: UploadRecord): Promise<{ video: Video | null; parts: PartList | null }> {
    if (record.videoId === null) return { video: null, parts: null };
    try {
      const video = (await this.calls.video(record.videoId)).body;
      const isInParts = record.mode === "multipart" && video?.status === "uploading" && video.deleted_at === null;
      return { video, parts: isInParts ? await this.calls.parts(record.videoId) : null };
    } catch (error) {
      if (error instanceof NoAnswerError) throw error;
      if (error instanceof ProblemError && error.problem.code === "upload_closed") return { video: null, parts: null };
      if (error instanceof ProblemError && error.problem.status < 500) return { video: null, parts: null };
      throw error;
    }
  }

  private add(record: UploadRecord, file: File): void {
    this.uppy.addFile({ name: record.name, type: file.type, data: file, meta: { key: record.key } as OwnMeta });
  }

  /** Give a new file its record; one that goes on has it already. */
  private named(file: Sent): Sent | boolean {
    const owner = this.owner();
    if (owner === null) return false;
    if (typeof file.meta.key === "string" && this.records.get(file.meta.key)) return file;
    const data = file.data as File;
    const record = newRecord({ ...chosen(data), name: file.name ?? data.name }, owner, crypto.randomUUID(), Date.now());
    this.records.put(record);
    return { ...file, meta: { ...file.meta, key: record.key } };
  }

  private listen(): void {
    this.uppy.addPreProcessor(async (ids) => {
      await Promise.all(ids.map((id) => this.prepared(id)));
    });
    this.uppy.on("upload-progress", (file) => file && this.progressed(file));
    // Not at each byte: a file that is refused is sent first.
    this.uppy.on("s3-multipart:part-uploaded", (file) => this.failures.delete(file.id));
    this.uppy.on("upload-success", (file) => file && void this.arrived(file));
    this.uppy.on("upload-error", (file, error, response) => {
      const status = (error as { source?: { status?: number } }).source?.status ?? response?.status;
      if (file) this.failed(file, error, status);
    });
    this.uppy.on("file-removed", (file) => void this.removed(file));
  }

  /** Before bytes are sent: there is a video, it is known how the file is cut, and the file outlives a reload. */
  private async prepared(id: string): Promise<void> {
    const file = this.uppy.getFile(id);
    if (!file) return;
    try {
      const record = this.recordOf(file);
      await claim(record.key);
      void this.keeper.keep(record.key, file.data as File);
      const videoId = record.videoId ?? (await this.created(record));
      if (record.mode === "multipart") {
        const { part_size } = await this.calls.parts(videoId);
        this.partSizes.set(file.data as Blob, part_size);
        this.uppy.setFileState(id, { s3Multipart: { uploadId: videoId, key: videoId } } as Partial<Sent>);
      }
      this.onVideo(videoId);
    } catch (error) {
      if (this.uppy.getFile(id)) this.uppy.emit("upload-error", this.uppy.getFile(id), error as Error);
    }
  }

  private async created(record: UploadRecord): Promise<string> {
    const asked = {
      title: record.title,
      filename: record.name,
      content_type: record.type,
      size_bytes: record.size,
      upload_mode: record.mode,
    };
    const target = await this.calls.create(asked, record.key);
    if (!this.records.get(record.key)) {
      // Cancelled while the service was asked.
      await this.calls.remove(target.video_id);
      throw new Error("cancelled");
    }
    this.records.put({ ...record, videoId: target.video_id });
    this.targets.set(record.key, target);
    return target.video_id;
  }

  private async parameters(file: Sent, signal?: AbortSignal) {
    const { key } = file.meta;
    const fresh = this.targets.get(key);
    this.targets.delete(key);
    const isGood = fresh && Date.parse(fresh.expires_at) - Date.now() > FRESH_MS;
    const target = isGood ? fresh : await this.calls.uploadUrl(this.videoOf(file), signal);
    return { method: "PUT" as const, url: target.upload_url, fields: {}, headers: target.headers };
  }

  private async stored(videoId: string, signal?: AbortSignal) {
    const { parts } = await this.calls.parts(videoId, signal);
    return parts.map((part) => ({ PartNumber: part.part_number, Size: part.size_bytes, ETag: part.etag }));
  }

  private progressed(file: Sent): void {
    const record = this.records.get(file.meta.key);
    const { bytesUploaded, bytesTotal } = this.uppy.getFile(file.id)?.progress ?? file.progress;
    if (!record?.videoId || !bytesTotal) return;
    const percent = Math.floor((100 * Number(bytesUploaded)) / bytesTotal);
    this.sending.set(new Map(this.sending.value).set(record.videoId, percent));
  }

  /** All bytes are in storage: say so, then the list takes over. */
  private async arrived(file: Sent): Promise<void> {
    const record = this.recordOf(file);
    try {
      if (record.mode === "single") await this.calls.confirm(this.videoOf(file));
    } catch (error) {
      // Whoever confirms nothing loses only time: the service finds the file. But a file that is not there is sent again.
      if (error instanceof ProblemError && error.problem.code === "object_missing") {
        this.uppy.emit("upload-error", file, error);
        return;
      }
    }
    this.finish(file, SHOWN_WHEN_DONE_MS);
    if (record.videoId) this.onVideo(record.videoId);
  }

  private async confirmed(record: UploadRecord): Promise<void> {
    if (record.videoId === null) return;
    await this.calls.confirm(record.videoId).catch(() => undefined);
    this.records.forget(record.key);
    await this.keeper.forget(record.key);
    this.onVideo(record.videoId);
  }

  private failed(file: Sent, error: unknown, status: number | undefined): void {
    const failures = (this.failures.get(file.id) ?? 0) + 1;
    this.failures.set(file.id, failures);
    const after = afterFailure({ error, status, failures });
    if (after.kind === "person") {
      this.uppy.setFileState(file.id, { error: after.sentence } as Partial<Sent>);
      this.uppy.info({ message: `${this.recordOf(file).title}: ${after.sentence}` }, "error", 15_000);
      return;
    }
    const tryAgain = () => {
      if (this.uppy.getFile(file.id)?.error) void this.uppy.retryUpload(file.id);
    };
    setTimeout(tryAgain, after.inMs);
  }

  /** Removed by the person: the video is given up with it. */
  private async removed(file: Sent): Promise<void> {
    if (this.ended.delete(file.id)) return;
    const record = this.records.get(file.meta.key);
    this.records.forget(file.meta.key);
    this.stopSending(record?.videoId ?? null);
    await this.keeper.forget(file.meta.key);
    if (!record?.videoId) return;
    await this.calls.remove(record.videoId).catch(() => undefined);
    this.onVideo(record.videoId);
  }

  private finish(file: Sent, afterMs: number): void {
    const record = this.records.get(file.meta.key);
    this.records.forget(file.meta.key);
    void this.keeper.forget(file.meta.key);
    this.stopSending(record?.videoId ?? null);
    this.ended.add(file.id);
    setTimeout(() => this.uppy.getFile(file.id) && this.uppy.removeFile(file.id), afterMs);
  }

  private stopSending(videoId: string | null): void {
    if (videoId === null || !this.sending.value.has(videoId)) return;
    const left = new Map(this.sending.value);
    left.delete(videoId);
    this.sending.set(left);
  }

  private unlist(record: UploadRecord): void {
    this.unfinished.set(this.unfinished.value.filter((one) => one.record.key !== record.key));
  }

  private recordOf(file: { meta: object }): UploadRecord {
    const record = this.records.get((file.meta as OwnMeta).key);
    if (!record) throw new Error("this upload is not remembered");
    return record;
  }

  private videoOf(file: { meta: object }): string {
    const { videoId } = this.recordOf(file);
    if (videoId === null) throw new Error("this upload has no video yet");
    return videoId;
  }
}

function chosen({ name, size, type, lastModified }: File) {
  return { name, size, type, lastModified };
}

function secondsUntil(time: string): number {
  return Math.max(1, Math.floor((Date.parse(time) - Date.now()) / 1000));
}
