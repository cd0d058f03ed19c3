"""Bulk requests: retry the failed videos, or transcode the ready ones again, that match a filter.

`GET` shows what would be done and changes nothing; `POST` does what was shown. Each video takes the way of the call
about one video, in a transaction of its own. A plan that is applied again requests nothing twice, because it names the
number of the retry or edition: an answer that was lost is asked for again.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import falcon
import structlog

from database.catalogue import Catalogue, CatalogueSelection
from database.commands import CountersSpentError, VideoChangedError, VideoGoneError
from database.profiles import Profiles
from database.queries import Cursor, VideoQueries
from domain.bulk import (
    EXPLAINED,
    PLAN_LASTS,
    PLANNED_MAX,
    BulkAction,
    BulkPlan,
    Estimate,
    LeftOut,
    PlannedVideo,
    estimate,
    left_out,
    number_of,
    planned,
    terms_of,
)
from domain.errors import UpstreamError
from domain.failures import FailureCode
from domain.profiles import OrderedProfile
from domain.records import VideoRow
from domain.spending import Prices
from domain.video import Phase
from webapi.admin.bulk_plans import BulkPlans
from webapi.http.auth import ADMIN_SCOPE, caller_of
from webapi.http.paging import Paging
from webapi.http.parsing import read_json, read_query
from webapi.http.problems import HttpProblemError
from webapi.schemas.requests import ApplyPlan, PlanRetranscodes, PlanRetries
from webapi.schemas.responses import BulkPlanBody, BulkResultBody, LeftOutBody
from webapi.videos.actions import Retries
from webapi.videos.retranscode import Retranscodes

log = structlog.get_logger(__name__)

# The pages of a plan, and the requests of its application, begin within this time. One call of an upstream may follow.
_PLAN_SECONDS = 5.0
_APPLY_SECONDS = 10.0
_SHOWN_MAX = 5
_MODELS: dict[BulkAction, type[PlanRetries | PlanRetranscodes]] = {
    BulkAction.RETRY: PlanRetries,
    BulkAction.RETRANSCODE: PlanRetranscodes,
}
_STATUSES = {BulkAction.RETRY: Phase.ERRORED, BulkAction.RETRANSCODE: Phase.READY}


@dataclass(frozen=True)
class BulkCosts:
    """What jobs cost: by the same settings as the operator's."""

    prices: Prices
    longest_seconds: float


@dataclass
class _LeftOuts:
    """Videos that are left out, by reason."""

    by_reason: dict[LeftOut, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, reason: LeftOut, video_id: str) -> None:
        self.by_reason[reason].append(video_id)

    def body(self) -> tuple[LeftOutBody, ...]:
        """Return them for a response, the most frequent reason first."""
        return tuple(
            LeftOutBody(reason=reason, videos=len(ids), detail=EXPLAINED[reason], first=tuple(ids[:_SHOWN_MAX]))
            for reason, ids in sorted(self.by_reason.items(), key=lambda one: (-len(one[1]), one[0]))
        )


class BulkTerms:
    """What the videos of each profile are made into, and for how much, now."""

    def __init__(self, profiles: Profiles, costs: BulkCosts) -> None:
        self._profiles = profiles
        self._costs = costs

    def profiles(self, names: Iterable[str]) -> dict[str, OrderedProfile | None]:
        """Return profiles by their names."""
        return {name: self._profiles.get(name) for name in sorted(set(names))}

    def of(self, profiles: Mapping[str, OrderedProfile | None]) -> dict[str, str]:
        """Return the terms of each profile, as a plan keeps them."""
        prices = self._costs.prices
        return {name: terms_of(one.hash, one.spec, prices) if one else "" for name, one in profiles.items()}

    def estimate(self, row: VideoRow, profile: OrderedProfile | None) -> Estimate | None:
        """Return what a job for a video may cost."""
        spec, longest = profile.spec if profile else None, self._costs.longest_seconds
        return estimate(row, spec, self._costs.prices, longest_seconds=longest)


