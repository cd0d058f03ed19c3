// The uploads of this tab: Uppy sends the bytes, this class creates the videos and handles the end of each upload.

import type Uppy from "@uppy/core";
import type { Body } from "@uppy/core";
import {
  afterFailure,
  type Calls,
  newRecord,
  newVideoOf,
  ProblemError,
  type Records,
  type SignedPart,
  Targets,
  type UploadRecord,
} from "video-uploads-client";

import { Store } from "../ui/store";
import { claim } from "./claim";
import type { FileStore } from "./file-store";
import { UploadProgress } from "./progress";
import { mismatch, nothingStored } from "./resume";
import { type Unfinished, unfinished, whatFollows } from "./restoring";
import { makeUppy, type OwnMeta, type Sent } from "./sending";
import { UploadErrors } from "./upload-errors";

const SHOWN_WHEN_DONE_MS = 1500;

export class Uploads {
  readonly uppy: Uppy<OwnMeta, Body>;
  readonly unfinished = new Store<readonly Unfinished[]>([]);
  /** Progress of each video that this tab sends, in percent. */
  readonly sending = new UploadProgress();
  readonly errors: UploadErrors;
  /** Called whenever a video of this tab starts or changes. */
  onVideo: (videoId: string) => void = () => undefined;

  private readonly partSizes = new WeakMap<Blob, number>();
  private readonly targets = new Targets();
  private readonly failures = new Map<string, number>();
  private readonly ended = new Set<string>();

  constructor(
    private readonly calls: Calls,
    private readonly records: Records,
    private readonly fileStore: FileStore,
    private readonly owner: () => string | null,
  ) {
    this.uppy = makeUppy({
      withKey: (file) => this.withKey(file),
      isInParts: (file) => this.recordOf(file).mode === "multipart",
      partSize: (data) => this.partSizes.get(data) ?? 0,
      target: async (file, signal) =>
        this.targets.take(file.meta.key) ?? (await this.calls.uploadUrl(this.videoOf(file), signal)),
      stored: async (file, signal) => (await this.calls.parts(this.videoOf(file), signal)).parts,
      sign: (file, part, signal) => this.signed(file, part, signal),
      confirm: (file) => this.calls.confirm(this.videoOf(file)),
      videoOf: (file) => this.videoOf(file),
      unreadable: (file, error) => void this.unreadable(file, error.message),
    });
    this.errors = new UploadErrors(this.uppy);
    this.listen();
  }

  /** Resume this person's uploads of an earlier page; ask for files that the browser does not have. */
  async restore(): Promise<void> {
    const owner = this.owner();
    if (owner === null) return;
    const restored = await Promise.all(this.records.of(owner).map((record) => this.restored(record)));
    this.unfinished.set(restored.filter((one) => one !== null));
  }

  /** Take a file that was chosen for an unfinished upload. */
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

  /** Discard an unfinished upload and its video. */
  async discard(record: UploadRecord): Promise<void> {
    this.unlist(record);
    this.records.forget(record.key);
    if (record.videoId === null) return;
    await this.calls.remove(record.videoId).catch(() => undefined);
    this.onVideo(record.videoId);
  }

