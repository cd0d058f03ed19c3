"""TranscodeProfile resources: lists them, and writes what the operator made of each into its status."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Self
from urllib.parse import quote

from pydantic import ValidationError

from crds.client import STATUS_MANAGER, Cluster, NotFoundError
from crds.kind import PROFILE_KIND, PROFILE_PLURAL, VERSION
from crds.models import ConditionStatus
from crds.profiles import DeclaredProfileBody
from crds.resource import REQUEST_MAX
from crds.spec import API_VERSION
from domain.errors import ConflictError
from domain.profiles import OrderedProfile, ordered
from domain.rollouts import RolloutPlan, RolloutSpec, RolloutState
from domain.video import APPROVED_PLAN_ANNOTATION, GROUP, ROLLOUT_RESUMED_ANNOTATION

_PAGE = 100


class ProfileReason(StrEnum):
    """Why a profile is or is not in use."""

    IN_USE = "InUse"
    INVALID = "Invalid"
    TOO_MANY = "TooMany"


class ProfileCondition(StrEnum):
    """Types of a profile's conditions: whether jobs are ordered with it, and where its rollout is."""

    READY = "Ready"
    ROLLED_OUT = "RolledOut"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"


_MESSAGES = {
    ProfileReason.IN_USE: "jobs are ordered with it",
    ProfileReason.INVALID: "it has fields or values that this release does not take; jobs are ordered as before",
    ProfileReason.TOO_MANY: "there are more profiles than an installation may have; remove some",
}


_ROLLOUT_MESSAGES = {
    RolloutState.PLANNING: "the videos that are outdated are being counted",
    RolloutState.AWAITING_APPROVAL: "the plan starts once the annotation approved-plan names its id",
    RolloutState.PAUSED: "spec.rollout.pause holds the plan; jobs that run end",
    RolloutState.FAILURE_RATE_EXCEEDED: (
        "more of the newest videos failed than spec.rollout.maxFailureRate allows; nothing more is started"
    ),
    RolloutState.DAY_SPENT: "what may be spent in a day is spent; it continues at midnight UTC",
    RolloutState.IN_PROGRESS: "videos are transcoded anew as places are free",
    RolloutState.UP_TO_DATE: "no ready video was made otherwise",
}


@dataclass(frozen=True)
class DeclaredProfile:
    """What a TranscodeProfile says. ``rollout``: None if the library stays as it is."""

    profile: OrderedProfile
    rollout: RolloutSpec | None