class BulkPlanner:
    """Makes plans."""

    def __init__(
        self,
        catalogue: Catalogue,
        terms: BulkTerms,
        plans: BulkPlans,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalogue = catalogue
        self._terms = terms
        self._plans = plans
        self._clock = clock
        self._monotonic = monotonic

    def plan(self, action: BulkAction, query: PlanRetries | PlanRetranscodes) -> BulkPlanBody:
        """Return what would be done with the videos that a query wants. Raises HttpProblemError, UnavailableError."""
        named = query.error_code if isinstance(query, PlanRetries) else None
        selection = CatalogueSelection(
            owner=query.owner,
            status=_STATUSES[action],
            profile=query.profile,
            region=query.region,
            error_code=named,
            created_after=query.created_after,
            created_before=query.created_before,
            title=query.title,
        )
        paging = Paging(f"bulk-{action}", filters=tuple(str(value) for value in vars(selection).values()))
        rows, last = self._matching(selection, paging.cursor(query.page_token))
        filters = {name: str(value) for name, value in vars(selection).items() if value}
        return self._planned(action, rows, named, filters, paging.token(last))

    def _matching(self, selection: CatalogueSelection, after: Cursor | None) -> tuple[list[VideoRow], Cursor | None]:
        """Return matching videos, and where the next page begins."""
        rows: list[VideoRow] = []
        until = self._monotonic() + _PLAN_SECONDS
        while True:
            page = self._catalogue.page(selection, after=after, at_most=PLANNED_MAX - len(rows))
            rows += page.rows
            after = page.last
            if after is None or len(rows) >= PLANNED_MAX or self._monotonic() > until:
                return rows, after

    def _planned(
        self,
        action: BulkAction,
        rows: list[VideoRow],
        named: FailureCode | None,
        filters: dict[str, str],
        next_page_token: str | None,
    ) -> BulkPlanBody:
        now, outs, videos = self._clock(), _LeftOuts(), list[VideoRow]()
        for row in rows:
            reason = left_out(row, action, named=named)
            if reason is None:
                videos.append(row)
            else:
                outs.add(reason, row.desired.video_id)
        profiles = self._terms.profiles(row.desired.profile for row in videos)
        estimates = [self._terms.estimate(row, profiles[row.desired.profile]) for row in videos]
        known = [each for each in estimates if each is not None]
        plan = BulkPlan(
            action, now, tuple(planned(row, action) for row in videos), terms=self._terms.of(profiles), filters=filters
        )
        return BulkPlanBody(
            action=action,
            at=now,
            matched=len(rows),
            planned=len(videos),
            left_out=outs.body(),
            minutes=round(sum(each.minutes for each in known), 2),
            billed_minutes=round(sum(each.billed_minutes for each in known), 2),
            dollars=round(sum(each.dollars for each in known), 2),
            without_estimate=len(videos) - len(known),
            plan=self._plans.text_of(plan) if videos else None,
            expires_at=now + PLAN_LASTS,
            next_page_token=next_page_token,
        )


class BulkApplier:
    """Applies plans."""

    def __init__(
        self,
        queries: VideoQueries,
        retries: Retries,
        retranscodes: Retranscodes,
        terms: BulkTerms,
        plans: BulkPlans,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queries = queries
        self._retries = retries
        self._retranscodes = retranscodes
        self._terms = terms
        self._plans = plans
        self._monotonic = monotonic

    def apply(self, action: BulkAction, text: str, *, by: str) -> BulkResultBody:
        """Request what a plan names, as far as it is still as it was shown and time allows.

        ``by``: the administrator, for the log. Raises HttpProblemError; UpstreamError if nothing could be done.
        """
        plan = self._plans.read(text, action)
        terms = self._terms.of(self._terms.profiles(plan.terms))
        requested, already, outs, done = 0, 0, _LeftOuts(), 0
        failure: UpstreamError | None = None
        until = self._monotonic() + _APPLY_SECONDS
        for one in plan.videos:
            try:
                outcome = self._request(plan, one, terms)
            except UpstreamError as error:
                failure = error
                log.warning("upstream_unavailable", error=str(error), video_id=one.video_id)
                outcome = LeftOut.TEMPORARILY_UNAVAILABLE
            done += 1
            if outcome is None:
                requested += 1
                log.info("bulk_requested", action=action, video_id=one.video_id, number=one.number, by=by)
            elif outcome is LeftOut.ALREADY_REQUESTED:
                already += 1
            else:
                outs.add(outcome, one.video_id)
            if self._monotonic() > until:
                break
        if failure is not None and len(outs.by_reason[LeftOut.TEMPORARILY_UNAVAILABLE]) == done:
            raise failure
        result = BulkResultBody(
            action=action,
            planned=len(plan.videos),
            requested=requested,
            already_requested=already,
            left_out=outs.body(),
            remaining=len(plan.videos) - done,
        )
        log.info(
            "bulk_applied",
            by=by,
            filters=dict(plan.filters),
            made_at=plan.made_at.isoformat(),
            **result.model_dump(mode="json", exclude={"left_out"}),
            left_out={one.reason.value: one.videos for one in result.left_out},
        )
        return result

    def _request(self, plan: BulkPlan, one: PlannedVideo, terms: dict[str, str]) -> LeftOut | None:
        """Request it for one video; return why not, None if it was requested now."""
        row = self._queries.get(one.video_id)
        if row is None:
            return LeftOut.NOT_FOUND
        if number_of(row, plan.action) >= one.number:
            return LeftOut.ALREADY_REQUESTED
        if row.desired.revision != one.revision:
            return LeftOut.CHANGED
        if terms.get(row.desired.profile) != plan.terms.get(row.desired.profile):
            return LeftOut.PROFILE_CHANGED
        request = self._retries.request if plan.action is BulkAction.RETRY else self._retranscodes.request
        try:
            request(row, is_counted=False, revision=one.revision)
        except VideoChangedError:
            # Revisions only rise, so this time it ends above.
            return self._request(plan, one, terms)
        except VideoGoneError:
            return LeftOut.NOT_FOUND
        except CountersSpentError:
            return LeftOut.CHANGES_EXHAUSTED
        except HttpProblemError as problem:
            return LeftOut(problem.code)
        return None


class BulkResource:
    """`/api/v1/admin/videos/retry` and `/api/v1/admin/videos/retranscode`."""

    scope = ADMIN_SCOPE

    def __init__(self, planner: BulkPlanner, applier: BulkApplier, action: BulkAction) -> None:
        self._planner = planner
        self._applier = applier
        self._action = action

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show what would be done; change nothing."""
        query = read_query(req, _MODELS[self._action])
        resp.data = self._planner.plan(self._action, query).as_json()
        resp.set_header("Cache-Control", "no-store")

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Do what was shown."""
        body = read_json(req, ApplyPlan)
        result = self._applier.apply(self._action, body.plan, by=caller_of(req).owner)
        resp.status = falcon.HTTP_202
        resp.data = result.as_json()
