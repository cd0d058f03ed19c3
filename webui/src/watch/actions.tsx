// Actions on one video: download the original, convert again, try again, delete.

import { useRef, useState } from "preact/hooks";
import type { Calls, Video } from "video-uploads-client";

import { Button, Icon, Modal, Outcome, PATHS } from "../ui/parts";
import { fileSize } from "../ui/format";
import type { VideoActions } from "../videos/card";
import { canConvertAgain, canRetry, needsFile } from "../videos/states";
import { downloadable, save } from "./original";

export interface ActionsProps {
  video: Video;
  calls: Calls;
  actions: VideoActions;
  /** Called after an action, to poll the video. */
  onChanged: () => Promise<void>;
}

export function Actions({ video, calls, actions, onChanged }: ActionsProps) {
  const [busy, setBusy] = useState(false);
  const [isConfirming, setConfirming] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const row = useRef<HTMLDivElement>(null);
  const run = async (act: () => Promise<string | null>) => {
    setBusy(true);
    setMessage(null);
    setError(null);
    await act().then(setMessage, (error: Error) => setError(error.message));
    setBusy(false);
    // The button may be gone, so keyboard focus moves to the group.
    if (document.activeElement === document.body) row.current?.focus();
  };
  const download = async () => {
    const original = await downloadable(video.id, calls);
    save(original);
    return `Your browser is saving “${original.filename}” (${fileSize(original.size_bytes)}).`;
  };
  const convert = async () => {
    await actions.convertAgain(video);
    await onChanged();
    return null;
  };
  const retry = async () => {
    await actions.retry(video);
    await onChanged();
    return null;
  };
  const remove = async () => {
    await actions.remove(video);
    location.assign("#/");
    return null;
  };
  if (video.deleted_at !== null) return null;
  return (
    <>
      <div ref={row} class="card-actions" role="group" aria-label="What you can do" tabIndex={-1}>
        {canRetry(video) && !needsFile(video) && (
          <Button kind="main" disabled={busy} onClick={() => void run(retry)}>
            <Icon path={PATHS.again} size={18} /> Try again
          </Button>
        )}
        {video.is_playable && (
          <Button disabled={busy} onClick={() => void run(download)}>
            <Icon path={PATHS.download} size={18} /> Download the original
          </Button>
        )}
        {canConvertAgain(video) && (
          <Button disabled={busy} aria-haspopup="dialog" onClick={() => setConfirming(true)}>
            <Icon path={PATHS.again} size={18} /> Convert again
          </Button>
        )}
        <Button class="button-quiet" disabled={busy} onClick={() => void run(remove)}>
          <Icon path={PATHS.trash} size={18} /> Delete
        </Button>
      </div>
      <Outcome message={message} error={error} />
      {isConfirming && (
        <Confirmation
          title={video.title}
          onNo={() => setConfirming(false)}
          onYes={() => {
            setConfirming(false);
            void run(convert);
          }}
        />
      )}
    </>
  );
}

function Confirmation({ title, onYes, onNo }: { title: string; onYes: () => void; onNo: () => void }) {
  return (
    <Modal title={`Convert “${title}” again?`} onClose={onNo}>
      <p>
        The original file is converted again. This costs as much as the first time, so the number of conversions per day
        is limited. You can watch the video meanwhile, and its address stays the same.
      </p>
      <div class="modal-actions">
        <Button onClick={onNo}>Not now</Button>
        <Button kind="main" onClick={onYes}>
          Convert again
        </Button>
      </div>
    </Modal>
  );
}
