// Says how far each rollout is, and what a person has to do about it. Pure.

import type { ProfileList, Rollout, RolloutState } from "video-uploads-client";

import type { Tone } from "../videos/states";
import { relative } from "../ui/format";

export interface RolloutView {
  name: string;
  tone: Tone;
  state: string;
  sentence: string;
  /** Videos that came to rest, and all that the plan is about; null before they are counted. */
  progress: { ended: number; all: number } | null;
  facts: string[];
  /** What a person runs to let it go on; null where it needs none. */
  command: string | null;
}

const ANNOTATION = "video.uploads.dev";

const STATES: Record<RolloutState, { state: string; tone: Tone; sentence: string }> = {
  Planning: { state: "Planning", tone: "busy", sentence: "The outdated videos are being counted. Nothing is bought yet." },
  AwaitingApproval: {
    state: "Awaiting approval",
    tone: "busy",
    sentence: "Nothing is bought before a person approves this plan:",
  },
  Paused: { state: "Paused", tone: "quiet", sentence: "Nothing more starts; jobs that run end. To go on:" },
  FailureRateExceeded: {
    state: "Stopped by failures",
    tone: "bad",
    sentence: "Too many of the newest videos failed, so nothing more starts. Once the cause is gone:",
  },
  DaySpent: { state: "Day spent", tone: "busy", sentence: "What may be spent in a day is spent. It goes on at midnight, UTC." },
  InProgress: { state: "In progress", tone: "busy", sentence: "Videos are converted anew as places are free. Each plays on meanwhile." },
  UpToDate: { state: "Up to date", tone: "good", sentence: "Every ready video is as its profile says." },
};

/** Describe the rollouts of all profiles that declare one, by name. */
export function rolloutViews({ at, namespace, profiles }: ProfileList): RolloutView[] {
  return profiles.flatMap(({ name, rollout }) =>
    rollout === null
      ? []
      : [
          {
            name,
            ...STATES[rollout.state],
            progress: progressOf(rollout),
            facts: facts(rollout, Date.parse(at)),
            command: command(rollout, name, namespace),
          },
        ],
  );
}

function progressOf({ done, failed, running, outdated }: Rollout): RolloutView["progress"] {
  if (outdated === null) return null;
  const ended = done + failed;
  return { ended, all: ended + running + outdated };
}

function facts(rollout: Rollout, now: number): string[] {
  const { done, failed, running, outdated, ends_at, state } = rollout;
  const isBegun = done + failed + running > 0;
  const plan = `${videos(rollout.planned)}, ${number(Math.ceil(rollout.minutes))} min, ${dollars(rollout.dollars)} at most`;
  return [
    ...(outdated === null || state === "UpToDate" ? [] : [`${number(outdated)} outdated`]),
    ...(isBegun ? [`${number(running)} running`, `${number(done)} done`, `${number(failed)} failed`] : []),
    ...(isBegun ? [`${dollars(rollout.spent_dollars)} spent`] : []),
    ...(outdated === null || (rollout.planned === 0 && !isBegun) ? [] : [`plan: ${plan}`]),
    ...(ends_at === null ? [] : [`ends ${relative(ends_at, now)}`]),
  ];
}

function command({ state, plan }: Rollout, name: string, namespace: string): string | null {
  const annotate = `kubectl -n ${namespace} annotate tp ${name} --overwrite ${ANNOTATION}`;
  switch (state) {
    case "AwaitingApproval":
      return `${annotate}/approved-plan=${plan}`;
    case "FailureRateExceeded":
      return `${annotate}/rollout-resumed-at="$(date -u +%FT%TZ)"`;
    case "Paused":
      return `kubectl -n ${namespace} patch tp ${name} --type=merge -p '{"spec":{"rollout":{"pause":false}}}'`;
    default:
      return null;
  }
}

function videos(count: number): string {
  return count === 1 ? "one video" : `${number(count)} videos`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}

function dollars(value: number): string {
  return `$${value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
}
