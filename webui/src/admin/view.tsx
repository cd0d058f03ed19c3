// Operations: the working set at a glance, rollouts, the dead letters with the provider's answers, and a search over all.

import type { Calls, Overview } from "video-uploads-client";

import { Badge } from "../ui/parts";
import { relative } from "../ui/format";
import { Catalogue } from "./catalogue";
import { Bars, Columns } from "./charts";
import { DeadLetters } from "./dead-letters";
import { PHASE_NAMES, tiles, verdict } from "./health";
import { usePolled } from "./polled";
import { Rollouts } from "./rollouts";

const EVERY_MS = 5000;

export function Operations({ calls }: { calls: Calls }) {
  const { latest: overview, error } = usePolled(() => calls.overview(), calls, EVERY_MS);
  return (
    <div class="operations">
      <div class="section-head">
        <h1>Operations</h1>
        {overview && <Verdict overview={overview} />}
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      {overview && <Glance overview={overview} />}
      <Rollouts calls={calls} />
      <DeadLetters calls={calls} />
      <Catalogue calls={calls} />
    </div>
  );
}

function Verdict({ overview }: { overview: Overview }) {
  const { tone, sentence } = verdict(overview);
  return (
    <p role="status" class="verdict">
      <Badge tone={tone}>{sentence}</Badge>
    </p>
  );
}

function Glance({ overview }: { overview: Overview }) {
  const now = Date.parse(overview.at);
  const { claims_by_five_minutes: claims } = overview.callbacks;
  return (
    <>
      <ul class="tiles" aria-label="At a glance">
        {tiles(overview, now).map(({ name, value, tone, note }) => (
          <li key={name} class={`tile tile-${tone}`}>
            <span class="tile-name">{name}</span>
            <span class="tile-value">{value}</span>
            <span class="tile-note">{note}</span>
          </li>
        ))}
      </ul>
      <div class="panels">
        <section class="panel" aria-labelledby="phases-title">
          <h2 id="phases-title">Where uploads are</h2>
          <Bars
            bars={overview.phases.map(({ phase, uploads, overdue, oldest_since }) => ({
              name: PHASE_NAMES[phase],
              value: uploads,
              late: overdue,
              note: oldest_since === null ? "" : `oldest ${relative(oldest_since, now)}`,
            }))}
          />
        </section>
        <section class="panel" aria-labelledby="reasons-title">
          <h2 id="reasons-title">What they wait for</h2>
          {overview.waiting.length === 0 ? (
            <p class="panel-empty">Nothing is in progress.</p>
          ) : (
            <Bars bars={overview.waiting.map(({ reason, uploads }) => ({ name: spaced(reason), value: uploads, late: 0, note: "" }))} />
          )}
          <h2>Callbacks, the last hour</h2>
          <Columns values={claims} label={`Callbacks in each five minutes of the last hour: ${claims.join(", ")}`} />
          <p class="columns-ends" aria-hidden="true">
            <span>an hour ago</span>
            <span>now</span>
          </p>
        </section>
      </div>
    </>
  );
}

/** Format "WaitingForFile" as "Waiting for file". */
function spaced(reason: string): string {
  const words = reason.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
