// `<video-uploader>`: a button that sends a video, resumes it after an interruption, and follows it until it plays.

import { Client, titleOf, type Video } from "video-uploads-client";

import { element, styledRoot } from "./parts";

const CSS = `
  :host { display: block; font: inherit; color: inherit; }
  :host([hidden]) { display: none; }
  input { font: inherit; max-width: 100%; }
  progress { display: block; width: 100%; margin-block: 0.5em; }
  [hidden] { display: none; }
  p { margin-block: 0.5em; }
  p:empty { display: none; }
`;
const NOT_UPLOADED = "The upload has failed.";

/**
 * Attributes: `api`, the address of the service, empty for that of the page; `label` of the button; `owner`, where
 * several users share a browser. Property `token`: a text, or a function that gets one from the app's own server.
 *
 * Events, which bubble: `video-created` and `video-uploaded` with `{videoId}`, `video-progress` with `{sent, all}`,
 * `video-changed` and `video-ready` with the video, `video-failed` with `{message, video}`.
 */
export class VideoUploader extends HTMLElement {
  token: string | (() => string | Promise<string>) = "";
  private readonly input = element("input", { type: "file", accept: "video/*" });
  private readonly caption = element("span");
  private readonly progress = element("progress", { max: "1", "aria-label": "Sent", hidden: "" });
  private readonly cancel = element("button", { type: "button", hidden: "" }, "Cancel");
  private readonly said = element("p", { role: "status" });
  private readonly error = element("p", { role: "alert" });
  private ended = new AbortController();

  constructor() {
    super();
    const label = element("label", {}, this.caption, " ", this.input);
    styledRoot(this, CSS).append(label, this.progress, this.cancel, this.said, this.error);
    this.input.addEventListener("change", () => {
      const file = this.input.files?.[0];
      if (file) void this.upload(file);
    });
    this.cancel.addEventListener("click", () => this.ended.abort());
  }

  connectedCallback(): void {
    this.caption.textContent = this.getAttribute("label") ?? "Choose a video";
  }

  disconnectedCallback(): void {
    // What was sent is kept: the same file resumes in the next element.
    this.ended.abort();
  }

  /** Send a file, such as one that was dropped elsewhere on the page. Return the video, null if that failed. */
  async upload(file: File): Promise<Video | null> {
    this.ended.abort();
    const ended = (this.ended = new AbortController());
    this.show({ isBusy: true, said: `Sending “${titleOf(file.name)}”.` });
    const client = this.client();
    let created: string | null = null;
    let rejected: Video | null = null;
    const refused = new AbortController();
    try {
      const videoId = await client.upload(file, {
        signal: ended.signal,
        onVideo: (videoId) => {
          created = videoId;
          this.tell("video-created", { videoId });
        },
        onProgress: (sent, all) => {
          this.progress.value = all > 0 ? sent / all : 0;
          this.tell("video-progress", { sent, all });
        },
      });
      this.tell("video-uploaded", { videoId });
      this.show({ isBusy: false, said: "The video has arrived. It is being converted." });
      const onChange = (video: Video) => {
        this.tell("video-changed", video);
        // It waits for another file, which this element sends as another video.
        if (video.reason === "FileRejected") {
          rejected = video;
          refused.abort();
        }
      };
      const video = await client.follow(videoId, { signal: AbortSignal.any([ended.signal, refused.signal]), onChange });
      if (!video.is_playable) return this.fail(video.error?.message ?? video.waiting_for ?? NOT_UPLOADED, video);
      this.show({ isBusy: false, said: `“${video.title}” is ready.` });
      this.tell("video-ready", video);
      return video;
    } catch (error) {
      if (rejected !== null) return this.fail((rejected as Video).error?.message ?? NOT_UPLOADED, rejected);
      if (!ended.signal.aborted) return this.fail(error instanceof Error ? error.message : NOT_UPLOADED, null);
      if (this.isConnected && ended === this.ended) {
        this.show({ isBusy: false, said: "Cancelled." });
        if (created !== null) await client.calls.remove(created).catch(() => undefined);
      }
      return null;
    } finally {
      this.input.value = "";
    }
  }

  private client(): Client {
    const { token } = this;
    const [url, owner] = [this.getAttribute("api") ?? "", this.getAttribute("owner") ?? ""];
    try {
      return new Client({ url, token, owner, storage: localStorage });
    } catch {
      // A browser without storage still uploads; only a reload resumes nothing.
      return new Client({ url, token, owner });
    }
  }

  private fail(message: string, video: Video | null): null {
    this.show({ isBusy: false, said: "", error: message });
    this.tell("video-failed", { message, video });
    return null;
  }

  private show({ isBusy, said, error = "" }: { isBusy: boolean; said: string; error?: string }): void {
    this.input.disabled = isBusy;
    this.progress.hidden = this.cancel.hidden = !isBusy;
    if (isBusy) this.progress.value = 0;
    this.said.textContent = said;
    this.error.textContent = error;
  }

  private tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}
