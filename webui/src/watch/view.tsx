// One video: the player, its facts and its history.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Calls, serverNow, type Video, type VideoEvent, VideoPoller } from "video-uploads-client";

import { Badge, Button, Icon, PATHS, Progress, useTitle } from "../ui/parts";
import { Store, useStore } from "../ui/store";
import { duration, fileSize, relative } from "../ui/format";
import type { VideoActions } from "../videos/card";
import { describeState } from "../videos/states";
import { Actions, type ActionsProps } from "./actions";
import { Captions } from "./captions-panel";
import { Describe } from "./describe";
import { commandFor, execute } from "./keys";
import { type Player, type PlayerState, type Renew, play } from "./player";
import { Poster } from "./poster-panel";

const NO_PLAYER = new Store<PlayerState>({ choices: [], chosen: -1, playing: null, error: null });

export function Watch({ id, calls, actions }: { id: string; calls: Calls; actions: VideoActions }) {
  const [poller] = useState(() => new VideoPoller(id, calls));
  const { video, error } = useStore(poller.state);
  useTitle(video?.title ?? "Video");
  useEffect(() => {
    const wake = () => document.hidden || poller.wake();
    document.addEventListener("visibilitychange", wake);
    addEventListener("online", wake);
    void poller.look();
    return () => {
      document.removeEventListener("visibilitychange", wake);
      removeEventListener("online", wake);
      poller.end();
    };
  }, [poller]);
  return (
    <article class="watch">
      <p>
        <a class="back" href="#/">
          <Icon path={PATHS.back} size={18} /> My videos
        </a>
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {video && <VideoView video={video} calls={calls} actions={actions} onChanged={() => poller.look()} />}
    </article>
  );
}

function VideoView(props: ActionsProps) {
  const { video, calls } = props;
  // The edition on the screen: a newer one does not interrupt the viewer.
  const [first] = useState(video.edition_status === "ready" ? video.edition : video.edition - 1);
  const [edition, setEdition] = useState(first);
  const [reloads, setReloads] = useState(0);
  const player = useRef<HTMLVideoElement>(null);
  const reload = async () => {
    // The browser may have kept the playlist from before for some more seconds. If this fails, the player says so.
    if (video.playback_url && video.visibility === "public") {
      await fetch(video.playback_url, { cache: "reload" }).catch(() => undefined);
    }
    setReloads((before) => before + 1);
  };
  const isNewer = video.edition > edition && video.edition_status === "ready";
  return (
    <>
      <h1 class="watch-title">{video.title}</h1>
      {video.playback_url && (
        <Screen
          key={`${edition}-${reloads}`}
          element={player}
          video={video}
          url={video.playback_url}
          renew={async () => (await calls.video(video.id)).body?.playback_url ?? null}
          isWanted={edition !== first || reloads > 0}
        />
      )}
      <State video={video} />
      {isNewer && video.playback_url && (
        <div class="notice" role="status">
          <p>A new conversion is ready.</p>
          <div class="card-actions">
            <Button onClick={() => setEdition(video.edition)}>
              <Icon path={PATHS.play} size={18} isFilled /> Play the new version
            </Button>
          </div>
        </div>
      )}
      <p class="card-facts">{facts(video)}</p>
      <Actions {...props} />
      <Describe video={video} calls={calls} onChanged={props.onChanged} />
      <Poster video={video} player={player} calls={calls} onChanged={props.onChanged} />
      <Captions video={video} calls={calls} onReload={() => void reload()} />
      <History id={video.id} calls={calls} />
    </>
  );
}

