// The area to drop or choose videos, and the list of unfinished uploads.

import Dashboard from "@uppy/dashboard";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Calls } from "video-uploads-client";

import { Button, Progress } from "../ui/parts";
import { useStore } from "../ui/store";
import { FromLink } from "./link";
import type { Unfinished } from "./restoring";
import type { Uploads } from "./uploads";

const HEIGHT = 240;

export function UploadPanel({ uploads, calls }: { uploads: Uploads; calls: Calls }) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!container.current) return;
    uploads.uppy.use(Dashboard, {
      id: "Dashboard",
      inline: true,
      target: container.current,
      width: "100%",
      height: HEIGHT,
      theme: "auto",
      proudlyDisplayPoweredByUppy: false,
      disableThumbnailGenerator: true,
      singleFileFullScreen: false,
      showLinkToFileUploadResult: false,
      hideUploadButton: true,
      // Errors are shown below, in full and until they are resolved.
      hideRetryButton: true,
      disableInformer: true,
      doneButtonHandler: null,
      note: "After a lost connection, a reload or a pause, uploads continue where they stopped.",
    });
    const observer = labelLists(container.current);
    return () => {
      observer.disconnect();
      const dashboard = uploads.uppy.getPlugin("Dashboard");
      if (dashboard) uploads.uppy.removePlugin(dashboard);
    };
  }, [uploads]);
  return (
    <section aria-labelledby="upload-title">
      <h2 id="upload-title" class="unseen">
        Upload
      </h2>
      <div ref={container} class="drop" />
      <div class="errors" aria-live="assertive">
        <Offline />
        <ErrorList uploads={uploads} />
      </div>
      <FromLink calls={calls} onVideo={(videoId) => uploads.onVideo(videoId)} />
      <UnfinishedUploads uploads={uploads} />
    </section>
  );
}

/** Add the list role that Uppy omits around a single file, so that screen readers find a list. */
function labelLists(container: HTMLElement): MutationObserver {
  const observer = new MutationObserver(() => {
    container.querySelector(".uppy-Dashboard-files:not([role])")?.setAttribute("role", "list");
  });
  observer.observe(container, { childList: true, subtree: true });
  return observer;
}

function Offline() {
  const [isOffline, setOffline] = useState(!navigator.onLine);
  useEffect(() => {
    const update = () => setOffline(!navigator.onLine);
    addEventListener("online", update);
    addEventListener("offline", update);
    return () => {
      removeEventListener("online", update);
      removeEventListener("offline", update);
    };
  }, []);
  if (!isOffline) return null;
  return <p class="notice notice-quiet">You are offline. Uploads continue when the connection is back.</p>;
}

function ErrorList({ uploads }: { uploads: Uploads }) {
  const errors = useStore(uploads.errors);
  return (
    <>
      {errors.map(({ id, title, sentence, isAccepted }) => (
        <div key={id} class="notice notice-bad">
          <h3>{title}</h3>
          <p>{sentence}</p>
          <div class="card-actions">
            {isAccepted && (
              <Button kind="main" aria-label={`Try again: ${title}`} onClick={() => void uploads.uppy.retryUpload(id)}>
                Try again
              </Button>
            )}
            <Button
              aria-label={`${isAccepted ? "Cancel" : "Close"}: ${title}`}
              onClick={() => (isAccepted ? uploads.uppy.removeFile(id) : uploads.errors.drop(id))}
            >
              {isAccepted ? "Cancel" : "Close"}
            </Button>
          </div>
        </div>
      ))}
    </>
  );
}

function UnfinishedUploads({ uploads }: { uploads: Uploads }) {
  const unfinished = useStore(uploads.unfinished);
  if (unfinished.length === 0) return null;
  return (
    <section class="unfinished" aria-labelledby="unfinished-title">
      <h2 id="unfinished-title">Not finished yet</h2>
      <ul class="plain-list">
        {unfinished.map((one) => (
          <One key={one.record.key} one={one} uploads={uploads} />
        ))}
      </ul>
    </section>
  );
}

function One({ one, uploads }: { one: Unfinished; uploads: Uploads }) {
  const { record, storedBytes, sentence, refusal, isElsewhere } = one;
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const onChange = () => {
    const file = input.current?.files?.[0];
    if (file) uploads.chosenAgain(record, file);
    if (input.current) input.current.value = "";
  };
  return (
    <li class="notice" data-unfinished={record.name}>
      <h3>{record.title}</h3>
      <p>{sentence}</p>
      {!isElsewhere && <Progress percent={(100 * storedBytes) / record.size} label={`Saved part of ${record.title}`} />}
      {refusal && (
        <p class="error" role="alert">
          {refusal}
        </p>
      )}
      {!isElsewhere && (
        <div class="card-actions">
          <label class="button button-main">
            <input ref={input} type="file" class="unseen" onChange={onChange} />
            Choose “{record.name}”
          </label>
          <Button
            disabled={busy}
            onClick={() => {
              setBusy(true);
              void uploads.discard(record);
            }}
          >
            Discard
          </Button>
        </div>
      )}
    </li>
  );
}
