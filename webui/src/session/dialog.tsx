// Asks for a token at first, and again whenever it has expired. Uploads continue meanwhile.

import { useState } from "preact/hooks";
import { serverNow } from "video-uploads-client";

import { Button, Modal } from "../ui/parts";
import { useStore } from "../ui/store";
import { refusalOf } from "./claims";
import type { Session } from "./session";

const TEXTS = {
  first: ["Sign in", "Paste your token. It stays in this tab and is forgotten when you close the tab."],
  again: [
    "Your sign-in has expired",
    "Paste a new token to continue. Nothing is lost: uploads continue where they stopped.",
  ],
} as const;

/** Ask for what the session needs: consent to the token of a link, or a token. */
export function TokenDialog({ session }: { session: Session }) {
  const { offered, claims } = useStore(session.state);
  if (offered === null) return <PasteDialog session={session} />;
  const { subject } = offered;
  const current = claims ? ` You are currently signed in as “${claims.subject}”.` : "";
  return (
    <Modal key="offered" title={`Sign in as “${subject}”?`} onClose={() => session.declineOffer()}>
      <p>
        The link that you opened signs you in as “{subject}”.{current} Everything you upload afterwards belongs to
        “{subject}”, so continue only if that is you.
      </p>
      <div class="modal-actions">
        <Button onClick={() => session.declineOffer()}>Not now</Button>
        <Button kind="main" onClick={() => session.acceptOffer()}>
          Sign in as {subject}
        </Button>
      </div>
    </Modal>
  );
}

function PasteDialog({ session }: { session: Session }) {
  const { needed, claims } = useStore(session.state);
  const [refusal, setRefusal] = useState<string | null>(null);
  if (needed === "no") return null;
  const [title, text] = TEXTS[needed];
  const onSubmit = (event: Event) => {
    event.preventDefault();
    const pasted = String(new FormData(event.currentTarget as HTMLFormElement).get("token") ?? "").trim();
    const refused = refusalOf(pasted, needed === "again" ? (claims?.subject ?? null) : null, serverNow(0));
    setRefusal(refused);
    if (refused === null) session.accept(pasted);
  };
  return (
    <Modal key={needed} title={title} onClose={null}>
      <p>{text}</p>
      <form onSubmit={onSubmit}>
        <label class="field">
          Token
          <textarea
            name="token"
            rows={4}
            required
            spellcheck={false}
            autocomplete="off"
            autocapitalize="off"
            aria-invalid={refusal !== null}
            aria-describedby={refusal ? "token-refusal" : undefined}
          />
        </label>
        {refusal && (
          <p id="token-refusal" class="error" role="alert">
            {refusal}
          </p>
        )}
        <div class="modal-actions">
          {needed === "again" && <Button onClick={() => session.signOut()}>Sign out</Button>}
          <Button kind="main" type="submit">
            {needed === "again" ? "Continue" : "Sign in"}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
