// A stream in a video element: by hls.js wherever it works, for only it lets people choose a quality; else by the
// browser's own player (iPhones). hls.js is loaded when somebody watches, not before.

import type HlsPlayer from "hls.js/light";

import { Store } from "../ui/store";
import { AUTOMATIC, type Choice, choices, nameOf } from "./quality";

export interface PlayerState {
  choices: readonly Choice[];
  chosen: number;
  /** What is played now, by name. */
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
    import("hls.js/light"),
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
      // From the next segment on: what is buffered plays out, so the picture never stops.
      hls.nextLevel = level;
      set({ chosen: level });
    },
    end: () => {
      stopRecovering();
      hls.destroy();
    },
  };
}

/** Go on after whatever ends the loading, less and less soon, and at once when the line is back. */
function recover(hls: HlsPlayer, Hls: typeof HlsPlayer, url: string, say: (error: string | null) => void): () => void {
  let failures = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const goOn = () => {
    // Without its first playlist there is nothing that could be loaded on.
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
      say("The video does not arrive. Check your connection, or load this page again.");
    } else if (error.type === Hls.ErrorTypes.MEDIA_ERROR) {
      hls.recoverMediaError();
    } else {
      say("The line is too weak at the moment. It goes on by itself.");
      timer = setTimeout(goOn, 1000 * failures);
    }
  });
  const lineIsBack = () => {
    if (failures === 0) return;
    failures = 0;
    goOn();
  };
  addEventListener("online", lineIsBack);
  return () => {
    clearTimeout(timer);
    removeEventListener("online", lineIsBack);
  };
}

function native(video: HTMLVideoElement, url: string): Player {
  const error = video.canPlayType(NATIVE) === "" ? "This browser cannot play videos of this kind." : null;
  if (error === null) video.src = url;
  return {
    state: new Store<PlayerState>({ ...NOTHING_YET, error }),
    choose: () => undefined,
    end: () => video.removeAttribute("src"),
  };
}
