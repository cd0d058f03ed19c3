// Records of unfinished uploads that survive reloads: enough to resume, and never the file itself.

import type { NewVideo } from "../api/calls";

export interface UploadRecord {
  /** Identifies the upload here, and is its Idempotency-Key at the service, so that a lost first answer costs nothing. */
  key: string;
  owner: string;
  videoId: string | null;
  title: string;
  name: string;
  type: string;
  size: number;
  lastModified: number;
  mode: "single" | "multipart";
  startedAt: number;
}

export interface Chosen {
  name: string;
  size: number;
  type: string;
  lastModified: number;
}

const KEPT_AS = "uploads";
const AT_MOST = 50;
// The service ends an upload after a week.
const LONGEST_MS = 8 * 24 * 3600 * 1000;
// A lost connection costs at most one part of 16 MiB; a smaller file gains nothing from parts.
const IN_PARTS_ABOVE = 16 * 1024 * 1024;
// Characters that the service refuses: control characters and those that change text direction.
const NOT_IN_NAMES = /[\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069/\\]/g;

export function newRecord(file: Chosen, owner: string, key: string, now: number): UploadRecord {
  const name = file.name.replace(NOT_IN_NAMES, "").slice(-255) || "video";
  const title = name.replace(/\.[^.]{1,5}$/, "").trim().slice(0, 200) || "Video";
  return {
    key,
    owner,
    videoId: null,
    title,
    name,
    type: file.type.startsWith("video/") ? file.type : "application/octet-stream",
    size: file.size,
    lastModified: file.lastModified,
    mode: file.size > IN_PARTS_ABOVE ? "multipart" : "single",
    startedAt: now,
  };
}

/** Return the request that creates the video. */
export function newVideoOf({ title, name, type, size, mode }: UploadRecord): NewVideo {
  return { title, filename: name, content_type: type, size_bytes: size, upload_mode: mode };
}

export class Records {
  constructor(
    private readonly storage: Storage,
    private readonly now: () => number = Date.now,
  ) {}

  of(owner: string): UploadRecord[] {
    return this.all().filter((record) => record.owner === owner);
  }

  get(key: string): UploadRecord | null {
    return this.all().find((record) => record.key === key) ?? null;
  }

  put(record: UploadRecord): void {
    const others = this.all().filter(({ key }) => key !== record.key);
    this.write([record, ...others].slice(0, AT_MOST));
  }

  forget(key: string): void {
    this.write(this.all().filter((record) => record.key !== key));
  }

  private all(): UploadRecord[] {
    try {
      const kept = JSON.parse(this.storage.getItem(KEPT_AS) ?? "[]") as UploadRecord[];
      return kept.filter(({ startedAt }) => this.now() - startedAt < LONGEST_MS);
    } catch {
      return [];
    }
  }

  private write(records: UploadRecord[]): void {
    try {
      this.storage.setItem(KEPT_AS, JSON.stringify(records));
    } catch {
      // The store is full: the upload goes on, but starts over after a reload.
    }
  }
}
