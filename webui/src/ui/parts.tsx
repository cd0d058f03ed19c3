// Small components that several views share.

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import type { Tone } from "../videos/states";

export function Badge({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return <span class={`badge badge-${tone}`}>{children}</span>;
}

export function Progress({ percent, label }: { percent: number; label: string }) {
  const width = Math.max(0, Math.min(100, percent));
  return (
    <div class="progress">
      <div
        class="progress-track"
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(width)}
      >
        <div class="progress-bar" style={{ width: `${width}%` }} />
      </div>
      <span class="progress-number" aria-hidden="true">
        {Math.round(width)} %
      </span>
    </div>
  );
}

/** Set the title of the tab, which screen readers announce, while the view is shown. */
export function useTitle(title: string | null): void {
  useEffect(() => {
    document.title = title === null ? "Videos" : `${title} – Videos`;
  }, [title]);
}

/** A modal dialog: focus stays inside, and Escape closes it unless `onClose` is null. */
export function Modal(props: { title: string; children: ComponentChildren; onClose: (() => void) | null }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Closing it returns the focus to where it came from.
    return () => element?.close();
  }, []);
  const onCancel = (event: Event) => {
    event.preventDefault();
    props.onClose?.();
  };
  return (
    <dialog ref={dialog} class="modal" aria-labelledby="modal-title" onCancel={onCancel}>
      <h2 id="modal-title">{props.title}</h2>
      {props.children}
    </dialog>
  );
}

export function Icon({ path, size = 20, isFilled = false }: { path: string; size?: number; isFilled?: boolean }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      <path d={path} fill={isFilled ? "currentColor" : "none"} stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" />
    </svg>
  );
}

export const PATHS = {
  play: "M8 5.5v13l11-6.5z",
  film: "M4 5h16v14H4zM8 5v14M16 5v14M4 9.5h4M4 14.5h4M16 9.5h4M16 14.5h4",
  back: "M15 5l-7 7 7 7",
  trash: "M5 7h14M10 7V4.5h4V7M7 7l1 12.5h8L17 7",
  again: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
  undo: "M8 5L4 9l4 4M4 9h9.5a5.5 5.5 0 0 1 0 11H9",
};

export function Button(props: JSX.ButtonHTMLAttributes<HTMLButtonElement> & { kind?: "main" | "plain" | "danger" }) {
  const { kind = "plain", class: more, ...rest } = props;
  return <button type="button" {...rest} class={`button button-${kind} ${typeof more === "string" ? more : ""}`} />;
}

/** How the last action ended: what was done, which is read out, or why it was not. */
export function Outcome({ message, error }: { message: string | null; error: string | null }) {
  return (
    <>
      <p class="said" role="status">
        {message}
      </p>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
    </>
  );
}
