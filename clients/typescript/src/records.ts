// Records of unfinished uploads that survive reloads: enough to resume, and never the file itself.

import type { NewFetch, NewVideo } from "./calls.js";
import { fileName, nameInUrl, titleOf } from "./names.js";

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

/** Any bytes: the service looks into the file. */
const ANY_TYPE = "application/octet-stream";
const KEPT_AS = "uploads";
const AT_MOST = 50;
// The service ends an upload after a week.
const LONGEST_MS = 8 * 24 * 3600 * 1000;
// A lost connection costs at most one part of 16 MiB; a smaller file gains nothing from parts.
const IN_PARTS_ABOVE = 16 * 1024 * 1024;
// Video types outside video/ that the service accepts.
const OTHER_TYPES = ["application/mp4", "application/mxf", "application/ogg", "application/vnd.ms-asf"];

export function newRecord(file: Chosen, owner: string, key: string, now: number): UploadRecord {
  return {
    key,
    owner,
    videoId: null,
    title: titleOf(file.name),
    name: fileName(file.name),
    type: typeOf(file.type),
    size: file.size,
    lastModified: file.lastModified,
    mode: file.size > IN_PARTS_ABOVE ? "multipart" : "single",
    startedAt: now,
  };
}

/** Return the type without its parameters, or that of any bytes if the service does not accept it. */
function typeOf(declared: string): string {
  const type = (declared.split(";")[0] ?? "").trim().toLowerCase();
  return type.startsWith("video/") || OTHER_TYPES.includes(type) ? type : ANY_TYPE;
}

/** Return the request that creates the video. */
export function newVideoOf({ title, name, type, size, mode }: UploadRecord): NewVideo {
  return { title, filename: name, content_type: type, size_bytes: size, upload_mode: mode };
}

/** Return the request that creates the video of a file at a URL. */
export function newFetchOf(url: string): NewFetch {
  const name = nameInUrl(url);
  return { title: titleOf(name), filename: fileName(name), content_type: ANY_TYPE, source_url: url };
}

export class Records {
  constructor(
    private readonly storage: Pick<Storage, "getItem" | "setItem">,
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
      // The store is full: the upload continues, but starts over after a reload.
    }
  }
}
