// What the search form asks for, and what a bulk request says before and after, as texts. Without a browser.

import { type BulkAction, type BulkFilters, type BulkPlan, type BulkResult, type CatalogueFilters } from "video-uploads-client";

/** The fields of the form as they are typed; times are local, as `2026-03-01T12:00`. */
export interface Search {
  owner: string;
  status: string;
  profile: string;
  title: string;
  errorCode: string;
  from: string;
  until: string;
}

export const EVERYTHING: Search = { owner: "", status: "", profile: "", title: "", errorCode: "", from: "", until: "" };

export function bulkFiltersOf(search: Search, action: BulkAction): BulkFilters {
  return {
    ...typed("owner", search.owner),
    ...typed("profile", search.profile),
    ...typed("title", search.title),
    ...(action === "retry" && typed("error_code", search.errorCode)),
    ...typed("created_after", timeOf(search.from)),
    ...typed("created_before", timeOf(search.until)),
  };
}

export function filtersOf(search: Search): CatalogueFilters {
  return { ...bulkFiltersOf(search, "retry"), ...typed("status", search.status) };
}

/** The bulk requests that are about videos of this status. */
export function actionsFor(search: Search): readonly BulkAction[] {
  if (search.status === "errored") return ["retry"];
  // The code of a failure says which failed ones.
  if (search.errorCode.trim() !== "") return search.status === "" ? ["retry"] : [];
  if (search.status === "ready") return ["retranscode"];
  return search.status === "" ? ["retry", "retranscode"] : [];
}

export interface PlanView {
  /** How many, and of how many. */
  sentence: string;
  /** Length and cost; null if nothing is planned. */
  cost: string | null;
  leftOut: readonly string[];
  more: string | null;
}

const DONE: Record<BulkAction, string> = { retry: "retried", retranscode: "converted again" };

export function planView(plan: BulkPlan): PlanView {
  const { matched, planned, minutes, dollars, without_estimate: unknown } = plan;
  const cost = [
    `${length(minutes)} min of video, ${money(dollars)} at most`,
    ...(unknown > 0 ? [`and ${videos(unknown)} whose cost is not known beforehand`] : []),
  ];
  return {
    sentence: `${count(planned)} of ${videos(matched)} that match will be ${DONE[plan.action]}.`,
    cost: planned === 0 ? null : `${cost.join(", ")}.`,
    leftOut: plan.left_out.map(leftOut),
    more: plan.next_page_token === null ? null : "More match: they follow after these.",
  };
}

export interface ResultView {
  sentence: string;
  leftOut: readonly string[];
}

/** What all answers to one plan come to: `results` in the order of the calls. */
export function resultView(results: readonly BulkResult[]): ResultView {
  const last = results.at(-1);
  if (last === undefined) return { sentence: "", leftOut: [] };
  const requested = results.reduce((sum, one) => sum + one.requested, 0);
  // Later calls find requested what earlier ones have requested.
  const before = last.requested + last.already_requested - requested;
  const said = [`${videos(requested)} will be ${DONE[last.action]}.`];
  if (before > 0) said.push(`${count(before)} ${before === 1 ? "was" : "were"} requested before.`);
  return { sentence: said.join(" "), leftOut: last.left_out.map(leftOut) };
}

function leftOut(one: { videos: number; detail: string }): string {
  return `${videos(one.videos)}: ${one.detail}`;
}

function typed<Name extends string>(name: Name, text: string): { [key in Name]?: string } {
  return text.trim() === "" ? {} : ({ [name]: text.trim() } as { [key in Name]?: string });
}

function timeOf(local: string): string {
  const time = new Date(local);
  return Number.isNaN(time.getTime()) ? "" : time.toISOString();
}

function videos(number: number): string {
  return `${count(number)} ${number === 1 ? "video" : "videos"}`;
}

function count(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** Of few minutes a tenth counts. */
function length(minutes: number): string {
  return minutes.toLocaleString("en", { maximumFractionDigits: minutes < 10 ? 1 : 0 });
}

function money(dollars: number): string {
  if (dollars < 0.01) return "less than a cent";
  return dollars.toLocaleString("en", { style: "currency", currency: "USD" });
}
