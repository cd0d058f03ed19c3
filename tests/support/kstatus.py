"""kstatus's algorithm, as GitOps tools apply it to kinds they do not know.

Transcribed from `checkGenericProperties` and `checkReadyCondition` in
https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/status/generic.go
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """What a tool that follows kstatus shows."""

    TERMINATING = "Terminating"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    CURRENT = "Current"


def kstatus(*, generation: int, status: Mapping[str, Any], deletion_timestamp: str | None = None) -> Verdict:
    """Judge one resource."""
    if deletion_timestamp:
        return Verdict.TERMINATING
    if "observedGeneration" in status and status["observedGeneration"] != generation:
        return Verdict.IN_PROGRESS
    for condition in status.get("conditions", ()):
        if condition["type"] == "Reconciling" and condition["status"] == "True":
            return Verdict.IN_PROGRESS
        if condition["type"] == "Stalled" and condition["status"] == "True":
            return Verdict.FAILED
    for condition in status.get("conditions", ()):
        if condition["type"] == "Ready":
            return Verdict.CURRENT if condition["status"] == "True" else Verdict.IN_PROGRESS
    return Verdict.CURRENT
