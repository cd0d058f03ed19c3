// Everything in one object, for apps: calls, uploads and waiting.

import { Api } from "./api.js";
import { Calls, type Choices } from "./calls.js";
import { follow, type FollowOptions } from "./following.js";
import { newFetchOf, Records } from "./records.js";
import { tokensFrom } from "./tokens.js";
import type { Video } from "./types.js";
import { Uploader, type UploadOptions } from "./uploader.js";

export interface ClientOptions {
  /** The address of the service; in a page that the service serves, it may be left out. */
  url?: string;
  /** A bearer token, or a function that gets one; it is called again when the service refuses the last one. */
  token: string | (() => string | Promise<string>);
  /** Where unfinished uploads are remembered; without it an upload resumes only as long as the page or process lives. */
  storage?: Pick<Storage, "getItem" | "setItem">;
  /** Whose uploads are resumed from `storage`; needed where several users share it. */
  owner?: string;
}

export interface FetchOptions extends Choices {
  title?: string;
  idempotencyKey?: string;
}

export class Client {
  readonly calls: Calls;
  private readonly uploader: Uploader;

  constructor({ url = "", token, storage = new Memory(), owner = "" }: ClientOptions) {
    this.calls = new Calls(new Api(tokensFrom(token), undefined, undefined, url.replace(/\/+$/, "")));
    this.uploader = new Uploader(this.calls, new Records(storage), owner);
  }

  /** Send a file, or what is missing of it, and return the video's id. */
  upload(file: File, options?: UploadOptions): Promise<string> {
    return this.uploader.upload(file, options);
  }

  /**
   * Have the service fetch a file from a URL, and return the video's id. The title is by default that of the URL's last
   * part. For a day the same `idempotencyKey` returns the same video.
   */
  async fetch(url: string, { title, idempotencyKey = crypto.randomUUID(), ...choices }: FetchOptions = {}): Promise<string> {
    return this.calls.fetch({ ...newFetchOf(url), ...(title !== undefined && { title }), ...choices }, idempotencyKey);
  }

  /** Return the video once it is ready, has failed, or waits for a person. */
  follow(videoId: string, options?: FollowOptions): Promise<Video> {
    return follow(this.calls, videoId, options);
  }
}

class Memory implements Pick<Storage, "getItem" | "setItem"> {
  private readonly kept = new Map<string, string>();

  getItem(key: string): string | null {
    return this.kept.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    this.kept.set(key, value);
  }
}