/** The state, unless it only says that the video can be watched. */
function State({ video }: { video: Video }) {
  const state = describeState(video, undefined);
  if (video.playback_url) {
    return (
      <>
        <p role="status">{state.sentence}</p>
        {state.progress !== null && <Progress percent={state.progress} label={`Newer conversion of ${video.title}`} />}
        {state.advice && <p class="card-advice">{state.advice}</p>}
        {state.detail && <Detail text={state.detail} />}
      </>
    );
  }
  return (
    <div class="empty">
      <Badge tone={state.tone}>{state.label}</Badge>
      <p role="status">{state.sentence}</p>
      {state.progress !== null && <Progress percent={state.progress} label={`${state.label}: ${video.title}`} />}
      {state.advice && <p>{state.advice}</p>}
      {state.detail && <Detail text={state.detail} />}
    </div>
  );
}

function Detail({ text }: { text: string }) {
  return <p class="card-facts">Message from the service: {text}</p>;
}

interface ScreenProps {
  element: RefObject<HTMLVideoElement>;
  video: Video;
  url: string;
  renew: Renew;
  isWanted: boolean;
}

/** The player. `isWanted`: the viewer has just requested it, so it plays and takes keyboard focus. */
function Screen({ element, video, url, renew, isWanted }: ScreenProps) {
  // That of a private video is another one every quarter of an hour: the player asks for it when it needs it.
  const [first] = useState({ url, renew });
  const [player, setPlayer] = useState<Player | null>(null);
  const [hasNoPlayer, setNoPlayer] = useState(false);
  const state = useStore(player?.state ?? NO_PLAYER);
  useEffect(() => {
    let current: Player | null = null;
    let isGone = false;
    if (element.current) {
      void play(element.current, first.url, first.renew).then((made) => {
        if (isGone) return made.end();
        current = made;
        setPlayer(made);
      }, () => setNoPlayer(true));
    }
    return () => {
      isGone = true;
      current?.end();
    };
  }, [first]);
  useEffect(() => {
    if (isWanted) element.current?.focus();
  }, [isWanted]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const command = commandFor(event.key);
      if (command && element.current) {
        event.preventDefault();
        execute(command, element.current);
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return (
    <>
      <video
        ref={element}
        class="screen"
        controls
        autoPlay={isWanted}
        playsInline
        preload="metadata"
        poster={video.thumbnail_url ?? undefined}
        aria-label={`Player: ${video.title}`}
      />
      {(state.error || hasNoPlayer) && (
        <p class="error" role="alert">
          {state.error ?? "The player could not be loaded. Check your connection and reload this page."}
        </p>
      )}
      <div class="watch-bar">
        {state.choices.length > 0 && (
          <label class="field-line">
            Quality
            <select value={state.chosen} onChange={(event) => player?.choose(Number(event.currentTarget.value))}>
              {state.choices.map(({ level, label }) => (
                <option key={level} value={level}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        )}
        <span class="card-facts" data-playing={state.playing ?? ""}>
          {state.playing ? `Playing in ${state.playing}` : ""}
        </span>
        <span class="keys">
          <kbd>K</kbd> play · <kbd>J</kbd> <kbd>L</kbd> 10 s · <kbd>M</kbd> mute · <kbd>F</kbd> full screen
        </span>
      </div>
    </>
  );
}

function History({ id, calls }: { id: string; calls: Calls }) {
  const [events, setEvents] = useState<VideoEvent[] | null>(null);
  const onToggle = (event: Event) => {
    if ((event.currentTarget as HTMLDetailsElement).open) {
      void calls.events(id).then(setEvents, () => setEvents([]));
    }
  };
  return (
    <details class="fold" onToggle={onToggle}>
      <summary>History</summary>
      <ol class="events">
        {(events ?? []).map((event) => (
          <li key={`${event.at}${event.message}`}>
            <time dateTime={event.at}>{new Date(event.at).toLocaleString("en", { dateStyle: "medium", timeStyle: "medium" })}</time>
            <span class="event-text">{event.message}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}

function facts(video: Video): string {
  const words = [relative(video.created_at, serverNow()), ...(video.visibility === "private" ? ["private"] : [])];
  if (video.duration_seconds !== null) words.push(duration(video.duration_seconds));
  if (video.size_bytes !== null) words.push(fileSize(video.size_bytes));
  return words.join(" · ");
}