@dataclass(frozen=True)
class ProfileResource:
    """One TranscodeProfile as the API server returned it."""

    name: str
    generation: int
    resource_version: str
    spec: Mapping[str, Any]
    status: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_object(cls, body: Mapping[str, Any]) -> Self:
        """Read an object of the API server."""
        metadata = body["metadata"]
        return cls(
            name=metadata["name"],
            generation=metadata.get("generation", 0),
            resource_version=metadata["resourceVersion"],
            spec=body.get("spec", {}),
            status=body.get("status", {}),
            annotations=metadata.get("annotations") or {},
        )

    @property
    def approved_plan(self) -> str | None:
        """Return the id of the plan that a person approved."""
        return self._annotated(APPROVED_PLAN_ANNOTATION)

    @property
    def resume_token(self) -> str | None:
        """Return the request to go on after failures; each new text is one request."""
        return self._annotated(ROLLOUT_RESUMED_ANNOTATION)

    def _annotated(self, annotation: str) -> str | None:
        # The annotation is free text; no NUL, which Postgres refuses, can come from the API server.
        return self.annotations.get(annotation, "")[:REQUEST_MAX] or None

    def declared(self) -> DeclaredProfile | None:
        """Return what it says; None if this release cannot read it, as after a change of the schema."""
        try:
            body = DeclaredProfileBody.model_validate(self.spec)
        except ValidationError:
            return None
        rollout = body.rollout.value if body.rollout is not None else None
        generation = rollout.generation if rollout is not None else 0
        return DeclaredProfile(ordered(self.name, body.value, generation=generation), rollout)

    def status_with(
        self,
        reason: ProfileReason,
        profile: OrderedProfile | None,
        now: datetime,
        *,
        plan: RolloutPlan | None = None,
    ) -> dict[str, Any]:
        """Return the status that it should have; equal to the one it has when nothing changed."""
        is_ready = reason is ProfileReason.IN_USE
        status: dict[str, Any] = {
            "observedGeneration": self.generation,
            "conditions": [
                self._condition(ProfileCondition.READY, reason.value, _MESSAGES[reason], now, holds=is_ready)
            ],
        }
        if profile is None or not is_ready:
            return status
        status["hash"] = profile.hash
        if plan is not None and plan.hash == profile.hash:
            status["conditions"] += self._rollout_conditions(plan.state, now)
            if plan.outdated is not None:
                status["plan"] = _plan_of(plan)
                status["rollout"] = _rollout_of(plan, plan.outdated, now)
        return status

    def _rollout_conditions(self, state: RolloutState, now: datetime) -> list[dict[str, Any]]:
        """Return one condition to wait for, and the two by which kstatus and Argo CD tell progress from a halt.

        A plan that waits for a person is neither: a deployment must not hang because of it.
        """
        moves = {RolloutState.PLANNING, RolloutState.IN_PROGRESS, RolloutState.DAY_SPENT}
        held = {
            ProfileCondition.ROLLED_OUT: state is RolloutState.UP_TO_DATE,
            ProfileCondition.RECONCILING: state in moves,
            ProfileCondition.STALLED: state is RolloutState.FAILURE_RATE_EXCEEDED,
        }
        return [
            self._condition(kind, state.value, _ROLLOUT_MESSAGES[state], now, holds=holds)
            for kind, holds in held.items()
        ]

    def _condition(
        self, kind: ProfileCondition, reason: str, message: str, now: datetime, *, holds: bool
    ) -> dict[str, Any]:
        status = (ConditionStatus.TRUE if holds else ConditionStatus.FALSE).value
        before = next((one for one in self.status.get("conditions", ()) if one["type"] == kind), dict[str, Any]())
        return {
            "type": kind.value,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": before["lastTransitionTime"] if before.get("status") == status else _instant(now),
            "observedGeneration": self.generation,
        }


def _plan_of(plan: RolloutPlan) -> dict[str, Any]:
    return {
        "id": plan.plan_id,
        "count": plan.planned,
        "minutes": math.ceil(plan.minutes),
        "cost": dollars(plan.dollars),
    }


def _rollout_of(plan: RolloutPlan, outdated: int, now: datetime) -> dict[str, Any]:
    ends_at = plan.ends_at(now)
    # Whole minutes: seconds would differ at each look.
    eta = {} if ends_at is None else {"eta": _instant((ends_at + timedelta(seconds=59)).replace(second=0))}
    return {
        "outdated": outdated,
        "running": plan.running,
        "done": plan.done,
        "failed": plan.failed,
        "spent": dollars(plan.spent_dollars),
        **eta,
    }


def dollars(amount: float) -> str:
    """Return an amount as people see it."""
    return f"${amount:.2f}"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


class ProfileResources:
    """The TranscodeProfiles of one namespace."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/{cluster.namespace}/{PROFILE_PLURAL}"

    def list(self) -> list[ProfileResource] | None:
        """Return all; None if the API server does not serve the kind. Raises ConflictError, UnavailableError."""
        try:
            return list(self._pages())
        except NotFoundError:
            return None

    def write_status(self, resource: ProfileResource, status: Mapping[str, Any]) -> None:
        """Replace the status of exactly this version. Raises ConflictError if it was changed or deleted meanwhile."""
        body = {
            "apiVersion": API_VERSION,
            "kind": PROFILE_KIND,
            "metadata": {
                "name": resource.name,
                "namespace": self._cluster.namespace,
                "resourceVersion": resource.resource_version,
            },
            # The API server takes no status without a spec.
            "spec": resource.spec,
            "status": status,
        }
        path, query = f"{self._path}/{quote(resource.name, safe='')}/status", {"fieldManager": STATUS_MANAGER}
        try:
            self._cluster.request("PUT", path, query=query, body=body)
        except NotFoundError as error:
            raise ConflictError(f"{error}: deleted meanwhile") from error

    def _pages(self) -> Iterator[ProfileResource]:
        query: dict[str, str | int] = {"limit": _PAGE}
        while True:
            page = self._cluster.request("GET", self._path, query=query)
            yield from (ProfileResource.from_object(item) for item in page["items"])
            token = page["metadata"].get("continue")
            if not token:
                return
            query["continue"] = token
