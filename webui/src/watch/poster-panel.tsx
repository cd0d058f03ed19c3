// The poster of one video: a frame of it, a picture of the owner's, or the automatic one.

import { type RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Calls, Video } from "video-uploads-client";

import { Button, Outcome } from "../ui/parts";
import { frameOf, pictureOf } from "./poster";

export interface PosterProps {
  video: Video;
  player: RefObject<HTMLVideoElement>;
  calls: Pick<Calls, "putPoster" | "removePoster">;
  /** Called after a change, to poll the video. */
  onChanged: () => Promise<void>;
}

const SAYS = {
  own: "You chose this picture.",
  automatic: "This picture was taken from the video automatically.",
} as const;

/** A pass that publishes takes about a second. */
const POLL_MS = 1500;
const POLLS = 10;

export function Poster({ video, player, calls, onChanged }: PosterProps) {
  const [busy, setBusy] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const summary = useRef<HTMLElement>(null);
  // The newest one, also for what began before it came.
  const shown = useRef(video.thumbnail_url);
  shown.current = video.thumbnail_url;
  const isOpen = useRef(true);
  useEffect(() => () => {
    isOpen.current = false;
  }, []);
  const run = async (act: () => Promise<unknown>, said: string) => {
    setBusy(true);
    setMessage(null);
    setError(null);
    const before = shown.current;
    const isDone = await act()
      .then(onChanged)
      .then(() => setMessage(said))
      .then(() => true, (error: Error) => setError(error.message));
    setBusy(false);
    // The button may be gone, so keyboard focus moves to what opens the choice.
    if (document.activeElement === document.body) summary.current?.focus();
    // Until the picture is published, as long as the view is open.
    for (let polls = 0; isDone && polls < POLLS && isOpen.current && shown.current === before; polls += 1) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      if (isOpen.current) await onChanged().catch(() => undefined);
    }
  };
  const choose = (made: Promise<Blob>) =>
    run(async () => calls.putPoster(video.id, await made), "The poster is saved, and shown in a moment.");
  const onFile = (event: Event) => {
    const field = event.currentTarget as HTMLInputElement;
    const file = field.files?.[0];
    // The same file may be chosen again.
    field.value = "";
    if (file) void choose(pictureOf(file));
  };
  if (video.deleted_at !== null) return null;
  return (
    <details class="fold">
      <summary ref={summary}>Change the poster</summary>
      <div class="poster-choice">
        {video.thumbnail_url && <img class="poster-picture" src={video.thumbnail_url} alt="The poster as viewers see it" />}
        <p>{says(video)}</p>
        <div class="card-actions">
          {video.playback_url && (
            <Button disabled={busy} onClick={() => void choose(frameOf(player.current))}>
              Use this frame as poster
            </Button>
          )}
          <Button disabled={busy} onClick={() => input.current?.click()}>
            Upload a picture
          </Button>
          {video.poster === "own" && (
            <Button
              class="button-quiet"
              disabled={busy}
              onClick={() => void run(() => calls.removePoster(video.id), "The poster is the automatic one again.")}
            >
              Back to the automatic one
            </Button>
          )}
        </div>
        <input ref={input} type="file" accept="image/*" hidden aria-label="Picture for the poster" onChange={onFile} />
        <Outcome message={message} error={error} />
      </div>
    </details>
  );
}

function says(video: Video): string {
  if (video.poster !== null) return SAYS[video.poster];
  return video.is_playable ? "This video has no picture." : "A picture is taken once the video is converted.";
}
