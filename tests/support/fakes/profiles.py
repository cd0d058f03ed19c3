"""Transcode profiles in memory."""

from collections.abc import Collection, Mapping

from domain.profiles import DEFAULT_PROFILE, ORIGINAL, ProfileSpec


class FakeProfiles:
    """Stands in for `Profiles`, without deletions: what is gone from it was never there."""

    def __init__(self) -> None:
        self.by_name: dict[str, ProfileSpec] = {DEFAULT_PROFILE: ORIGINAL}

    def get(self, name: str) -> ProfileSpec | None:
        return self.by_name.get(name)

    def replace(self, profiles: Mapping[str, ProfileSpec], *, kept: Collection[str] = ()) -> bool:
        before = self.by_name
        self.by_name = {DEFAULT_PROFILE: ORIGINAL, **{name: before[name] for name in kept}, **profiles}
        return before != self.by_name

    def waiting_videos(self, *, at_most: int) -> list[str]:
        return [][:at_most]
