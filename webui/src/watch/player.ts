// Plays a stream: with hls.js wherever it works, because only it offers a choice of quality, otherwise with the
// browser's own player (iPhones). hls.js is loaded with the first video, not before. Both show the captions of the
// stream in the menu of the browser's controls.

import type HlsPlayer from "hls.js";

import { Store } from "video-uploads-client";
import { AUTOMATIC, type Choice, choices, nameOf } from "./quality";

export interface PlayerState {
  choices: readonly Choice[];
  chosen: number;
  /** The name of the quality that is playing. */
  playing: string | null;
  error: string | null;
}

export interface Player {
  state: Store<PlayerState>;
  choose(level: number): void;
  end(): void;
}

const NATIVE = "application/vnd.apple.mpegurl";
const NOTHING_YET: PlayerState = { choices: [], chosen: AUTOMATIC, playing: null, error: null };
const RETRIES = 5;
/** The URLs of a private video have expired, or its files have moved: a new URL may still be had. */
const CLOSED = new Set([401, 403, 404]);

/** Return the URL under which the video can be played now; null if it cannot. */
export type Renew = () => Promise<string | null>;

/** Play the stream at `url`. Once that is closed, playback continues at the same position under the URL of `renew`. */
export async function play(video: HTMLVideoElement, url: string, renew: Renew): Promise<Player> {
  const [{ default: Hls }, { default: worker }] = await Promise.all([
    import("hls.js"),
    import("hls.js/dist/hls.worker.js?url"),
  ]);
  if (!Hls.isSupported()) return native(video, url, renew);
  const state = new Store<PlayerState>(NOTHING_YET);
  const set = (changes: Partial<PlayerState>) => state.set({ ...state.value, ...changes });
  const hls = new Hls({ workerPath: worker, capLevelToPlayerSize: true, maxBufferLength: 30 });
  hls.on(Hls.Events.MANIFEST_PARSED, () => set({ choices: choices(hls.levels), error: null }));
  hls.on(Hls.Events.LEVEL_SWITCHED, (_event, { level }) => {
    const current = hls.levels[level];
    set({ playing: current ? nameOf(current) : null, error: null });
  });
  const stopRecovering = recover(hls, Hls, { url, video, renew }, (error) => set({ error }));
  hls.loadSource(url);
  hls.attachMedia(video);
  return {
    state,
    choose: (level) => {
      // From the next segment on: buffered segments play to their end, so the picture never stops.
      hls.nextLevel = level;
      set({ chosen: level });
    },
    end: () => {
      stopRecovering();
      hls.destroy();
    },
  };
}

/** Resume loading after errors, each time after a longer wait, and at once when the browser is back online. */
export function recover(
  hls: HlsPlayer,
  Hls: typeof HlsPlayer,
  source: { url: string; video: HTMLVideoElement; renew: Renew },
  say: (error: string | null) => void,
): () => void {
  let { url } = source;
  let failures = 0;
  let isEnded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const goOn = () => {
    // Without the first playlist there is nothing to resume.
    if (hls.levels.length > 0) hls.startLoad();
    else hls.loadSource(url);
  };
  const open = async () => {
    const { video, renew } = source;
    const isPlaying = !video.paused;
    const next = await renew().catch(() => null);
    if (isEnded) return;
    if (next === null || next === url) return goOn();
    url = next;
    // Another source begins at its beginning otherwise, and paused.
    hls.config.startPosition = video.currentTime;
    hls.once(Hls.Events.MANIFEST_PARSED, () => {
      if (isPlaying) void video.play().catch(() => undefined);
    });
    hls.loadSource(url);
  };
  hls.on(Hls.Events.FRAG_BUFFERED, () => {
    failures = 0;
    say(null);
  });
  hls.on(Hls.Events.ERROR, (_event, error) => {
    if (!error.fatal) return;
    failures += 1;
    if (failures > RETRIES) {
      say("The video cannot be loaded. Check your connection, or reload this page.");
    } else if (error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else {
      const code = error.response?.code ?? 0;
      const isClosed = CLOSED.has(code);
      // Some stores and CDNs let no page read that they refuse: to the browser that is no answer at all.
      const mayBeClosed = isClosed || (code === 0 && failures > 1 && navigator.onLine);
      if (!isClosed) say("The connection is too slow at the moment. Playback continues when it recovers.");
      // The first time at once: the viewer should not notice.
      timer = setTimeout(() => void (mayBeClosed ? open() : goOn()), isClosed ? 1000 * (failures - 1) : 1000 * failures);
    }
  });
  const onOnline = () => {
    if (failures === 0) return;
    failures = 0;
    goOn();
  };
  addEventListener("online", onOnline);
  return () => {
    isEnded = true;
    clearTimeout(timer);
    removeEventListener("online", onOnline);
  };
}

export function native(video: HTMLVideoElement, url: string, renew: Renew): Player {
  const error = video.canPlayType(NATIVE) === "" ? "This browser cannot play this kind of video." : null;
  if (error === null) video.src = url;
  let current = url;
  // The browser does not say what a server answered, so each new URL is tried once.
  const onError = async () => {
    const [position, isPlaying] = [video.currentTime, !video.paused];
    const next = await renew().catch(() => null);
    if (next === null || next === current) return;
    current = next;
    const onLoaded = () => {
      video.currentTime = position;
      if (isPlaying) void video.play().catch(() => undefined);
    };
    video.addEventListener("loadedmetadata", onLoaded, { once: true });
    video.src = next;
  };
  const listener = () => void onError();
  if (error === null) video.addEventListener("error", listener);
  return {
    state: new Store<PlayerState>({ ...NOTHING_YET, error }),
    choose: () => undefined,
    end: () => {
      video.removeEventListener("error", listener);
      video.removeAttribute("src");
    },
  };
}
