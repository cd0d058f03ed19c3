// `<video-stream>`: plays one video, with the browser's own controls and the captions of the stream.

import type { Video } from "video-uploads-client";

import { type Player, play, type Renew } from "../watch/player";
import { element, styledRoot } from "./parts";

const CSS = `
  :host { display: block; position: relative; background: #000; aspect-ratio: 16 / 9; }
  :host([hidden]) { display: none; }
  video { display: block; width: 100%; height: 100%; }
  p { position: absolute; inset: auto 0 0; margin: 0; padding: 0.75em; background: #000; color: #fff; font: inherit; }
  p:empty { display: none; }
`;

/**
 * Attributes: `src`, the `playback_url` of a video; `poster`, its `thumbnail_url`; `label`, its title. Property `video`
 * sets all three. Property `renew` returns the URL again once that of a private video has expired.
 */
export class VideoStream extends HTMLElement {
  static readonly observedAttributes = ["src", "poster", "label"];

  renew: Renew = async () => this.getAttribute("src");
  private readonly picture = element("video", { controls: "", playsinline: "", preload: "metadata" });
  private readonly error = element("p", { role: "alert" });
  private player: Promise<Player> | null = null;
  private playing: string | null = null;

  constructor() {
    super();
    // Captions are files of storage.
    this.picture.crossOrigin = "anonymous";
    styledRoot(this, CSS).append(this.picture, this.error);
  }

  /** The video to play, as the API shows it. */
  set video(video: Pick<Video, "playback_url" | "thumbnail_url" | "title">) {
    this.put("poster", video.thumbnail_url);
    this.put("label", video.title);
    this.put("src", video.playback_url);
  }

  connectedCallback(): void {
    this.begin();
  }

  disconnectedCallback(): void {
    this.end();
  }

  attributeChangedCallback(name: string, _before: string | null, value: string | null): void {
    if (name === "src") return this.begin();
    const target = name === "label" ? "aria-label" : name;
    if (value === null) this.picture.removeAttribute(target);
    else this.picture.setAttribute(target, value);
  }

  private begin(): void {
    const url = this.getAttribute("src");
    if (!this.isConnected || url === this.playing) return;
    this.end();
    if (!url) return;
    this.playing = url;
    const player = (this.player = play(this.picture, url, () => this.renew()));
    player.then(
      ({ state }) => {
        if (this.player !== player) return;
        const show = () => (this.error.textContent = state.value.error ?? "");
        state.subscribe(show);
        show();
      },
      () => (this.error.textContent = "The player could not be loaded."),
    );
  }

  private end(): void {
    void this.player?.then((player) => player.end(), () => undefined);
    this.player = this.playing = null;
    this.error.textContent = "";
  }

  private put(name: string, value: string | null): void {
    if (value === null) this.removeAttribute(name);
    else this.setAttribute(name, value);
  }
}
