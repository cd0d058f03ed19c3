// Where videos are dropped or chosen, and what was left unfinished.

import Dashboard from "@uppy/dashboard";
import { useEffect, useRef, useState } from "preact/hooks";

import { Button, Progress } from "../ui/parts";
import { useStore } from "../ui/store";
import type { Unfinished } from "./restoring";
import type { Uploads } from "./uploads";

const HEIGHT = 240;

export function UploadPanel({ uploads }: { uploads: Uploads }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!place.current) return;
    uploads.uppy.use(Dashboard, {
      id: "Dashboard",
      inline: true,
      target: place.current,
      width: "100%",
      height: HEIGHT,
      theme: "auto",
      proudlyDisplayPoweredByUppy: false,
      disableThumbnailGenerator: true,
      singleFileFullScreen: false,
      showLinkToFileUploadResult: false,
      hideUploadButton: true,
      // What goes wrong is said below, in full and for as long as it lasts.
      hideRetryButton: true,
      disableInformer: true,
      doneButtonHandler: null,
      note: "A lost line, a reload or a pause costs nothing: uploads go on where they stopped.",
    });
    const observer = labelLists(place.current);
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
      <div ref={place} class="drop" />
      <div class="errors" aria-live="assertive">
        <LineDown />
        <ErrorList uploads={uploads} />
      </div>
      <UnfinishedUploads uploads={uploads} />
    </section>
  );
}

/** Around a single file Uppy leaves the list away, and screen readers find an item of nothing. */
function labelLists(place: HTMLElement): MutationObserver {
  const observer = new MutationObserver(() => {
    place.querySelector(".uppy-Dashboard-files:not([role])")?.setAttribute("role", "list");
  });
  observer.observe(place, { childList: true, subtree: true });
  return observer;
}

function LineDown() {
  const [isDown, setDown] = useState(!navigator.onLine);
  useEffect(() => {
    const look = () => setDown(!navigator.onLine);
    addEventListener("online", look);
    addEventListener("offline", look);
    return () => {
      removeEventListener("online", look);
      removeEventListener("offline", look);
    };
  }, []);
  if (!isDown) return null;
  return <p class="notice notice-quiet">The line is down. Uploads go on by themselves when it is back.</p>;
}

function ErrorList({ uploads }: { uploads: Uploads }) {
  const errors = useStore(uploads.errors);
  return (
    <>
      {errors.map(({ id, title, sentence, isTaken }) => (
        <div key={id} class="notice notice-bad">
          <h3>{title}</h3>
          <p>{sentence}</p>
          <div class="card-actions">
            {isTaken && (
              <Button kind="main" aria-label={`Try again: ${title}`} onClick={() => void uploads.uppy.retryUpload(id)}>
                Try again
              </Button>
            )}
            <Button
              aria-label={`${isTaken ? "Cancel" : "Close"}: ${title}`}
              onClick={() => (isTaken ? uploads.uppy.removeFile(id) : uploads.errors.drop(id))}
            >
              {isTaken ? "Cancel" : "Close"}
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
      {!isElsewhere && <Progress percent={(100 * storedBytes) / record.size} label={`Stored of ${record.title}`} />}
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
