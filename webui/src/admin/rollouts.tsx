// Rollouts: how far each library is that is converted anew, and the command that a person runs where one is needed.

import type { Calls, ProfileList } from "video-uploads-client";

import { Badge } from "../ui/parts";
import { rolloutViews, type RolloutView } from "./rollout-views";
import { usePolled } from "./polled";

// The operator counts at most once a minute.
const EVERY_MS = 15_000;

export function Rollouts({ calls }: { calls: Calls }) {
  const { latest, error } = usePolled<ProfileList>(() => calls.profiles(), calls, EVERY_MS);
  const views = latest === null ? [] : rolloutViews(latest);
  if (views.length === 0 && error === null) return null;
  return (
    <section aria-labelledby="rollouts-title">
      <div class="section-head">
        <h2 id="rollouts-title">Rollouts</h2>
      </div>
      {error && (
        <p class="error" role="alert">
          {error}
        </p>
      )}
      <ul class="plain-list">
        {views.map((view) => (
          <RolloutRow key={view.name} view={view} />
        ))}
      </ul>
    </section>
  );
}

function RolloutRow({ view }: { view: RolloutView }) {
  const { name, tone, state, sentence, progress, facts, command } = view;
  return (
    <li class="rollout" data-rollout={name}>
      <div class="letter-head">
        <h3>{name}</h3>
        <Badge tone={tone}>{state}</Badge>
      </div>
      {progress !== null && progress.all > 0 && (
        <progress aria-label={`Videos of ${name} that are finished`} max={progress.all} value={progress.ended}>
          {progress.ended} of {progress.all}
        </progress>
      )}
      {facts.length > 0 && <p class="card-facts">{facts.join(" · ")}</p>}
      <p>{sentence}</p>
      {command !== null && (
        <pre tabIndex={0} aria-label={`Command for ${name}`}>
          {command}
        </pre>
      )}
    </li>
  );
}
