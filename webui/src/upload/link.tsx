// A file that the service fetches from an address.

import { useState } from "preact/hooks";
import { type Calls, newFetchOf } from "video-uploads-client";

import { Button, Outcome } from "../ui/parts";

export interface LinkProps {
  calls: Pick<Calls, "fetch">;
  /** Called with the id of a new video. */
  onVideo: (videoId: string) => void;
}

export function FromLink({ calls, onVideo }: LinkProps) {
  const [url, setUrl] = useState("");
  const [busy, setBusy] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setMessage(null);
    setError(null);
    try {
      const video = newFetchOf(url);
      onVideo(await calls.fetch(video, crypto.randomUUID()));
      setMessage(`“${video.title}” is being fetched. You can close this page.`);
      setUrl("");
    } catch (error) {
      setError((error as Error).message);
    }
    setBusy(false);
  };
  return (
    <details class="fold">
      <summary>Add a video from a link</summary>
      <form class="form" onSubmit={(event) => void onSubmit(event)}>
        <label class="field">
          Address of the video file
          <input
            type="url"
            required
            maxLength={2048}
            placeholder="https://…"
            value={url}
            onInput={(event) => setUrl(event.currentTarget.value.trim())}
          />
        </label>
        <div class="card-actions">
          <Button kind="main" type="submit" disabled={busy}>
            Fetch the file
          </Button>
        </div>
      </form>
      <Outcome message={message} error={error} />
    </details>
  );
}