  /** Stop the upload of a video that is being deleted. */
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
    const { next, file } = await whatFollows(record, this.calls, this.fileStore);
    switch (next.kind) {
      case "forget":
        this.records.forget(record.key);
        await this.fileStore.forget(record.key);
        return null;
      case "confirm":
        await this.confirmed(record);
        return null;
      case "send":
        if (file) this.add(record, file);
        return null;
      default:
        return unfinished(record, next);
    }
  }

  private add(record: UploadRecord, file: File): void {
    if (this.uppy.getFiles().some(({ meta }) => meta.key === record.key)) return;
    this.uppy.addFile({ name: record.name, type: file.type, data: file, meta: { key: record.key } as OwnMeta });
  }

  /** Give a new file its record; a resumed one has it already, and one that Uppy refuses needs none. */
  private withKey(file: Sent): Sent | boolean {
    const owner = this.owner();
    if (owner === null || this.uppy.getFile(file.id)) return false;
    if (this.records.get(file.meta.key) || this.uppy.validateSingleFile(file) !== null) return file;
    const record = newRecord(file.data as File, owner, crypto.randomUUID(), Date.now());
    this.records.put(record);
    return { ...file, meta: { ...file.meta, key: record.key } };
  }

  private listen(): void {
    this.uppy.addPreProcessor(async (ids) => {
      await Promise.all(ids.map((id) => this.prepared(id)));
    });
    this.uppy.on("upload-progress", (file) => file && this.progressed(file));
    // Not on progress: a file that storage refuses makes progress too.
    this.uppy.on("s3-multipart:part-uploaded", (file) => this.failures.delete(file.id));
    this.uppy.on("upload-success", (file) => file && void this.arrived(file));
    this.uppy.on("upload-error", (file, error, response) => {
      const status = (error as { source?: { status?: number } }).source?.status ?? response?.status;
      if (file) this.failed(file, error, status);
    });
    this.uppy.on("file-removed", (file) => void this.removed(file));
    // Another tab has finished or discarded its uploads.
    addEventListener("storage", () => {
      this.unfinished.set(this.unfinished.value.filter(({ record }) => this.records.get(record.key)));
    });
  }

  /** Before bytes are sent: create the video, learn its part size, and keep the file for a reload. */
  private async prepared(id: string): Promise<void> {
    const file = this.uppy.getFile(id);
    if (!file) return;
    try {
      const record = this.recordOf(file);
      await claim(record.key);
      void this.fileStore.keep(record.key, file.data as File);
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
    const target = await this.calls.create(newVideoOf(record), record.key);
    if (!this.records.get(record.key)) {
      // Cancelled during the call.
      await this.calls.remove(target.video_id);
      throw new Error("cancelled");
    }
    this.records.put({ ...record, videoId: target.video_id });
    this.targets.put(record.key, target);
    return target.video_id;
  }

  private async signed(file: Sent, part: number, signal?: AbortSignal): Promise<SignedPart> {
    try {
      return await this.calls.sign(this.videoOf(file), part, signal);
    } catch (error) {
      // Uppy alone would retry for minutes.
      if (afterFailure({ error, status: undefined, failures: 1 }).kind === "done") this.done(file);
      throw error;
    }
  }

  private progressed(file: Sent): void {
    const videoId = this.records.get(file.meta.key)?.videoId;
    const { bytesUploaded, bytesTotal } = this.uppy.getFile(file.id)?.progress ?? file.progress;
    if (videoId && bytesTotal) this.sending.put(videoId, Number(bytesUploaded), bytesTotal);
  }

  /** All bytes are in storage: confirm, then the list takes over. */
  private async arrived(file: Sent): Promise<void> {
    const record = this.recordOf(file);
    try {
      if (record.mode === "single") await this.calls.confirm(this.videoOf(file));
    } catch (error) {
      // A lost confirmation only costs time, because the service finds the file. A missing file is sent again.
      if (error instanceof ProblemError && error.problem.code === "object_missing") {
        this.uppy.emit("upload-error", file, error);
        return;
      }
    }
    this.done(file);
  }

  /** Nothing is left to send: the list shows the rest. */
  private done(file: Sent): void {
    const videoId = this.records.get(file.meta.key)?.videoId;
    this.finish(file, SHOWN_WHEN_DONE_MS);
    if (videoId) this.onVideo(videoId);
  }

  private async confirmed(record: UploadRecord): Promise<void> {
    if (record.videoId === null) return;
    await this.calls.confirm(record.videoId).catch(() => undefined);
    this.records.forget(record.key);
    await this.fileStore.forget(record.key);
    this.onVideo(record.videoId);
  }

  private failed(file: Sent, error: unknown, status: number | undefined): void {
    const failures = (this.failures.get(file.id) ?? 0) + 1;
    this.failures.set(file.id, failures);
    const after = afterFailure({ error, status, failures });
    if (after.kind === "done") {
      this.done(file);
      return;
    }
    if (after.kind === "person") {
      this.uppy.setFileState(file.id, { error: after.sentence } as Partial<Sent>);
      this.errors.put({ id: file.id, title: this.recordOf(file).title, sentence: after.sentence, isAccepted: true });
      return;
    }
    const tryAgain = () => {
      if (this.uppy.getFile(file.id)?.error) void this.uppy.retryUpload(file.id);
    };
    setTimeout(tryAgain, after.inMs);
  }

  /** The file was moved or changed on the device: the person has to choose it again. */
  private async unreadable(file: Sent, refusal: string): Promise<void> {
    // Several parts report this.
    if (!this.uppy.getFile(file.id)) return;
    const record = this.recordOf(file);
    this.ended.add(file.id);
    this.uppy.removeFile(file.id);
    this.sending.drop(record.videoId);
    await this.fileStore.forget(record.key);
    const entry = await this.restored(record).catch(() => unfinished(record, nothingStored(record)));
    if (entry) this.unfinished.set([...this.unfinished.value, { ...entry, refusal }]);
  }

  /** The person removed the file: delete its video too. */
  private async removed(file: Sent): Promise<void> {
    if (this.ended.delete(file.id)) return;
    const record = this.records.get(file.meta.key);
    this.records.forget(file.meta.key);
    this.sending.drop(record?.videoId ?? null);
    await this.fileStore.forget(file.meta.key);
    if (!record?.videoId) return;
    await this.calls.remove(record.videoId).catch(() => undefined);
    this.onVideo(record.videoId);
  }

  private finish(file: Sent, afterMs: number): void {
    const record = this.records.get(file.meta.key);
    this.records.forget(file.meta.key);
    void this.fileStore.forget(file.meta.key);
    this.sending.drop(record?.videoId ?? null);
    this.ended.add(file.id);
    setTimeout(() => this.uppy.getFile(file.id) && this.uppy.removeFile(file.id), afterMs);
  }

  private unlist(record: UploadRecord): void {
    this.unfinished.set(this.unfinished.value.filter((one) => one.record.key !== record.key));
  }

  private recordOf(file: { meta: object }): UploadRecord {
    const record = this.records.get((file.meta as OwnMeta).key);
    if (!record) throw new Error("this upload has no record");
    return record;
  }

  private videoOf(file: { meta: object }): string {
    const { videoId } = this.recordOf(file);
    if (videoId === null) throw new Error("this upload has no video yet");
    return videoId;
  }
}
