// A bulk request: what it would do and cost, then a confirmation, then what became of it.

import { useCallback, useEffect, useState } from "preact/hooks";
import { type BulkAction, type BulkFilters, type BulkPlan, type BulkResult, type Calls } from "video-uploads-client";

import { Button, Modal } from "../ui/parts";
import { planView, resultView } from "./bulk-views";

export const BULK_NAMES: Record<BulkAction, string> = {
  retry: "Retry the failed ones",
  retranscode: "Convert the ready ones again",
};
const CONFIRM: Record<BulkAction, string> = { retry: "Retry", retranscode: "Convert again" };

interface BulkProps {
  calls: Calls;
  action: BulkAction;
  filters: BulkFilters;
  onClose: () => void;
}

export function Bulk({ calls, action, filters, onClose }: BulkProps) {
  const [plan, setPlan] = useState<BulkPlan | null>(null);
  const [results, setResults] = useState<readonly BulkResult[]>([]);
  const [isBusy, setBusy] = useState(true);
  const [error, setError] = useState<string | null>(null);
  const attempt = useCallback(async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    try {
      await work();
    } catch (error) {
      setError((error as Error).message);
    }
    setBusy(false);
  }, []);
  const show = useCallback(
    (token: string | null) =>
      attempt(async () => {
        setPlan(await calls.planBulk(action, filters, token));
        setResults([]);
      }),
    [calls, action, filters],
  );
  useEffect(() => void show(null), [show]);
  const apply = (text: string) =>
    attempt(async () => {
      // Of a plan that takes longer than one call may, each call does a part.
      for (let all: readonly BulkResult[] = results; ; ) {
        all = [...all, await calls.applyBulk(action, text)];
        setResults(all);
        if (all.at(-1)?.remaining === 0) return;
      }
    });
  const done = results.at(-1)?.remaining === 0;
  return (
    <Modal title={BULK_NAMES[action]} onClose={isBusy ? null : onClose}>
      {plan === null && isBusy && <p role="status">Looking which videos match…</p>}
      {plan !== null && results.length === 0 && <Shown plan={plan} />}
      {results.length > 0 && <Ended results={results} />}
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <div class="modal-actions">
        <Button onClick={onClose} disabled={isBusy}>
          {results.length > 0 ? "Close" : "Cancel"}
        </Button>
        {plan === null && error !== null && <Button onClick={() => void show(null)}>Look again</Button>}
        {plan?.next_page_token && (done || plan.plan === null) && (
          <Button kind="main" disabled={isBusy} onClick={() => void show(plan.next_page_token)}>
            Show the next ones
          </Button>
        )}
        {plan?.plan && !done && (
          <Button kind="main" disabled={isBusy} onClick={() => void apply(plan.plan ?? "")}>
            {CONFIRM[action]} {plan.planned}
          </Button>
        )}
      </div>
    </Modal>
  );
}

function Shown({ plan }: { plan: BulkPlan }) {
  const { sentence, cost, leftOut, more } = planView(plan);
  return (
    <div role="status" class="bulk" data-bulk="plan">
      <p class="bulk-main">{sentence}</p>
      {cost && <p class="bulk-main">{cost}</p>}
      <LeftOut sentences={leftOut} />
      {more && <p>{more}</p>}
    </div>
  );
}

function Ended({ results }: { results: readonly BulkResult[] }) {
  const { sentence, leftOut } = resultView(results);
  return (
    <div role="status" class="bulk" data-bulk="result">
      <p class="bulk-main">{sentence}</p>
      <LeftOut sentences={leftOut} />
    </div>
  );
}

function LeftOut({ sentences }: { sentences: readonly string[] }) {
  if (sentences.length === 0) return null;
  return (
    <>
      <p>Left out:</p>
      <ul class="bulk-left-out">
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </>
  );
}
