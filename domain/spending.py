"""What may be bought: limits for one owner and for the installation, and what was bought so far.

The operator decides by them in controller/coconut/limiter.py, and database/attempts.py records no intent beyond them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from domain.profiles import ORIGINAL, ProfileSpec

# As many variants as a job of the default profile makes at most.
VARIANTS_MAX = ORIGINAL.billed_outputs
# Coconut's price list calls a variant HD when its shorter side has at least this many pixels. It does not say where UHD
# begins, which is dearer: what is larger than Full HD counts as UHD.
HD_PIXELS = 720
UHD_PIXELS = 1081


class PriceClass(StrEnum):
    """The classes of variants in Coconut's price list."""

    SD = "sd"
    HD = "hd"
    UHD = "uhd"

    @classmethod
    def of(cls, pixels: int) -> Self:
        """Return the class of a variant whose shorter side has so many pixels."""
        return cls("uhd" if pixels >= UHD_PIXELS else "hd" if pixels >= HD_PIXELS else "sd")


@dataclass(frozen=True)
class Prices:
    """Dollars per minute of one variant. ``dollars_per_day``: the spend that raises an alert; 0 for none."""

    hd: float
    sd: float
    uhd: float
    dollars_per_day: float = 0.0

    def of(self, price_class: PriceClass) -> float:
        """Return the price of one class."""
        return {PriceClass.SD: self.sd, PriceClass.HD: self.hd, PriceClass.UHD: self.uhd}[price_class]

    def per_minute(self, profile: ProfileSpec) -> float:
        """Return what a billed minute costs when all variants of a profile are made: the mean of their prices.

        A smaller source gets fewer of the dear variants than that, so it is the most.
        """
        heights = [*(one.height for one in profile.renditions), *profile.mp4_heights]
        return sum(self.of(PriceClass.of(height)) for height in heights) / len(heights)


class PriceSettings(BaseModel):
    """What a job costs at most, as an installation sets it. Each field is a setting of both processes.

    The operator counts and limits by it, and the API says by it what a request of administrators would cost.
    """

    model_config = ConfigDict(frozen=True)

    # Longer than almost all films; one such video bills 16 hours of variants.
    max_duration_seconds: float = Field(default=4 * 3600, ge=1, le=7 * 24 * 3600)
    # Coconut's list price for a minute of one variant: of more than 1080 lines, from 720 lines on, and below 720; for
    # metrics, for the budgets of rollouts, and for the plans of bulk requests.
    coconut_uhd_dollars_per_minute: float = Field(default=0.03, ge=0)
    coconut_hd_dollars_per_minute: float = Field(default=0.015, ge=0)
    coconut_sd_dollars_per_minute: float = Field(default=0.0075, ge=0)

    def list_prices(self, dollars_per_day: float = 0.0) -> Prices:
        """Return the prices, with the spend that raises an alert."""
        return Prices(
            hd=self.coconut_hd_dollars_per_minute,
            sd=self.coconut_sd_dollars_per_minute,
            uhd=self.coconut_uhd_dollars_per_minute,
            dollars_per_day=dollars_per_day,
        )


@dataclass(frozen=True)
class SpendingLimits:
    """The limits of one installation. A day is a day of UTC.

    ``submissions_per_owner``: paid submissions of one owner in a day; ``running_per_owner``: jobs of one owner at the
    same time. ``minutes_per_day``: billed minutes (the length of a video times its variants) of all owners in a day,
    0 for no limit. ``duration_seconds``: the longest video that is transcoded.
    """

    submissions_per_owner: int = 30
    running_per_owner: int = 10
    minutes_per_day: float = 0.0
    duration_seconds: float = 4 * 3600.0

    def billed_minutes(self, duration_seconds: float | None, *, outputs: int = VARIANTS_MAX) -> float:
        """Return the most that one job can bill. A video of unknown length counts as the longest one."""
        seconds = self.duration_seconds if duration_seconds is None else duration_seconds
        return min(seconds, self.duration_seconds) / 60 * outputs


@dataclass(frozen=True)
class SubmissionRequest:
    """One submission that is about to be made. ``since``: when the upload began to wait.

    ``owner``: None for an import and for a rollout, which only the limits of the installation hold back: those who may
    apply resources are trusted with the cluster, and must not use up what a user may buy. ``is_last``: every upload
    that waits goes first.
    """

    video_id: str
    owner: str | None
    since: datetime
    minutes: float
    is_last: bool = False

    @property
    def place(self) -> tuple[bool, datetime, str]:
        """Return what the queue is sorted by."""
        return self.is_last, self.since, self.video_id


@dataclass(frozen=True)
class WaitingUpload:
    """An upload that a limit holds back. ``since``: when it began to wait. ``is_last``: as of its request."""

    video_id: str
    owner: str | None
    since: datetime
    is_last: bool = False

    @property
    def place(self) -> tuple[bool, datetime, str]:
        """Return what the queue is sorted by."""
        return self.is_last, self.since, self.video_id


@dataclass(frozen=True)
class SubmissionLoad:
    """What runs, what was bought today, and what waits, according to the rows.

    ``running``, ``submitted``: counts by owner. ``minutes``: billed minutes of today's submissions. ``waiting``: the
    uploads that waited longest, in the order of their places, no more of one owner than may run at once.
    """

    running: Mapping[str | None, int] = field(default_factory=dict)
    submitted: Mapping[str | None, int] = field(default_factory=dict)
    minutes: float = 0.0
    waiting: tuple[WaitingUpload, ...] = ()


def start_of_day(at: datetime) -> datetime:
    """Return the midnight of UTC before ``at``."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
