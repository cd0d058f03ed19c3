// Plays a stream: with hls.js wherever it works, because only it offers a choice of quality, otherwise with the
// browser's own player (iPhones). hls.js is loaded with the first video, not before. Both show the captions of the
// stream in the menu of the browser's controls.

import type HlsPlayer from "hls.js";

import { Store } from "../ui/store";
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

export async function play(video: HTMLVideoElement, url: string): Promise<Player> {
  const [{ default: Hls }, { default: worker }] = await Promise.all([
    import("hls.js"),
    import("hls.js/dist/hls.worker.js?url"),
  ]);
  if (!Hls.isSupported()) return native(video, url);
  const state = new Store<PlayerState>(NOTHING_YET);
  const set = (changes: Partial<PlayerState>) => state.set({ ...state.value, ...changes });
  const hls = new Hls({ workerPath: worker, capLevelToPlayerSize: true, maxBufferLength: 30 });
  hls.on(Hls.Events.MANIFEST_PARSED, () => set({ choices: choices(hls.levels), error: null }));
  hls.on(Hls.Events.LEVEL_SWITCHED, (_event, { level }) => {
    const current = hls.levels[level];
    set({ playing: current ? nameOf(current) : null, error: null });
  });
  const stopRecovering = recover(hls, Hls, url, (error) => set({ error }));
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
function recover(hls: HlsPlayer, Hls: typeof HlsPlayer, url: string, say: (error: string | null) => void): () => void {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const goOn = () => {
    // Without the first playlist there is nothing to resume.
    if (hls.levels.length > 0) hls.startLoad();
    else hls.loadSource(url);
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
      say("The connection is too slow at the moment. Playback continues when it recovers.");
      timer = setTimeout(goOn, 1000 * failures);
    }
  });
  const onOnline = () => {
    if (failures === 0) return;
    failures = 0;
    goOn();
  };
  addEventListener("online", onOnline);
  return () => {
    clearTimeout(timer);
    removeEventListener("online", onOnline);
  };
}

function native(video: HTMLVideoElement, url: string): Player {
  const error = video.canPlayType(NATIVE) === "" ? "This browser cannot play this kind of video." : null;
  if (error === null) video.src = url;
  return {
    state: new Store<PlayerState>({ ...NOTHING_YET, error }),
    choose: () => undefined,
    end: () => video.removeAttribute("src"),
  };
}
