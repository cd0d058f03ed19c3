// The captions of one video: list, add and remove them.

import { useEffect, useRef, useState } from "preact/hooks";
import type { Calls, Caption, Video } from "video-uploads-client";

import { Badge, Button, Icon, Outcome, PATHS } from "../ui/parts";
import { BYTES_MAX, endonym, languageOf, languages, shown, typeOf } from "./captions";

const POLL_MS = 2_000;
/** The service publishes within seconds; after a minute the page waits for a reload. */
const POLLS = 30;

export interface CaptionsProps {
  video: Video;
  calls: Pick<Calls, "captions" | "putCaptions" | "removeCaptions">;
  /** Loads the stream again, so that the player offers what was changed. */
  onReload: () => void;
}

export function Captions({ video, calls, onReload }: CaptionsProps) {
  const [captions, setCaptions] = useState<Caption[] | null>(null);
  const [inPlayer, setInPlayer] = useState<string | null>(null);
  const [looks, setLooks] = useState(0);
  const [busy, setBusy] = useState(false);
  const [message, setMessage] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const section = useRef<HTMLElement>(null);
  const isPending = video.is_playable && (captions ?? []).some(({ status }) => status === "pending");
  const look = async () => {
    const found = await calls.captions(video.id);
    setCaptions(found);
    // The player has what was there when the page opened.
    setInPlayer((before) => before ?? shown(found));
  };
  useEffect(() => {
    look().catch((error: Error) => setError(error.message));
  }, [video.id]);
  useEffect(() => {
    if (!isPending || looks >= POLLS) return;
    const again = () => {
      if (!document.hidden) look().catch(() => undefined);
      setLooks(looks + 1);
    };
    const timer = setTimeout(again, POLL_MS);
    return () => clearTimeout(timer);
  }, [isPending, looks]);
  const run = async (act: () => Promise<string>) => {
    setBusy(true);
    setMessage(null);
    setError(null);
    await act().then(setMessage, (error: Error) => setError(error.message));
    await look().catch(() => undefined);
    setLooks(0);
    setBusy(false);
    // The button may be gone, so keyboard focus moves to the section.
    if (document.activeElement === document.body) section.current?.focus();
  };
  const remove = async ({ language, label }: Caption) => {
    await calls.removeCaptions(video.id, language);
    return `The captions “${label}” are removed.`;
  };
  const hasChanged = captions !== null && !isPending && inPlayer !== null && inPlayer !== shown(captions);
  if (video.deleted_at !== null) return null;
  return (
    <section ref={section} class="panel" aria-labelledby="captions-title" tabIndex={-1}>
      <h2 id="captions-title">Captions</h2>
      {captions?.length === 0 && <p class="panel-empty">No captions yet.</p>}
      {captions !== null && captions.length > 0 && (
        <ul class="plain-list">
          {captions.map((caption) => (
            <li key={caption.language} class="caption" data-language={caption.language}>
              <span class="caption-name">
                <span lang={caption.language}>{caption.label}</span>{" "}
                <span class="card-facts">
                  {caption.language}
                  {caption.default ? " · shown by default" : ""}
                </span>
              </span>
              <Badge tone={caption.status === "published" ? "good" : "quiet"}>
                {caption.status === "published" ? "Published" : video.is_playable ? "Being published" : "Waits for the video"}
              </Badge>
              <Button
                class="button-quiet"
                disabled={busy}
                aria-label={`Remove captions: ${caption.label}`}
                onClick={() => void run(() => remove(caption))}
              >
                <Icon path={PATHS.trash} size={18} /> Remove
              </Button>
            </li>
          ))}
        </ul>
      )}
      {hasChanged && video.is_playable && (
        <div class="notice" role="status">
          <p>The captions have changed.</p>
          <div class="card-actions">
            <Button
              onClick={() => {
                setInPlayer(shown(captions));
                onReload();
              }}
            >
              <Icon path={PATHS.again} size={18} /> Show them in the player
            </Button>
          </div>
        </div>
      )}
      <Outcome message={message} error={error} />
      <NewCaptions isBusy={busy} onAdd={(file, language, isDefault) => run(() => add(file, language, isDefault))} />
    </section>
  );

  async function add(file: File, language: string, isDefault: boolean): Promise<string> {
    if (file.size > BYTES_MAX) throw new Error("This file is too large: captions have at most 1 MB.");
    const label = endonym(language);
    await calls.putCaptions(video.id, { language, label, isDefault, content: file, type: typeOf(file.name) });
    return `The captions “${label}” are saved.`;
  }
}

interface NewCaptionsProps {
  isBusy: boolean;
  onAdd: (file: File, language: string, isDefault: boolean) => Promise<void>;
}

function NewCaptions({ isBusy, onAdd }: NewCaptionsProps) {
  const [choices] = useState(() => languages("en"));
  const [language, setLanguage] = useState("en");
  const [file, setFile] = useState<File | null>(null);
  const [isDefault, setDefault] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const onChoose = (event: Event) => {
    const chosen = (event.currentTarget as HTMLInputElement).files?.[0] ?? null;
    setFile(chosen);
    const guessed = chosen === null ? null : languageOf(chosen.name);
    if (guessed !== null) setLanguage(guessed);
  };
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (file === null) return;
    await onAdd(file, language, isDefault);
    form.current?.reset();
    setFile(null);
    setDefault(false);
  };
  return (
    <details class="fold">
      <summary>Add or replace captions</summary>
      <form ref={form} class="form" onSubmit={(event) => void onSubmit(event)}>
        <label class="field">
          File (WebVTT or SubRip)
          <input type="file" accept=".vtt,.srt,text/vtt,application/x-subrip" required onChange={onChoose} />
        </label>
        <label class="field">
          Language of the captions
          <select value={language} onChange={(event) => setLanguage(event.currentTarget.value)}>
            {choices.map(({ tag, name }) => (
              <option key={tag} value={tag}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="field-line caption-default">
          <input type="checkbox" checked={isDefault} onChange={(event) => setDefault(event.currentTarget.checked)} />
          Show by default
        </label>
        <div class="card-actions">
          <Button kind="main" type="submit" disabled={isBusy}>
            Save the captions
          </Button>
        </div>
      </form>
    </details>
  );
}
