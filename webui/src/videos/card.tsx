// One video of the list: picture, state, what it waits for, and actions.

import { useState } from "preact/hooks";
import { serverNow, type Video } from "video-uploads-client";

import { Badge, Button, Icon, PATHS, Progress } from "../ui/parts";
import { duration, fileSize, relative } from "../ui/format";
import { canRetry, isOnItsWay, needsFile, describeState } from "./states";

export interface VideoActions {
  retry: (video: Video) => Promise<void>;
  remove: (video: Video) => Promise<void>;
  restore: (video: Video) => Promise<void>;
  convertAgain: (video: Video) => Promise<void>;
}

export interface CardProps {
  video: Video;
  sentPercent: number | undefined;
  isUnfinished: boolean;
  actions: VideoActions;
}

export function Card({ video, sentPercent, isUnfinished, actions }: CardProps) {
  const state = describeState(video, sentPercent, isUnfinished);
  return (
    <li class="card" data-video={video.id} data-status={video.status}>
      <Picture video={video} />
      <div class="card-body">
        <div class="card-head">
          <h3 class="card-title">
            <a href={`#/watch/${video.id}`}>{video.title}</a>
          </h3>
          <Badge tone={state.tone}>{state.label}</Badge>
        </div>
        <p class="card-facts">{facts(video)}</p>
        {state.sentence && <p class="card-sentence">{state.sentence}</p>}
        {state.progress !== null && <Progress percent={state.progress} label={`${state.label}: ${video.title}`} />}
        {state.advice && <p class="card-advice">{state.advice}</p>}
        <Actions video={video} actions={actions} />
      </div>
    </li>
  );
}

function Picture({ video }: { video: Video }) {
  const length = video.duration_seconds === null ? null : duration(video.duration_seconds);
  const inside = (
    <>
      {video.thumbnail_url ? <img src={video.thumbnail_url} alt="" loading="lazy" /> : <Icon path={PATHS.film} size={36} />}
      {length && <span class="card-length">{length}</span>}
    </>
  );
  if (!video.is_playable) return <div class={`card-picture ${video.thumbnail_url ? "" : "card-picture-none"}`}>{inside}</div>;
  // Screen readers and keyboards use the title's link; this one is for touch.
  return (
    <a class="card-picture" href={`#/watch/${video.id}`} tabIndex={-1} aria-hidden="true">
      {inside}
      <span class="card-play">
        <Icon path={PATHS.play} size={26} isFilled />
      </span>
    </a>
  );
}

function Actions({ video, actions }: { video: Video; actions: VideoActions }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const run = (act: (video: Video) => Promise<void>) => async () => {
    setBusy(true);
    setError(null);
    await act(video).catch((error: Error) => setError(error.message));
    setBusy(false);
  };
  const word = isOnItsWay(video) ? "Cancel" : "Delete";
  return (
    <>
      <div class="card-actions">
        {canRetry(video) && !needsFile(video) && (
          <Button kind="main" disabled={busy} onClick={run(actions.retry)} aria-label={`Try again: ${video.title}`}>
            <Icon path={PATHS.again} size={18} /> Try again
          </Button>
        )}
        {video.deleted_at !== null ? (
          <Button disabled={busy} onClick={run(actions.restore)} aria-label={`Restore: ${video.title}`}>
            <Icon path={PATHS.undo} size={18} /> Restore
          </Button>
        ) : (
          <Button
            class="button-quiet"
            disabled={busy}
            onClick={run(actions.remove)}
            aria-label={`${word}: ${video.title}`}
          >
            <Icon path={PATHS.trash} size={18} /> {word}
          </Button>
        )}
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </>
  );
}

function facts(video: Video): string {
  const now = serverNow();
  const words = [relative(video.created_at, now)];
  if (video.size_bytes !== null) words.push(fileSize(video.size_bytes));
  if (video.deleted_at !== null && video.restorable_until !== null) {
    words.push(`can be restored until ${new Date(video.restorable_until).toLocaleDateString("en", { dateStyle: "medium" })}`);
  }
  return words.join(" · ");
}
