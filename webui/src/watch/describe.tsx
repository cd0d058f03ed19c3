// Changes what a video is called, who can play it, and which sites may show it.

import { useState } from "preact/hooks";
import type { Calls, Changes, Video, Visibility } from "video-uploads-client";

import { Button, Outcome } from "../ui/parts";

export interface DescribeProps {
  video: Video;
  calls: Pick<Calls, "describe">;
  /** Called after a change, to poll the video. */
  onChanged: () => Promise<void>;
}

const TITLE_MAX = 200;

// What a person writes is one site in a line; the API checks each.
function sitesIn(text: string): string[] {
  return [...new Set(text.split(/[\s,]+/).filter((site) => site !== ""))];
}

export function Describe({ video, calls, onChanged }: DescribeProps) {
  // Null: as the video has it, which may change meanwhile.
  const [title, setTitle] = useState<string | null>(null);
  const [visibility, setVisibility] = useState<Visibility | null>(null);
  const [isListed, setIsListed] = useState<boolean | null>(null);
  const [sites, setSites] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const isLimited = isListed ?? video.embed_origins !== null;
  const listed = sites ?? (video.embed_origins ?? []).join("\n");
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setMessage(null);
    setError(null);
    try {
      const changes: Changes = {
        ...(title !== null && { title }),
        ...(visibility !== null && { visibility }),
        ...((isListed !== null || sites !== null) && { embed_origins: isLimited ? sitesIn(listed) : null }),
      };
      await calls.describe(video.id, changes);
      const isMoving = visibility !== null && visibility !== video.visibility;
      await onChanged();
      setMessage(isMoving ? `Saved. Its files move, and then the video is ${visibility}.` : "Saved.");
      setTitle(null);
      setVisibility(null);
      setIsListed(null);
      setSites(null);
    } catch (error) {
      setError((error as Error).message);
    }
    setBusy(false);
  };
  if (video.deleted_at !== null) return null;
  return (
    <details class="fold">
      <summary>Change title, visibility or sites</summary>
      <form class="form" onSubmit={(event) => void onSubmit(event)}>
        <label class="field">
          Title
          <input
            type="text"
            required
            maxLength={TITLE_MAX}
            value={title ?? video.title}
            onInput={(event) => setTitle(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          Who can play it
          <select
            value={visibility ?? video.visibility}
            onChange={(event) => setVisibility(event.currentTarget.value as Visibility)}
          >
            <option value="public">Everyone who has its address</option>
            <option value="private">Only you, and whom your app lets in</option>
          </select>
        </label>
        <label class="field">
          Sites that may show it
          <select
            value={isLimited ? "listed" : "all"}
            onChange={(event) => setIsListed(event.currentTarget.value === "listed")}
          >
            <option value="all">All that this service allows</option>
            <option value="listed">Only those listed</option>
          </select>
        </label>
        {isLimited && (
          <label class="field">
            One in each line, such as https://www.example.com; none if it is empty
            <textarea
              rows={3}
              spellcheck={false}
              value={listed}
              onInput={(event) => setSites(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="card-actions">
          <Button kind="main" type="submit" disabled={busy}>
            Save
          </Button>
        </div>
      </form>
      <Outcome message={message} error={error} />
    </details>
  );
}
