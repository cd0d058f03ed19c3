// One video: the player, its facts, and what has happened to it.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Calls } from "../api/calls";
import type { Video, VideoEvent } from "../api/types";
import { Badge, Button, Icon, PATHS } from "../ui/parts";
import { Store, useStore } from "../ui/store";
import { duration, fileSize, relative } from "../ui/words";
import type { Acts } from "../videos/card";
import { isMoving, shown } from "../videos/states";
import { commandFor, obey } from "./keys";
import { type Player, type PlayerState, play } from "./player";

const AGAIN_MS = 3000;
const NO_PLAYER = new Store<PlayerState>({ choices: [], chosen: -1, playing: null, trouble: null });

export function Watch({ id, calls, acts }: { id: string; calls: Calls; acts: Acts }) {
  const [video, setVideo] = useState<Video | null>(null);
  const [trouble, setTrouble] = useState<string | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isGone = false;
    let known: { video: Video; etag: string | null } | null = null;
    const look = async () => {
      try {
        const { body, etag } = await calls.video(id, known?.etag);
        if (isGone) return;
        if (body) {
          known = { video: body, etag };
          setVideo(body);
        }
        setTrouble(null);
        if (known && isMoving(known.video)) timer = setTimeout(look, AGAIN_MS);
      } catch (error) {
        if (!isGone) setTrouble((error as Error).message);
      }
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [id, calls]);
  return (
    <article class="watch">
      <p>
        <a class="back" href="#/">
          <Icon path={PATHS.back} size={18} /> My videos
        </a>
      </p>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      {video && <Shown video={video} calls={calls} acts={acts} />}
    </article>
  );
}

function Shown({ video, calls, acts }: { video: Video; calls: Calls; acts: Acts }) {
  const state = shown(video, undefined);
  const [trouble, setTrouble] = useState<string | null>(null);
  const remove = () =>
    acts
      .remove(video)
      .then(() => location.assign("#/"))
      .catch((error: Error) => setTrouble(error.message));
  return (
    <>
      <h1 class="watch-title">{video.title}</h1>
      {video.playback_url ? (
        <Screen video={video} url={video.playback_url} />
      ) : (
        <div class="empty">
          <Badge tone={state.tone}>{state.label}</Badge>
          <p>{state.sentence}</p>
          {state.advice && <p>{state.advice}</p>}
        </div>
      )}
      <p class="card-facts">{facts(video)}</p>
      <div class="card-actions">
        {video.deleted_at === null && (
          <Button class="button-quiet" onClick={() => void remove()}>
            <Icon path={PATHS.trash} size={18} /> Delete
          </Button>
        )}
      </div>
      {trouble && (
        <p class="trouble" role="alert">
          {trouble}
        </p>
      )}
      <History id={video.id} calls={calls} />
    </>
  );
}

function Screen({ video, url }: { video: Video; url: string }) {
  const element = useRef<HTMLVideoElement>(null);
  const [player, setPlayer] = useState<Player | null>(null);
  const state = useStore(player?.state ?? NO_PLAYER);
  useEffect(() => {
    let current: Player | null = null;
    let isGone = false;
    if (element.current) {
      void play(element.current, url).then((made) => {
        if (isGone) return made.end();
        current = made;
        setPlayer(made);
      });
    }
    return () => {
      isGone = true;
      current?.end();
    };
  }, [url]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName)) return;
      const command = commandFor(event.key);
      if (command && element.current) {
        event.preventDefault();
        obey(command, element.current);
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
        playsInline
        preload="metadata"
        poster={video.thumbnail_url ?? undefined}
        aria-label={`Player: ${video.title}`}
      />
      {state.trouble && (
        <p class="trouble" role="alert">
          {state.trouble}
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
    <details class="history" onToggle={onToggle}>
      <summary>What has happened</summary>
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
  const words = [relative(video.created_at, Date.now())];
  if (video.duration_seconds !== null) words.push(duration(video.duration_seconds));
  if (video.size_bytes !== null) words.push(fileSize(video.size_bytes));
  return words.join(" · ");
}
