// Dead letters of all owners: what failed, the provider's answer, and a retry.

import { useCallback, useEffect, useState } from "preact/hooks";
import { type Calls, type DeadLetter, serverNow } from "video-uploads-client";

import { Button, Icon, PATHS } from "../ui/parts";
import { relative } from "../ui/format";

export function DeadLetters({ calls }: { calls: Calls }) {
  const [letters, setLetters] = useState<readonly DeadLetter[] | null>(null);
  const [more, setMore] = useState<string | null>(null);
  const [error, setError] = useState<string | null>(null);
  const load = useCallback(
    async (token: string | null, before: readonly DeadLetter[]) => {
      try {
        const page = await calls.deadLetters(token);
        setLetters([...before, ...page.videos]);
        setMore(page.next_page_token);
        setError(null);
      } catch (error) {
        setError((error as Error).message);
      }
    },
    [calls],
  );
  useEffect(() => void load(null, []), [load]);
  return (
    <section aria-labelledby="dead-title">
      <div class="section-head">
        <h2 id="dead-title">Dead letters</h2>
        <Button onClick={() => void load(null, [])}>
          <Icon path={PATHS.again} size={18} /> Refresh
        </Button>
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {letters?.length === 0 && more === null && (
        <div class="empty">
          <p class="empty-title">No dead letters</p>
          <p>Failed uploads appear here, with the answer of the conversion service.</p>
        </div>
      )}
      <ul class="plain-list">
        {(letters ?? []).map((letter) => (
          <Letter key={letter.id} letter={letter} calls={calls} />
        ))}
      </ul>
      {more !== null && (
        <div class="more">
          <Button onClick={() => void load(more, letters ?? [])}>Show more</Button>
        </div>
      )}
    </section>
  );
}

function Letter({ letter, calls }: { letter: DeadLetter; calls: Calls }) {
  const [state, setState] = useState<"here" | "requested" | "retried">("here");
  const [error, setError] = useState<string | null>(null);
  const retry = async () => {
    setState("requested");
    setError(null);
    try {
      await calls.retryAsAdmin(letter.id);
      setState("retried");
    } catch (error) {
      setError((error as Error).message);
      setState("here");
    }
  };
  return (
    <li class="letter" data-letter={letter.id}>
      <div class="letter-head">
        <h3>{letter.title}</h3>
        <span class="card-facts">
          {letter.owner} · {letter.origin === "kubernetes" ? "imported · " : ""}failed {relative(letter.phase_since, serverNow())} · attempt{" "}
          {letter.attempt}
        </span>
      </div>
      <p>
        <code>{letter.error?.code ?? letter.reason}</code> {letter.error?.message}
      </p>
      {letter.error && <p class="card-advice">{letter.error.what_to_do}</p>}
      {letter.provider_answer && (
        <details>
          <summary>The provider’s answer</summary>
          <pre tabIndex={0}>{letter.provider_answer}</pre>
        </details>
      )}
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div class="card-actions">
        {state === "retried" ? (
          <p role="status">Retry requested.</p>
        ) : (
          <Button kind="main" disabled={state === "requested"} onClick={() => void retry()} aria-label={`Retry ${letter.title}`}>
            <Icon path={PATHS.again} size={18} /> Retry
          </Button>
        )}
      </div>
    </li>
  );
}
